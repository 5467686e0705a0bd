"""LightGBM's parameters: which are compatible with a loss, and what some of them mean for a custom objective."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...contract import Loss
from ...contract.links import IDENTITY
from ...contract.rows import Rows
from ...curvature import Pace
from ...validation import shown
from ..parameters import at_pace, check_keys, require_loss
from ..start import rows_at_start, zero

__all__ = [
    "BUILTIN_ONLY",
    "LEAST_ROWS_NAMES",
    "METRIC_NAMES",
    "OBJECTIVE_NAMES",
    "THREAD_NAMES",
    "UNBALANCED",
    "ObjectiveIsNone",
    "checked_params",
    "drops_trees",
    "given_start",
    "of_known_rows",
    "paced",
]

OBJECTIVE_NAMES = ("objective", "objective_type", "app", "application", "loss")
# Parameters that act on built-in objectives only, and the value with which they do nothing.
UNBALANCED = ("is_unbalance", "unbalance", "unbalanced_sets")
BUILTIN_ONLY = {
    **dict.fromkeys((*UNBALANCED, "reg_sqrt"), False),
    **dict.fromkeys(("scale_pos_weight", "sigmoid"), 1),
    **dict.fromkeys(("pos_bagging_fraction", "pos_sub_row", "pos_subsample", "pos_bagging"), 1),
    **dict.fromkeys(("neg_bagging_fraction", "neg_sub_row", "neg_subsample", "neg_bagging"), 1),
    **dict.fromkeys(("alpha", "fair_c", "poisson_max_delta_step", "tweedie_variance_power"), None),
}
# Of its own ranking, which ours would otherwise ignore; and with the last one LightGBM reads gradients of custom
# objectives from where there are none: predictions were constants, or of the order of 1e8.
RANKING_ONLY = {
    "lambdarank_truncation_level": None,
    "lambdarank_norm": None,
    "lambdarank_position_bias_regularization": None,
    "bagging_by_query": False,
}
BOOSTING_NAMES = ("boosting", "boosting_type", "boost")
RATE_NAMES = ("learning_rate", "shrinkage_rate", "eta")
# LightGBM counts the rows of a leaf by curvature.
PACE = Pace(learning_rate=0.1, narrowest=1.0 / 20.0)
# LightGBM's name and its aliases, in order of precedence; and the default.
LEAST_ROWS_NAMES = (
    "min_data_in_leaf",
    "min_data",
    "min_samples_leaf",
    "min_child_samples",
    "min_data_per_leaf",
)
LEAST_ROWS = 20
LEAST_HESSIAN_NAMES = (
    "min_sum_hessian_in_leaf",
    "min_sum_hessian_per_leaf",
    "min_sum_hessian",
    "min_hessian",
    "min_child_weight",
)
# A fifth of the rows must be counted as enough for a leaf, wherever they are. A floor above a tenth of the mean
# curvature would shorten the steps of rows far out accordingly: with a fifth they get half as far in 100 rounds.
SHARE_OF_FAR, LARGEST_LEAST = 0.2, 0.1
THREAD_NAMES = ("num_threads", "n_jobs", "nthread", "nthreads", "num_thread")
LARGEST_STEP_NAMES = ("max_delta_step", "max_tree_output", "max_leaf_output")
METRIC_NAMES = ("metric", "metrics", "metric_types")
# With a custom objective LightGBM computes its metrics on raw predictions; of those for classes and counts, only
# the ones that depend on the order alone are then right.
NO_METRICS = {"", "none", "null", "custom", "na"}
ORDER_METRICS = {*NO_METRICS, "auc", "average_precision", "auc_mu", "multi_error"}


def checked_params(params: dict[str, Any] | None, loss: Loss) -> dict[str, Any]:
    """Return a copy of the parameters, or raise if they contradict the loss."""
    require_loss(loss)
    params = dict(params or {})
    check_keys(params, loss, OBJECTIVE_NAMES, {**BUILTIN_ONLY, **_of_ranking(params, loss)})
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


def _of_ranking(params: dict[str, Any], loss: Loss) -> dict[str, Any]:
    """Return parameters that act on LightGBM's own ranking only, if that is what the loss does."""
    if loss.scope != "query":
        return {}
    # Beside the name of a metric, gains of labels are for that.
    named = any(name in params for name in METRIC_NAMES)
    return RANKING_ONLY if named else {**RANKING_ONLY, "label_gain": None}


def paced(loss: Loss, params: dict[str, Any], n_rows: int | None) -> Loss:
    """Return a copy of the loss that steps as the parameters say, for `n_rows` rows if that is known."""
    wanted = _number(params, LEAST_ROWS_NAMES, LEAST_ROWS)
    least = min(LARGEST_LEAST, wanted / (SHARE_OF_FAR * n_rows)) if n_rows else 0.0
    return at_pace(loss, params, RATE_NAMES, replace(PACE, least=least))


def of_known_rows(params: dict[str, Any], loss: Loss, rows: Rows, start: Any) -> dict[str, Any]:
    """Return the parameters such that a leaf needs enough rows of which the target is known.

    LightGBM counts rows by their share of the Hessian: with one target in fifty known, each known row counts as
    fifty, and a leaf of one of them is enough. The error of such targets was then 1.5 times that of a model of
    their own; with the least Hessian of as many known rows it is 1.1 times that.
    """
    if not loss.columns or not np.isnan(rows.y).any():
        return params
    loss = paced(loss, params, len(rows))
    _, hessian = loss.gradient_hessian(rows.y, np.array(rows_at_start(start, len(rows), None)), rows.weight)
    # Of rows with a typical Hessian: a mean of kinks' would be that of the few rows next to their target.
    typical = [1.0 / np.mean(1.0 / column[column > 0], dtype=np.float64) for column in hessian.T if column.any()]
    least = _number(params, LEAST_ROWS_NAMES, LEAST_ROWS) * min(typical)
    given = {name: params[name] for name in LEAST_HESSIAN_NAMES if params.get(name) is not None}
    others = {name: value for name, value in params.items() if name not in given}
    return {**others, LEAST_HESSIAN_NAMES[0]: max(least, _number(given, LEAST_HESSIAN_NAMES, 0.0))}


def _number(params: dict[str, Any], names: tuple[str, ...], default: float) -> float:
    """Return the parameter that has one of some names; 0 if it is no number, which LightGBM refuses."""
    given = next((params[name] for name in names if params.get(name) is not None), default)
    try:
        return float(given)
    except (TypeError, ValueError):
        return 0.0


def drops_trees(params: dict[str, Any]) -> bool:
    """Return whether boosting is DART."""
    return any(params.get(name) == "dart" for name in BOOSTING_NAMES)


def given_start(params: dict[str, Any], loss: Loss) -> Any:
    """Return the start value that the parameters ask for: 0, or None if it is to be found (the default)."""
    average = str(params.get("boost_from_average", True)).lower()
    return zero(loss) if average in ("false", "-") else None


class ObjectiveIsNone:
    """A callback that reminds boosters of what they were made with: the objective "none".

    LightGBM sets it again before the first round of a custom objective. That would draw the columns of
    `feature_fraction` once more than for its own objectives, warn that `num_leaves` is not set though it is, and
    fail where no feature can be split: "Check failed: (train_data->num_features()) > (0)".
    """

    before_iteration = True

    def __call__(self, env: Any) -> None:
        """Tell the booster, or those of a cross-validation."""
        for booster in getattr(env.model, "boosters", [env.model]) if env.params["objective"] == "none" else ():
            booster._Booster__set_objective_to_none = True


def _check_metrics(loss: Loss, given: list[Any]) -> None:
    """Raise for a named metric that LightGBM would compute on raw predictions, and thus wrongly."""
    right = loss.link == IDENTITY and not loss.classifies
    for value in given:
        for metric in value.split(",") if isinstance(value, str) else value or ():
            if callable(metric):
                raise TypeError(f"a metric that is a function goes into feval=, got {shown(metric)} in params")
            if str(metric).strip().lower() == loss.name:
                raise ValueError(
                    f"metric {shown(metric)} must be left out: it has the name of the loss's own metric"
                )
            if "@" in str(metric):
                name, _, k = str(metric).partition("@")
                raise ValueError(
                    f"metric {shown(metric)} is XGBoost's spelling, which LightGBM ignores: give {name!r} and the"
                    f" parameter eval_at=[{k}]"
                )
            if loss.outputs and str(metric).strip().lower() not in NO_METRICS:
                raise ValueError(
                    f"metric {shown(metric)} is of one prediction a row, {loss!r} has {loss.n_outputs}; pass a"
                    " function (feval= of train, eval_metric= of fit)"
                )
            if not right and str(metric).strip().lower() not in ORDER_METRICS:
                raise ValueError(
                    f"metric {shown(metric)} would be computed on raw predictions, not on the response scale of"
                    f" {loss!r}; pass a function (feval= of train, eval_metric= of fit)"
                )
