"""Losses of a label with several classes, a raw prediction each: categorical cross-entropy."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import special

from ..validation import check_integer
from .base import CurvatureKind
from .domain import Domain, labels_or_distributions
from .hessian import ChoosesHessian
from .links import SOFTMAX
from .noise import CATEGORICAL

__all__ = ["CategoricalCrossEntropy"]


class CategoricalCrossEntropy(ChoosesHessian):
    """Cross-entropy -Σ Q log P of a target with several classes, given as labels or as distributions.

    Domain: integers 0 ... n_classes - 1, or rows (n_samples, n_classes) of numbers not below 0 that sum to 1.
    Link: softmax. With P = softmax(raw_prediction) and Q the target distribution (one-hot for a label)::

        loss       -Σ Q log P
        gradient   P - Q
        curvature  2 P (1 - P)        bound
                   1/2                majorizer: hessian="majorizer"

    The Hessian diag(P) - P Pᵀ has off-diagonal entries; by Gershgorin's theorem twice its diagonal dominates
    it, which the diagonal alone does not. Maximum likelihood of a categorical variable.

    Parameters
    ----------
    n_classes : int, default=2
        Number of classes, at least 2.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the bound, the majorizer, or 1.

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
    noise = CATEGORICAL
    classifies = True
    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "bound",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def __init__(self, n_classes: int = 2, hessian: str = "auto") -> None:
        super().__init__(hessian)
        self.n_classes = n_classes

    @property
    def domain(self) -> Domain:  # type: ignore[override]  # here it depends on a hyper-parameter
        return labels_or_distributions(self.n_classes)

    @property
    def n_outputs(self) -> int:
        return self.n_classes

    def check_params(self) -> None:
        super().check_params()
        check_integer(self, "n_classes", 2)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_p = special.log_softmax(raw_prediction, axis=1)
        if y_true.ndim == 1:
            return np.negative(np.take_along_axis(log_p, y_true.astype(np.intp)[:, None], axis=1)[:, 0])
        return np.negative((y_true * log_p).sum(axis=1))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Less the row's largest value: exp would overflow.
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
        if y_true.ndim == 1:
            shares = np.bincount(y_true.astype(np.intp), weights=sample_weight, minlength=self.n_classes)
        else:
            shares = y_true.sum(axis=0) if sample_weight is None else sample_weight @ y_true
        return self.link.forward(shares / shares.sum())
