"""What a model file holds of a calibration, and of values that many targets had."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Loss
from ..validation import as_weight, shown
from .conformal import Calibration
from .ties import Ties

__all__ = ["calibration_content", "read_calibration", "read_ties", "ties_content"]


def calibration_content(calibration: Calibration | None) -> Any:
    """Return a calibration as JSON."""
    if calibration is None:
        return None
    values = vars(calibration).items()
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values}


def read_calibration(content: Any, loss: Loss) -> Calibration | None:
    """Return what intervals and sets were calibrated on."""
    if content is None:
        return None
    raw, y = (np.array(content[name], dtype=np.float64) for name in ("raw", "y"))
    weight = None if content["weight"] is None else np.array(content["weight"], dtype=np.float64)
    groups = None if content["groups"] is None else np.array(content["groups"])
    if raw.shape != ((len(y),) if loss.n_outputs == 1 else (len(y), loss.n_outputs)):
        raise ValueError(f"calibration has raw predictions of shape {raw.shape} for {len(y)} targets")
    if any(array is not None and array.shape != y.shape for array in (weight, groups)):
        raise ValueError(f"calibration has {len(y)} targets, and weights or groups of other rows")
    if not (np.isfinite(raw).all() and loss.domain.accepts(y)):
        raise ValueError("calibration has raw predictions or targets that are not valid")
    if groups is not None and groups.dtype.kind not in "iU":
        raise ValueError("calibration has groups that are neither integers nor strings")
    window, half_life = content.get("window"), content.get("half_life")  # missing in files of 0.2
    if any(value is not None and not value > 0 for value in (window, half_life)):
        raise ValueError(f"calibration has the window {shown(window)} and half-life {shown(half_life)}")
    return Calibration(raw, y, as_weight(weight, len(y)), groups, window, half_life)


def ties_content(known: Ties | None) -> Any:
    """Return the values that many training targets had as JSON."""
    return None if known is None else {**vars(known), "values": known.values.tolist()}


def read_ties(content: Any) -> Ties | None:
    """Return the values that many training targets had."""
    if content is None:
        return None
    values = np.array(content["values"], dtype=np.float64)
    zone, share, most = (float(content[name]) for name in ("zone", "share", "most"))
    if values.ndim != 1 or not len(values) or not np.isfinite([*values, zone, share, most]).all() or zone < 0:
        raise ValueError(f"ties must be finite values and a distance, got {shown(content)}")
    if (np.diff(values) <= 0).any() or most not in values:
        raise ValueError(f"ties must be ascending values, one of which is the most frequent, got {shown(content)}")
    return Ties(values, zone, share, most)
