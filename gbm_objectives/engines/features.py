"""Features in a form that every engine accepts."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["known_to_engines"]


def known_to_engines(X: Any) -> Any:
    """Return features in a form that every engine accepts: sparse ones as a matrix of floats, most others as is.

    LightGBM takes neither sparse integers nor SciPy's sparse arrays, XGBoost no booleans stored by columns; and it
    misreads arrays in another machine's order of bytes.
    """
    if isinstance(X, np.ndarray) and not X.dtype.isnative:
        return X.astype(X.dtype.newbyteorder("="))
    if not sparse.issparse(X):
        return X
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if isinstance(X, sparse.sparray):
        X = (sparse.csc_matrix if X.format == "csc" else sparse.csr_matrix)(X)
    return X
