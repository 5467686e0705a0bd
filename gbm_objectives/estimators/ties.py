"""Values that many targets have, and ends of intervals that are exactly these values.

Where many targets are zeros, or counts, a quantile is one of these values over a range of levels. A model finds it
only to within its own noise, and an end at 0.004 leaves all zeros out. So an end within a small distance of such a
value, its *zone*, is taken for the value. `MultiQuantile` trains its outputs to settle a little outside the value,
and the zone reaches as far beyond that as inside of it.

Calibration knows of this. An interval that reaches t units beyond the model's own has the ends s(low - t) and
s(high + t), where s replaces what is in a zone by its value. As s never decreases, these intervals are nested, and
a row's score is the smallest t whose interval contains its target (Gupta, Kuchibhotla and Ramdas 2022): the usual
one, with the far end of the zone in place of a target at its value. So the promise holds, ends that stand at a
value are equal to it, and the coverage is above the requested one where that is the best that can be had.

References
----------
Gupta, Kuchibhotla and Ramdas (2022). *Nested conformal prediction and quantile out-of-bag ensemble methods*.
Pattern Recognition 127, 108496.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.domain import COUNTS
from ..losses.multi_quantile import atoms
from ..sampling import sample_rows

__all__ = ["MOST_UNTOLD", "Ties", "draws_counts", "knows", "ties", "warn_of"]

# Of more rows, a sample of this many: sorting it takes 10 ms, and a share of 2% is known within a tenth.
MOST_ROWS = 100_000
# How far a zone reaches, in the distances at which `MultiQuantile` settles outside a value. With 1, half of the
# lower ends are the value; with 2, nine in ten. An 80% interval then contains 78% of new targets instead of 67%
# (300 rows of Poisson counts of mean 0.5, LightGBM's defaults). With 5, ends move where nothing is to be mended.
REACH = 2.0
# The zones contain at most this share of the other targets, whatever the outliers, from which the distance is
# measured, are: so much coverage can be lost where an end moves inwards.
MOST_OTHERS = 0.01
# Zones of neighbours must not meet: an end would belong to both.
LEAST_GAP = 0.49
# From this share of equal targets on users are told. Below, intervals hold hardly more than requested.
MOST_UNTOLD = 0.1
# In scores, zones are that much smaller or larger than those of ends, the careful way: an end is computed from a
# score with rounding, and would miss the zone from whose edge the score was measured.
MARGIN = 1e-3


@dataclass(frozen=True)
class Ties:
    """The values that many targets have.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        In ascending order, at most 49.
    zone : float
        How far from a value an end is taken for it.
    share : float
        The share of the targets that have the most frequent value.
    most : float
        The most frequent value.
    """

    values: np.ndarray
    zone: float
    share: float
    most: float

    def nearest(self, at: np.ndarray) -> np.ndarray:
        """Return the value that is nearest to each number."""
        middles = 0.5 * (self.values[1:] + self.values[:-1])
        return np.asarray(self.values[middles.searchsorted(at)])

    def snapped(self, ends: np.ndarray) -> np.ndarray:
        """Return ends, each one in a zone replaced by its value."""
        value = self.nearest(ends)
        return np.where(np.abs(ends - value) <= self.zone, value, ends)

    def lowest_end(self, y: np.ndarray) -> np.ndarray:
        """Return the largest number that, as the lower end of an interval, leaves each target inside."""
        value = self.nearest(y)
        beside = np.where(y >= value, (1.0 - MARGIN) * self.zone, -(1.0 + MARGIN) * self.zone)
        return np.where(np.abs(y - value) <= self.zone, value + beside, y)

    def highest_end(self, y: np.ndarray) -> np.ndarray:
        """Return the smallest number that, as the upper end of an interval, leaves each target inside."""
        value = self.nearest(y)
        beside = np.where(y <= value, -(1.0 - MARGIN) * self.zone, (1.0 + MARGIN) * self.zone)
        return np.where(np.abs(y - value) <= self.zone, value + beside, y)


def ties(y: np.ndarray, weight: np.ndarray | None) -> Ties | None:
    """Return the values that more than 2% of the targets have; None if there are none or nothing else."""
    if weight is not None:
        y, weight = y[weight > 0], weight[weight > 0]
    rows = sample_rows(len(y), weight, most=MOST_ROWS)
    y, weight = y[rows], np.ones(len(y[rows])) if weight is None else weight[rows]
    found = atoms(y, weight)
    if found is None:
        return None
    known = Ties(found.values, REACH * found.distance, 0.0, 0.0)
    distance = np.abs(y - known.nearest(y))
    others = np.argsort(distance, kind="stable")
    others = others[distance[others] > 0]
    few = weight[others].cumsum() <= MOST_OTHERS * weight.sum()
    zone = min(
        known.zone,
        LEAST_GAP * float(np.diff(found.values).min(initial=np.inf)),
        np.inf if few.all() else float(distance[others[few.sum()]]),
    )
    shares = [float(weight[y == value].sum() / weight.sum()) for value in found.values]
    most = int(np.argmax(shares))
    return Ties(found.values, zone, shares[most], float(found.values[most]))


def draws_counts(loss: Loss) -> bool:
    """Return whether the distribution of the target is one of counts, whose quantiles are values that occur."""
    return COUNTS in (loss.domain, None if loss.noise is None else loss.noise.support)


def knows(distribution: Any, known: Ties) -> bool:
    """Return whether a distribution gives the most frequent value a probability, as a mixture with it does."""
    below = np.nextafter(known.most, -np.inf)
    return bool(np.mean(distribution.cdf(known.most) - distribution.cdf(below)) > 0.1 * known.share)


def warn_of(known: Ties, loss: Loss, stacklevel: int) -> None:
    """Warn that intervals under the loss are not made for so many equal targets."""
    warnings.warn(
        f"{known.share:.0%} of the training targets are {known.most:g}, a value to which {loss!r} gives no"
        " probability: intervals contain all of these or none, and once calibrated rather more than requested."
        " Distributions with such values are NegativeBinomial for counts, and Hurdle for zeros among positive"
        " numbers",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
