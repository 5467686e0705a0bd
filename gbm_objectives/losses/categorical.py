"""Losses of a label with several classes and a raw prediction for each: cross-entropy and focal loss."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy import special

from ..contract.domain import Domain, labels_or_distributions
from ..contract.links import SOFTMAX
from ..contract.loss import CurvatureKind, Loss
from ..contract.noise import CATEGORICAL, Noise
from ..validation import check_number
from .classes import check_classes
from .hessian import ChoosesHessian

__all__ = ["CategoricalCrossEntropy", "CategoricalFocal"]


class CategoricalCrossEntropy(ChoosesHessian):
    """Cross-entropy -Σ Q log P of a target with several classes, given as labels or as distributions.

    Domain: integers 0 ... n_classes - 1, or rows (n_samples, n_classes) of numbers not below 0 that sum to 1.
    Link: softmax. With P = softmax(raw_prediction) and Q the target distribution (one-hot for a label)::

        loss       -Σ Q log P
        gradient   P - Q
        curvature  2 P (1 - P)        bound
                   1/2                majorizer: hessian="majorizer"

    The Hessian diag(P) - P Pᵀ has off-diagonal entries; by Gershgorin's theorem twice its diagonal dominates it,
    whereas the diagonal alone does not. Maximum likelihood for a categorical variable.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes, at least 2. `GBMClassifier` finds it in the labels; everywhere else it must be given.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the bound, the majorizer, or 1.
    smoothing : float, default=0.0
        Label smoothing, at least 0 and below 1: the target is moved by this fraction of the way to equal shares.

    References
    ----------
    Böhning (1992). *Multinomial logistic regression algorithm*. Annals of the Institute of Statistical
    Mathematics 44, 197-200 (the majorizer).

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
    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "bound",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    n_classes: Any = None  # an attribute, where other losses have a property

    def __init__(self, n_classes: int | None = None, hessian: str = "auto", smoothing: float = 0.0) -> None:
        super().__init__(hessian)
        self.n_classes = n_classes
        self.smoothing = smoothing

    @property
    def noise(self) -> Noise | None:
        return CATEGORICAL if self.smoothing == 0 else None

    def _smoothed(self, y_true: np.ndarray) -> np.ndarray:
        """Return the target; as distributions if there is smoothing."""
        if self.smoothing == 0:
            return y_true
        if y_true.ndim == 1:
            y_true = np.eye(self.n_classes, dtype=y_true.dtype)[y_true.astype(np.intp)]
        return (1 - self.smoothing) * y_true + self.smoothing / self.n_classes

    @property
    def domain(self) -> Domain:
        return labels_or_distributions(self.n_classes)

    @property
    def n_outputs(self) -> int:
        return self.n_classes or 2

    def check_params(self) -> None:
        super().check_params()
        check_classes(self)
        check_number(self, "smoothing", 0.0, 1.0, closed="left")

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        y_true = self._smoothed(y_true)
        log_p = special.log_softmax(raw_prediction, axis=1)
        if y_true.ndim == 1:
            return np.negative(np.take_along_axis(log_p, y_true.astype(np.intp)[:, None], axis=1)[:, 0])
        return np.negative((y_true * log_p).sum(axis=1))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y_true = self._smoothed(y_true)
        # Subtract the row's largest value: exp would overflow.
        p = raw_prediction - raw_prediction.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p *= np.reciprocal(p.sum(axis=1, keepdims=True))
        if self.hessian == "majorizer":
            curvature = np.asarray(0.5, dtype=p.dtype)
        else:
            curvature = p * p
            np.subtract(p, curvature, out=curvature)
            curvature += curvature
        if y_true.ndim == 1:
            # p[row, label] -= 1 through one dimension: two index arrays take three times as long.
            by_row, by_class = (stride // p.itemsize for stride in p.strides)
            p.ravel(order="K")[np.arange(len(p)) * by_row + y_true.astype(np.intp) * by_class] -= p.dtype.type(1)
        else:
            p -= y_true
        return p, curvature

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        y_true = self._smoothed(y_true)
        if y_true.ndim == 1:
            shares = np.bincount(y_true.astype(np.intp), weights=sample_weight, minlength=self.n_classes)
        else:
            shares = y_true.sum(axis=0) if sample_weight is None else sample_weight @ y_true
        return self.link.forward(shares / shares.sum())


class CategoricalFocal(Loss):
    """Focal loss of a target with several classes, given as labels or as distributions.

    Domain: integers 0 ... n_classes - 1, or rows (n_samples, n_classes) of numbers not below 0 that sum to 1.
    Link: softmax. With P = softmax(raw_prediction), Q the target distribution (one-hot for a label) and
    A = (1 - P)^gamma - gamma (1 - P)^(gamma - 1) P log P for each class::

        loss       -Σ Q (1 - P)^gamma log P
        gradient   P Σ Q A - Q A
        curvature  2 P (1 - P) Σ Q A      surrogate

    For a distribution it is the mean of the labels' losses. It is not convex; for gamma = 0 it is cross-entropy,
    and the curvature is its bound.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes, at least 2. `GBMClassifier` finds it in the labels; everywhere else it must be given.
    gamma : float, default=2.0
        How strongly well-classified rows are down-weighted; at least 0.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollar (2017). *Focal loss for dense object detection*. ICCV.

    Examples
    --------
    >>> CategoricalFocal(n_classes=2).pointwise([1], [[0.0, 0.0]])  # log(2)/4
    array([0.1732868])
    """

    link, curvature_kind, classifies = SOFTMAX, "surrogate", True

    n_classes: Any = None  # an attribute, where other losses have a property

    def __init__(self, n_classes: int | None = None, gamma: float = 2.0) -> None:
        self.n_classes = n_classes
        self.gamma = gamma

    @property
    def domain(self) -> Domain:
        return labels_or_distributions(self.n_classes)

    @property
    def n_outputs(self) -> int:
        return self.n_classes or 2

    def check_params(self) -> None:
        check_classes(self)
        check_number(self, "gamma", 0.0, 1e3, closed="left")

    def _of_target(self, y_true: np.ndarray, log_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log P of the label, or of every class where the target is a distribution, and 1 - P."""
        if y_true.ndim == 1:
            log_p = np.take_along_axis(log_p, y_true.astype(np.intp)[:, None], axis=1)
        # 1 - p would cancel for p close to 1.
        return log_p, -np.expm1(log_p)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_p, q = self._of_target(y_true, special.log_softmax(raw_prediction, axis=1))
        losses = -(q**self.gamma) * log_p
        return np.asarray((losses if y_true.ndim == 1 else y_true * losses).sum(axis=1))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_all = special.log_softmax(raw_prediction, axis=1)
        log_p, q = self._of_target(y_true, log_all)
        # q^(gamma - 1) log p has the limit 0 at q = 0 for gamma > 0, since log p is about -q.
        slope = np.divide(log_p, q, out=-np.ones_like(q), where=q > 0)
        pull = q**self.gamma * (1 - self.gamma * np.exp(log_p) * slope)
        if y_true.ndim == 2:
            pull *= y_true
        p, all_pulls = np.exp(log_all), pull.sum(axis=1, keepdims=True)
        gradient = all_pulls * p
        if y_true.ndim == 2:
            gradient -= pull
        else:
            gradient[np.arange(len(p)), y_true.astype(np.intp)] -= pull[:, 0]
        return gradient, 2 * all_pulls * p * (1 - p)
