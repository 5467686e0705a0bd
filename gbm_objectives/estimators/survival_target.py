"""Targets of survival analysis, in the forms in which people have them, as two bounds for each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract.rows import BOUNDS, in_columns
from ..validation import as_events, as_numbers, codes, first_offender, shown

__all__ = ["bounds_of", "collected"]

# A column of one of these names is that of events, whatever its type.
NAMES_OF_EVENTS = ("event", "status")


def bounds_of(y: Any, name: str = "y") -> np.ndarray:
    """Return lower and upper bounds, (n_samples, 2), of a target in any form that `GBMSurvival.fit` takes.

    Raises
    ------
    ValueError
        If it has none of these forms, events are neither true nor false, or a time is missing.
    """
    given = getattr(y, "columns", getattr(getattr(y, "dtype", None), "names", None))
    names = [] if given is None else list(given)
    if any(isinstance(one, str) for one in names) and not set(BOUNDS) <= set(names):
        return _right_censored(y, names, name)
    bounds = as_numbers(in_columns(y, BOUNDS, name), name, ndim=(1, 2)).astype(np.float64, copy=False)
    if bounds.shape[1:] != (2,):
        raise ValueError(
            f"{name} must have two columns, a lower and an upper bound of the time (equal: observed, upper inf:"
            f" right-censored), or be a structured array of event and time, got shape {bounds.shape}"
        )
    first, second = bounds.T
    for place, flags, times in (("first", first, second), ("second", second, first)):
        like_events = np.isin(flags, (0.0, 1.0)).all() and (flags == 1.0).any()
        if not (like_events and np.isfinite(times).all() and len(np.unique(times)) > 2):
            continue
        raise ValueError(
            f"{name} must have the bounds of a time as its columns: the {place} one has only 0 and 1, like events."
            " Give event and time as a data frame or a structured array, or give np.column_stack([time,"
            " np.where(event, time, np.inf)])"
        )
    return bounds


def collected(y: Any) -> Any:
    """Return a Dask data frame of events and times as one of bounds; other collections unchanged."""
    if not hasattr(y, "map_partitions") or set(BOUNDS) <= set(getattr(y, "columns", BOUNDS)):
        return y
    import pandas as pd

    return y.map_partitions(_frame_of_bounds, meta=pd.DataFrame({one: [0.0] for one in BOUNDS}))


def _frame_of_bounds(y: Any) -> Any:
    import pandas as pd

    bounds = bounds_of(y) if len(y) else np.empty((0, 2))
    return pd.DataFrame(bounds, index=y.index, columns=BOUNDS)


def _right_censored(y: Any, names: list[str], name: str) -> np.ndarray:
    """Return the bounds of rows with an event and a time, by name or by type."""
    named = [one for one in names if one in NAMES_OF_EVENTS]
    names = [*named, "time"] if len(named) == 1 and "time" in names else names
    values = {one: np.asarray(y[one]) for one in names}
    flags = named or [one for one in names if _is_flag(values[one])]
    if len(names) != 2 or len(flags) != 1:
        raise ValueError(
            f"{name} must have the columns lower and upper, or one of events (booleans, integers 0 and 1, or"
            f" named {' or '.join(NAMES_OF_EVENTS)}) and one of times, got"
            f" {shown([f'{one}: {values[one].dtype}' for one in names])}"
        )
    event = as_events(values[flags[0]], f"{name}[{flags[0]!r}]")
    other = names[1 - names.index(flags[0])]
    if values[other].dtype.kind == "m":
        raise ValueError(
            f"{name}[{other!r}] must be numbers, got durations: give them in a unit, such as .dt.days"
        )
    time = as_numbers(values[other], f"{name}[{other!r}]").astype(np.float64, copy=False)
    if offender := first_offender(time, (time >= 0.0) & np.isfinite(time)):
        raise ValueError(f"{name}[{other!r}] must be times, finite and not below 0, got {offender}")
    return np.column_stack([time, np.where(event, time, np.inf)])


def _is_flag(values: np.ndarray) -> bool:
    """Return whether values have a type of events; if they are not booleans, whether all of them are 0 and 1."""
    known, missing = codes(values)
    return values.dtype.kind == "b" or (values.dtype.kind in "iuO" and bool((known | missing).all()))
