"""Losses of a binary label in terms of its probability: cross-entropies, focal loss, squared error."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy import special

from ..contract.domain import BINARY, UNIT_INTERVAL
from ..contract.links import LOGIT
from ..contract.loss import CurvatureKind, Loss
from ..contract.noise import BERNOULLI, Noise
from ..validation import check_number
from .hessian import ChoosesHessian

__all__ = ["BinaryCrossEntropy", "Focal", "SigmoidSquaredError", "WeightedCrossEntropy"]

# The largest second derivative of the squared error of the probability, rounded up: 2 p² (1 - p) (2 - 3 p) for
# y = 0 (its mirror image for y = 1) is 0.15406 at p = (15 - sqrt(33))/24.
LARGEST_BRIER_CURVATURE = 0.155


def sigmoid(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return p = 1/(1 + exp(-f)) and the odds against it, (1 - p)/p; p² times these is p (1 - p), precisely."""
    # Further down exp would overflow, and p is 0 for all practical purposes.
    odds_against = np.clip(f, f.dtype.type(1.0 - np.log(np.finfo(f.dtype).max)), np.inf)
    np.exp(np.negative(odds_against, out=odds_against), out=odds_against)
    p = odds_against + f.dtype.type(1)
    return np.reciprocal(p, out=p), odds_against


class ProbabilityLoss(ChoosesHessian):
    """A loss of a probability p = 1/(1 + exp(-raw_prediction)) that is minimised by the mean target."""

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

    The derivative of the sigmoid cancels in the gradient: a confident mistake is corrected at full speed, where
    squared error of p would stand still. Maximum likelihood for a Bernoulli variable.

    Parameters
    ----------
    hessian : {"auto", "exact", "majorizer", "constant"}, default="auto"
        The curvature: exact, the majorizer, or 1.
    smoothing : float, default=0.0
        Label smoothing, at least 0 and below 1: the target is moved by this fraction of the way to 1/2.

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

    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "exact",
        "exact": "exact",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def __init__(self, hessian: str = "auto", smoothing: float = 0.0) -> None:
        super().__init__(hessian)
        self.smoothing = smoothing

    def check_params(self) -> None:
        super().check_params()
        check_number(self, "smoothing", 0.0, 1.0, closed="left")

    @property
    def noise(self) -> Noise | None:
        return BERNOULLI if self.smoothing == 0 else None

    def _smoothed(self, y_true: np.ndarray) -> np.ndarray:
        return y_true if self.smoothing == 0 else (1 - self.smoothing) * y_true + 0.5 * self.smoothing

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        y_true = self._smoothed(y_true)
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
        p -= self._smoothed(y_true)
        return p, curvature

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return super()._initial_raw(self._smoothed(y_true), sample_weight)


class SigmoidSquaredError(ProbabilityLoss):
    """Squared error of the probability, (p - y_true)²: the Brier score as an objective.

    Domain: numbers in [0, 1]. Link: logit. With p = 1/(1 + exp(-raw_prediction)) and its derivative
    p' = p (1 - p)::

        loss       (p - y)²
        gradient   2 (p - y) p'
        curvature  2 p'²              gauss-newton
                   0.155              majorizer: hessian="majorizer"

    The factor p' is what textbooks warn of: for a confident mistake it is close to 0, and training stands still;
    in `BinaryCrossEntropy` it cancels. A Newton step divides by p'² and so overcomes the plateau, as far as
    `reg_lambda` and `min_child_weight` let it. The second derivative is negative for bad mistakes, hence the
    Gauss-Newton curvature. It is a proper scoring rule, bounded and thus robust to wrong labels, but not a
    negative log-likelihood.

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


class WeightedCrossEntropy(Loss):
    """Cross-entropy in which positives count `positive_weight` times: one kind of mistake is worse than the other.

    Domain: numbers in [0, 1]. Link: logit. With p = 1/(1 + exp(-raw_prediction)) and w = positive_weight::

        loss       -w y log p - (1 - y) log(1 - p)
        gradient   (w y + 1 - y) p - w y
        curvature  (w y + 1 - y) p (1 - p)    exact

    The probabilities are those for data in which positives are w times as frequent.

    Parameters
    ----------
    positive_weight : float, default=1.0
        Weight of the positives; above 0.

    References
    ----------
    Elkan (2001). *The foundations of cost-sensitive learning*. IJCAI.

    Examples
    --------
    >>> WeightedCrossEntropy(positive_weight=3.0).pointwise([0.0, 1.0], [0.0, 0.0]).round(4).tolist()
    [0.6931, 2.0794]
    """

    link, domain, curvature_kind, classifies = LOGIT, UNIT_INTERVAL, "exact", True

    def __init__(self, positive_weight: float = 1.0) -> None:
        self.positive_weight = positive_weight

    def check_params(self) -> None:
        check_number(self, "positive_weight", 0.0, 1e30)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        positive = self.positive_weight * y_true * np.logaddexp(0.0, -raw_prediction)
        return np.asarray(positive + (1.0 - y_true) * np.logaddexp(0.0, raw_prediction))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, odds_against = sigmoid(raw_prediction)
        positive = self.positive_weight * y_true
        weight = positive + (1 - y_true)
        return weight * p - positive, weight * (p * p * odds_against)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        share = float(np.average(y_true, weights=sample_weight))
        odds = self.positive_weight * share
        return float(self.link.forward(odds / (odds + 1.0 - share)))


class Focal(Loss):
    """Focal loss: cross-entropy in which well-classified rows are down-weighted.

    Domain: labels 0 and 1. Link: logit. With f = ± raw_prediction (+ for a positive), p = 1/(1 + exp(-f)), q = 1 -
    p and w = alpha for a positive, 1 - alpha for a negative (1 without alpha)::

        loss       -w q^gamma log p
        gradient   ± w q^gamma (gamma p log p - q)
        curvature  w q^gamma p (q + gamma)    surrogate

    It is not convex: the curvature is positive (that of cross-entropy for gamma = 0), but not a bound. Its
    probabilities are drawn towards 1/2 and are not shares of labels.

    Parameters
    ----------
    gamma : float, default=2.0
        How strongly well-classified rows are down-weighted; at least 0, which is cross-entropy.
    alpha : float, optional
        Weight of positives, above 0 and below 1; that of negatives is 1 - alpha.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollar (2017). *Focal loss for dense object detection*. ICCV.

    Examples
    --------
    >>> Focal(gamma=2.0).pointwise([1.0], [0.0])  # log(2)/4
    array([0.1732868])
    """

    link, domain, curvature_kind, classifies = LOGIT, BINARY, "surrogate", True

    def __init__(self, gamma: float = 2.0, alpha: float | None = None) -> None:
        self.gamma = gamma
        self.alpha = alpha

    def check_params(self) -> None:
        check_number(self, "gamma", 0.0, 1e3, closed="left")
        if self.alpha is not None:
            check_number(self, "alpha", 0.0, 1.0)

    def _sign_and_weight(self, y_true: np.ndarray) -> tuple[np.ndarray, Any]:
        if self.alpha is None:
            return 2 * y_true - 1, 1
        return 2 * y_true - 1, (2 * self.alpha - 1) * y_true + (1 - self.alpha)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        sign, weight = self._sign_and_weight(y_true)
        f = sign * raw_prediction
        return np.asarray(-weight * special.expit(-f) ** self.gamma * special.log_expit(f))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sign, weight = self._sign_and_weight(y_true)
        f = sign * raw_prediction
        p, q = special.expit(f), special.expit(-f)
        weight = weight * q**self.gamma
        return sign * weight * (self.gamma * p * special.log_expit(f) - q), weight * p * (q + self.gamma)
