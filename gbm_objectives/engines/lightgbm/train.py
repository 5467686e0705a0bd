"""Train a complete LightGBM model under one of our losses; the twin of `gbm_objectives.engines.xgboost.train`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightgbm as lgb
import numpy as np

from ...losses import Loss
from ...losses.metric import labels_and_weight
from ...losses.start import constant_rows
from ...validation import as_weight
from ..common import (
    Watch,
    check_keys,
    check_labels,
    errors_name,
    metric_functions,
    require_loss,
    target_and_weight,
)
from .model_text import completed, objective_in

__all__ = ["train"]

# The built-in objective that has a link of ours, as a saved model spells it. A model with another link declares
# none, and serves raw predictions.
OBJECTIVES = {
    "identity": "regression",
    "logit": "binary sigmoid:1",
    "softmax": "multiclass num_class:{n_outputs}",
    "log": "poisson",
}
OBJECTIVE_NAMES = ("objective", "objective_type", "app", "application", "loss")
BUILTIN_ONLY = (
    *("is_unbalance", "unbalance", "unbalanced_sets", "scale_pos_weight"),
    *("alpha", "sigmoid", "reg_sqrt", "fair_c", "poisson_max_delta_step", "tweedie_variance_power"),
)
EARLY_STOPPING_NAMES = ("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change")
BOOSTING_NAMES = ("boosting", "boosting_type", "boost")
METRIC_NAMES = ("metric", "metrics", "metric_types")
# With a custom objective LightGBM computes its metrics on raw predictions; of those for classes and counts
# only the ones that look at the order alone are right then.
ORDER_METRICS = {"", "none", "null", "custom", "na", "auc", "average_precision", "auc_mu", "multi_error"}


def train(
    params: dict[str, Any],
    train_set: lgb.Dataset,
    *,
    loss: Loss,
    num_boost_round: int = 100,
    valid_sets: Any = None,
    valid_names: Any = None,
    feval: Any = None,
    init_model: Any = None,
    callbacks: Any = None,
) -> lgb.Booster:
    """Train as `lightgbm.train` does, and return a complete model.

    The boosting starts at the constant that minimises the loss, on the training set and on every validation
    set; that start value and the link are part of the returned model. The loss's own metric is computed on the
    validation sets, so early stopping works with no more ado. It is the first metric unless `params` names one:
    LightGBM computes named metrics first, and stops on any that gets worse.

    Parameters
    ----------
    params : dict
        LightGBM's parameters, without an objective. LightGBM's default metric is switched off; a metric named
        here is computed on raw predictions.
    train_set : lightgbm.Dataset
        Training data. A start value of its own (`init_score`) is not accepted.
    loss : Loss
        The loss to train with.
    num_boost_round, valid_sets, valid_names, feval, init_model, callbacks
        As in `lightgbm.train`. With `init_model` the training goes on from that model's raw predictions.

    Returns
    -------
    lightgbm.Booster
        A native model: `predict` is on the response scale, `predict(raw_score=True)` the raw prediction. It
        is served by LightGBM alone. With several outputs that are no classes, or a link that none of LightGBM's
        objectives has, `predict` is the raw prediction too: apply `loss.response`.

    Raises
    ------
    ValueError
        Before any boosting: if a target is outside the loss's domain, a weight is not valid, or a parameter
        contradicts the loss.
    TypeError
        If `loss` is not a loss of this package.

    Warns
    -----
    UserWarning
        If the training loss stays above the lowest so far by a tenth, for 15 rounds: the steps overshoot. Not with
        DART. Our losses are tested at learning rates up to 1.

    Examples
    --------
    >>> import lightgbm, numpy as np
    >>> from gbm_objectives import BinaryCrossEntropy
    >>> from gbm_objectives.engines.lightgbm import train
    >>> X, y = np.arange(100.0)[:, None], np.arange(100) >= 50
    >>> data = lightgbm.Dataset(X, y)
    >>> booster = train({"verbosity": -1}, data, loss=BinaryCrossEntropy(), num_boost_round=50)
    >>> booster.predict([[10.0], [90.0]]).round(1)  # probabilities
    array([0., 1.])
    """
    require_loss(loss)
    params = dict(params or {})
    check_keys(params, loss, OBJECTIVE_NAMES, BUILTIN_ONLY)
    if any(params.get(name) in ("rf", "random_forest") for name in BOOSTING_NAMES):
        raise ValueError("LightGBM's random forest takes no start value and no custom objective")
    metrics = [params[name] for name in METRIC_NAMES if name in params]
    _check_metrics(loss, metrics)
    if not metrics:
        params["metric"] = "None"
    if loss.n_outputs > 1:
        params["num_class"] = loss.n_outputs

    if valid_sets is not None:
        valid_sets = [valid_sets] if isinstance(valid_sets, lgb.Dataset) else list(valid_sets)
    sets = _named_sets(train_set, valid_sets, valid_names)
    for dataset, name in sets:
        _check_dataset(loss, dataset, name)
    keywords = {
        "num_boost_round": num_boost_round,
        "valid_sets": valid_sets,
        "valid_names": valid_names,
        "feval": [loss.metric, *metric_functions(loss, feval)],
        "callbacks": callbacks,
        # Else the model would be written and read once more before it is completed.
        "keep_training_booster": True,
    }
    # DART's predictions leave trees out: its loss rises and falls with them.
    drops = any(params.get(name) == "dart" for name in BOOSTING_NAMES)
    params["objective"] = _objective(loss, None if drops else Watch(loss, "learning_rate"))
    if init_model is not None:
        _check_model(init_model, loss)
        # LightGBM sets the start from that model itself. Constructing the data sets here would free the raw data
        # that it needs for this.
        with _start_values(sets, None):
            booster = lgb.train(params, train_set, init_model=init_model, **keywords)
        return _completed(booster, loss, np.zeros(loss.n_outputs))

    _construct(params, train_set, sets)
    targets = [target_and_weight(loss, dataset, name) for dataset, name in sets]
    start = loss.initial_raw(*targets[0])
    with _start_values(sets, start):
        if any(train_set.feature_num_bin(column) > 1 for column in range(train_set.num_feature())):
            booster = lgb.train(params, train_set, **keywords)
        else:
            booster = _train_without_features(params, train_set, loss)
    return _completed(booster, loss, start)


def _objective(loss: Loss, watch: Watch | None) -> Any:
    """Return the loss as a function, which `lightgbm.train` does not copy with its parameters."""

    def objective(raw_prediction: np.ndarray, dataset: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        target, weight = labels_and_weight(dataset)
        if watch is not None:
            watch.look(target, raw_prediction, weight)
        return loss.gradient_hessian(target, raw_prediction, weight)

    return objective


def _check_model(model: Any, loss: Loss) -> None:
    """Raise if LightGBM would ignore a model to go on from, or its trees are on another scale."""
    if isinstance(model, (str, Path)):
        model = lgb.Booster(model_file=model)
    if not isinstance(model, lgb.Booster):
        raise TypeError(f"init_model must be a lightgbm.Booster or the path of one, got {type(model).__name__}")
    ours, theirs = _objective_name(loss), objective_in(model.model_to_string(num_iteration=1))
    if ours is None or theirs is None:
        return  # raw predictions, of whatever link
    # LightGBM's objectives with another link; those not here have the identity's.
    linked = ("binary", "multiclass", "multiclassova", "poisson", "gamma", "tweedie", "cross_entropy")
    if ours != theirs and {ours.split()[0], theirs.split()[0]} & set(linked):
        raise ValueError(f"init_model was trained as {theirs!r}, {loss!r} goes on from {ours!r}")


def _check_metrics(loss: Loss, given: list[Any]) -> None:
    """Raise for a named metric that LightGBM would compute on raw predictions and thus wrong."""
    if loss.link.name == "identity" and not loss.classifies:
        return
    for value in given:
        for metric in value.split(",") if isinstance(value, str) else value or ():
            if callable(metric):
                raise TypeError(f"a metric that is a function goes into feval=, got {metric!r} in params")
            if str(metric).strip().lower() not in ORDER_METRICS:
                raise ValueError(
                    f"metric {metric!r} would be computed on raw predictions, not on the response scale of"
                    f" {loss!r}; pass a function as feval= and apply loss.response in it"
                )


def _named_sets(train_set: Any, valid_sets: Any, valid_names: Any) -> list[tuple[lgb.Dataset, str]]:
    """Return the training set and each other validation set once, with a name for messages."""
    sets = [(train_set, "train_set")]
    valid_names = [valid_names] if isinstance(valid_names, str) else valid_names
    for i, dataset in enumerate(valid_sets or []):
        known = isinstance(valid_names, (list, tuple)) and i < len(valid_names)
        sets.append((dataset, f"valid_sets[{i}]" + (f" ({valid_names[i]})" if known else "")))
    for dataset, name in sets:
        if not isinstance(dataset, lgb.Dataset):
            raise TypeError(f"{name} must be a lightgbm.Dataset, got {type(dataset).__name__}")
    return [pair for i, pair in enumerate(sets) if all(pair[0] is not other for other, _ in sets[:i])]


def _check_dataset(loss: Loss, dataset: lgb.Dataset, name: str) -> None:
    """Check what a data set was given, before LightGBM turns NaN into 0 and infinity into 1e38."""
    in_memory = dataset.data is not None and not isinstance(dataset.data, (str, Path))
    with errors_name(name):
        if dataset.label is not None or hasattr(dataset, "target_distribution"):
            # As labels_and_weight asks for them, which of LightGBM's Dataset would need a constructed one.
            given = type("Dataset", (SimpleNamespace,), {})(**vars(dataset))
            given.get_label, given.get_weight = lambda: dataset.label, lambda: dataset.weight
            target, weight = labels_and_weight(given)
            check_labels(loss, target)
            as_weight(weight, len(target))
            rows = getattr(dataset.data, "shape", (len(target),))[0] if in_memory else len(target)
            if rows != len(target):
                raise ValueError(f"label has {len(target)} values, the data has {rows} rows")
        elif in_memory and dataset.used_indices is None:
            raise ValueError("the Dataset has no labels: give it label=")
        if dataset.init_score is not None:
            raise ValueError("init_score must not be set, train() finds the start value itself")


def _construct(params: dict[str, Any], train_set: lgb.Dataset, sets: list[tuple[lgb.Dataset, str]]) -> None:
    """Construct the data sets with the training parameters, as LightGBM would at the start of a training.

    Without the parameters LightGBM would refuse them afterwards (`max_bin`, `min_data_in_leaf`).
    """
    for dataset, _ in sets:
        if dataset is not train_set:
            dataset.set_reference(train_set)
        dataset._update_params({**params, "objective": "none"})
        try:
            dataset.construct()
        finally:
            dataset._reverse_update_params()


@contextmanager
def _start_values(sets: list[tuple[lgb.Dataset, str]], start: float | np.ndarray | None) -> Iterator[None]:
    """Set the start value, if any, on all data sets, and take every start off again however the training ends."""
    try:
        if start is not None:
            for dataset, _ in sets:
                # Not by set_init_score, which would keep a copy of it in Python.
                dataset.set_field("init_score", constant_rows(start, dataset.num_data()))
        yield
    finally:
        for dataset, _ in sets:
            # What an init_model leaves: LightGBM would zero the next training's start to be rid of it.
            dataset._predictor = None
            dataset.set_init_score(None)
            if dataset._handle is not None:
                dataset.set_field("init_score", None)


def _train_without_features(params: dict[str, Any], train_set: lgb.Dataset, loss: Loss) -> lgb.Booster:
    """Return a model of one leaf per output, valued 0.

    Where no feature has two bins (a constant column, few rows), LightGBM fails on custom objectives only. Any
    built-in objective then yields the tree without a split that a custom one should.
    """
    objective = "regression" if loss.n_outputs == 1 else "multiclass"
    label = np.asarray(train_set.get_label())
    params = {name: value for name, value in params.items() if name not in EARLY_STOPPING_NAMES}
    params = {**params, "objective": objective, "metric": "None"}
    try:
        if loss.outputs:
            train_set.set_label(
                np.arange(len(label)) % loss.n_outputs
            )  # the multi-class objective asks for labels
        return lgb.train(params, train_set, num_boost_round=1, keep_training_booster=True)
    finally:
        train_set.set_label(label)


def _objective_name(loss: Loss) -> str | None:
    """Return the built-in objective with the loss's link, None if there is none."""
    if loss.outputs or loss.link.name not in OBJECTIVES:
        return None
    return OBJECTIVES[loss.link.name].format(n_outputs=loss.n_outputs)


def _completed(booster: lgb.Booster, loss: Loss, start: float | np.ndarray) -> lgb.Booster:
    """Write start value and link into the model, and let its data go, as `lightgbm.train` does at its end."""
    objective = _objective_name(loss)
    text = completed(booster.model_to_string(), objective, np.atleast_1d(start).tolist())
    # Converters to other formats read this one.
    booster.params["objective"] = "custom" if objective is None else objective.split()[0]
    # In place: best_iteration, best_score and the parameters stay.
    return booster.model_from_string(text).free_dataset()
