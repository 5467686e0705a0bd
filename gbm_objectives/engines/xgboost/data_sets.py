"""XGBoost's data sets before and during a training: check, set start values, and restore them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import xgboost as xgb

from ...contract import Loss
from ...contract.calling import LABEL_BOUNDS
from ...contract.rows import BOUNDS
from ..data_sets import Member, alone_with, as_offset

__all__ = ["check_data_set", "labels_for_softmax", "margins_from", "numbered", "offset_of"]


def check_data_set(loss: Loss, dmatrix: Any, name: str) -> None:
    """Raise unless it is a DMatrix without anything that our losses would ignore."""
    if not isinstance(dmatrix, xgb.DMatrix):
        raise TypeError(f"{name} must be an xgboost.DMatrix, got {type(dmatrix).__name__}")
    for bound in LABEL_BOUNDS:
        if dmatrix.get_float_info(bound).size and loss.columns != BOUNDS:
            raise ValueError(f"{name}: {bound} must not be set: {loss!r} only uses the label")


def offset_of(loss: Loss, dmatrix: xgb.DMatrix, name: str) -> np.ndarray | None:
    """Return a data set's own `base_margin`, the raw predictions that training adds to; None if it has none."""
    offset = dmatrix.get_base_margin()
    if not offset.size:
        return None
    n, k = dmatrix.num_row(), loss.n_outputs
    shaped = as_offset(loss, offset.reshape(n, k) if offset.size == n * k and k > 1 else offset.ravel(), n)
    if shaped is None or not np.isfinite(shaped).all():
        raise ValueError(f"{name}: base_margin must be {n * k} finite numbers, {k} for each row")
    return shaped


@contextmanager
def margins_from(start: Any, members: Sequence[Member]) -> Iterator[None]:
    """Add the start value to offsets, since XGBoost uses either; afterwards restore what was there."""
    given = [(one.data, one.offset, one.data.get_base_margin()) for one in members if one.offset is not None]
    with alone_with([(one.data, one.name) for one in members if one.offset is not None]):
        try:
            for dmatrix, offset, _ in given:
                dmatrix.set_base_margin(offset + np.float32(start))
            yield
        finally:
            for dmatrix, _, before in given:
                dmatrix.set_base_margin(before)


# float32 has all integers up to 2²⁴, which is too few for the rows of large data.
DIGITS = 20


@contextmanager
def numbered(dmatrix: xgb.DMatrix) -> Iterator[Callable[[xgb.DMatrix], np.ndarray]]:
    """Yield what returns the rows that a slice of a data set has, by number.

    A slice has only what XGBoost knows of: no targets of several columns, and no word of where its rows are from.
    So their numbers stand where its survival objectives, and no others, look for bounds. Afterwards these are as
    they were, in slices too.
    """
    before = [dmatrix.get_float_info(name) for name in LABEL_BOUNDS]
    rows = np.arange(dmatrix.num_row())

    def put(data: xgb.DMatrix, fields: Sequence[np.ndarray]) -> None:
        for name, values in zip(LABEL_BOUNDS, fields, strict=True):
            data.set_float_info(name, values)

    def rows_in(part: xgb.DMatrix) -> np.ndarray:
        high, low = (part.get_float_info(name).astype(np.intp) for name in LABEL_BOUNDS)
        own = (high << DIGITS) + low
        put(part, [field[own] if field.size else field for field in before])
        return own

    put(dmatrix, [rows >> DIGITS, rows & ((1 << DIGITS) - 1)])
    try:
        yield rows_in
    finally:
        put(dmatrix, before)


@contextmanager
def labels_for_softmax(members: Sequence[Member]) -> Iterator[None]:
    """Move target distributions out of the labels during training, and back however the training ends.

    XGBoost takes labels (n_samples, n_classes) for several outputs, which its softmax objective then refuses.
    """
    moved = [
        # Copies: what get_label returned may be a view into the labels that are overwritten here.
        (one.data, np.array(one.rows.y), np.array(one.data.get_label()), getattr(one.data, "target", None))
        for one in members
        if one.rows.y.ndim == 2 and np.size(one.data.get_label()) == one.rows.y.size
    ]
    try:
        for dmatrix, target, *_ in moved:
            dmatrix.target = target
            dmatrix.set_label(target.argmax(axis=1))
        yield
    finally:
        for dmatrix, target, label, own in moved:
            dmatrix.set_label(label.reshape(target.shape))
            if own is None:
                del dmatrix.target
            else:
                dmatrix.target = own
