"""The distribution of each row after calibration, made from its calibrated quantiles.

Calibration moves each quantile of the model by itself (`conformal.one_sided`). With n rows it cannot tell levels
apart that are closer than 1/(n + 1); so it is asked for levels in wider steps. Quantiles between these are moved
by what lies on a straight line between, those outside as far as the outermost: the tails are the model's own,
moved. Where quantiles cross they are put in order, which brings them nearer to the true ones, taken together.

References
----------
Chernozhukov, Fernández-Val and Galichon (2010). *Quantile and probability curves without crossing*.
Econometrica 78, 1093-1125.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from ..contract.domain import Domain
from ..distributions.piecewise import PiecewiseNormal
from ..distributions.piecewise_counts import PiecewiseCounts
from .conformal import ROUNDING, Calibration, Quantiles, one_sided

__all__ = ["LEVELS", "calibrated_distribution"]

# The levels of a calibrated distribution, the same for all rows and groups. Those in the middle are what users ask
# for; the outer ones keep the shape of the model's tails, which are straight lines in normal quantiles beyond.
PERCENT = 100
MIDDLE = np.arange(1, PERCENT) / PERCENT
TAIL = np.array([1e-6, 1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3])
LEVELS = np.concatenate([TAIL, MIDDLE, 1.0 - TAIL[::-1]])
# Steps between calibrated levels, in percent.
STEPS = (1, 2, 5, 10, 25, 50)
LARGEST = float(np.finfo(np.float32).max)


def told_apart(n: float) -> np.ndarray:
    """Return which of the levels a number of calibration rows can tell apart, (n_levels,).

    Examples
    --------
    >>> LEVELS[told_apart(9)].tolist()
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    >>> LEVELS[told_apart(999)][:3].round(4).tolist(), LEVELS[told_apart(1)].tolist()
    ([0.001, 0.002, 0.005], [0.5])
    """
    enough = (n + 1.0) * (1.0 + ROUNDING)
    step = next((step for step in STEPS if step * enough >= PERCENT), STEPS[-1])
    middle = np.arange(1, PERCENT) % step == 0
    tail = (step == STEPS[0]) & (TAIL * enough >= 1.0)
    return np.concatenate([tail, middle, tail[::-1]])


def calibrated_distribution(
    calibration: Calibration,
    model: Quantiles,
    raw: np.ndarray,
    groups: np.ndarray | None,
    domain: Domain,
    discrete: bool,
) -> Any:
    """Return the distribution of rows from their calibrated quantiles.

    Parameters
    ----------
    calibration, model, raw, groups
        As for `conformal.one_sided`.
    domain : Domain
        Where targets can be.
    discrete : bool
        Whether targets are counts.

    Returns
    -------
    PiecewiseNormal or PiecewiseCounts
        An entry for each row.
    """
    # Engines keep targets in float32. A quantile that overflows could not be moved.
    values = np.clip(model.quantiles(raw, LEVELS), -LARGEST, LARGEST)
    # Without groups here or there, `one_sided` tells which are missing.
    labels = [None] if groups is None or calibration.groups is None else np.unique(groups).tolist()
    for label in labels:
        rows = slice(None) if label is None else groups == label
        at = told_apart(calibration.n_effective(label))
        own, own_raw, of_rows = values[rows], raw[rows], groups if groups is None else groups[rows]
        known = _known(model, calibration, own_raw, own[:, at])
        moved = one_sided(calibration, known, own_raw, LEVELS[at], of_rows)
        moved = np.clip(moved, -LARGEST, LARGEST)
        z = special.ndtri(LEVELS)
        between = np.stack([np.interp(z, z[at], one) for one in np.eye(at.sum())])
        own = own + (moved - own[:, at]) @ between
        own[:, at] = moved  # the same to the last digit
        values[rows] = own
    # A domain without ends has the largest float64 there.
    low = domain.low if domain.low > -LARGEST else -np.inf
    high = domain.high if domain.high < LARGEST else np.inf
    kind = PiecewiseCounts if discrete else PiecewiseNormal
    return kind(LEVELS, np.sort(np.clip(model.snapped(values), low, high), axis=1), low, high)


def _known(model: Quantiles, calibration: Calibration, raw: np.ndarray, own: np.ndarray) -> Quantiles:
    """Return a model with the quantiles of fresh rows known, and units that are not computed for each level."""
    of_known, of_fresh = model.unit(calibration.raw), model.unit(raw)
    return replace(
        model,
        quantiles=lambda of, levels: model.quantiles(of, levels) if of is calibration.raw else own.copy(),
        unit=lambda of: of_known if of is calibration.raw else of_fresh,
    )
