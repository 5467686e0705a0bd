"""Rows that `fit` puts aside, whose loss early stopping watches, as scikit-learn's HistGradientBoosting does."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, check_random_state, column_or_1d

from ..engines.protocol import FitInputs
from ..validation import check_between, check_integer, missing_rows, shown
from .trainee import Trainee

__all__ = ["check_validation", "numbered", "put_aside", "puts_aside", "rounds_to_wait", "taken"]

# As in HistGradientBoosting.
N_ITER_NO_CHANGE = 10


def puts_aside(model: Any) -> bool:
    """Return whether `fit` is to put rows aside."""
    return model.validation_fraction is not None or _is_splitter(model.validation)


def _is_splitter(rows: Any) -> bool:
    return hasattr(rows, "split") and not isinstance(rows, str)


def check_validation(model: Any, groups: Any, given: list[str]) -> None:
    """Raise unless the parameters that put rows aside go together, and with the evaluation sets given to `fit`.

    Raises
    ------
    ValueError
        If a parameter is out of range, would have no effect, or contradicts another one.
    TypeError
        If a parameter is of the wrong kind.
    """
    owner, fraction, rows = type(model).__name__, model.validation_fraction, model.validation
    splits = _is_splitter(rows)
    if not splits and not (isinstance(rows, str) and rows in ("random", "last")):
        raise ValueError(f"validation of {owner} must be 'random', 'last' or a splitter, got {shown(rows)}")
    if splits and fraction is not None:
        raise ValueError(
            f"validation_fraction of {owner} must be left out: the splitter {shown(rows)} says how many rows"
        )
    if model.n_iter_no_change is not None:
        check_integer(model, "n_iter_no_change", 1)
    if not splits and fraction is None:
        if rows != "random":
            raise ValueError(f"validation of {owner} needs validation_fraction: no rows are put aside without it")
        if groups is not None:
            raise ValueError(f"groups must be left out: {owner} puts rows aside only with validation_fraction")
        return
    check_random_state(model.random_state)
    if isinstance(fraction, (int, np.integer)):
        check_integer(model, "validation_fraction", 1)  # which refuses booleans
    elif fraction is not None:
        check_between(fraction, f"validation_fraction of {owner}", 0.0, 1.0)
    if given:
        raise ValueError(
            f"{given[0]} must be left out where {owner} puts rows aside (validation_fraction): give one of the two"
        )


def rounds_to_wait(model: Any, stops_early: bool, has_sets: bool) -> int | None:
    """Return after how many rounds without improvement to stop; None if the engine's own parameters say it.

    Parameters
    ----------
    model : estimator
        One of ours.
    stops_early : bool
        Whether the engine's parameters or callbacks ask for early stopping.
    has_sets : bool
        Whether there is an evaluation set, given or put aside.
    """
    rounds: int | None = model.n_iter_no_change
    if rounds is None:
        return N_ITER_NO_CHANGE if puts_aside(model) and not stops_early else None
    if stops_early:
        raise ValueError(
            f"n_iter_no_change of {type(model).__name__} says the same as early stopping of its estimator or of"
            " callbacks: give one of the two"
        )
    if has_sets:
        return rounds
    # scikit-learn's checks set it in every estimator that has it.
    warnings.warn(
        "n_iter_no_change has no effect: there is neither validation_fraction nor an eval_set",
        UserWarning,
        stacklevel=4,
    )
    return None


def put_aside(
    model: Trainee, data: FitInputs, groups: Any, query: np.ndarray | None
) -> tuple[FitInputs, np.ndarray | None, list[np.ndarray | None]]:
    """Return the inputs of a training with some of the rows as the evaluation set, and the queries of both.

    Sets `validation_indices_`.

    Parameters
    ----------
    model : estimator
        With parameters that `check_validation` accepts.
    data : FitInputs
        All rows, checked, without evaluation sets.
    groups : array-like of shape (n_samples,), optional
        Rows of the same group stay together.
    query : ndarray of int of shape (n_samples,), optional
        The number of each row's query; its rows stay together, too.

    Raises
    ------
    ValueError
        If nothing would be left to train on, or no row of a class; or a query or a group would be cut.
    """
    if groups is not None and query is not None:
        raise ValueError("groups must be left out: the rows of a query stay together")
    whole = query if groups is None else numbered(groups, len(data.y), "groups")
    kept, aside = _split(model, data, whole)
    strata = model._strata(data.y)
    if is_classifier(model) and strata is not None and len(lost := np.setdiff1d(strata, strata[kept])):
        label = shown(model.classes_.tolist()[int(lost[0])])
        raise ValueError(f"validation of {type(model).__name__} leaves no row of class {label} to train on")
    model.validation_indices_ = aside
    (X, y, weight, offset), others = (_some(data, rows) for rows in (kept, aside))
    data = replace(
        data,
        X=X,
        y=y,
        sample_weight=weight,
        offset=offset,
        eval_sets=[others[:3]],
        eval_offsets=[others[3]],
        repeats=[False],
        aside=True,
    )
    return (data, None, [None]) if query is None else (data, query[kept], [query[aside]])


def numbered(groups: Any, n_rows: int, name: str) -> np.ndarray:
    """Return the place of each row's group in the order of all groups; categories may have one of their own."""
    if np.ndim(groups) != 1 and np.shape(groups)[1:] != (1,):
        raise ValueError(f"{name} must be 1-dimensional, got shape {np.shape(groups)}")
    labels = column_or_1d(groups)
    if len(labels) != n_rows:
        raise ValueError(f"{name} has {len(labels)} values for {n_rows} rows")
    if (gaps := missing_rows(labels)).any():
        raise ValueError(f"{name} must be labels, got a missing value in row {gaps.argmax()} ({gaps.sum()} such)")
    if getattr(getattr(groups, "dtype", None), "ordered", False):
        labels = getattr(groups, "cat", groups).codes
    try:
        return np.unique(labels, return_inverse=True)[1]
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise ValueError(f"{name} must be labels of one type, got {', '.join(kinds)}") from None


def _split(model: Any, data: FitInputs, whole: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those put aside, each in ascending order.

    `whole` numbers what is to stay together: groups or queries.
    """
    if _is_splitter(model.validation):
        return _split_by(model, data, whole)
    n, fraction = (len(data.y) if whole is None else int(whole.max()) + 1), model.validation_fraction
    shuffle, what = model.validation == "random", "rows" if whole is None else "groups or queries"
    if (n_aside := fraction if fraction >= 1 else int(np.ceil(fraction * n))) >= n:
        raise ValueError(
            f"validation_fraction={fraction} of {type(model).__name__} puts aside {n_aside} {what} and leaves none"
            f" to train on: n_samples={len(data.y)}" + ("" if whole is None else f", {n} {what}")
        )
    # scikit-learn has no splitter that keeps groups whole and shares of classes at any fraction.
    strata = model._strata(data.y) if whole is None and shuffle else None
    if strata is not None and is_classifier(model) and (alone := np.bincount(strata) == 1).any():
        label = shown(model.classes_.tolist()[int(alone.argmax())])
        raise ValueError(f"validation_fraction needs at least 2 rows of each class, y has 1 of class {label}")
    state = model.random_state if shuffle else None
    try:
        kept, aside = train_test_split(
            np.arange(n),
            test_size=fraction if fraction >= 1 else float(fraction),
            shuffle=shuffle,
            random_state=state,
            stratify=strata,
        )
    except ValueError as error:
        raise ValueError(f"validation_fraction={fraction} of {type(model).__name__}: {error}") from None
    if whole is None:
        return np.sort(kept), np.sort(aside)
    held_out = np.isin(whole, aside)
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _split_by(model: Any, data: FitInputs, whole: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the last of a splitter's splits: of splits in time the one that trains on most rows."""
    strata = model._strata(data.y)
    owner, splitter = type(model).__name__, shown(model.validation)
    splits = list(model.validation.split(data.X, data.y if strata is None else strata, whole))
    if not splits:
        raise ValueError(f"validation of {owner} must yield a split, {splitter} yields none")
    places = np.arange(len(data.y))
    try:
        kept, aside = (np.unique(places[part]) for part in splits[-1])
    except IndexError as error:
        raise ValueError(f"validation of {owner} must yield numbers of rows, {splitter}: {error}") from None
    if both := len(np.intersect1d(kept, aside)):
        raise ValueError(
            f"validation of {owner} must yield two sets of rows, {splitter} yields {both} rows in both"
        )
    if not len(kept) or not len(aside):
        raise ValueError(
            f"validation of {owner} must yield rows to train on and others, {splitter} yields {len(kept)} and"
            f" {len(aside)}"
        )
    if whole is not None and len(cut := np.intersect1d(whole[kept], whole[aside])):
        row = int(np.flatnonzero(whole == cut[0])[0])
        raise ValueError(
            f"validation of {owner} must keep groups and queries whole, {splitter} cuts that of row {row}"
        )
    return kept, aside


def _some(data: FitInputs, rows: np.ndarray) -> tuple[Any, ...]:
    """Return features, target, weight and offset of some rows."""
    weight, offset = (None if array is None else array[rows] for array in (data.sample_weight, data.offset))
    if weight is not None and not weight.any():
        raise ValueError("sample_weight must have a value above 0 among the rows put aside and among the others")
    return taken(data.X, rows), data.y[rows], weight, offset


def taken(X: Any, rows: np.ndarray) -> Any:
    """Return some rows of features."""
    # scikit-learn before 1.7 cannot index Arrow's tables.
    return X.take(rows) if hasattr(X, "column_names") else _safe_indexing(X, rows)
