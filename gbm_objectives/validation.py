"""Checks of what users pass in: each raises an error that names the argument, the rule and the offender."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "Closed",
    "as_events",
    "as_numbers",
    "as_raw",
    "as_times",
    "as_weight",
    "brief",
    "check_between",
    "check_choice",
    "check_integer",
    "check_levels",
    "check_number",
    "codes",
    "first_offender",
    "hashable",
    "increasing",
    "is_missing",
    "missing_rows",
    "shown",
]

# Which ends belong to an interval, in scikit-learn's words.
Closed = Literal["neither", "left", "right", "both"]
# The longest value that a message shows. A list of all labels, or a model file's content, would bury the message.
LONGEST = 200


def brief(value: object) -> str:
    """Return the text of a value for messages: on one line, and truncated if it is long.

    Examples
    --------
    >>> brief("no" * 1000)[-26:]
    'nono... (2,000 characters)'
    """
    text = re.sub(r"\s*\n\s*", " ", str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


def shown(value: object) -> str:
    """Return the representation of a value for messages; see `brief`."""
    return brief(repr(value))


def as_numbers(values: Any, name: str, ndim: tuple[int, ...] = (1,)) -> np.ndarray:
    """Return `values` as a non-empty array of real numbers with an allowed number of dimensions.

    Floating-point input keeps its precision and memory; booleans and integers become float64.
    """
    array = np.asarray(values)
    dtype = array.dtype
    if dtype.kind == "O":
        # NumPy's times would be converted to numbers, though Python's own are not.
        dtype = next((v.dtype for v in array.flat if isinstance(v, (np.datetime64, np.timedelta64))), dtype)
    if dtype.kind in "cmMV":
        raise ValueError(f"{name} must be real numbers, got {dtype} data")
    if array.dtype.kind not in "biuf":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be numbers, got {array.dtype} data: {brief(error)}") from None
    elif array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float64)
    if array.ndim not in ndim:
        shapes = " or ".join(f"{n}-dimensional" for n in ndim)
        raise ValueError(f"{name} must be {shapes}, got shape {array.shape}")
    if array.shape[0] == 0:
        raise ValueError(f"{name} is empty: at least one row is needed")
    return array


def as_times(values: ArrayLike) -> np.ndarray:
    """Return times, one or several, as an array of float64; infinite ones are times, NaN is none."""
    times = as_numbers(np.atleast_1d(values), "times").astype(np.float64, copy=False)
    if offender := first_offender(times, ~np.isnan(times)):
        raise ValueError(f"times must be numbers, got {offender}")
    return times


def as_raw(raw_prediction: ArrayLike, n_rows: int, n_outputs: int, owner: object) -> np.ndarray:
    """Return the raw prediction as an array of shape (n_rows,) or (n_rows, n_outputs)."""
    raw = as_numbers(raw_prediction, "raw_prediction", ndim=(1, 2))
    shape = (n_rows,) if n_outputs == 1 else (n_rows, n_outputs)
    if raw.shape[1:] != shape[1:]:
        raise ValueError(
            f"raw_prediction must have {n_outputs} values per row for {owner!r}, got shape {raw.shape}:"
            f" in an engine's own interface set num_class (XGBoost: num_target) to {n_outputs}"
        )
    if len(raw) != n_rows:
        raise ValueError(f"raw_prediction has {len(raw)} rows, the target has {n_rows}")
    return raw


def as_weight(sample_weight: ArrayLike | None, n_rows: int, check: bool = True) -> np.ndarray | None:
    """Return the weights as an array of shape (n_rows,): finite, not negative, not all zero; or None."""
    if sample_weight is None:
        return None
    weight = as_numbers(sample_weight, "sample_weight")
    if len(weight) != n_rows:
        raise ValueError(f"sample_weight has {len(weight)} values, the target has {n_rows} rows")
    if check:
        if offender := first_offender(weight, np.isfinite(weight) & (weight >= 0)):
            raise ValueError(f"sample_weight must be finite and not negative, got {offender}")
        if not weight.any():
            raise ValueError("sample_weight must have a value above 0, all weights are zero")
    return weight


def check_number(owner: object, name: str, low: float, high: float, closed: Closed = "neither") -> None:
    """Raise unless the hyper-parameter `name` of `owner` is a number within bounds; see `check_between`."""
    check_between(getattr(owner, name), f"{name} of {type(owner).__name__}", low, high, closed)


def check_between(value: Any, where: str, low: float, high: float, closed: Closed = "neither") -> None:
    """Raise unless a value is a number between `low` and `high`; `closed` says which ends are included."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{where} must be a number, got {shown(value)}")
    with_low, with_high = closed in ("left", "both"), closed in ("right", "both")
    if not (low < value < high or (with_low and value == low) or (with_high and value == high)):
        rule = f"{'at least' if with_low else 'above'} {low:g} and {'at most' if with_high else 'below'} {high:g}"
        raise ValueError(f"{where} must be {rule}, got {shown(value)}")


def check_choice(owner: object, name: str, choices: Collection[str]) -> None:
    """Raise unless the hyper-parameter `name` of `owner` is one of the choices."""
    value = getattr(owner, name)
    if not isinstance(value, str) or value not in choices:
        offered = ", ".join(map(repr, choices))
        raise ValueError(f"{name} of {type(owner).__name__} must be one of {offered}, got {shown(value)}")


def check_integer(owner: object, name: str, low: int) -> None:
    """Raise unless the hyper-parameter `name` of `owner` is an integer, not below `low`."""
    value = getattr(owner, name)
    where = f"{name} of {type(owner).__name__}"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{where} must be an integer, got {shown(value)}")
    if value < low:
        raise ValueError(f"{where} must be at least {low}, got {shown(value)}")


def check_levels(values: Any, name: str) -> np.ndarray:
    """Return quantile levels, one or several, as an array; raise unless they are in (0, 1)."""
    if isinstance(values, str):
        raise TypeError(f"{name} must be numbers, got {shown(values)}")
    levels = as_numbers(np.atleast_1d(values), name).astype(np.float64)
    inside = (levels > 0) & (levels < 1)
    if not inside.all():
        raise ValueError(f"{name} must be above 0 and below 1, got {levels[~inside][0]}")
    return levels


def first_offender(values: np.ndarray, good: np.ndarray) -> str:
    """Describe the first row of `values` that is not `good`; an empty string when all are."""
    bad = np.flatnonzero(~good)
    return f"{brief(values[bad[0]])} in row {bad[0]} ({len(bad)} such)" if bad.size else ""


def codes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which values are true or false, 1 or 0, and which are missing."""
    if values.dtype.kind in "biuf":
        return np.isin(values, (0, 1)), values != values
    if values.dtype.kind in "mM":  # NumPy warns of durations beside plain numbers
        return np.zeros(len(values), dtype=bool), np.isnat(values)
    missing = np.array([is_missing(one) for one in values], dtype=bool)
    return np.array([not gap and one in (0, 1) for one, gap in zip(values, missing, strict=True)]), missing


def as_events(values: Any, name: str) -> np.ndarray:
    """Return whether the event of each row was observed, of truth values or of 1 and 0.

    Examples
    --------
    >>> as_events([1, 0], "event").tolist()
    [True, False]
    """
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"{name} must be 1-dimensional, got shape {values.shape}")
    known, missing = codes(values)
    if offender := first_offender(values, ~missing):
        raise ValueError(
            f"{name} must be true or false, got {offender}: leave rows out of which it is not known, and give"
            " false for those whose event had not come by their time"
        )
    if offender := first_offender(values, known):
        raise ValueError(
            f"{name} must be true or false, or 1 and 0, got {offender}: of other codes give the comparison with"
            f" that of the event, such as {name} == {'2' if values.dtype.kind in 'biuf' else repr('dead')}"
        )
    return np.asarray(values == 1, dtype=bool)


def increasing(values: np.ndarray) -> bool:
    """Return whether they are a vector in which each number is above the one before."""
    return values.ndim == 1 and bool((np.diff(values) > 0).all())


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN or pandas' NA.

    Examples
    --------
    >>> [is_missing(one) for one in (None, float("nan"), False, "no")]
    [True, True, False, False]
    """
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True  # pandas' NA is neither equal to itself nor unequal


def missing_rows(labels: np.ndarray) -> np.ndarray:
    """Return which of the labels (n_rows,) are None, NaN or pandas' NA."""
    # A NaN is not equal to itself.
    return np.array([*map(is_missing, labels)], bool) if labels.dtype == object else np.asarray(labels != labels)


def hashable(value: Any) -> Any:
    """Return a value with lists, arrays and dictionaries as tuples, which can be compared and hashed."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        value = sorted(value.items())
    return tuple(map(hashable, value)) if isinstance(value, (list, tuple)) else value
