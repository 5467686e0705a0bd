"""Ordered classes, such as ratings: the proportional-odds model."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ..contract.domain import Domain, class_labels
from ..contract.links import IDENTITY
from ..contract.loss import CurvatureKind
from ..contract.noise import CATEGORICAL
from ..validation import as_numbers, as_weight, check_choice, increasing
from .classes import check_classes
from .hessian import ChoosesHessian
from .thresholds import sigmoid_and_slope, thresholds

__all__ = ["ProportionalOdds"]


class ProportionalOdds(ChoosesHessian):
    """Cross-entropy of ordered classes under proportional odds: one raw prediction, and thresholds for all rows.

    A row is in class k or below with probability 1/(1 + exp(raw_prediction - θ_k)), so that a raw prediction that
    is higher by 1 multiplies the odds of more than k by e, for every k. Domain: integers 0 ... n_classes - 1. The
    response is the probabilities of the classes. With s(x) = 1/(1 + exp(-x)), l = θ_(y-1) and u = θ_y, the ends of
    the row's class, infinite for the lowest and the highest one::

        loss       log(1 + exp(l - f)) + log(1 + exp(f - u)) - log(1 - exp(l - u))    f the raw prediction
        gradient   s(f - u) - s(l - f)
        curvature  the sum of s(x) max(s(-x), 1/2) for x = l - f and x = f - u    surrogate
                   s'(l - f) + s'(f - u)       exact: hessian="exact"

    The exact curvature vanishes where a row is far from its class, and a leaf of such rows would step without
    bound. Here it steps by 2 at most, as a row of two classes does that is undecided.

    The thresholds are the loss's `summary`: those of largest likelihood beside the raw predictions of all
    training rows, found anew before each round. All of them together are moved so that their mean, weighted by
    information, is that of the logits of the cumulative shares, which they are at the start, where raw predictions
    are 0. What a constant in all raw predictions would do is thus left to the trees, as under every loss, and two
    classes are `BinaryCrossEntropy`, whose start value is the threshold with a minus; under ``hessian="exact"`` in
    every step. A class without training rows has a probability of about 1 in 8,000 at most, never 0.

    The `loss_` of a fitted estimator has the thresholds of its training rows at the end. For a native model,
    ``loss.on(y, raw_prediction)`` returns the loss with those of the rows given.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes, at least 2. `GBMClassifier` finds it in the labels; everywhere else it must be given.
    point : {"median", "mean", "mode"}, default="median"
        Which class `labels`, and `predict` of an estimator, return: the median, which has the least mean absolute
        error; the one nearest to the mean of class numbers, for squared error; or
        the most probable one, for accuracy. Training is the same.
    hessian : {"auto", "exact"}, default="auto"
        The curvature: the bounded one, or exact.

    References
    ----------
    McCullagh (1980). *Regression models for ordinal data*. Journal of the Royal Statistical Society B 42, 109-142.

    Examples
    --------
    >>> loss = ProportionalOdds(n_classes=3)
    >>> y = [0, 1, 1, 2]
    >>> known = loss.on(y, [0.0, 0.0, 0.0, 0.0])
    >>> known.summary.round(3).tolist()  # logits of 1/4 and 3/4
    [-1.099, 1.099]
    >>> known.response([0.0, 2.0]).round(2).tolist()
    [[0.25, 0.5, 0.25], [0.04, 0.25, 0.71]]
    >>> known.labels([0.0, 2.0]).tolist()
    [1, 2]
    """

    link = IDENTITY
    noise = CATEGORICAL
    classifies = True
    scope = "summary"
    _kinds: ClassVar[dict[str, CurvatureKind]] = {"auto": "surrogate", "exact": "exact"}

    n_classes: Any = None  # an attribute, where other losses have a property

    def __init__(self, n_classes: int | None = None, point: str = "median", hessian: str = "auto") -> None:
        super().__init__(hessian)
        self.n_classes = n_classes
        self.point = point

    def check_params(self) -> None:
        super().check_params()
        check_classes(self)
        check_choice(self, "point", ("median", "mean", "mode"))

    @property
    def domain(self) -> Domain:
        return class_labels(self.n_classes)

    @property
    def normalised(self) -> bool:
        return False  # a raw prediction has the unit of logits, as under other cross-entropies

    # ---- thresholds ----------------------------------------------------------------------------------------

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        y, raw = self._checked(y_true, raw_prediction)
        weight = as_weight(weight, len(y), not self._in_training)
        return thresholds(y.astype(np.intp), raw, weight, self.n_classes, self.summary)

    def _check_judges(self, queries: np.ndarray | None) -> None:
        self._thresholds()  # those of the rows that are judged would flatter every model

    def _check_summary(self) -> None:
        if self.summary is None:
            return
        if self.summary.shape != (self.n_classes - 1,) or not increasing(self.summary):
            raise ValueError(
                f"the thresholds of {self!r} must be {self.n_classes - 1} increasing numbers, got"
                f" {self.summary.tolist()}"
            )

    def _thresholds(self) -> np.ndarray:
        if self.summary is None:
            raise ValueError(
                f"{self!r} needs the thresholds of its training rows, which loss_ of a fitted model has, and the"
                " metric in our train; of a native model, loss.on(y, raw_prediction) of the rows that it was"
                " trained on"
            )
        known: np.ndarray = self.summary
        return known

    def _ends(self, label: np.ndarray, dtype: type[np.floating[Any]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the thresholds below and above the class of each row."""
        inner = self._thresholds().astype(dtype)
        k = label.astype(np.intp)
        return np.append(dtype(-np.inf), inner)[k], np.append(inner, dtype(np.inf))[k]

    # ---- formulas ------------------------------------------------------------------------------------------

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        low, high = self._ends(y_true, np.float64)
        # The logarithm of a difference of two probabilities would cancel.
        outside = np.logaddexp(0.0, low - raw_prediction) + np.logaddexp(0.0, raw_prediction - high)
        return np.asarray(outside - np.log(-np.expm1(low - high)))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._ends(y_true, raw_prediction.dtype.type)
        below, curvature = self._end(low - raw_prediction)
        above, of_above = self._end(raw_prediction - high)
        curvature += of_above
        above -= below
        return above, curvature

    def _end(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return s(x), the probability beyond an end of the class, and what it adds to the curvature."""
        p, slope = sigmoid_and_slope(x)
        return p, slope if self.hessian == "exact" else np.maximum(slope, x.dtype.type(0.5) * p)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
        # Beside thresholds of its own nothing is better; beside given ones it must be found.
        return 0.0 if self.summary is None else super()._initial_raw(y_true, sample_weight)

    # ---- predictions ---------------------------------------------------------------------------------------

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the probability of each class, (n_samples, n_classes), from raw predictions, (n_samples,).

        Raises
        ------
        ValueError
            If the loss has no thresholds, which the `loss_` of a fitted estimator has.
        """
        raw, inner = as_numbers(raw_prediction, "raw_prediction").astype(np.float64)[:, None], self._thresholds()
        one = np.ones((len(raw), 1))
        at_most, above = np.hstack([special.expit(inner - raw), one]), np.hstack([one, special.expit(raw - inner)])
        # Differences of cumulative probabilities would cancel in the upper tail.
        return np.asarray(at_most * above * -np.expm1(-np.diff(inner, prepend=-np.inf, append=np.inf)))

    def labels(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the class of each row, its median, mean or mode as `point` says, (n_samples,)."""
        raw = as_numbers(raw_prediction, "raw_prediction").astype(np.float64)
        if self.point == "mode":
            return np.asarray(self.response(raw).argmax(axis=1))
        if self.point == "median":
            return np.asarray(np.searchsorted(self._thresholds(), raw))
        # The mean is the sum of the probabilities of more than each class.
        mean = special.expit(raw[:, None] - self._thresholds()).sum(axis=1)
        return np.floor(mean + 0.5).astype(np.intp)
