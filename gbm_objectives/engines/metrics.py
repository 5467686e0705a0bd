"""Users' metrics: which forms they have, what they are called with, whether higher is better.

The engines know three forms of a result: a value, lower is better (XGBoost's estimators), ``(name, value)``
(native XGBoost) and ``(name, value, higher_is_better)`` (LightGBM). All three, and lists of them, are accepted
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.calling import Metric, require_queries, rows_of
from ..validation import shown

__all__ = [
    "OfResponse",
    "Result",
    "called",
    "check_direction",
    "distinct",
    "is_own",
    "native_metrics",
    "of_unknown_direction",
    "placed",
    "results_of",
    "users_functions",
    "users_metrics",
]

Metrics = list[Callable[..., Any]]
# Name, value, and whether higher is better: None where only the name can tell.
Result = tuple[str, float, bool | None]

WEIGHT_NAMES = ("sample_weight", "weight", "weights")
GROUP_NAME = "group"
POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
# The endings of scikit-learn's functions to be minimised; those to be maximised are named "…_score".
MINIMISED = ("_error", "_loss", "_deviance")
# XGBoost maximises metrics whose names begin with these, unless told otherwise.
MAXIMISED = ("auc", "pre", "map", "ndcg")


def users_metrics(loss: Loss, *given: Any) -> tuple[Metrics, list[str]]:
    """Return the user's metrics of scikit-learn's form, functions and names, checked."""
    functions, names = _functions_and_names(loss, given)
    for metric in functions:
        _check_form(metric, "(y_true, y_pred) or (y_true, y_pred, sample_weight)", 3, loss.scope == "query")
    return functions, names


def users_functions(loss: Loss, given: Any) -> Metrics:
    """Return the user's metrics of scikit-learn's form, which must be functions, checked."""
    functions, names = users_metrics(loss, given)
    _check_no_names(names)
    return functions


def native_metrics(loss: Loss, given: Any) -> Metrics:
    """Return the user's metrics of the engines' native form, checked."""
    functions, names = _functions_and_names(loss, [given])
    _check_no_names(names)
    for metric in functions:
        form = "(raw_prediction, data_set) here"
        if _is_of_scikit_learn(metric):
            raise TypeError(f"metric {_name_of(metric)!r} must take {form}, it takes (y_true, y_pred)")
        _check_form(metric, form, 2)
    return functions


def _check_no_names(names: list[str]) -> None:
    if names:
        raise TypeError(f"a metric must be a function, got {shown(names[0])}; names go into params")


def _functions_and_names(loss: Loss, given: Sequence[Any]) -> tuple[Metrics, list[str]]:
    functions: Metrics = []
    names, late_names = [], []
    for metric in [m for metrics in given for m in (metrics if isinstance(metrics, (list, tuple)) else [metrics])]:
        if isinstance(metric, str):
            names.append(metric)
            late_names += [metric] if functions else []
        elif isinstance(metric, (Loss, type)) or not (metric is None or callable(metric)):
            hint = ": pass its .metric" if isinstance(metric, Loss) else ""
            hint = "; write it with parentheses" if isinstance(metric, type) else hint
            raise TypeError(f"a metric must be a function, got {shown(metric)}{hint}")
        elif metric is not None and _of_loss(metric, loss):
            if not any(is_own(other, loss) for other in functions):
                functions.append(metric)
        elif metric is not None:
            if getattr(metric, "__name__", None) == loss.name:
                raise ValueError(
                    f"two metrics are named {loss.name!r}, the loss's own among them: set the __name__ of"
                    f" {shown(metric)} to another one"
                )
            if isinstance(metric, Metric) and any(_name_of(metric) == _name_of(one) for one in functions):
                raise ValueError(
                    f"two metrics are named {metric.__name__!r}: set the __name__ of {shown(metric)} to another"
                )
            functions.append(metric)
    if late_names and any(is_own(metric, loss) for metric in functions):
        raise ValueError(
            f"metric {shown(late_names[0])} must stand before the functions: the order of a list with the loss's"
            " own metric counts, and engines compute metrics by name first"
        )
    return functions, names


def _of_loss(metric: Any, loss: Loss) -> bool:
    """Return whether a metric is the loss's own, or that of the same loss with an "auto" in it."""
    if not isinstance(metric, Metric) or metric.__name__ != loss.name:
        return False
    return isinstance(metric.loss, Loss) and loss._resolves(metric.loss)


def is_own(metric: Any, loss: Loss) -> bool:
    """Return whether a checked metric is the loss's own: no other has its name."""
    return isinstance(metric, Metric) and metric.__name__ == loss.name


def placed(loss: Loss, functions: Metrics, *, first: bool) -> Metrics:
    """Return the metrics including the loss's own: where the user put it, otherwise first or last.

    Early stopping watches the first metric in one engine, the last one in the other.
    """
    if any(is_own(metric, loss) for metric in functions):
        return [loss.metric if is_own(metric, loss) else metric for metric in functions]
    return [loss.metric, *functions] if first else [*functions, loss.metric]


def called(
    metric: Callable[..., Any], loss: Loss, y: Any, raw_prediction: Any, weight: Any, group: Any = None
) -> list[Result]:
    """Call a metric of scikit-learn's form.

    It gets what `predict` returns, or probabilities, unless it has a parameter `raw_prediction` or is the metric
    of a loss; weights, if a parameter has one of `WEIGHT_NAMES` or a third one is required; and the number of rows
    of each query, if a parameter is named `group` and there are queries.
    """
    parameters = _parameters(metric)
    if isinstance(metric, Metric) and group is None:
        require_queries(metric.loss, None)
    raw = isinstance(metric, Metric) or "raw_prediction" in parameters
    prediction = raw_prediction if raw else loss.predicted(raw_prediction)
    keywords = {"group": group} if GROUP_NAME in parameters and group is not None else {}
    by_name = next((name for name in WEIGHT_NAMES if name in parameters), None)
    if by_name is not None and parameters[by_name].kind is not Parameter.POSITIONAL_ONLY:
        arguments: tuple[Any, ...] = (y, prediction)
        keywords = {by_name: weight, **keywords}
    else:
        third = by_name is not None or len(set(_required(parameters)) - {GROUP_NAME}) > 2
        arguments = (y, prediction, *([weight] if third else []))
    try:
        returned = metric(*arguments, **keywords)
    except ValueError as error:
        shapes = f"targets {np.shape(y)} and predictions {np.shape(prediction)}"
        raise ValueError(f"metric {_name_of(metric)!r} failed on {shapes}: {error}") from error
    return results_of(metric, returned)


class OfResponse:
    """A metric of scikit-learn's form among metrics of the engines' native form."""

    def __init__(self, metric: Callable[..., Any]) -> None:
        self.metric, self.__name__ = metric, _name_of(metric)

    def __call__(self, loss: Loss, raw_prediction: Any, dataset: Any) -> list[Result]:
        """Return the results on one of the engine's data sets under a loss, which may know of training rows."""
        rows = rows_of(dataset, loss.columns)
        # Of a distribution over classes metrics see the most probable one, of columns all.
        target = rows.y if loss.columns else dataset.get_label()
        return called(self.metric, loss, target, raw_prediction, rows.weight, rows.group)


def distinct(results: list[Result]) -> list[Result]:
    """Return the results, or raise if two have the same name: engines would put both into one curve."""
    names = [name for name, *_ in results]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(
            f"two metrics are named {twice!r}: set the __name__ of one, or let it return (name, value)"
        )
    return results


def results_of(metric: Callable[..., Any], returned: Any) -> list[Result]:
    """Convert what a metric returned to names, values and directions."""
    return [_result(metric, one) for one in (returned if isinstance(returned, list) else [returned])]


def _result(metric: Callable[..., Any], one: Any) -> Result:
    name, value, *stated = one if isinstance(one, tuple) and len(one) in (2, 3) else (_name_of(metric), one)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = None
    if number is None or not isinstance(name, str):
        raise TypeError(
            f"metric {_name_of(metric)!r} must return a value, (name, value) or (name, value, higher_is_better),"
            f" got {shown(one)}"
        )
    return name, number, bool(stated[0]) if stated else _direction(metric, name)


def _direction(metric: Callable[..., Any], name: str) -> bool | None:
    """Return whether higher is better; None if that is not known."""
    if isinstance(metric, Metric):
        return metric.higher_is_better
    if _is_of_scikit_learn(metric):
        return _name_of(metric).endswith("_score")
    # A bare value means that lower is better; but a metric with such a name may well mean the opposite.
    score = name.endswith("_score") or name.startswith(MAXIMISED)
    return None if score and not name.endswith((*MINIMISED, "mape")) else False


def of_unknown_direction(name: str) -> ValueError:
    """Return the error for a metric that early stopping watches without knowing its direction."""
    return ValueError(
        f"early stopping watches the metric {name!r}, which does not say whether higher is better: let it return"
        " (name, value, higher_is_better)"
    )


def _check_form(metric: Callable[..., Any], form: str, most: int, queries: bool = False) -> None:
    """Raise unless a metric takes what it will be called with, and, if scikit-learn's, has a direction."""
    if isinstance(metric, (Metric, OfResponse)):
        return
    name = _name_of(metric)
    parameters = _parameters(metric)
    positional = [p for p in parameters.values() if p.kind in POSITIONAL]
    named = {*WEIGHT_NAMES, GROUP_NAME} if queries else set(WEIGHT_NAMES)
    any_number = any(p.kind is Parameter.VAR_POSITIONAL for p in parameters.values())
    keywords = [
        p.name
        for p in parameters.values()
        if p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty and p.name not in named
    ]
    few = parameters and len(positional) < 2 and not any_number
    scorer = next(iter(parameters), None) == "estimator"  # what make_scorer returns
    required = [one for one in _required(parameters) if not queries or one != GROUP_NAME]
    if few or keywords or scorer or len(required) > most:
        raise TypeError(f"metric {name!r} must take {form}, it takes ({', '.join(parameters)})")
    check_direction(metric)


def check_direction(metric: Callable[..., Any]) -> None:
    """Raise for a function of scikit-learn whose name does not say whether higher is better."""
    name = _name_of(metric)
    if _is_of_scikit_learn(metric) and not name.endswith(("_score", *MINIMISED)):
        raise ValueError(
            f"metric {name!r} does not say whether higher is better: wrap it in a function that returns (name,"
            " value, higher_is_better)"
        )


def _parameters(metric: Callable[..., Any]) -> dict[str, Parameter]:
    try:
        return dict(signature(metric).parameters)
    except (TypeError, ValueError):
        return {}  # a C function without a signature


def _required(parameters: dict[str, Parameter]) -> list[str]:
    return [p.name for p in parameters.values() if p.kind in POSITIONAL and p.default is Parameter.empty]


def _unwrapped(metric: Any) -> Any:
    while isinstance(metric, partial):
        metric = metric.func
    return metric


def _name_of(metric: Any) -> str:
    metric = _unwrapped(metric)
    return str(getattr(metric, "__name__", type(metric).__name__))


def _is_of_scikit_learn(metric: Any) -> bool:
    return str(getattr(_unwrapped(metric), "__module__", "")).startswith("sklearn.metrics")
