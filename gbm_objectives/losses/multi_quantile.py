"""Several quantiles at once: one model with an output for each level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..curvature import Widths
from ..validation import as_numbers, check_levels
from .base import Loss
from .links import IDENTITY, Output
from .quantile import Quantile

__all__ = ["MultiQuantile"]


class MultiQuantile(Loss):
    """Mean of the quantile (pinball) losses of several levels: fits a quantile for each.

    Domain: finite numbers. Outputs: one for each level on the identity link, named "q0.05" and so on. With
    r = raw_prediction - y_true of an output and w = 1 - alpha if r > 0, alpha otherwise::

        loss       mean of w |r|
        gradient   w sign(r)/n_levels
        curvature  v/min(max(|r|, s), 4 s)    consistent, see `Quantile`

    One training in place of one for each level, with one number of rounds for all. Each output is fitted on its
    own, so that quantiles of a row can cross. `predicted`, thus the estimators' `predict`, puts each row in order,
    by which no loss rises (Chernozhukov, Fernández-Val and Galichon 2010); native models return what was fitted.

    Parameters
    ----------
    alphas : sequence of float, default=(0.05, 0.5, 0.95)
        The levels, two or more in ascending order, each above 0 and below 1.

    References
    ----------
    Koenker and Bassett (1978). *Regression quantiles*. Econometrica 46, 33-50.
    Chernozhukov, Fernández-Val and Galichon (2010). *Quantile and probability curves without crossing*.
    Econometrica 78, 1093-1125.

    Examples
    --------
    >>> loss = MultiQuantile(alphas=(0.1, 0.9))
    >>> loss.initial_raw(range(1, 101)).tolist()
    [10.0, 90.0]
    >>> loss.predicted([[3.0, 2.0]]).tolist()
    [[2.0, 3.0]]
    """

    curvature_kind = "consistent"
    link = IDENTITY

    def __init__(self, alphas: Sequence[float] = (0.05, 0.5, 0.95)) -> None:
        self.alphas = alphas

    def check_params(self) -> None:
        """Raise if `alphas` are not two or more ascending levels."""
        levels = check_levels(self.alphas, "alphas of MultiQuantile")
        if len(levels) < 2 or (np.diff(levels) <= 0).any():
            raise ValueError(
                f"alphas of MultiQuantile must be two or more in ascending order, got {self.alphas!r}"
            )

    @property
    def outputs(self) -> tuple[Output, ...]:  # type: ignore[override]  # here they depend on a hyper-parameter
        """An output for each level."""
        return tuple(Output(f"q{alpha:g}", IDENTITY) for alpha in self.alphas)

    @property
    def _levels(self) -> list[Quantile]:
        return [Quantile(alpha) for alpha in self.alphas]

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        losses = [loss._pointwise(y_true, raw) for loss, raw in zip(self._levels, raw_prediction.T, strict=True)]
        return np.asarray(np.mean(losses, axis=0))

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        columns = [loss._gradient(y_true, raw) for loss, raw in zip(self._levels, raw_prediction.T, strict=True)]
        return np.stack(columns, axis=1) / len(columns)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = self._of_all_rows(y_true, raw_prediction, None)
        return self._block(y_true, raw_prediction, known, raw_prediction.dtype.type)

    def _of_all_rows(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None
    ) -> list[Widths]:
        return [
            loss._of_all_rows(y_true, np.ascontiguousarray(raw), weight)
            for loss, raw in zip(self._levels, raw_prediction.T, strict=True)
        ]

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature = np.empty((2, len(self.alphas), len(y_true)), dtype=dtype)
        for column, (loss, widths) in enumerate(zip(self._levels, known, strict=True)):
            raw = np.ascontiguousarray(raw_prediction[:, column])
            gradient[column], curvature[column] = loss._block(y_true, raw, widths, dtype)
        share = dtype(1 / len(self.alphas))
        return gradient.T * share, curvature.T * share

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        return np.array([loss._initial_raw(y_true, sample_weight) for loss in self._levels])

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the quantiles of each row in ascending order, (n_samples, n_levels)."""
        return np.sort(as_numbers(raw_prediction, "raw_prediction", ndim=(2,)), axis=1)
