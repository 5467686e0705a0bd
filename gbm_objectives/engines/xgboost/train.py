"""Train a complete XGBoost model under one of our losses; the twin of `gbm_objectives.engines.lightgbm.train`."""

from __future__ import annotations

import json
import warnings
from os import PathLike
from typing import Any

import numpy as np
import xgboost as xgb

from ...contract import Loss
from ...contract.calling import given_group
from ...contract.links import IDENTITY, LOG, LOGIT, SOFTMAX
from ...curvature import Pace
from ...validation import brief, shown
from ..data_sets import Member, errors_name, member
from ..divergence import Watch
from ..metrics import is_own, native_metrics, placed
from ..models import native_model
from ..parameters import at_pace, check_keys, require_loss
from ..start import rows_at_start
from ..training import ready
from .data_sets import check_data_set, labels_for_softmax, margins_from, offset_of
from .model_json import BESIDE_OFFSET, KeptCategories, check_categories, with_start_in_trees
from .unit import unit_of_gains, with_penalties_times
from .watching import Directions, has_early_stopping

__all__ = ["LINKS", "n_outputs_of", "objective_name", "train"]

# The built-in objective that shares a link with ours; with another link `predict` is the raw prediction. Not
# "count:poisson" for the logarithm: it brings max_delta_step=0.7 along, which would distort the training of losses
# other than Poisson's.
OBJECTIVES = {
    IDENTITY: "reg:squarederror",
    LOGIT: "binary:logistic",
    SOFTMAX: "multi:softprob",
    LOG: "reg:gamma",
}

# Parameters that act on built-in objectives only, and the value with which they do nothing.
RATE_NAMES = ("learning_rate", "eta")
# Those of its metrics that look at the order of predictions alone.
ORDER_METRICS = {"auc", "aucpr", "ndcg", "map", "pre"}
# XGBoost does not count rows by curvature, but its penalties are relative to it.
PACE = Pace(learning_rate=0.3, narrowest=1.0 / 100.0)
BUILTIN_ONLY = {"scale_pos_weight": 1, "quantile_alpha": None, "huber_slope": None}
# Of its own ranking, which ours would otherwise ignore.
RANKING_ONLY = dict.fromkeys(
    (
        *("lambdarank_pair_method", "lambdarank_num_pair_per_sample", "lambdarank_normalization"),
        *("lambdarank_score_normalization", "lambdarank_unbiased", "lambdarank_bias_norm", "ndcg_exp_gain"),
    )
)
# The links of those of XGBoost's objectives from whose models a training can continue.
LINKS = {
    **dict.fromkeys(("reg:squarederror", "reg:absoluteerror", "reg:quantileerror"), IDENTITY),
    **dict.fromkeys(("reg:pseudohubererror", "reg:linear", "binary:logitraw"), IDENTITY),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), LOGIT),
    **dict.fromkeys(("multi:softprob", "multi:softmax"), SOFTMAX),
    **dict.fromkeys(("reg:gamma", "reg:tweedie", "count:poisson"), LOG),
}


def train(
    params: dict[str, Any],
    dtrain: xgb.DMatrix,
    *,
    loss: Loss,
    num_boost_round: int = 100,
    evals: Any = None,
    custom_metric: Any = None,
    xgb_model: Any = None,
    **keywords: Any,
) -> xgb.Booster:
    """Train as `xgboost.train` does, and return a complete model.

    The boosting starts at the constant that minimises the loss; that start value and the link are part of the
    returned model. The loss's own metric comes last on the evaluation sets, so early stopping needs nothing
    else; to watch another one, end the list `custom_metric` with it and put `loss.metric` before it.

    Parameters
    ----------
    params : dict
        XGBoost's parameters, without an objective and a `base_score`. XGBoost's default metric is switched
        off; a metric named here is computed on the response scale.
    dtrain : xgboost.DMatrix
        Training data. Its `base_margin`, and that of evaluation sets, is an offset: raw predictions that training
        adds to, such as the logarithm of exposure. The start value is then the best constant in addition to it,
        and is stored in the leaves of the first round, so that XGBoost's own predictions are right both with and
        without a `base_margin`.
    loss : Loss
        The loss to train with. A hyper-parameter "auto" follows the residuals.
    num_boost_round, evals, custom_metric, xgb_model, **keywords
        As in `xgboost.train`, but with 100 rounds by default. `custom_metric` may be a list of functions, which
        may also return `(name, value, higher_is_better)`: early stopping then needs no `maximize`. For target
        distributions they find the most probable class as label and the rest in ``dmatrix.target_distribution``.
        With `xgb_model`, which may also be a fitted estimator, the training continues from that model, which must
        have the same link, and the same categories in the same order, as in a DMatrix made with
        ``feature_types=xgb_model.get_categories()``.

    Returns
    -------
    xgboost.Booster
        A native model: `predict` is on the response scale, `predict(output_margin=True)` the raw prediction. It
        needs only XGBoost to serve it. With outputs of different links, or a link that none of XGBoost's
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
        If the training loss stays above its lowest value by a tenth for 15 rounds: the steps overshoot (not with
        DART; our losses are tested at learning rates up to 1).

    Examples
    --------
    >>> import numpy as np, xgboost
    >>> from gbm_objectives import BinaryCrossEntropy
    >>> from gbm_objectives.engines.xgboost import train
    >>> X, y = np.arange(100.0)[:, None], np.arange(100) >= 50
    >>> data = xgboost.DMatrix(X, y)
    >>> booster = train({}, data, loss=BinaryCrossEntropy(), num_boost_round=50)
    >>> booster.predict(xgboost.DMatrix([[10.0], [90.0]])).round(1)  # probabilities
    array([0., 1.], dtype=float32)
    """
    params = checked_params(params, loss)
    evals = list(evals or [])
    sets = [(dtrain, "dtrain")]
    for i, (dmatrix, name) in enumerate(evals):
        if all(dmatrix is not other for other, _ in sets):
            sets.append((dmatrix, f"evals[{i}] ({name})"))
    for dmatrix, name in sets:
        check_data_set(loss, dmatrix, name)
    members = [member(loss, dmatrix, name, offset_of(loss, dmatrix, name)) for dmatrix, name in sets]
    training = ready(paced(loss, params), members)
    start, own = training.start, members[0]
    with errors_name("dtrain"):
        unit = unit_of_gains(training.loss_on(dtrain), own.rows, rows_at_start(start, len(own.rows), own.offset))
    if unit != 1.0:
        params = with_penalties_times(params, unit)
    if xgb_model is None:
        params["base_score"] = base_score(loss, start)
    else:
        xgb_model = _to_go_on_from(xgb_model, loss, params, dtrain)
        training.has_trained(xgb_model.num_boosted_rounds())
        if xgb_model.attr(BESIDE_OFFSET) is None:
            if any(one.offset is not None for one in members):
                raise ValueError("base_margin must not be set beside xgb_model, which XGBoost puts in its place")
        elif own.offset is None:
            raise ValueError("xgb_model was trained beside a base_margin: dtrain must have that of its rows, or 0")
        else:
            start = np.zeros_like(start)  # the model's is in its trees

    # DART's predictions leave trees out, so its loss fluctuates with them.
    # From XGBoost 3.4 on, an ordinary booster of trees drops them, too, if it is given a rate.
    drops = params.get("booster") == "dart" or params.get("rate_drop") or params.get("one_drop")
    training.watch = None if drops else Watch(loss, "learning_rate (eta)")

    def objective(raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = training.gradient_hessian(raw_prediction, dmatrix)
        if unit != 1.0:
            gradient *= np.float32(unit)
            hessian *= np.float32(unit)
        return gradient, hessian

    metrics = placed(loss, native_metrics(loss, custom_metric), first=False)
    if is_own(metrics[-1], loss):
        _warn_of_rounding(training.loss, members[-1], start, keywords)
    directions = Directions()

    def all_metrics(raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> list[tuple[str, float]]:
        return directions.noted(training.results(metrics, raw_prediction, dmatrix))

    if keywords.get("callbacks"):
        keywords["callbacks"] = [*keywords["callbacks"], KeptCategories()]
    with margins_from(start, members), labels_for_softmax(members):
        booster = xgb.train(
            params,
            dtrain,
            num_boost_round,
            evals=evals,
            obj=objective,
            custom_metric=all_metrics,
            xgb_model=xgb_model,
            **directions.beside(keywords, verbose=True),
        )
    if xgb_model is None and any(one.offset is not None for one in members):
        booster = with_start_in_trees(booster, start, base_score(loss, np.zeros_like(start)))
    return booster


def paced(loss: Loss, params: dict[str, Any]) -> Loss:
    """Return a copy of the loss that steps as the parameters say."""
    return at_pace(loss, params, RATE_NAMES, PACE)


def checked_params(params: dict[str, Any] | None, loss: Loss) -> dict[str, Any]:
    """Return a copy of the parameters, or raise if they contradict the loss."""
    require_loss(loss)
    params = dict(params or {})
    builtin = {**BUILTIN_ONLY, **(RANKING_ONLY if loss.scope == "query" else {})}
    check_keys(params, loss, ("objective", "base_score"), builtin)
    params = {"disable_default_eval_metric": True, **params, "objective": objective_name(loss)}
    if loss.n_outputs > 1:
        params["num_class"] = loss.n_outputs
    if loss.outputs and params.get("eval_metric"):
        raise ValueError(
            f"eval_metric {shown(params['eval_metric'])} takes one prediction a row, {loss!r} has"
            f" {loss.n_outputs}: pass a function (custom_metric= of train, eval_metric= of fit)"
        )
    _check_metrics(loss, params)
    if loss._largest_step is not None and params.get("booster") != "gblinear":
        params.setdefault("max_delta_step", loss._largest_step)
    return params


def _check_metrics(loss: Loss, params: dict[str, Any]) -> None:
    """Raise for a named metric that XGBoost would compute on raw predictions, and thus wrongly."""
    # By comparison, not lookup: the functions of a user's own link need not be hashable.
    served = loss.n_outputs > 1 or any(link == loss.link for link in OBJECTIVES)
    if served and not (loss.link == IDENTITY and loss.classifies):
        return
    given = params.get("eval_metric") or ()
    for metric in [given] if isinstance(given, str) else given:
        if str(metric).partition("@")[0].rstrip("-") not in ORDER_METRICS or loss.n_classes > 2:
            raise ValueError(
                f"eval_metric {shown(metric)} would be computed on raw predictions, not on the response scale of"
                f" {loss!r}; pass a function (custom_metric= of train, eval_metric= of fit)"
            )


def base_score(loss: Loss, start: float | np.ndarray) -> Any:
    """Return a start value as XGBoost takes it: on the response scale of the declared objective."""
    # Only softmax takes raw values.
    declared = LINKS[objective_name(loss)]
    base = start if declared == SOFTMAX else declared.inverse(np.asarray(start))
    if declared == LOGIT:
        base = np.minimum(base, np.nextafter(np.float32(1), np.float32(0)))  # or float32 rounds to 1: infinity
    return np.asarray(base, dtype=np.float64).tolist()


def _warn_of_rounding(loss: Loss, last: Member, start: Any, keywords: Any) -> None:
    """Warn if early stopping would compare losses of which XGBoost's six decimals leave little."""
    if not has_early_stopping(keywords.get("early_stopping_rounds"), keywords.get("callbacks")):
        return
    rows = last.rows
    raw = rows_at_start(start, len(rows), last.offset)
    value = loss.value(rows.y, raw, rows.weight, **given_group(loss, rows.group))
    # Six decimals leave fewer than three digits of it: rounds that differ by a tenth of a per cent look the same.
    if 0 < value < 1e-3:
        warnings.warn(
            f"XGBoost rounds evaluation results to six decimals and stops early by them: a loss of about"
            f" {value:.0e} will look the same in every round; give the target in another unit",
            UserWarning,
            stacklevel=3,
        )


def as_booster(model: Any) -> xgb.Booster:
    """Return a model to continue from, given as a booster, a fitted estimator or a path; or raise."""
    model = native_model(model)
    if isinstance(model, (str, PathLike, bytearray)):
        try:
            model = xgb.Booster(model_file=model)
        except xgb.core.XGBoostError as error:
            # A model's text, mistaken for a path, would otherwise fill the message.
            raise ValueError(f"xgb_model must be a file with a model: {brief(error)}") from None
    if not isinstance(model, xgb.Booster):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(f"xgb_model must be an xgboost.Booster, an estimator with one, or its path, got {kind}")
    return model


def _to_go_on_from(model: Any, loss: Loss, params: dict[str, Any], dtrain: xgb.DMatrix) -> xgb.Booster:
    """Return a copy of a model without its best round; raise if it has another link or other categories.

    With another link its start value would be misread; and the best round of the earlier training would cut this
    one short.
    """
    booster = as_booster(model).copy()
    theirs = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if LINKS.get(theirs) != LINKS[objective_name(loss)]:
        raise ValueError(
            f"xgb_model was trained as {theirs!r}, {loss!r} goes on from models of the same link, such as"
            f" {objective_name(loss)!r}"
        )
    n_outputs = n_outputs_of(booster)
    if n_outputs != loss.n_outputs:
        raise ValueError(f"xgb_model has {n_outputs} outputs, {loss!r} has {loss.n_outputs}")
    check_categories(booster, params, dtrain)
    booster.set_attr(best_iteration=None, best_score=None)
    return booster


def n_outputs_of(booster: xgb.Booster) -> int:
    """Return the number of raw predictions per row."""
    params = json.loads(booster.save_config())["learner"]["learner_model_param"]
    return max(int(params[name]) for name in ("num_class", "num_target"))


def objective_name(loss: Loss) -> str:
    """Return the built-in objective with the loss's link, or the identity's: raw predictions."""
    # By comparison, not lookup: the functions of a user's own link need not be hashable.
    return next((name for link, name in OBJECTIVES.items() if link == loss.link), OBJECTIVES[IDENTITY])
