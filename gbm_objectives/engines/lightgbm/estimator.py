"""Train from a LightGBM scikit-learn estimator's parameters; the twin of `xgboost.estimator`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
from joblib import cpu_count
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_random_state

from ...contract import Loss
from ...contract.rows import Rows, ends_of
from ...validation import shown
from ..data_sets import label_of, needs_target
from ..features import known_to_engines
from ..metrics import OfResponse, is_own, users_metrics
from ..models import check_shape
from ..parameters import check_options
from ..protocol import FitInputs, Kind, Trained, positives_times
from .categories import in_order_of
from .columns import check_readable
from .importances import importances
from .model_text import objective_in
from .parameters import OBJECTIVE_NAMES, THREAD_NAMES, UNBALANCED, drops_trees
from .train import as_booster, objective_name, train
from .watching import EARLY_STOPPING_NAMES, n_watched

__all__ = [
    "FIRST_ROUND",
    "QUIET",
    "check_model",
    "default_estimator",
    "estimator_with_model",
    "from_text",
    "importances",
    "n_rounds",
    "native_params",
    "predict_raw",
    "stops_early",
    "to_text",
    "train_estimator",
]

FIRST_ROUND = 1
QUIET: dict[str, Any] = {"verbosity": -1}
OPTIONS = ("categorical_feature", "feature_name")
# Parameters of the wrapper that the native library does not know or that the loss replaces.
WRAPPER = ("objective", "class_weight", "importance_type", "n_estimators", "random_state", *THREAD_NAMES)


def default_estimator(kind: Kind) -> Any:
    """Return LightGBM's estimator of a kind with its own defaults."""
    return {"classifier": lgb.LGBMClassifier, "regressor": lgb.LGBMRegressor, "ranker": lgb.LGBMRanker}[kind]()


def stops_early(estimator: Any, callbacks: Any) -> bool:
    """Return whether the estimator's parameters or callbacks ask for early stopping."""
    return n_watched(estimator.get_params(), callbacks) > 0


def train_estimator(estimator: Any, loss: Loss, data: FitInputs) -> Trained:
    """Train a complete model with the estimator's parameters."""
    check_options(data.options, OPTIONS, "LightGBM")
    params = native_params(estimator)
    data = _balanced(params, data)
    if data.n_iter_no_change is not None:
        params = {name: value for name, value in params.items() if name not in EARLY_STOPPING_NAMES}
        params["early_stopping_round"] = data.n_iter_no_change
    model = None if data.model is None else as_booster(data.model)
    X = data.X if model is None else in_order_of(model, data.X)
    train_set = _dataset(loss, X, data.y, data.sample_weight, data.group, init_score=data.offset, **data.options)
    repeats = data.repeats or [False] * len(data.eval_sets)
    # LightGBM stops early only on sets other than the training set, which it recognises by identity; but DART,
    # which never stops early, drops trees to predict the training set.
    drops, nothing = drops_trees(params), [None] * len(data.eval_sets)
    valid_sets = [
        train_set
        if same and not drops
        else _dataset(loss, *eval_set, group, init_score=offset, reference=train_set)
        for eval_set, group, offset, same in zip(
            data.eval_sets, data.eval_group or nothing, data.eval_offsets or nothing, repeats, strict=True
        )
    ]
    evals_result: dict[str, dict[str, list[float]]] = {}
    callbacks = list(data.callbacks or [])
    if valid_sets:
        callbacks.append(lgb.record_evaluation(evals_result))
    functions, names = users_metrics(loss, data.eval_metric)
    if names:
        params["metric"] = names
    booster = train(
        params,
        train_set,
        loss=loss,
        num_boost_round=estimator.n_estimators,
        valid_sets=valid_sets or None,
        valid_names=list(data.eval_names or valid_names(repeats)) if valid_sets else None,
        feval=[f if is_own(f, loss) else OfResponse(f) for f in functions],
        init_model=model,
        callbacks=callbacks,
    )
    return Trained(booster, evals_result, booster.best_iteration or None, data.sample_weight)


def predict_raw(booster: lgb.Booster, X: Any, estimator: Any, n_rounds: int | None = None) -> np.ndarray:
    """Return the raw prediction of `n_rounds` rounds; by default of all, up to the best one if there is one."""
    check_readable(X)
    rows, threads = known_to_engines(X), _n_threads(estimator.n_jobs)
    return np.asarray(booster.predict(rows, raw_score=True, num_iteration=n_rounds, num_threads=threads))


def n_rounds(booster: lgb.Booster) -> int:
    """Return the number of rounds that a native model holds."""
    return int(booster.current_iteration())


def estimator_with_model(estimator: Any, trained: Trained, classes: np.ndarray | None, n_features: int) -> Any:
    """Put the model into an estimator, a copy of the user's, and return it.

    LightGBM has no public way to give a model to an estimator; these are the attributes that its `fit` sets.
    """
    estimator._Booster = trained.booster
    estimator._best_iteration = trained.best_iteration or 0
    estimator._best_score = trained.booster.best_score
    estimator._evals_result = trained.evals_result
    estimator._n_features = estimator._n_features_in = n_features
    # This decides whether it has feature_names_in_; "Column_i" are the names that LightGBM makes up.
    estimator._fitted_with_feature_names = trained.booster.feature_name() != [
        f"Column_{i}" for i in range(n_features)
    ]
    estimator._objective = trained.booster.params.get("objective", "custom")
    if classes is not None:
        estimator._classes, estimator._n_classes = classes, len(classes)
        estimator._le = LabelEncoder().fit(classes)
        estimator._le.classes_ = classes  # in their order, which need not be sorted
    estimator.fitted_ = True
    return estimator


def check_model(booster: lgb.Booster, loss: Loss, n_features: int) -> None:
    """Raise a `ValueError` unless a native model has the loss's outputs and link, and `n_features` features."""
    check_shape(booster.num_model_per_iteration(), booster.num_feature(), loss, n_features)
    theirs, ours = objective_in(booster.model_to_string(num_iteration=1)), objective_name(loss)
    if theirs != ours:
        raise ValueError(f"its native model was trained as {theirs!r}, {loss!r} is trained as {ours!r}")


def to_text(booster: lgb.Booster) -> str:
    """Return the native model as text."""
    return str(booster.model_to_string(num_iteration=-1))


def from_text(text: str) -> lgb.Booster:
    """Return the native model that a text holds."""
    return lgb.Booster(model_str=text)


def _balanced(params: dict[str, Any], data: FitInputs) -> FitInputs:
    """Remove LightGBM's parameters for unbalanced labels; return the inputs with the weights they stand for."""
    for name in UNBALANCED:
        if params.pop(name, False):
            positive = max(int(np.count_nonzero(data.y == 1.0)), 1)
            # LightGBM raises the weight of the rarer class.
            factor = (len(data.y) - positive) / positive
            rarer = positives_times(data, factor, name)
            if factor >= 1.0:
                data = rarer
            elif rarer.sample_weight is not None:
                data = replace(rarer, sample_weight=rarer.sample_weight / factor)
    factor = params.pop("scale_pos_weight", 1.0)
    return data if factor == 1.0 else positives_times(data, factor, "scale_pos_weight")


def valid_names(repeats: Sequence[bool]) -> list[str]:
    """Return LightGBM's names for evaluation sets, some of which are the training set."""
    return ["training" if same else f"valid_{i}" for i, same in enumerate(repeats)]


def _dataset(
    loss: Loss, X: Any, y: np.ndarray, weight: np.ndarray | None, group: np.ndarray | None, **keywords: Any
) -> lgb.Dataset:
    check_readable(X)
    if group is not None and weight is not None:
        rows = Rows(y, weight, ends_of(group, len(y)))
        weight = np.repeat(rows.weight_of_queries(), group)  # type: ignore[arg-type]  # there are weights
    dataset = lgb.Dataset(known_to_engines(X), label_of(loss, y), weight=weight, group=group, **keywords)
    if needs_target(loss, y):
        dataset.target = y  # type: ignore[attr-defined]  # our own attribute
    return dataset


def native_params(estimator: Any) -> dict[str, Any]:
    """Return those of an estimator's parameters that `lightgbm.train` takes; raise if they name an objective."""
    params = estimator.get_params()
    # None stands for the native library's own default.
    native = {name: value for name, value in params.items() if name not in WRAPPER and value is not None}
    if params["objective"] is not None:
        raise ValueError(f"objective of estimator must be left out, got {shown(params['objective'])}: give loss=")
    for name in OBJECTIVE_NAMES[1:]:
        if name in native:
            raise ValueError(f"{name} of estimator must be left out, got {shown(native[name])}: give loss=")
    given = [params[name] for name in THREAD_NAMES if params.get(name) is not None]
    native["num_threads"] = _n_threads(given[0] if given else None)
    state = params["random_state"]
    if state is not None:
        native["random_state"] = _seed(state)
    return native


def _seed(state: Any) -> int:
    """Return a seed; for a generator the next number that it draws, as LightGBM's estimators do."""
    if isinstance(state, (int, np.integer)):
        return int(state)
    most = np.iinfo(np.int32).max
    if isinstance(state, np.random.Generator):
        return int(state.integers(most))
    return int(check_random_state(state).randint(most))


def _n_threads(n_jobs: int | None) -> int:
    """Return LightGBM's number of threads for scikit-learn's `n_jobs`, as its estimators do.

    None means the physical cores: left to LightGBM, OpenMP would decide. The model may depend on the number, since
    the random numbers of `use_quantized_grad` do.
    """
    if n_jobs is not None and n_jobs >= 0:
        return n_jobs
    return int(cpu_count(only_physical_cores=True)) if n_jobs is None else max(cpu_count() + 1 + n_jobs, 1)
