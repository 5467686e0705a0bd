"""Losses of a binary label in terms of its margin: hinge, its square, AdaBoost's exponential."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..contract.domain import UNIT_INTERVAL, Domain
from ..contract.links import HALF_LOGIT
from ..contract.loss import CurvatureKind, Loss
from .hessian import ChoosesHessian
from .residual import CONSISTENT

__all__ = ["Exponential", "Hinge", "SquaredHinge"]

# The pull of the hinge falls from 1 to 0 over this width. The best value of a leaf is ±1, at the kink of all its
# labels, and the leaf settles away from that by a fraction of the width: with six levels, 1/4 left up to .047 of
# what there was to gain, 1/8 left .024. If the width is too small for the learning rate, leaves step to and fro:
# 1/16 left .054.
HINGE_WIDTH = 0.125
# The largest curvature of the logistic loss. With 1, a single row satisfies XGBoost's default `min_child_weight`
# and may be a leaf of its own: on breast cancer the held-out loss was .15 instead of .12.
LOGISTIC_CURVATURE = 0.25


def _one_pair_of_labels(y_true: np.ndarray) -> np.ndarray:
    # 0 and -1 together would be two spellings of one label: whichever comes second is the offender.
    negatives = y_true[y_true < 1]
    negative = negatives[0] if negatives.size else -1.0
    return (y_true == 1) | ((y_true == negative) & (negative in (-1.0, 0.0)))


def sign_of(y_true: np.ndarray) -> np.ndarray:
    """Return -1 and +1, also for labels 0 and 1; np.where takes ten times as long."""
    return np.sign(y_true + y_true - 1)


SIGNS = Domain("labels -1 and +1, or 0 and 1", -1.0, 1.0, _one_pair_of_labels)


class Hinge(ChoosesHessian):
    """Hinge loss of a binary label, max(0, 1 - t·raw_prediction): the margin of a support vector machine.

    Domain: labels -1 and +1, or 0 and 1, where 0 stands for -1. Link: identity, the response is the label
    score; its sign is the predicted label. With t = ±1, v = 1 - t·raw_prediction and s = 1/8::

        loss       max(0, v)
        gradient   -t if v > 0, 0 if v < 0, -t/2 at the kink
        curvature  1    consistent

    The second derivative is 0, so the engines get the gradient of a smoothed loss, -t times v/s + 1/2 clipped to
    [0, 1]. The best value of a leaf is at the kink of all its labels, +1 or -1; with the kink in the middle of the
    width s, a leaf settles close to it, however its labels are mixed. The curvature is the same for all rows,
    because LightGBM counts a leaf's rows by it, and would otherwise count a rare class as fewer rows than it has.
    A full step of a leaf of one row does not raise its loss; at learning rates above 1/4 a leaf of mixed labels
    may step to and fro across the kink.

    Margins have a unit of their own, so neither width nor curvature follow the data. Gradient and curvature are
    passed to the engines times 1/4: `reg_lambda` and `min_child_weight` then mean about what they do for
    `BinaryCrossEntropy`, whose curvature is at most that. The loss is not a negative log-likelihood and has no
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

    def _violation(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return 1 - sign_of(y_true) * raw_prediction

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.maximum(self._violation(y_true, raw_prediction), 0.0)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return -sign_of(y_true) * (0.5 * np.sign(self._violation(y_true, raw_prediction)) + 0.5)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        label = sign_of(y_true)
        # Minus (v/s + 1/2), which then needs no change of sign.
        gradient = label * raw_prediction
        gradient *= 1 / HINGE_WIDTH
        gradient -= 1 / HINGE_WIDTH + 0.5
        np.clip(gradient, -1, 0, out=gradient)
        gradient *= label
        return gradient, np.asarray(1.0, dtype=gradient.dtype)

    @property
    def normalised(self) -> bool:
        """Whether the engines get a mean curvature of 1; margins have a unit of their own, so not here."""
        return False

    @property
    def _share(self) -> float:
        return 1.0 if self.curvature_kind == "constant" else LOGISTIC_CURVATURE

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        # Piecewise linear between -1 and 1: the label of the majority, and 0 for a draw.
        return float(np.sign(np.average(np.where(y_true > 0, 1.0, -1.0), weights=sample_weight)))


class SquaredHinge(Loss):
    """Squared hinge loss of a binary label, max(0, 1 - t·raw_prediction)².

    Domain: labels -1 and +1, or 0 and 1, where 0 stands for -1. Link: identity, the response is the label score.
    With t = ±1 and v = max(0, 1 - t·raw_prediction)::

        loss       v²
        gradient   -2 t v
        curvature  2                  majorizer

    The second derivative is 0 beyond the margin, and leaves consisting only of such rows would have no step.

    References
    ----------
    Rosset, Zhu and Hastie (2004). *Boosting as a regularized path to a maximum margin classifier*. Journal of
    Machine Learning Research 5, 941-973.

    Examples
    --------
    >>> SquaredHinge().pointwise([-1, 1, 1], [0.5, 0.5, 2.0]).tolist()
    [2.25, 0.25, 0.0]
    """

    domain, curvature_kind, classifies = SIGNS, "majorizer", True

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.square(np.maximum(1 - sign_of(y_true) * raw_prediction, 0.0))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        label = sign_of(y_true)
        gradient = np.clip(label * raw_prediction - 1, -np.inf, 0)
        gradient *= label + label
        return gradient, np.asarray(2.0, dtype=gradient.dtype)


class Exponential(Loss):
    """Exponential loss of a binary target, that of AdaBoost.

    Domain: numbers in [0, 1]. Link: half of the log-odds, so that the response is the probability. With
    f = raw_prediction::

        loss       y exp(-f) + (1 - y) exp(f)
        gradient   (1 - y) exp(f) - y exp(-f)
        curvature  y exp(-f) + (1 - y) exp(f)    exact

    A badly wrong label counts exponentially, so use it only with clean labels.

    References
    ----------
    Friedman, Hastie and Tibshirani (2000). *Additive logistic regression: a statistical view of boosting*. Annals
    of Statistics 28, 337-407.

    Examples
    --------
    >>> loss = Exponential()
    >>> loss.pointwise([1.0, 0.0], [0.0, 0.0]).tolist()
    [1.0, 1.0]
    >>> loss.response([loss.initial_raw([0.0, 1.0, 1.0, 1.0])]).round(6).tolist()
    [0.75]
    """

    link, domain, curvature_kind, classifies = HALF_LOGIT, UNIT_INTERVAL, "exact", True

    @staticmethod
    def _parts(y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (1 - y) exp(f) and y exp(-f); 0 if the first factor is, even where the other one overflows."""
        with np.errstate(divide="ignore"):
            return np.exp(raw_prediction + np.log1p(-y_true)), np.exp(np.log(y_true) - raw_prediction)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.add(*self._parts(y_true, raw_prediction))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        up, down = self._parts(y_true, raw_prediction)
        return up - down, up + down

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(self.link.forward(np.average(y_true, weights=sample_weight)))
