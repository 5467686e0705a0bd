"""Rows of features in any form: arrays, sparse matrices, data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ...sampling import sample_rows
from ..features import known_to_engines

__all__ = ["concatenated", "some"]


def concatenated(parts: Sequence[Any]) -> Any:
    """Return the rows of partitions (arrays, sparse matrices or data frames) as one."""
    if hasattr(parts[0], "iloc"):
        import pandas as pd

        return pd.concat(parts)
    if sparse.issparse(parts[0]):
        return known_to_engines(sparse.vstack(parts, format="csr"))
    return np.concatenate(parts)


def some(values: Any, quota: int) -> Any:
    """Return that many rows, spread evenly."""
    rows = sample_rows(values.shape[0], None, 0.0, quota)
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
