"""A warning if nearly all targets are equal, which LightGBM's way of counting rows cannot handle."""

from __future__ import annotations

import warnings

import numpy as np

from ...contract import Loss
from ...contract.rows import Rows
from ...sampling import sample_rows
from ...validation import shown

__all__ = ["warn_of_ties"]

# From this share of equal targets on. At 95% the held-out 0.9 quantile loss is 1.2 to 1.4 times LightGBM's own
# objective; at 50% nothing is lost.
SHARE = 0.9


def warn_of_ties(loss: Loss, all_rows: Rows) -> None:
    """Warn if nearly all targets are one value and the loss has a kink there; of several targets, each by itself.

    LightGBM estimates the number of rows of a leaf from its share of the Hessian. Rows at a kink have the most.
    """
    for one, target, weight in loss._by_target(all_rows.y, all_rows.weight):
        if one.curvature_kind != "consistent" or one.classifies or target.ndim > 1:
            continue
        rows = sample_rows(len(target), weight)
        values, place = np.unique(target[rows], return_inverse=True)
        counts = np.bincount(place, None if weight is None else weight[rows])
        share = float(counts.max() / counts.sum())
        if SHARE <= share < 1.0:
            warnings.warn(
                f"{share:.0%} of the targets are {shown(float(values[counts.argmax()]))}: LightGBM counts rows by"
                f" their Hessian, and under {one!r} splits the others off too seldom; try lambda_l2=10, compare"
                " with objective='quantile' or 'regression_l1', or take a distribution, as NegativeBinomial for"
                " counts",
                UserWarning,
                stacklevel=3,
            )
