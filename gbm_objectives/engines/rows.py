"""Rows of features in whatever form they come: arrays, sparse matrices, data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ..sampling import sample_rows

__all__ = ["concatenated", "known_to_engines", "some"]


def concatenated(parts: Sequence[Any]) -> Any:
    """Return the rows of partitions, arrays, sparse matrices or data frames, as one."""
    if hasattr(parts[0], "iloc"):
        import pandas as pd

        return pd.concat(parts)
    if sparse.issparse(parts[0]):
        return known_to_engines(sparse.vstack(parts, format="csr"))
    return np.concatenate(parts)


def known_to_engines(X: Any) -> Any:
    """Return features in a form that every engine knows: of sparse ones a matrix of floats, others as they are.

    LightGBM takes no sparse integers and none of SciPy's sparse arrays, XGBoost no truth values by columns.
    """
    if not sparse.issparse(X):
        return X
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if isinstance(X, sparse.sparray):
        X = (sparse.csc_matrix if X.format == "csc" else sparse.csr_matrix)(X)
    return X


def some(values: Any, quota: int) -> Any:
    """Return so many rows, spread evenly."""
    rows = sample_rows(values.shape[0], None, 0.0, quota)
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
