"""Losses of class labels: binary and categorical cross-entropy, and hinge."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ..curvature import Scale, residual_scale, sample_rows
from ..links import LOGIT, SOFTMAX
from .base import CurvatureKind, Loss

__all__ = ["BinaryCrossEntropy", "CategoricalCrossEntropy", "Hinge"]

# Far out on either side p (1 - p) underflows to 0, and a leaf of such rows alone would divide 0 by 0 in an
# engine without regularisation. The same floor as XGBoost's own.
SMALLEST_CURVATURE = 1e-16


class BinaryCrossEntropy(Loss):
    """Cross-entropy of a binary target, given as labels or as probabilities.

    Domain: numbers in [0, 1]. Link: logit. With p = 1/(1 + exp(-raw_prediction))::

        loss       -y log p - (1 - y) log(1 - p)
        gradient   p - y
        curvature  p (1 - p)          exact
                   (p - 1/2)/raw_prediction   majoriser: hessian="majorizer"

    The derivative of the sigmoid cancels in the gradient: a confident mistake is corrected at full speed,
    where squared error of p would stand still. Maximum likelihood of a Bernoulli variable.

    Parameters
    ----------
    hessian : {"auto", "exact", "majorizer", "constant"}, default="auto"
        The curvature: exact, the majoriser, or 1.

    References
    ----------
    Jaakkola and Jordan (2000). *Bayesian parameter estimation via variational methods*. Statistics and
    Computing 10, 25-37 (the majoriser).
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

    link = LOGIT
    domain = "numbers in [0, 1]"
    _bounds = (0.0, 1.0)
    classifies = True
    _curvatures: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "exact",
        "exact": "exact",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def __init__(self, hessian: str = "auto") -> None:
        self.hessian = hessian

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        # log(1 + exp(f)) - y f would cancel for a large f and y = 1.
        positive = y_true * np.logaddexp(0.0, -raw_prediction)
        return np.asarray(positive + (1.0 - y_true) * np.logaddexp(0.0, raw_prediction))

    def _derivatives(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        f = raw_prediction.astype(dtype, copy=False)
        # (1 - p)/p; further down exp would overflow, and p is 0 to the last digit anyway.
        odds_against = np.maximum(f, dtype(1.0 - np.log(np.finfo(dtype).max)))
        np.exp(np.negative(odds_against, out=odds_against), out=odds_against)
        p = odds_against + dtype(1)
        np.reciprocal(p, out=p)
        if self.hessian == "majorizer":
            # (p - 1/2)/f without 0/0 at f = 0, where it is 1/4.
            size = np.maximum(np.abs(f), dtype(1e-3))
            curvature = np.tanh(dtype(0.5) * size) / (dtype(2) * size)
        else:
            # p (1 - p), where 1 - p would cancel for p close to 1.
            curvature = p * p
            curvature *= odds_against
            np.maximum(curvature, dtype(SMALLEST_CURVATURE), out=curvature)
        p -= y_true
        return p, curvature

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        return float(self.link.forward(np.average(y, weights=weight)))


class CategoricalCrossEntropy(Loss):
    """Cross-entropy -Σ Q log P of a target with several classes, given as labels or as distributions.

    Domain: integers 0 ... n_classes - 1, or rows (n_samples, n_classes) of numbers not below 0 that sum to 1.
    Link: softmax. With P = softmax(raw_prediction) and Q the target distribution (one-hot for a label)::

        loss       -Σ Q log P
        gradient   P - Q
        curvature  2 P (1 - P)        bound
                   1/2                majoriser: hessian="majorizer"

    The Hessian diag(P) - P Pᵀ has off-diagonal entries; by Gershgorin's theorem twice its diagonal dominates
    it, which the diagonal alone does not. Maximum likelihood of a categorical variable.

    Parameters
    ----------
    n_classes : int, default=2
        Number of classes, at least 2.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the bound, the majoriser, or 1.

    References
    ----------
    Böhning (1992). *Multinomial logistic regression algorithm*. Annals of the Institute of Statistical
    Mathematics 44, 197-200 (the majoriser).
    Friedman (2001). *Greedy function approximation: a gradient boosting machine*. Annals of Statistics 29,
    1189-1232, section 4.6.

    Examples
    --------
    >>> loss = CategoricalCrossEntropy(n_classes=3)
    >>> loss.pointwise([2], [[0.0, 0.0, 0.0]])  # log 3
    array([1.09861229])
    >>> loss.gradient([[0.5, 0.25, 0.25]], [[0.0, 0.0, 0.0]]).round(3).tolist()
    [[-0.167, 0.083, 0.083]]
    """

    link = SOFTMAX
    classifies = True
    _curvatures: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "bound",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def __init__(self, n_classes: int = 2, hessian: str = "auto") -> None:
        self.n_classes = n_classes
        self.hessian = hessian

    @property
    def domain(self) -> str:  # type: ignore[override]  # here it depends on a hyper-parameter
        k = self.n_classes
        return f"integer labels 0 ... {k - 1}, or rows of {k} numbers not below 0 that sum to 1"

    @property
    def _bounds(self) -> tuple[float, float]:  # type: ignore[override]  # likewise
        return 0.0, float(self.n_classes - 1)

    @property
    def n_outputs(self) -> int:
        return self.n_classes

    def check_params(self) -> None:
        self._check_hessian()
        if isinstance(self.n_classes, bool) or not isinstance(self.n_classes, (int, np.integer)):
            raise TypeError(f"n_classes of {type(self).__name__} must be an integer, got {self.n_classes!r}")
        if self.n_classes < 2:
            raise ValueError(f"n_classes of {type(self).__name__} must be at least 2, got {self.n_classes}")

    def _in_domain(self, y_true: np.ndarray) -> np.ndarray:
        if y_true.ndim == 1:
            return np.equal(y_true, np.floor(y_true))
        if y_true.shape[1] != self.n_classes:
            return np.zeros(len(y_true), dtype=bool)
        # float32 probabilities sum to 1 up to rounding only.
        return np.less(np.abs(y_true.sum(axis=1) - 1.0), 1e-4)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_p = special.log_softmax(raw_prediction, axis=1)
        if y_true.ndim == 1:
            return np.negative(np.take_along_axis(log_p, y_true.astype(np.intp)[:, None], axis=1)[:, 0])
        return np.negative((y_true * log_p).sum(axis=1))

    def _derivatives(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        # Less the row's largest value: exp would overflow.
        p = np.exp((raw_prediction - raw_prediction.max(axis=1, keepdims=True)).astype(dtype, copy=False))
        p /= p.sum(axis=1, keepdims=True)
        if self.hessian == "majorizer":
            curvature = np.full_like(p, 0.5)
        else:
            curvature = np.maximum(dtype(2) * p * (dtype(1) - p), dtype(SMALLEST_CURVATURE))
        if y_true.ndim == 1:
            p[np.arange(len(p)), y_true.astype(np.intp)] -= dtype(1)
        else:
            p -= y_true.astype(dtype, copy=False)
        return p, curvature

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> np.ndarray:
        y, weight = self._checked_target(y_true, sample_weight)
        if y.ndim == 1:
            shares = np.bincount(y.astype(np.intp), weights=weight, minlength=self.n_classes)
        else:
            shares = y.sum(axis=0) if weight is None else weight @ y
        return self.link.forward(shares / shares.sum())


class Hinge(Loss):
    """Hinge loss of a binary label, max(0, 1 - t·raw_prediction): the margin of a support vector machine.

    Domain: labels -1 and +1, or 0 and 1, where 0 stands for -1. Link: identity, the response is the label
    score; its sign is the predicted label. With t = ±1, v = 1 - t·raw_prediction, the scale
    R = (mean √|v|)² of the rows at hand and s = 2 R::

        loss       max(0, v)
        gradient   -t if v > 0, 0 if v < 0, -t/2 at the kink
        curvature  1/(2 (|v| + s))    relaxed, slack s

    The second derivative is 0; the loss is half of |v| + v, hence the curvature is half of the absolute
    error's. It is no negative log-likelihood and has no probabilities.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the relaxed majoriser above, or 1.

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

    domain = "labels -1 and +1, or 0 and 1"
    _bounds = (-1.0, 1.0)
    classifies = True
    _curvatures: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "relaxed",
        "majorizer": "relaxed",
        "constant": "constant",
    }
    _unit_mean_curvature = True

    def __init__(self, hessian: str = "auto") -> None:
        self.hessian = hessian

    def _in_domain(self, y_true: np.ndarray) -> np.ndarray:
        # Both 0 and -1 would be two spellings of one label: whichever comes second is the offender.
        negatives = y_true[y_true < 1]
        negative = negatives[0] if negatives.size else -1.0
        return (y_true == 1) | ((y_true == negative) & (negative in (-1.0, 0.0)))

    @staticmethod
    def _label(y_true: np.ndarray) -> np.ndarray:
        """Return -1 and +1, for 0 and 1 too; np.where takes ten times as long."""
        return np.sign(y_true + y_true - 1)

    def _violation(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return 1 - self._label(y_true) * raw_prediction

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.maximum(self._violation(y_true, raw_prediction), 0.0)

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Scale:
        rows = sample_rows(len(y_true), weight)
        violation = self._violation(y_true[rows], raw_prediction[rows])
        return residual_scale(violation, None if weight is None else weight[rows]).times(2.0)

    def _derivatives(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        label = self._label(y_true)
        v = (1 - label * raw_prediction).astype(dtype, copy=False)
        s, half = scale.of_rows(raw_prediction, dtype), dtype(0.5 * scale.constant)
        slope = half * np.sign(v) + half
        return -label.astype(dtype, copy=False) * slope, half / (np.abs(v) + s)

    def _slack(self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale) -> np.ndarray:
        # Half of the absolute error's.
        return np.broadcast_to(scale.of_rows(raw_prediction, np.float64), y_true.shape)

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        # Piecewise linear between -1 and 1: the label of the majority, and 0 for a draw.
        return float(np.sign(np.average(np.where(y > 0, 1.0, -1.0), weights=weight)))
