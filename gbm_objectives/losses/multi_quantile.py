"""Several quantiles at once: one model with an output for each level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..contract.links import IDENTITY, Output
from ..contract.loss import Loss
from ..curvature import consistent_pair
from ..sampling import SAMPLE_ROWS
from ..validation import as_numbers, check_levels, check_number, shown
from .quantile import WEAKER_SIDE
from .residual import residual, rows_of_round, weighted_quantile, widths_of
from .widths import Widths

__all__ = ["MultiQuantile"]

# A value that more than this share of the targets have is an atom; a rarer one costs an interval no more coverage.
LEAST_ATOM = 0.02
# With few rows, at least this many must also be equal: among 100, two are equal by rounding alone.
LEAST_TIES = 3
# The distance outside an atom at which the ends of an interval settle, in mean distances from the median: no
# level's loss rises by more than this share of the best constant's, that of .1, .5 and .9 together by less than
# half a percent. At 0 they settle on either side by chance: with half of the targets zero, an 80% interval on
# LightGBM contained .47 of new rows instead of .84. A third of this distance contains .05 less.
BESIDE_ATOM = 0.03


class Atoms(NamedTuple):
    """The values that many targets have, in ascending order, and how far outside them interval ends settle."""

    values: np.ndarray
    distance: float

    def are(self, y_true: np.ndarray) -> np.ndarray:
        """Return which targets have one of the values."""
        if len(self.values) == 1:
            return y_true == self.values[0]
        place = np.minimum(self.values.searchsorted(y_true), len(self.values) - 1)
        return np.asarray(self.values[place] == y_true)


def atoms(y_true: np.ndarray, weight: np.ndarray | None) -> Atoms | None:
    """Return the atoms of the targets; None if there are none or nothing else."""
    y = np.sort(y_true) if weight is None else y_true
    if weight is None:
        # Most data have none, and this check takes a tenth of the time.
        least = max(LEAST_TIES, int(LEAST_ATOM * len(y)))
        if len(y) <= least or not (y[least:] == y[:-least]).any():
            return None
    values, place, ties = np.unique(y, return_inverse=True, return_counts=True)
    share = np.bincount(place, weight) / (len(y) if weight is None else weight.sum())
    many = (share > LEAST_ATOM) & (ties >= LEAST_TIES)
    if not many.any() or len(values) == 1:
        return None
    middle = values[min(int(share.cumsum().searchsorted(0.5)), len(values) - 1)]
    return Atoms(values[many], BESIDE_ATOM * float(share @ np.abs(values - middle)))


class Round(NamedTuple):
    """What is known about all rows."""

    widths: Widths
    atoms: Atoms | None


class MultiQuantile(Loss):
    """Mean of the quantile (pinball) losses of several levels: fits a quantile for each.

    Domain: finite numbers. Outputs: one for each level on the identity link, named "q0.05" and so on. With
    r = raw_prediction - y_true of an output and w = 1 - alpha if r > 0, alpha otherwise::

        loss       mean of w |r|
        gradient   w sign(r)/n_levels
        curvature  v/min(max(|r|, s), 4 s)    consistent, see `Quantile`

    One training instead of one for each level, with one number of rounds for all. Each output is fitted by itself,
    so quantiles of a row can cross. `predicted`, and so the estimators' `predict`, sorts each row, which raises no
    loss (Chernozhukov, Fernández-Val and Galichon 2010); native models return what was fitted.

    Where many targets have one value (zeros, counts), levels below 0.5 are fitted to a little below it and those
    above 0.5 to a little above, so that the interval between two levels contains the value.

    Parameters
    ----------
    alphas : sequence of float, default=(0.05, 0.5, 0.95)
        The levels, two or more in ascending order, each above 0 and below 1.
    point : float, optional
        The level, one of `alphas`, that `predicted` and the estimators' `predict` return, as a single number for
        each row: 0.5, the median, for tools that take a point forecast. By default, all levels. Training,
        quantiles and intervals are the same.

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
    >>> MultiQuantile(alphas=(0.1, 0.5, 0.9), point=0.5).predicted([[3.0, 2.0, 4.0]]).tolist()  # the median alone
    [3.0]
    """

    curvature_kind = "consistent"
    scope = "summary"
    _smooths_by_summary = True
    link = IDENTITY

    def __init__(self, alphas: Sequence[float] = (0.05, 0.5, 0.95), point: float | None = None) -> None:
        self.alphas = alphas
        self.point = point

    def check_params(self) -> None:
        """Raise if `alphas` are not two or more ascending levels, or `point` is none of them."""
        levels = check_levels(self.alphas, "alphas of MultiQuantile")
        if len(levels) < 2 or (np.diff(levels) <= 0).any():
            raise ValueError(
                f"alphas of MultiQuantile must be two or more in ascending order, got {shown(self.alphas)}"
            )
        if self.point is not None:
            check_number(self, "point", 0.0, 1.0)
            if self.point not in levels:
                raise ValueError(
                    f"point of MultiQuantile must be one of its alphas {shown(self.alphas)}, got {self.point}"
                )

    @property
    def outputs(self) -> tuple[Output, ...]:
        """An output for each level."""
        return tuple(Output(f"q{alpha:.15g}", IDENTITY, takes_offset=True) for alpha in self.alphas)

    @property
    def _alphas(self) -> np.ndarray:
        return np.asarray(self.alphas, dtype=np.float64)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        r = raw_prediction - y_true[:, None]
        return np.asarray(np.maximum((1.0 - self._alphas) * r, -self._alphas * r).mean(axis=1))

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        r = raw_prediction - y_true[:, None]
        return (0.5 * np.sign(r) + 0.5 - self._alphas) / len(self._alphas)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.on(y_true, raw_prediction)._block(y_true, raw_prediction, raw_prediction.dtype.type)

    def _beside(self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Atoms | None) -> np.ndarray:
        """Return the raw predictions; for rows at an atom, as seen from where they are to settle."""
        if known is None:
            return raw_prediction
        outwards = np.sign(0.5 - self._alphas) * known.distance
        return np.asarray(raw_prediction + np.where(known.are(y_true)[:, None], outwards, 0.0))

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Round:
        rows = rows_of_round(raw_prediction, weight, SAMPLE_ROWS // len(self.alphas))
        known = atoms(y_true[rows], None if weight is None else weight[rows])
        return Round(widths_of(y_true, raw_prediction, weight, self._pace), known)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        y, alphas = y_true[:, None], self._alphas.astype(dtype)
        raw = self._beside(y_true, raw_prediction, self.summary.atoms)
        r = residual(y, raw, dtype)
        gradient, curvature = consistent_pair(r, *self.summary.widths.of_rows(r, raw, y))
        share = dtype(1 / len(alphas))
        # w of each row, alpha or 1 - alpha; and v, see `Quantile`.
        w = (r > 0) * (1 - 2 * alphas) * share
        w += alphas * share
        gradient *= w
        curvature *= np.maximum(w, np.maximum(alphas, 1 - alphas) * (dtype(WEAKER_SIDE) * share), out=w)
        return gradient, curvature

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        return np.array([weighted_quantile(y_true, alpha, sample_weight) for alpha in self.alphas])

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the quantiles of each row in ascending order, (n_samples, n_levels), or that of level `point`."""
        quantiles = self.in_order(raw_prediction)
        return quantiles if self.point is None else quantiles[:, list(self.alphas).index(self.point)]

    def in_order(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the quantiles of each row in ascending order, (n_samples, n_levels)."""
        return np.sort(as_numbers(raw_prediction, "raw_prediction", ndim=(2,)), axis=1)
