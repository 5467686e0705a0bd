"""A unit of its own for XGBoost, so that its trees do not depend on the target's unit.

XGBoost keeps the gain of a split in float32 and makes no split that gains less than 1e-6. A gain has the unit of
the target squared, times that of the weights: a target of the order of 1e-4 hardly trains, one of 1e-6 gives a
constant, one of 1e20 overflows, and so do weights of 1e20 under any loss, all silently. Multiplying gradient and
Hessian by one constant c, and with them the penalties that are compared with their sums, gives the same leaves,
and gains c times as large.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract import Loss
from ...contract.calling import given_group
from ...contract.links import IDENTITY
from ...contract.rows import Rows
from ...sampling import sample_rows

__all__ = ["unit_of_gains", "with_penalties_times"]

# Between these mean gains of a row the engine is left alone: XGBoost's 1e-6 is far below, float32's 3e38 far above
# even the sum over many rows.
LEAST, MOST = 1e-3, 1e12
# With a Hessian of about c, float32 needs some room on both sides for the sums and for single rows.
RANGE = (1e-30, 1e30)
# XGBoost keeps raw predictions in float32: a step below its resolution at their size (for logarithms, at 1) moves
# nothing. Nor does a step as small, relative to the spread of the targets, as float64's rounding. If such steps
# counted as gains, outputs that are at their optimum would raise an error.
FLOAT32, ROUNDING = float(np.finfo(np.float32).eps), 1e-12
# A gain is the square of a sum of gradients, in float32, which holds 3e38.
LARGEST_SUM = 1e18
# XGBoost's names, aliases, and its default for trees; linear boosters have none.
PENALTIES = (
    (("lambda", "reg_lambda"), 1.0),
    (("alpha", "reg_alpha"), 0.0),
    (("gamma", "min_split_loss"), 0.0),
    (("min_child_weight",), 1.0),
)


def unit_of_gains(loss: Loss, rows: Rows, raw_prediction: np.ndarray) -> float:
    """Return what gradient and Hessian are to be multiplied by, a power of two; 1 if XGBoost needs no unit.

    `raw_prediction` is what the training begins with: the start value of each row, plus its offset.

    Raises
    ------
    ValueError
        If no unit would do: the target or its weights are too large or too small for float32.
    """
    y = rows.y
    if y.ndim == 1 and np.ptp(y) == 0 and not np.ptp(raw_prediction, axis=0).any():
        return 1.0  # there is nothing to learn
    some = slice(None) if loss.joint else sample_rows(len(y), rows.weight)
    gains, size = _gains(loss, rows, raw_prediction, some)
    if not gains.all():
        # Most targets are at the start value, or missing, and the sample holds no others.
        gains, size = _gains(loss, rows, raw_prediction, slice(None))
    too = "the target or its weights are too {} for XGBoost, which computes in float32: give them in another unit"
    if not np.isfinite(gains).all():
        raise ValueError(too.format("large"))
    if not gains.any() or (gains[gains > 0].min() >= LEAST and gains.max() <= MOST):
        return 1.0
    # Of several outputs, the one that gains least must still be split; the larger ones only must not overflow.
    least, most = float(gains[gains > 0].min()), float(gains.max())
    unit = min(1.0 / least, LARGEST_SUM / (len(y) * size))
    if least < RANGE[0] or most > RANGE[1] or unit * least * len(y) < LEAST:
        worst = most if most > RANGE[1] else least
        raise ValueError(
            f"steps of about {np.sqrt(worst):.0e} from the start value: "
            + too.format("small" if worst < 1 else "large")
            + (", or the curvature of the loss vanishes" if worst > 1 else "")
        )
    return float(np.exp2(np.floor(np.log2(unit))))


def _gains(loss: Loss, rows: Rows, raw_prediction: np.ndarray, some: Any) -> tuple[np.ndarray, float]:
    """Return the gain of a row that all rows together allow, for each output, and the mean size of a gradient.

    Of several outputs one may be at its optimum, as is the spread if all targets are 10 or -10. Its gain is mere
    rounding, and counts as 0 here.
    """
    few, raw, weight = rows.y[some], raw_prediction[some], None if rows.weight is None else rows.weight[some]
    with np.errstate(over="ignore", invalid="ignore"):
        gradient, hessian = (
            part.astype(np.float64)
            for part in loss.gradient_hessian(few, raw, weight, **given_group(loss, rows.group))
        )
        # Not the mean of g² / h: beside a wide offset some rows are far from their targets where the curvature is
        # next to nothing, and a few of 1e-16 made the gains of all others too small for XGBoost to split.
        mean = np.mean(hessian, axis=0)
        gains = np.atleast_1d(np.square(np.mean(np.abs(gradient), axis=0)) / np.where(mean > 0, mean, 1.0))
        if loss.outputs:
            hessian = np.where(hessian > 0, hessian, 1.0)
            steps = np.sqrt(np.mean(np.square(gradient / hessian), axis=0))
            spreads = _spreads(few, loss.n_outputs)
            units = [
                spread * ROUNDING if output.link == IDENTITY else FLOAT32
                for spread, output in zip(spreads, loss.outputs, strict=True)
            ]
            still = steps <= np.maximum(units, FLOAT32 * np.abs(raw).mean(axis=0))
            if not still.all():
                gains = np.where(still, 0.0, gains)
    return gains, float(np.abs(gradient).mean(axis=0).max())


def _spreads(y: np.ndarray, n_outputs: int) -> list[float]:
    """Return the spread of the target of each output: of its own column, if there are as many, or of all."""
    columns = y.T if y.ndim == 2 and y.shape[1] == n_outputs else [y] * n_outputs
    known = [column[np.isfinite(column)] for column in columns]
    return [float(np.std(column)) if column.size else 0.0 for column in known]


def with_penalties_times(params: dict[str, Any], unit: float) -> dict[str, Any]:
    """Return the parameters with each penalty on sums of gradients or Hessians multiplied."""
    linear = params.get("booster") == "gblinear"
    scaled = dict(params)
    for names, default in PENALTIES:
        given = [name for name in names if name in params]
        for name in given or ([] if linear or not default else names[:1]):
            scaled[name] = unit * float(params.get(name, default))
    return scaled
