"""The classes of a classifier, in the order that they are given in, or sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from ..contract import Loss
from ..losses import ProportionalOdds
from ..validation import brief, missing_rows, shown

__all__ = ["categories_in_order", "check_labels", "check_ordered", "codes_of", "given_classes"]


def given_classes(classes: Any) -> np.ndarray:
    """Return the labels of the parameter `classes` as an array in their order.

    Raises
    ------
    ValueError
        If they are not two labels or more, each once.
    TypeError
        If they are not a sequence.
    """
    if isinstance(classes, (str, bytes, dict, set)) or not hasattr(classes, "__len__"):
        raise TypeError(f"classes of GBMClassifier must be a list of labels in their order, got {shown(classes)}")
    labels = np.asarray(classes) if hasattr(classes, "dtype") else _as_labels(list(classes))
    single = labels.ndim == 1 and not any(np.ndim(one) for one in labels) and not missing_rows(labels).any()
    if not single or len(labels) < 2 or len(_distinct(labels)) < len(labels):
        raise ValueError(
            f"classes of GBMClassifier must be two labels or more, each once, got {shown(labels.tolist())}"
        )
    return labels


def _as_labels(labels: list[Any]) -> np.ndarray:
    """Return labels as an array; NumPy would make a number beside strings a string."""
    alike = len({type(label) for label in labels}) == 1 and np.ndim(labels[0]) == 0
    return np.array(labels) if alike else _objects(labels)


def _objects(labels: list[Any]) -> np.ndarray:
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def _distinct(labels: np.ndarray) -> np.ndarray:
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise ValueError(f"classes of GBMClassifier must be labels of one type, got {', '.join(kinds)}") from None


def categories_in_order(y: Any) -> np.ndarray | None:
    """Return the categories of an ordered categorical, of pandas, Polars or Dask; None of other labels.

    Categories without rows are among them.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Categorical(["good", "bad"], categories=["bad", "fair", "good"], ordered=True)
    >>> categories_in_order(y).tolist()
    ['bad', 'fair', 'good']
    """
    column = y.iloc[:, 0] if hasattr(y, "iloc") and getattr(y, "ndim", 1) == 2 else y
    column = column.to_series() if hasattr(column, "to_series") and hasattr(column, "schema") else column
    dtype: Any = getattr(column, "dtype", None)
    # Polars' Enum is ordered by what it is.
    if not (getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum"):
        return None
    if hasattr(column, "__dask_graph__") and not column.cat.known:
        raise ValueError("the categories of y must be known: call y.cat.as_known()")
    return _as_labels(list(dtype.categories))


def check_labels(labels: np.ndarray, loss: Loss | None) -> None:
    """Raise if a target does not look like labels, but like numbers or probabilities."""
    if labels.dtype.kind == "f":
        if isinstance(loss, ProportionalOdds):
            # People grade by halves and quarters; what is measured falls in between.
            if (uneven := labels[4.0 * labels != np.floor(4.0 * labels)]).size:
                raise ValueError(
                    f"y must be labels, got {uneven[0]}: if that is a grade, give n_classes of {loss!r}, or"
                    " classes="
                )
            return
        if (soft := labels[(labels > 0) & (labels < 1)]).size:
            raise ValueError(
                f"y must be labels, got the continuous value {soft[0]}: give probabilities as one column for each"
                " class, np.column_stack([1 - y, y])"
            )
    check_classification_targets(labels)


def check_ordered(loss: Loss, labels: np.ndarray) -> None:
    """Raise if a loss of ordered classes gets labels whose order is not known."""
    if isinstance(loss, ProportionalOdds) and labels.dtype.kind in "OUST":
        raise ValueError(
            f"{loss!r} needs the order of the labels, and strings would be sorted by alphabet, got"
            f" {shown(labels.tolist())}: give classes=, the labels in their order, or y as an ordered categorical"
        )


def codes_of(labels: np.ndarray, classes: np.ndarray, given: bool) -> np.ndarray:
    """Return the place of each label among the classes, as numbers.

    Raises
    ------
    ValueError
        For the first label that is none of them; `given` says whether the user has named them.
    """
    order = np.argsort(classes, kind="stable")
    places = np.searchsorted(classes, labels, sorter=order).clip(max=len(classes) - 1)
    codes = order[places]
    unseen = np.flatnonzero(classes[codes] != labels)
    if unseen.size:
        row, one = unseen[0], shown(labels.tolist()[unseen[0]])
        known = f"that is not among its classes {brief(classes.tolist())}" if given else "unseen in training"
        raise ValueError(f"y has a label {known}, {one} in row {row}")
    return codes.astype(np.float64)
