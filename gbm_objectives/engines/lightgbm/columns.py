"""Columns that LightGBM can read from Arrow's tables and Polars' frames: numbers and truth values.

Of others, such as categories and strings, it throws where no Python can catch it, and the process ends.
"""

from __future__ import annotations

from typing import Any

__all__ = ["check_readable"]


def check_readable(X: Any, name: str = "X") -> None:
    """Raise a ValueError for the first column of an Arrow table or a Polars frame that LightGBM cannot read."""
    if hasattr(X, "column_names") and hasattr(X, "schema"):
        kinds, readable = zip(X.column_names, X.schema.types, strict=True), _arrow_reads
    elif type(X).__module__.startswith("polars") and hasattr(X, "schema"):
        kinds, readable = X.schema.items(), _polars_reads
    else:
        return
    for column, kind in kinds:
        if not readable(kind):
            raise ValueError(
                f"{name} must have columns of numbers or truth values, which LightGBM can read from {_library(X)},"
                f" got {kind} in column {column!r}: convert it, or all with .to_pandas(), which keeps categories"
            )


def _library(X: Any) -> str:
    return "Arrow" if hasattr(X, "column_names") else "Polars"


# What LightGBM's reader has a case for; of others, float16 and 128-bit integers among them, it throws.
SIZES = ("8", "16", "32", "64")
POLARS = {"Boolean", "Float32", "Float64", *(f"{sign}Int{size}" for sign in ("", "U") for size in SIZES)}


def _arrow_reads(kind: Any) -> bool:
    from pyarrow import types  # there is a table of it

    return bool(
        types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind) or types.is_boolean(kind)
    )


def _polars_reads(kind: Any) -> bool:
    return str(kind) in POLARS
