"""Losses of a binary label with one raw prediction: cross-entropy, squared error of the probability, hinge."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import special

from ..curvature import consistent_pair
from .base import CurvatureKind
from .domain import UNIT_INTERVAL, Domain
from .hessian import ChoosesHessian
from .links import LOGIT
from .noise import BERNOULLI
from .residual import CONSISTENT

__all__ = ["BinaryCrossEntropy", "Hinge", "SigmoidSquaredError"]

# The largest second derivative of the squared error of the probability, rounded up: 2 p² (1 - p) (2 - 3 p) for
# y = 0 (its mirror image for y = 1) is 0.15406 at p = (15 - sqrt(33))/24.
LARGEST_BRIER_CURVATURE = 0.155


def sigmoid(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return p = 1/(1 + exp(-f)) and the odds against it, (1 - p)/p; p² times these is p (1 - p), precisely."""
    # Further down exp would overflow, and p is 0 for every purpose.
    odds_against = np.clip(f, f.dtype.type(1.0 - np.log(np.finfo(f.dtype).max)), np.inf)
    np.exp(np.negative(odds_against, out=odds_against), out=odds_against)
    p = odds_against + f.dtype.type(1)
    return np.reciprocal(p, out=p), odds_against


class ProbabilityLoss(ChoosesHessian):
    """A loss of a probability p = 1/(1 + exp(-raw_prediction)) that the mean target minimises."""

    link = LOGIT
    domain = UNIT_INTERVAL
    classifies = True

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(self.link.forward(np.average(y_true, weights=sample_weight)))


class BinaryCrossEntropy(ProbabilityLoss):
    """Cross-entropy of a binary target, given as labels or as probabilities.

    Domain: numbers in [0, 1]. Link: logit. With p = 1/(1 + exp(-raw_prediction))::

        loss       -y log p - (1 - y) log(1 - p)
        gradient   p - y
        curvature  p (1 - p)          exact
                   (p - 1/2)/raw_prediction   majorizer: hessian="majorizer"

    The derivative of the sigmoid cancels in the gradient: a confident mistake is corrected at full speed,
    where squared error of p would stand still. Maximum likelihood of a Bernoulli variable.

    Parameters
    ----------
    hessian : {"auto", "exact", "majorizer", "constant"}, default="auto"
        The curvature: exact, the majorizer, or 1.

    References
    ----------
    Jaakkola and Jordan (2000). *Bayesian parameter estimation via variational methods*. Statistics and
    Computing 10, 25-37 (the majorizer).
    Friedman (2001). *Greedy function approximation: a gradient boosting machine*. Annals of Statistics 29,
    1189-1232, section 4.4.

    Examples
    --------
    >>> loss = BinaryCrossEntropy()
    >>> loss.pointwise([1.0], [0.0])  # -log(1/2)
    array([0.69314718])
    >>> loss.response([0.0, 2.0]).round(3).tolist()
    [0.5, 0.881]
    """

    noise = BERNOULLI
    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "exact",
        "exact": "exact",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        # log(1 + exp(f)) - y f would cancel for a large f and y = 1.
        positive = y_true * np.logaddexp(0.0, -raw_prediction)
        return np.asarray(positive + (1.0 - y_true) * np.logaddexp(0.0, raw_prediction))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, odds_against = sigmoid(raw_prediction)
        if self.hessian == "majorizer":
            # (p - 1/2)/f without 0/0 at f = 0: it is 1/4 there, to seven digits from 1e-3 inwards.
            size = np.maximum(np.abs(raw_prediction), raw_prediction.dtype.type(1e-3))
            curvature = np.tanh(0.5 * size) / (2.0 * size)
        else:
            # p (1 - p), where 1 - p would cancel for p close to 1.
            curvature = p * p
            curvature *= odds_against
        p -= y_true
        return p, curvature


class SigmoidSquaredError(ProbabilityLoss):
    """Squared error of the probability, (p - y_true)²: the Brier score as an objective.

    Domain: numbers in [0, 1]. Link: logit. With p = 1/(1 + exp(-raw_prediction)) and its derivative
    p' = p (1 - p)::

        loss       (p - y)²
        gradient   2 (p - y) p'
        curvature  2 p'²              gauss-newton
                   0.155              majorizer: hessian="majorizer"

    The factor p' is what the lecture warns of: for a confident mistake it is next to 0, and training stands still,
    where it cancels in `BinaryCrossEntropy`. A Newton step divides by p'² and so overcomes the plateau, as far as
    `reg_lambda` and `min_child_weight` let it. The second derivative is negative for bad mistakes, hence the
    Gauss-Newton curvature. It is a proper
    scoring rule, bounded and thus robust to wrong labels, and no negative log-likelihood.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: Gauss-Newton, the majorizer, or 1.

    References
    ----------
    Brier (1950). *Verification of forecasts expressed in terms of probability*. Monthly Weather Review 78, 1-3.
    Nielsen (2015). *Neural Networks and Deep Learning*, chapter 3.

    Examples
    --------
    >>> loss = SigmoidSquaredError()
    >>> loss.pointwise([1.0], [0.0])
    array([0.25])
    >>> loss.gradient([0.0, 0.0], [0.0, 8.0]).round(4).tolist()  # the worse the mistake, the smaller
    [0.25, 0.0007]
    """

    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "gauss-newton",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.asarray(np.square(special.expit(raw_prediction) - y_true))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, odds_against = sigmoid(raw_prediction)
        slope = p * p * odds_against
        p -= y_true
        if self.hessian == "majorizer":
            return 2.0 * p * slope, np.asarray(LARGEST_BRIER_CURVATURE, dtype=p.dtype)
        return 2.0 * p * slope, 2.0 * slope * slope


# Of the width of the smoothed hinge: of 1/10 rare classes are slow to be found (LightGBM, 1,000 rows, 2 %
# positives), of 1 the held-out hinge loss is a tenth higher on overlapping classes.
HINGE_WIDTH = 0.25


def _one_pair_of_labels(y_true: np.ndarray) -> np.ndarray:
    # Both 0 and -1 would be two spellings of one label: whichever comes second is the offender.
    negatives = y_true[y_true < 1]
    negative = negatives[0] if negatives.size else -1.0
    return (y_true == 1) | ((y_true == negative) & (negative in (-1.0, 0.0)))


SIGNS = Domain("labels -1 and +1, or 0 and 1", -1.0, 1.0, _one_pair_of_labels)


class Hinge(ChoosesHessian):
    """Hinge loss of a binary label, max(0, 1 - t·raw_prediction): the margin of a support vector machine.

    Domain: labels -1 and +1, or 0 and 1, where 0 stands for -1. Link: identity, the response is the label
    score; its sign is the predicted label. With t = ±1, v = 1 - t·raw_prediction and s = 1/4::

        loss       max(0, v)
        gradient   -t if v > 0, 0 if v < 0, -t/2 at the kink
        curvature  1/min(max(|v|, s), 4 s)    consistent

    The second derivative is 0, so the engines get the pair of a smoothed loss: this curvature, and -t min(v/s, 1)
    as gradient where v > 0; `gbm_objectives.curvature` explains it. A leaf of one row steps to its margin and not
    beyond, and training is tested at learning rates up to 1. Margins have a unit of their own, 1, so s need not
    follow the data: a smaller one fits the hinge closer and is slower. It is no negative log-likelihood and has no
    probabilities.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The first two are the pair above; "constant" gives the engines the true gradient and a curvature of 1.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009). *The Elements of Statistical Learning*, section 12.3.2.

    Examples
    --------
    >>> loss = Hinge()
    >>> loss.pointwise([-1, 1, 1], [0.5, 0.5, 2.0]).tolist()
    [1.5, 0.5, 0.0]
    >>> loss.gradient([0, 1, 1], [0.5, 0.5, 2.0]).tolist()
    [1.0, -1.0, -0.0]
    """

    domain = SIGNS
    classifies = True
    _kinds: ClassVar[dict[str, CurvatureKind]] = CONSISTENT

    @staticmethod
    def _label(y_true: np.ndarray) -> np.ndarray:
        """Return -1 and +1, for 0 and 1 too; np.where takes ten times as long."""
        return np.sign(y_true + y_true - 1)

    def _violation(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return 1 - self._label(y_true) * raw_prediction

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.maximum(self._violation(y_true, raw_prediction), 0.0)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return -self._label(y_true) * (0.5 * np.sign(self._violation(y_true, raw_prediction)) + 0.5)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        label = self._label(y_true)
        # Less the violation: negative where the gradient is not 0, which then needs no change of sign.
        margin = label * raw_prediction - 1
        gradient, curvature = consistent_pair(margin, np.full_like(margin, HINGE_WIDTH))
        np.clip(gradient, -np.inf, 0, out=gradient)
        gradient *= label
        return gradient, curvature

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        # Piecewise linear between -1 and 1: the label of the majority, and 0 for a draw.
        return float(np.sign(np.average(np.where(y_true > 0, 1.0, -1.0), weights=sample_weight)))
