"""Train from an XGBoost scikit-learn estimator's parameters; the twin of `lightgbm.estimator`."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import xgboost as xgb

from ...contract import Loss
from ...contract.rows import Rows, ends_of
from ...validation import shown
from ..data_sets import label_of, needs_target
from ..features import known_to_engines
from ..metrics import OfResponse, is_own, users_metrics
from ..models import check_shape
from ..parameters import check_options
from ..protocol import FitInputs, Kind, Trained, positives_times
from .importances import importances
from .model_json import first_rounds
from .train import as_booster, n_outputs_of, objective_name, train
from .watching import has_early_stopping

__all__ = [
    "FIRST_ROUND",
    "QUIET",
    "best_model",
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

FIRST_ROUND = 0
QUIET: dict[str, Any] = {"verbosity": 0}
OPTIONS = ("feature_weights", "verbose")
LARGEST = np.finfo(np.float32).max  # XGBoost keeps features in float32


def default_estimator(kind: Kind) -> Any:
    """Return XGBoost's estimator of a kind with its own defaults."""
    return {"classifier": xgb.XGBClassifier, "regressor": xgb.XGBRegressor, "ranker": xgb.XGBRanker}[kind]()


def stops_early(estimator: Any, callbacks: Any) -> bool:
    """Return whether the estimator's parameters or callbacks ask for early stopping."""
    return has_early_stopping(estimator.early_stopping_rounds, [*(estimator.callbacks or ()), *(callbacks or ())])


def train_estimator(estimator: Any, loss: Loss, data: FitInputs) -> Trained:
    """Train a complete model with the estimator's parameters."""
    check_options(data.options, OPTIONS, "XGBoost")
    params = native_params(estimator)
    factor = params.pop("scale_pos_weight", 1.0)
    if factor != 1.0:
        data = positives_times(data, factor, "scale_pos_weight")
    model = None if data.model is None else as_booster(data.model)
    dtrain = _with_target(
        loss, _dmatrix(estimator, data.X, model, data.offset), data.y, data.sample_weight, data.group
    )
    if (weights := feature_weights(estimator, data.options)) is not None:
        dtrain.set_info(feature_weights=weights)
    names = data.eval_names or [f"validation_{i}" for i in range(len(data.eval_sets))]
    nothing = [None] * len(data.eval_sets)
    offsets, groups = data.eval_offsets or nothing, data.eval_group or nothing
    evals = [
        (_with_target(loss, _dmatrix(estimator, X, dtrain, offset), y, weight, group), name)
        for (X, y, weight), offset, group, name in zip(data.eval_sets, offsets, groups, names, strict=True)
    ]
    evals_result: dict[str, dict[str, list[float]]] = {}
    functions, metric_names = users_metrics(loss, estimator.eval_metric, data.eval_metric)
    if metric_names:
        params["eval_metric"] = metric_names
    booster = train(
        params,
        dtrain,
        loss=loss,
        num_boost_round=estimator.get_num_boosting_rounds(),
        evals=evals,
        custom_metric=[f if is_own(f, loss) else OfResponse(f) for f in functions],
        xgb_model=model,
        early_stopping_rounds=data.n_iter_no_change or estimator.early_stopping_rounds,
        evals_result=evals_result,
        verbose_eval=data.options.get("verbose", False),
        callbacks=[*(estimator.callbacks or []), *(data.callbacks or [])] or None,
    )
    return replace(best_model(booster, evals_result), sample_weight=data.sample_weight)


def best_model(booster: xgb.Booster, evals_result: dict[str, dict[str, list[float]]]) -> Trained:
    """Return the model up to the best round, if training stopped early."""
    best = _best_iteration(booster)
    if best is not None and _is_linear(booster):
        warnings.warn(
            "XGBoost cannot go back to the best round of a linear booster: the model is that of the last round",
            UserWarning,
            stacklevel=3,
        )
    elif best is not None and best < booster.num_boosted_rounds():
        # Without the rounds after the best one, so that the model's stock predict is that of the best round.
        booster = first_rounds(booster, best)
    return Trained(booster, evals_result, best)


def predict_raw(booster: xgb.Booster, X: Any, estimator: Any, n_rounds: int | None = None) -> np.ndarray:
    """Return the raw prediction of `n_rounds` rounds; by default of all, up to the best one if there is one."""
    if n_rounds not in (None, booster.num_boosted_rounds()) and _is_linear(booster):
        # XGBoost would silently predict with all rounds.
        raise ValueError(
            "a linear booster keeps its last round alone: num_iteration must be left out, and staged_predict has"
            " no rounds to show"
        )
    rounds = (0, n_rounds or 0)
    if _is_plain(estimator, X):
        # As XGBoost's estimator does: to make a DMatrix of one row takes longer than to predict it.
        raw = booster.inplace_predict(
            X, iteration_range=rounds, predict_type="margin", missing=float(estimator.missing)
        )
    else:
        raw = booster.predict(_dmatrix(estimator, X, booster), output_margin=True, iteration_range=rounds)
    return np.asarray(raw)


def n_rounds(booster: xgb.Booster) -> int:
    """Return the number of rounds that a native model holds."""
    return booster.num_boosted_rounds()


def estimator_with_model(estimator: Any, trained: Trained, classes: np.ndarray | None, n_features: int) -> Any:
    """Put the model into an estimator, a copy of the user's, and return it."""
    given = estimator.objective, estimator.base_score
    estimator.load_model(bytearray(trained.booster.save_raw("ubj")))
    # The model's own values would be refused when it is fitted again.
    estimator.objective, estimator.base_score = given
    estimator.evals_result_ = trained.evals_result
    return estimator


def check_model(booster: xgb.Booster, loss: Loss, n_features: int) -> None:
    """Raise a `ValueError` unless a native model has the loss's outputs and link, and `n_features` features."""
    check_shape(n_outputs_of(booster), booster.num_features(), loss, n_features)
    theirs = json.loads(booster.save_config())["learner"]["objective"]["name"]
    ours = objective_name(loss)
    if theirs != ours:
        raise ValueError(f"its native model was trained as {theirs!r}, {loss!r} is trained as {ours!r}")


def to_text(booster: xgb.Booster) -> str:
    """Return the native model as text."""
    return booster.save_raw("json").decode()


def from_text(text: str) -> xgb.Booster:
    """Return the native model that a text holds."""
    booster = xgb.Booster()
    booster.load_model(bytearray(text.encode()))
    return booster


def feature_weights(estimator: Any, options: dict[str, Any]) -> Any:
    """Return the weights by which features are drawn, given to the estimator or to `fit`, as in XGBoost."""
    in_fit = options.get("feature_weights")
    if estimator.feature_weights is not None and in_fit is not None:
        raise ValueError("feature_weights are given to the estimator and to fit: give them to the estimator alone")
    return in_fit if estimator.feature_weights is None else estimator.feature_weights


def _is_plain(estimator: Any, X: Any) -> bool:
    """Return whether XGBoost can predict an array where it is: by trees, in memory, and without categories.

    A DMatrix refuses infinite features, as in training; here they would be taken for large ones.
    """
    if not isinstance(X, np.ndarray) or not X.dtype.isnative or estimator.device not in (None, "cpu"):
        return False
    if estimator.missing is None or estimator.feature_types is not None or estimator.booster == "gblinear":
        return False
    return X.dtype.kind != "f" or not (np.abs(X) > LARGEST).any()


def _is_linear(booster: xgb.Booster) -> bool:
    name: str = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
    return name == "gblinear"


def _best_iteration(booster: xgb.Booster) -> int | None:
    best = booster.attr("best_iteration")
    return None if best is None else int(best) - FIRST_ROUND + 1


def _dmatrix(
    estimator: Any,
    X: Any,
    like: xgb.Booster | xgb.DMatrix | None,
    offset: np.ndarray | None = None,
) -> xgb.DMatrix:
    """Return a data set whose features are those of a model or of another data set, if there is one."""
    names, types = None, estimator.feature_types
    if like is not None and not (hasattr(X, "columns") or hasattr(X, "column_names")):
        # An array's columns are taken to be those of the data frame, as in XGBoost's own estimator.
        names, types = like.feature_names, types or like.feature_types
    elif isinstance(like, xgb.Booster) and not (categories := like.get_categories()).empty():
        types = categories  # in the model's order, whose codes its trees use
    return xgb.DMatrix(
        known_to_engines(X),
        base_margin=offset,
        missing=estimator.missing,
        feature_names=names,
        feature_types=types,
        enable_categorical=estimator.enable_categorical,
        nthread=estimator.n_jobs,
    )


def _with_target(
    loss: Loss, dmatrix: xgb.DMatrix, y: np.ndarray, weight: np.ndarray | None, group: np.ndarray | None
) -> xgb.DMatrix:
    """Give a data set targets, weights and queries."""
    dmatrix.set_label(label_of(loss, y))
    if needs_target(loss, y):
        dmatrix.target = y  # type: ignore[attr-defined]  # our own attribute
    if group is not None:
        dmatrix.set_group(group)
        # XGBoost wants the weights of queries.
        weight = Rows(y, weight, ends_of(group, len(y))).weight_of_queries()
    if weight is not None:
        dmatrix.set_weight(weight)
    return dmatrix


def native_params(estimator: Any) -> dict[str, Any]:
    """Return those of an estimator's parameters that `xgboost.train` takes; raise if they name an objective."""
    if estimator.objective != type(estimator)().objective:
        raise ValueError(f"objective of estimator must be left out, got {shown(estimator.objective)}: give loss=")
    params = estimator.get_xgb_params().items()
    return {name: value for name, value in params if value is not None and name != "objective"}
