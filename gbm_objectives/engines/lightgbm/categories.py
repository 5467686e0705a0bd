"""Categories of data frames in a continued training: LightGBM's trees refer to codes, the model has one table.

LightGBM gives a model the table of the last training. If that differs, earlier trees misread the codes.
"""

from __future__ import annotations

from typing import Any

import lightgbm as lgb

__all__ = ["check_categories", "in_order_of"]


def in_order_of(model: lgb.Booster, X: Any) -> Any:
    """Return features in which each category has the code that it has in the model; new ones follow."""
    columns, known = _categorical(X), model.pandas_categorical or []
    if not columns or len(columns) != len(known):
        return X  # there is nothing to put in order, or it will be refused
    X = X.copy(deep=False)
    for column, values in zip(columns, known, strict=True):
        given = X[column].cat.categories
        # Not by astype, which treats the same categories in another order as equal.
        X[column] = X[column].cat.set_categories([*values, *given[~given.isin(values)]])
    return X


def check_categories(model: lgb.Booster, train_set: lgb.Dataset) -> None:
    """Raise unless the training set has the model's codes of categories, or is an array of codes."""
    known = model.pandas_categorical or []
    if train_set._handle is None:
        frame: Any = train_set.data
        columns = _categorical(frame)
        given = [frame[column].cat.categories.tolist() for column in columns]
    else:
        given = train_set.pandas_categorical or []
        columns = [f"with categories number {i}" for i in range(len(given))]
    if not given or not known:
        return
    if len(given) != len(known):
        raise ValueError(f"train_set has {len(given)} columns with categories, init_model has {len(known)}")
    for column, ours, theirs in zip(columns, given, known, strict=True):
        if ours[: len(theirs)] != theirs:
            raise ValueError(
                f"train_set: the categories of column {column} must begin with those of init_model, in its order,"
                f" {theirs[:5]}{'...' if len(theirs) > 5 else ''}, got {ours[:5]}{'...' if len(ours) > 5 else ''}"
            )


def _categorical(X: Any) -> list[Any]:
    """Return a pandas data frame's columns with categories; LightGBM has a table for no others."""
    if not hasattr(X, "select_dtypes"):
        return []
    return list(X.select_dtypes(include="category").columns)
