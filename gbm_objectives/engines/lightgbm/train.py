"""Train a complete LightGBM model under one of our losses; the twin of `gbm_objectives.engines.xgboost.train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from ...losses import Loss
from ...losses.metric import labels_and_weight
from ..common import (
    Watch,
    alone_with,
    check_keys,
    metric_functions,
    require_loss,
    resolved_for,
    start_of,
    target_and_weight,
)
from .categories import check_categories
from .data_sets import check_data_set, construct, named_sets, offset_of, start_values
from .frozen import FrozenOutputs
from .model_text import completed, objective_in

__all__ = ["BUILTIN_ONLY", "OBJECTIVE_NAMES", "UNBALANCED", "objective_name", "train"]

# The built-in objective that has a link of ours, as a saved model spells it. A model with another link declares
# none, and serves raw predictions.
OBJECTIVES = {
    "identity": "regression",
    "logit": "binary sigmoid:1",
    "softmax": "multiclass num_class:{n_outputs}",
    "half logit": "binary sigmoid:2",
    "log": "poisson",
}
OBJECTIVE_NAMES = ("objective", "objective_type", "app", "application", "loss")
# What acts on built-in objectives only, and the value with which it does nothing.
UNBALANCED = ("is_unbalance", "unbalance", "unbalanced_sets")
BUILTIN_ONLY = {
    **dict.fromkeys((*UNBALANCED, "reg_sqrt"), False),
    **dict.fromkeys(("scale_pos_weight", "sigmoid"), 1),
    **dict.fromkeys(("alpha", "fair_c", "poisson_max_delta_step", "tweedie_variance_power"), None),
}
EARLY_STOPPING_NAMES = ("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change")
BOOSTING_NAMES = ("boosting", "boosting_type", "boost")
LARGEST_STEP_NAMES = ("max_delta_step", "max_tree_output", "max_leaf_output")
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
    validation sets, so early stopping needs nothing else. It is the first metric unless `params` names one:
    LightGBM computes named metrics first, and stops on any that gets worse.

    Parameters
    ----------
    params : dict
        LightGBM's parameters, without an objective. LightGBM's default metric is switched off; a metric named
        here is computed on raw predictions.
    train_set : lightgbm.Dataset
        Training data. Its `init_score`, and that of validation sets, is an offset: raw predictions to be added to,
        such as the logarithm of exposure. The start value is then the best constant beside it, and the model's own
        predictions are without it.
    loss : Loss
        The loss to train with. A hyper-parameter "auto" is resolved on the training set.
    num_boost_round, valid_sets, valid_names, feval, init_model, callbacks
        As in `lightgbm.train`. With `init_model` the training goes on from that model's raw predictions;
        categories of a data frame must begin with the model's, in its order.

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
        DART. Our losses are tested at learning rates up to 1. Or if one of several outputs stands still though its
        gradients want a step, as penalties can make it.

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
    params = checked_params(params, loss)
    if valid_sets is not None:
        valid_sets = [valid_sets] if isinstance(valid_sets, lgb.Dataset) else list(valid_sets)
    sets = named_sets(train_set, valid_sets, valid_names)
    for dataset, name in sets:
        check_data_set(loss, dataset, name)

    def keywords(loss: Loss) -> dict[str, Any]:
        return {
            "num_boost_round": num_boost_round,
            "valid_sets": valid_sets,
            "valid_names": valid_names,
            "feval": [loss.metric, *metric_functions(loss, feval)],
            "callbacks": callbacks,
            # Else the model would be written and read once more before it is completed.
            "keep_training_booster": True,
        }

    drops = any(params.get(name) == "dart" for name in BOOSTING_NAMES)
    if drops and any(dataset is train_set for dataset in valid_sets or ()):
        raise ValueError(
            "valid_sets must not hold train_set where boosting is dart: LightGBM drops trees to predict it, and"
            " would not take the last of them up again; evaluate on a Dataset of its own with the same rows"
        )
    with alone_with(sets):
        if init_model is not None:
            init_model = _checked_model(init_model, loss)
            check_categories(init_model, train_set)
            if loss.resolved([0.0, 1.0]) is not loss:
                raise ValueError(f"{loss!r} needs a number beside init_model: take loss.resolved(y_true)")
            if any(dataset.init_score is not None for dataset, _ in sets):
                raise ValueError("init_score must not be set beside init_model, which LightGBM puts in its place")
            # LightGBM sets the start from that model itself. Constructing the data sets here would free the raw
            # data that it needs for this.
            with start_values(sets, None, [None] * len(sets)):
                params["objective"] = _objective(loss, drops)
                booster = lgb.train(params, train_set, init_model=init_model, **keywords(loss))
            return complete(booster, loss, np.zeros(loss.n_outputs))

        construct(params, train_set, sets)
        targets = [target_and_weight(loss, dataset, name) for dataset, name in sets]
        offsets = [offset_of(loss, dataset, name) for dataset, name in sets]
        loss = resolved_for(loss, *targets[0], offsets[0])
        params["objective"] = _objective(loss, drops)
        start = start_of(loss, *targets[0], offsets[0])
        with start_values(sets, start, offsets):
            if any(train_set.feature_num_bin(column) > 1 for column in range(train_set.num_feature())):
                booster = lgb.train(params, train_set, **keywords(loss))
            else:
                booster = _train_without_features(params, train_set, loss, keywords(loss))
        return complete(booster, loss, start)


def checked_params(params: dict[str, Any] | None, loss: Loss) -> dict[str, Any]:
    """Return parameters that go with the loss, as a copy, or raise."""
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
    if loss._largest_step is not None and not any(name in params for name in LARGEST_STEP_NAMES):
        params["max_delta_step"] = loss._largest_step
    return params


def _objective(loss: Loss, drops: bool) -> Any:
    """Return the loss as a function, which `lightgbm.train` does not copy with its parameters."""
    # DART's predictions leave trees out: its loss rises and falls with them.
    watch = None if drops else Watch(loss, "learning_rate")
    frozen = FrozenOutputs(loss)

    def objective(raw_prediction: np.ndarray, dataset: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        target, weight = labels_and_weight(dataset)
        if watch is not None:
            watch.look(target, raw_prediction, weight)
        gradient, hessian = loss.gradient_hessian(target, raw_prediction, weight)
        frozen.look(target, raw_prediction, gradient)
        return gradient, hessian

    return objective


def _checked_model(model: Any, loss: Loss) -> lgb.Booster:
    """Return a model to go on from; raise if LightGBM would ignore it, or its trees are on another scale."""
    if isinstance(model, (str, Path)):
        model = lgb.Booster(model_file=model)
    if not isinstance(model, lgb.Booster):
        raise TypeError(f"init_model must be a lightgbm.Booster or the path of one, got {type(model).__name__}")
    ours, theirs = objective_name(loss), objective_in(model.model_to_string(num_iteration=1))
    n_outputs = model.num_model_per_iteration()
    if n_outputs != loss.n_outputs:
        raise ValueError(f"init_model has {n_outputs} outputs, {loss!r} has {loss.n_outputs}")
    if theirs is None or (ours is None and not loss.outputs):
        return model  # raw predictions, of whatever link
    # LightGBM's objectives with another link; those not here have the identity's.
    linked = ("binary", "multiclass", "multiclassova", "poisson", "gamma", "tweedie", "cross_entropy")
    if ours != theirs and {(ours or "custom").split()[0], theirs.split()[0]} & set(linked):
        raise ValueError(f"init_model was trained as {theirs!r}, {loss!r} goes on from {ours or 'custom'!r}")
    return model


def _check_metrics(loss: Loss, given: list[Any]) -> None:
    """Raise for a named metric that LightGBM would compute on raw predictions and thus wrong."""
    right = loss.link.name == "identity" and not loss.classifies
    for value in given:
        for metric in value.split(",") if isinstance(value, str) else value or ():
            if callable(metric):
                raise TypeError(f"a metric that is a function goes into feval=, got {metric!r} in params")
            if str(metric).strip().lower() == loss.name:
                raise ValueError(f"metric {metric!r} must be left out: it has the name of the loss's own metric")
            if not right and str(metric).strip().lower() not in ORDER_METRICS:
                raise ValueError(
                    f"metric {metric!r} would be computed on raw predictions, not on the response scale of"
                    f" {loss!r}; pass a function (feval= of train, eval_metric= of fit)"
                )


def _train_without_features(
    params: dict[str, Any], train_set: lgb.Dataset, loss: Loss, keywords: dict[str, Any]
) -> lgb.Booster:
    """Return a model of one leaf per output, valued 0, after one round with everything that a round brings.

    Where no feature has two bins (a constant column, few rows), LightGBM fails on custom objectives only. Any
    built-in objective then yields the tree without a split that a custom one should.
    """
    objective = "regression" if loss.n_outputs == 1 else "multiclass"
    label = np.asarray(train_set.get_label())
    params = {name: value for name, value in params.items() if name not in EARLY_STOPPING_NAMES}
    params = {**params, "objective": objective}
    try:
        if loss.outputs:
            train_set.set_label(
                np.arange(len(label)) % loss.n_outputs
            )  # the multi-class objective asks for labels
        return lgb.train(params, train_set, **{**keywords, "num_boost_round": 1})
    finally:
        train_set.set_label(label)


def objective_name(loss: Loss) -> str | None:
    """Return the built-in objective with the loss's link, None if there is none."""
    if loss.outputs or loss.link.name not in OBJECTIVES:
        return None
    return OBJECTIVES[loss.link.name].format(n_outputs=loss.n_outputs)


def complete(booster: lgb.Booster, loss: Loss, start: float | np.ndarray) -> lgb.Booster:
    """Write start value and link into the model, and let its data go, as `lightgbm.train` does at its end."""
    objective = objective_name(loss)
    text = completed(booster.model_to_string(), objective, np.atleast_1d(start).tolist())
    # Converters to other formats read this one.
    booster.params["objective"] = "custom" if objective is None else objective.split()[0]
    # In place: best_iteration, best_score and the parameters stay.
    return booster.model_from_string(text).free_dataset()
