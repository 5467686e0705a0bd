"""What `fit` takes, read and checked: rows, evaluation sets, weights, offsets, in both engines' spellings."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..contract import Loss
from ..contract.rows import are_numbered, check_order, described, in_columns, instead_of_columns, names_of
from ..engines.data_sets import as_offset, check_known, check_labels
from ..engines.protocol import FitInputs
from ..validation import as_numbers, brief, first_offender, missing_rows
from .queries import in_order, numbers_of, of_sets, weight_of
from .trainee import Trainee
from .validation_rows import check_validation, put_aside, puts_aside

__all__ = [
    "EVAL_NAMES",
    "EVAL_OFFSET_NAMES",
    "EVAL_WEIGHT_NAMES",
    "INSTEAD_OF_WEIGHTS",
    "MODEL_NAMES",
    "OFFSET_NAMES",
    "check_one_target",
    "columns_of",
    "counted_labels",
    "eval_pairs",
    "offset_of",
    "one_of",
    "read_inputs",
]

# Two spellings each, so that a call of fit works unchanged with the other engine.
EVAL_WEIGHT_NAMES = ("eval_sample_weight", "sample_weight_eval_set")
MODEL_NAMES = ("init_model", "xgb_model")
OFFSET_NAMES = ("init_score", "base_margin")
EVAL_OFFSET_NAMES = ("eval_init_score", "base_margin_eval_set")
# Of several labels a row has one weight, and each label classes of its own.
INSTEAD_OF_WEIGHTS = "take MultiTarget([WeightedCrossEntropy(w) for w in weights])"
# What says something of evaluation sets.
EVAL_NAMES = (
    *("eval_X", "eval_y", "eval_names", "eval_group", "eval_qid"),
    *EVAL_WEIGHT_NAMES,
    *EVAL_OFFSET_NAMES,
)


def read_inputs(
    model: Trainee, X: Any, y: Any, sample_weight: Any, eval_set: Any, fit_params: dict[str, Any]
) -> FitInputs:
    """Return what `fit` was given, read and checked; some rows as the evaluation set, if they are to be put aside.

    Sets what the model learns of its rows: `loss_`, `classes_`, `n_features_in_` and the like.
    """
    groups = fit_params.pop("groups", None)
    given = ["eval_set"] if eval_set is not None else []
    check_validation(model, groups, given + [name for name in EVAL_NAMES if name in fit_params])
    features = model._features(X, reset=True)
    target = model._prepare(y)
    check_consistent_length(features, target)
    loss = model.loss_
    check_labels(loss, target)
    query = numbers_of(loss, fit_params.pop("group", None), fit_params.pop("qid", None), len(target))
    weight = weight_of(sample_weight, query, len(target))
    check_known(loss, target, weight)
    offset = offset_of(loss, one_of(fit_params, OFFSET_NAMES), len(target), "init_score")
    eval_set = eval_pairs(eval_set, fit_params)
    eval_weight = one_of(fit_params, EVAL_WEIGHT_NAMES)
    eval_names = fit_params.pop("eval_names", None)
    start = one_of(fit_params, MODEL_NAMES)
    check_classes(model, start)
    sets, eval_query = eval_sets(model, eval_set, eval_weight, eval_names, fit_params)
    offsets = eval_offsets(loss, one_of(fit_params, EVAL_OFFSET_NAMES), sets, offset)
    data = FitInputs(
        features,
        target,
        weight,
        sets,
        offset=offset,
        eval_offsets=offsets,
        repeats=repeats_training_set((X, y, weight), query, offset, eval_set, sets, eval_query, offsets),
        eval_names=eval_names,
        eval_metric=fit_params.pop("eval_metric", None),
        callbacks=fit_params.pop("callbacks", None),
        model=start,
        options=fit_params,
    )
    if puts_aside(model):
        data, query, eval_query = put_aside(model, data, groups, query)
    return in_order(data, query, eval_query)


def counted_labels(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct labels, sorted, and how often each occurs; raise if one is missing or types differ."""
    if (gaps := missing_rows(labels)).any():
        raise ValueError(f"y must be labels, got a missing value in row {gaps.argmax()} ({gaps.sum()} such)")
    try:
        return np.unique(labels, return_counts=True)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise ValueError(f"y must be labels of one type, got {brief(', '.join(kinds))}") from None


def one_of(fit_params: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Remove from the fit parameters, and return, whichever of several spellings is given."""
    given = [fit_params.pop(name) for name in names if name in fit_params]
    if len(given) > 1:
        raise TypeError(f"fit() takes one of {' and '.join(names)}, got both")
    return given[0] if given else None


def check_one_target(loss: Loss, y: Any) -> None:
    """Raise, with what to take instead, if a target has several columns and the loss is of one."""
    shape: tuple[int, ...] = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y must be one target for {loss!r}, got shape {shape}: for several take MultiTarget({loss!r},"
            f" {shape[1]})"
        )


def columns_of(model: Trainee, y: Any) -> np.ndarray:
    """Return a target of several columns; from a data frame or a structured array, those of the right names.

    Raises
    ------
    ValueError
        If there are other columns, or, where the loss only numbers them, others than in `fit`.
    """
    loss = model.loss_
    if are_numbered(loss.columns):
        check_order(model.target_names_in_, names_of(y), "in fit")
    if hasattr(y, "iloc"):  # pandas has missing values that NumPy does not know
        y = y.astype(object).where(y.notna(), np.nan)
    target = as_numbers(in_columns(y, loss.columns, "y"), "y", ndim=(1, 2)).astype(np.float64, copy=False)
    if target.shape[1:] != (len(loss.columns),):
        hint = instead_of_columns(loss.columns)
        raise ValueError(f"y must have {described(loss.columns)} of {loss!r}, got shape {target.shape}{hint}")
    return target


def check_classes(estimator: Any, model: Any) -> None:
    """Raise unless a model to continue from was fitted to the classes that the target has."""
    if hasattr(model, "fit"):
        check_is_fitted(model)
        ours, theirs = (np.asarray(getattr(m, "classes_", ())) for m in (estimator, model))
        if not np.array_equal(ours, theirs):
            raise ValueError(f"init_model knows the classes {brief(theirs)}, y has {brief(ours)}")
        check_order(getattr(model, "target_names_in_", None), estimator.target_names_in_, "of init_model")


def eval_pairs(eval_set: Any, fit_params: dict[str, Any]) -> Any:
    """Return the evaluation sets as pairs; LightGBM 4.7 also takes them as `eval_X` and `eval_y`."""
    X, y = fit_params.pop("eval_X", None), fit_params.pop("eval_y", None)
    if X is None and y is None:
        return eval_set if eval_set is None or isinstance(eval_set, tuple) else list(eval_set)
    if eval_set is not None or X is None or y is None:
        raise TypeError("fit() takes eval_set, or eval_X and eval_y, one of the two")
    X, y = (part if isinstance(part, (tuple, list)) else (part,) for part in (X, y))
    if len(X) != len(y):
        raise ValueError(f"eval_X has {len(X)} entries, eval_y has {len(y)}")
    return list(zip(X, y, strict=True))


def eval_sets(
    model: Trainee, eval_set: Any, weights: Any, names: Any, fit_params: dict[str, Any]
) -> tuple[list[tuple[Any, np.ndarray, np.ndarray | None]], list[np.ndarray | None]]:
    """Return features, target and weights of each evaluation set, and its rows' queries, checked.

    Errors name the set. The queries are removed from the fit parameters.
    """
    if eval_set is None:
        return [], of_sets(model.loss_, fit_params, [])
    if _is_one_pair(eval_set):
        pairs = [eval_set]
        # A single pair may come with bare weights; those of a single row are one number.
        alone = weights is not None and (len(weights) != 1 or np.ndim(weights[0]) == 0)
        weights = [weights] if alone else weights
    else:
        pairs = list(eval_set)
    for name, given in (("eval_sample_weight", weights), ("eval_names", names)):
        if given is not None and len(given) != len(pairs):
            raise ValueError(f"{name} has {len(given)} entries for {len(pairs)} evaluation sets")
    read = []
    for i, pair in enumerate(pairs):
        try:
            X, y = pair
        except (TypeError, ValueError):
            raise ValueError(f"eval_set[{i}] must be a pair (X, y)") from None
        try:
            features, target = model._features(X, reset=False), model._encode(y)
            check_consistent_length(features, target)
            check_labels(model.loss_, target)
        except ValueError as error:
            raise ValueError(f"eval_set[{i}]: {error}") from None
        read.append((features, target))
    queries = of_sets(model.loss_, fit_params, [len(target) for _, target in read])
    sets = []
    for i, ((features, target), query) in enumerate(zip(read, queries, strict=True)):
        try:
            weight = weight_of(weights[i] if weights is not None else None, query, len(target))
            check_known(model.loss_, target, weight)
        except ValueError as error:
            raise ValueError(f"eval_set[{i}]: {error}") from None
        sets.append((features, target, weight))
    return sets, queries


def offset_of(loss: Loss, offset: Any, n_rows: int, name: str) -> np.ndarray | None:
    """Return an offset as an array of the shape of raw predictions."""
    if offset is None:
        return None
    given = as_numbers(np.atleast_1d(offset), name, ndim=(1, 2)).astype(np.float64, copy=False)
    array = as_offset(loss, given, n_rows)
    if array is None:
        shapes = [f"({n_rows},)"] if loss.n_outputs == 1 or loss.outputs else []
        shapes += [f"({n_rows}, {loss.n_outputs})"] if loss.n_outputs > 1 else []
        raise ValueError(f"{name} must have shape {' or '.join(shapes)}, got {given.shape}")
    finite = np.logical_and.reduce(np.isfinite(array).reshape(n_rows, -1), axis=1)
    if offender := first_offender(array, finite):
        raise ValueError(f"{name} must be finite numbers, got {offender}")
    return array


def _stands_alone(offset: Any, n_rows: int) -> bool:
    """Return whether the offset of a single evaluation set of `n_rows` rows came without a list around it."""
    if isinstance(offset, (list, tuple)):
        return len(offset) == n_rows > 1 or (len(offset) > 0 and isinstance(offset[0], Real))
    return np.ndim(offset) == 1 or (np.ndim(offset) == 2 and len(offset) == n_rows)


def eval_offsets(loss: Loss, offsets: Any, sets: list[Any], offset: Any) -> list[np.ndarray | None]:
    """Return the offset of each evaluation set, or None; if there is an `offset`, each set must have one too."""
    if offset is not None and sets and offsets is None:
        raise ValueError("eval_init_score must be given beside init_score, or the metrics are of another model")
    if len(sets) == 1 and _stands_alone(offsets, len(sets[0][1])):
        offsets = [offsets]
    given = [None] * len(sets) if offsets is None else list(offsets)
    if len(given) != len(sets):
        raise ValueError(f"eval_init_score has {len(given)} entries for {len(sets)} evaluation sets")
    return [
        offset_of(loss, offset, len(target), f"eval_init_score[{i}]")
        for i, (offset, (_, target, _)) in enumerate(zip(given, sets, strict=True))
    ]


def repeats_training_set(
    given: tuple[Any, Any, Any],
    query: Any,
    offset: Any,
    eval_set: Any,
    sets: list[Any],
    queries: list[Any],
    offsets: list[Any],
) -> list[bool]:
    """Return whether each evaluation set is the training set: the same X and y, as in LightGBM's estimators.

    Its weights, queries and offset must also be those of the training set, or none.

    Parameters
    ----------
    given : (X, y, sample_weight)
        The training set, X and y as the user gave them.
    query, offset : ndarray or None
        Numbers of the queries, and offset, of the rows of the training set.
    eval_set : list of (X, y) pairs, or one pair, or None
        As the user gave it.
    sets, queries, offsets : list
        What `eval_sets` and `eval_offsets` made of it.
    """

    def same(own: Any, other: Any) -> bool:
        return own is None or (other is not None and np.array_equal(own, np.asarray(other)))

    pairs = [eval_set] if _is_one_pair(eval_set) else eval_set or ()
    return [
        pair[0] is given[0]
        and pair[1] is given[1]
        and same(weight, given[2])
        and same(numbers, query)
        and same(own, offset)
        for pair, (*_, weight), numbers, own in zip(pairs, sets, queries, offsets, strict=True)
    ]


def _is_one_pair(eval_set: Any) -> bool:
    return isinstance(eval_set, tuple) and len(eval_set) == 2 and not isinstance(eval_set[0], tuple)
