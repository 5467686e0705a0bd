"""Losses of a label with several classes, a raw prediction each: categorical cross-entropy."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ..curvature import SMALLEST_CURVATURE, Scale
from ..likelihood import CATEGORICAL
from ..links import SOFTMAX
from .base import CurvatureKind, Loss

__all__ = ["CategoricalCrossEntropy"]


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
    noise = CATEGORICAL
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
        p = (raw_prediction - raw_prediction.max(axis=1, keepdims=True)).astype(dtype, copy=False)
        np.exp(p, out=p)
        p *= np.reciprocal(p.sum(axis=1, keepdims=True))
        if self.hessian == "majorizer":
            curvature = np.full_like(p, 0.5)
        else:
            curvature = p * p
            np.subtract(p, curvature, out=curvature)
            curvature *= dtype(2)
            np.maximum(curvature, dtype(SMALLEST_CURVATURE), out=curvature)
        if y_true.ndim == 1:
            # p[row, label] -= 1 through one dimension: two index arrays take three times as long.
            by_row, by_class = (stride // p.itemsize for stride in p.strides)
            p.ravel(order="K")[np.arange(len(p)) * by_row + y_true.astype(np.intp) * by_class] -= dtype(1)
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
