"""Features in a form that every engine accepts."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["known_to_engines"]


def known_to_engines(X: Any) -> Any:
    """Return features in a form that every engine accepts: sparse ones as a matrix of floats, others unchanged.

    LightGBM takes neither sparse integers nor SciPy's sparse arrays, XGBoost no booleans stored by columns.
    """
    if not sparse.issparse(X):
        return X
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if isinstance(X, sparse.sparray):
        X = (sparse.csc_matrix if X.format == "csc" else sparse.csr_matrix)(X)
    return X
