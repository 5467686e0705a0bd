"""LightGBM's data sets before and during a training: check, construct, set start values, and restore them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightgbm as lgb
import numpy as np

from ...contract import Loss
from ...contract.calling import rows_of
from ...contract.rows import Rows
from ...contract.start import constant_rows
from ...validation import as_numbers, as_weight
from ..data_sets import as_offset, check_labels, check_queries, errors_name
from .columns import check_readable
from .parameters import LEAST_ROWS_NAMES

__all__ = [
    "check_data_set",
    "construct",
    "given_rows",
    "named_sets",
    "offset_of",
    "set_start",
    "start_values",
]

# What LightGBM turns infinite labels into when it constructs a data set.
INFINITE = np.float32(1e38)


def named_sets(train_set: Any, valid_sets: Any, valid_names: Any) -> list[tuple[lgb.Dataset, str]]:
    """Return the training set and each other validation set once, with a name for messages."""
    sets = [(train_set, "train_set")]
    valid_names = [valid_names] if isinstance(valid_names, str) else valid_names
    for i, dataset in enumerate(valid_sets or []):
        known = isinstance(valid_names, (list, tuple)) and i < len(valid_names)
        sets.append((dataset, f"valid_sets[{i}]" + (f" ({valid_names[i]})" if known else "")))
    for dataset, name in sets:
        if not isinstance(dataset, lgb.Dataset):
            raise TypeError(f"{name} must be a lightgbm.Dataset, got {type(dataset).__name__}")
    return [pair for i, pair in enumerate(sets) if all(pair[0] is not other for other, _ in sets[:i])]


def check_data_set(loss: Loss, dataset: lgb.Dataset, name: str) -> None:
    """Check what a data set was given, before LightGBM turns NaN into 0 and infinity into 1e38.

    In a data set that is already constructed only LightGBM's converted values are left; for a subset, the parent
    may still have the original ones.
    """
    in_memory = dataset.data is not None and not isinstance(dataset.data, (str, Path))
    with errors_name(name):
        if dataset._handle is None:
            check_readable(dataset.data, "the features")
        if in_memory and dataset.used_indices is None and dataset.label is None:
            own = hasattr(dataset, "target") or hasattr(dataset, "target_distribution")
            hint = ", which LightGBM wants beside the target: any one column of it will do" if own else ""
            raise ValueError(f"the Dataset has no labels: give it label={hint}")
        if (given := given_rows(loss, dataset)) is not None:
            target = given.y
            check_labels(loss, target)
            as_weight(given.weight, len(target))
            if target.ndim == 1 and (bad := np.flatnonzero(np.abs(target) >= INFINITE)).size:
                raise ValueError(
                    f"the target must be below 1e38 in size, which is what LightGBM makes of infinity,"
                    f" got {target[bad[0]]} in row {bad[0]} ({len(bad)} such)"
                )
            rows = getattr(dataset.data, "shape", (len(target),))[0] if in_memory else len(target)
            if rows != len(target):
                raise ValueError(f"label has {len(target)} values, the data has {rows} rows")
        if dataset.init_score is not None:
            offset = as_numbers(dataset.init_score, "init_score", ndim=(1, 2))
            if not np.isfinite(offset).all():
                raise ValueError("init_score must be finite numbers")
        if loss.scope == "query" and getattr(dataset, "position", None) is not None:
            raise ValueError(f"position must not be set: {loss!r} corrects no bias of positions")
        if dataset.used_indices is None and in_memory:
            check_queries(loss, None if dataset.group is None else np.asarray(dataset.group))


def given_rows(loss: Loss, dataset: lgb.Dataset) -> Rows | None:
    """Return targets, weights and queries as they were given to a data set; None if it has no labels yet."""
    label, weight = (_given(dataset, field) for field in ("label", "weight"))
    if label is None and not hasattr(dataset, "target") and not hasattr(dataset, "target_distribution"):
        return None
    # A stand-in with what rows_of asks for: LightGBM's own Dataset would have to be constructed first.
    given = type("Dataset", (SimpleNamespace,), {})(**vars(dataset))
    given.get_label, given.get_weight, given.get_group = lambda: label, lambda: weight, lambda: dataset.group
    return rows_of(given, loss.columns)


def _given(dataset: Any, field: str) -> Any:
    """Return labels or weights as they were given; for a subset those of its parent's rows."""
    own = getattr(dataset, field)
    if own is not None or dataset.used_indices is None:
        return own
    whole = _given(dataset.reference, field)
    return None if whole is None else np.asarray(whole)[dataset.used_indices]


def construct(
    params: dict[str, Any], train_set: lgb.Dataset, sets: list[tuple[lgb.Dataset, str]]
) -> dict[str, Any]:
    """Construct the data sets with the training parameters, as LightGBM would at the start of a training.

    Returns
    -------
    dict
        The parameters without those of data sets, which LightGBM's booster takes from the data set. If given
        again, they would be compared with those that the data set has: forced bins always differ, and so do two
        aliases of one parameter. LightGBM then raises, or, where the raw data is kept, reconstructs the data set
        without the start values.
    """
    params = dict(params)
    for name in LEAST_ROWS_NAMES[1:]:
        # The one parameter that both have. A different alias of it in the data set would count as a difference.
        if name in params:
            params.setdefault(LEAST_ROWS_NAMES[0], params.pop(name))
    for dataset, _ in sets:
        if dataset is not train_set:
            dataset.set_reference(train_set)
        dataset._update_params({**params, "objective": "none"})
        try:
            dataset.construct()
        finally:
            dataset._reverse_update_params()
    of_data_sets = lgb.Dataset(None, params=params).get_params()  # LightGBM knows which ones these are
    return {name: value for name, value in params.items() if name not in of_data_sets}


def offset_of(loss: Loss, dataset: lgb.Dataset, name: str) -> np.ndarray | None:
    """Return a data set's own `init_score`, the raw predictions that training adds to; None if it has none."""
    given = dataset.get_init_score()
    if given is None:
        return None
    n, k = dataset.num_data(), loss.n_outputs
    offset = np.asarray(given, dtype=np.float64)
    if k > 1 and offset.shape == (n * k,):
        # LightGBM keeps several outputs one after another.
        offset = offset.reshape((n, k), order="F")
    shaped = as_offset(loss, offset, n)
    if shaped is None or not np.isfinite(shaped).all():
        raise ValueError(f"{name}: init_score must be {n * k} finite numbers, {k} for each row")
    return shaped


def set_start(dataset: lgb.Dataset, start: float | np.ndarray, offset: np.ndarray | None) -> None:
    """Let a data set's rows begin at a start value, plus an offset if there is one."""
    # LightGBM would write a longer one past the end of a shorter one's memory.
    dataset.set_field("init_score", None)
    # Not set_init_score, which would keep a copy in Python.
    dataset.set_field("init_score", constant_rows(start, dataset.num_data(), offset))


@contextmanager
def start_values(
    sets: list[tuple[lgb.Dataset, str]], start: float | np.ndarray | None, offsets: list[np.ndarray | None]
) -> Iterator[None]:
    """Set the start value, if any, on all data sets; restore what they had however the training ends."""
    before = [
        None if offset is None else dataset.get_init_score()
        for (dataset, _), offset in zip(sets, offsets, strict=True)
    ]
    try:
        if start is not None:
            for (dataset, _), offset in zip(sets, offsets, strict=True):
                set_start(dataset, start, offset)
        yield
    finally:
        for (dataset, _), given in zip(sets, before, strict=True):
            # Left behind by an init_model: LightGBM would zero the next training's start to get rid of it.
            dataset._predictor = None
            if dataset._handle is not None:
                dataset.set_field("init_score", None)
            dataset.set_init_score(given)
