"""Which loss is best by a measure of one's own: the same folds and the same engine for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_consistent_length

from .contract import Loss
from .contract.calling import Metric
from .engines.metrics import WEIGHT_NAMES, results_of
from .engines.registry import engine_of
from .estimators import GBMClassifier, GBMRanker, GBMRegressor
from .estimators.base import BaseGBM
from .estimators.validation_rows import numbered, taken
from .validation import shown

__all__ = ["compare_losses"]

# Of the arguments of `fit` those that a score needs as well, and what it calls them.
SCORED_WITH = {"sample_weight": "sample_weight", "qid": "qid", "init_score": "offset", "base_margin": "offset"}


def compare_losses(
    losses: Sequence[Loss] | Mapping[str, Loss],
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scoring: str | Callable[..., Any] | None = None,
    cv: Any = None,
    groups: ArrayLike | None = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
) -> Any:
    """Return how good models are under each of several losses, by one measure on held-out rows, the best first.

    Parameters
    ----------
    losses : sequence of Loss, or mapping of names to losses
        The candidates.
    estimator : estimator
        What is trained under each of them: an engine's estimator, one of ours (its loss is replaced), or a
        pipeline with one of ours.
    X : array-like of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_columns)
        Target.
    scoring : str or callable, optional
        The measure, the same for all losses. A function ``cost(y_true, y_pred)`` of what `predict` returns: lower
        is better, unless it is a score of `sklearn.metrics` or returns ``(name, value, higher_is_better)``. Or the
        `metric` of a loss, or `ranking.NDCG`. Or one of scikit-learn's names or scorers, ``scorer(model, X, y)``:
        higher is better. By default `score` of the estimator.
    cv : int or splitter, optional
        As in `sklearn.model_selection.cross_validate`, five folds by default. All losses get the same folds, also
        those of a splitter that draws them at random.
    groups : array-like of shape (n_samples,), optional
        For the splitter.
    params : mapping, optional
        More arguments of `fit`. Those that have a value for each row are divided into folds; `sample_weight`,
        `qid` and offsets count in the score, too: predictions have the offset in them, and a function gets weights
        and queries as arguments of these names.
    n_jobs : int, optional
        Number of trainings at a time, as in scikit-learn.

    Returns
    -------
    pandas.DataFrame, or dict of lists where pandas is not installed
        A row for each loss with the columns `loss`, `mean_test_score` and `std_test_score` (in the unit of the
        measure), `behind`, how much worse than the best, `behind_error`, the standard error of that,
        `mean_fit_time` in seconds, and `split0_test_score` and so on for each fold.

    Raises
    ------
    ValueError
        If there is no loss, two have the same name, a loss refuses the target, a score is not finite, or it is not
        known whether higher is better.
    TypeError
        If something is no loss, or the measure cannot take weights, queries or offsets that `fit` gets.

    Notes
    -----
    Folds share training rows, so that the plain standard error of their mean is too small. Of the differences d to
    the best loss on k folds it is here sqrt((1 / k + n_test / n_train) var(d)), as corrected by Nadeau and
    Bengio (2003). A difference of less than two such errors tells nothing.

    References
    ----------
    Nadeau and Bengio (2003). *Inference for the generalization error*. Machine Learning 52, 239-281, section 4.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from gbm_objectives import AbsoluteError, Quantile
    >>> def cost(y_true, y_pred):  # too low costs three times as much
    ...     return (3 * (y_true - y_pred).clip(0) + (y_pred - y_true).clip(0)).mean()
    >>> engine = LGBMRegressor(n_estimators=20, num_leaves=7, verbosity=-1)
    >>> X, y = load_diabetes(return_X_y=True)
    >>> table = compare_losses([AbsoluteError(), Quantile(0.75)], engine, X, y, scoring=cost)
    >>> list(table["loss"])
    ['Quantile(alpha=0.75)', 'AbsoluteError()']
    """
    named, (model, parameter) = _named(losses), _model(estimator)
    measure, more = _measure(scoring), dict(params or {})
    if more.get("group") is not None:
        raise ValueError("params must name the query of each row, qid, not group: folds are made of rows")
    check_consistent_length(X, y, *(more[name] for name in SCORED_WITH if name in more))
    folds = list(check_cv(cv, y, classifier=is_classifier(model)).split(X, y, groups))
    # Folds outside: a loss that refuses the target does so before the others have trained on all of them.
    jobs = [
        delayed(_on_fold)(label, clone(model).set_params(**{parameter: loss}), X, y, more, measure, fold)
        for fold, (label, loss) in product(folds, named.items())
    ]
    results = np.array(Parallel(n_jobs=n_jobs)(jobs)).reshape(len(folds), len(named), 3)
    scores, seconds, higher_is_better = results[..., 0], results[..., 1].mean(axis=0), bool(results[0, 0, 2])
    order = np.argsort(-scores.mean(axis=0) if higher_is_better else scores.mean(axis=0), kind="stable")
    scores = scores[:, order]
    columns: dict[str, Any] = {
        "loss": [list(named)[i] for i in order],
        "mean_test_score": scores.mean(axis=0).tolist(),
        "std_test_score": scores.std(axis=0).tolist(),
    }
    worse = (scores[:, :1] - scores) if higher_is_better else (scores - scores[:, :1])
    k, share = len(folds), np.mean([len(test) / len(train) for train, test in folds])
    columns["behind"] = worse.mean(axis=0).tolist()
    variance = worse.var(axis=0, ddof=1) if k > 1 else np.full(len(named), np.nan)
    columns["behind_error"] = np.sqrt((1.0 / k + share) * variance).tolist()
    columns["mean_fit_time"] = seconds[order].tolist()
    columns |= {f"split{i}_test_score": of_fold.tolist() for i, of_fold in enumerate(scores)}
    return _as_frame(columns)


def _named(losses: Any) -> dict[str, Loss]:
    """Return the losses by name, checked."""
    pairs = list(losses.items()) if isinstance(losses, Mapping) else [(None, loss) for loss in losses]
    if not pairs:
        raise ValueError("losses is empty: at least one loss is needed")
    named: dict[str, Loss] = {}
    for label, loss in pairs:
        if not isinstance(loss, Loss):
            raise TypeError(f"losses must be losses, got {shown(loss)}")
        label = repr(loss) if label is None else str(label)
        if label in named:
            raise ValueError(f"two of the losses are named {label!r}: give a mapping of other names to them")
        named[label] = loss
    return named


def _model(estimator: Any) -> tuple[Any, str]:
    """Return what to train, and the name of its parameter that is the loss."""
    if isinstance(estimator, type):
        raise TypeError(f"estimator must be an estimator, not a class, got {shown(estimator)}")
    if isinstance(estimator, BaseGBM):
        return estimator, "loss"
    parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
    inner = [name for name, value in parameters.items() if isinstance(value, BaseGBM)]
    if len(inner) == 1:
        return estimator, f"{inner[0]}__loss"
    if inner:
        raise ValueError(f"estimator must hold one estimator of gbm_objectives, it holds {', '.join(inner)}")
    try:
        engine_of(estimator)
    except TypeError:
        raise TypeError(
            "estimator must be one of LightGBM or XGBoost, GBMRegressor or its kin, or a pipeline with one of"
            f" these, got {shown(estimator)}"
        ) from None
    if is_classifier(estimator):
        return GBMClassifier(estimator=estimator), "loss"
    ranks = type(estimator).__name__.endswith("Ranker")
    return (GBMRanker if ranks else GBMRegressor)(estimator=estimator), "loss"


def _measure(scoring: Any) -> Callable[..., tuple[float, bool]]:
    """Return a function of a fitted model, rows and more that returns a score, and whether higher is better."""
    if isinstance(scoring, Loss) or not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        hint = ": give its .metric" if isinstance(scoring, Loss) else ""
        raise TypeError(f"scoring must be a name, a scorer or a function of targets, got {shown(scoring)}{hint}")
    if scoring is None:
        return _own_score
    if isinstance(scoring, str):
        return _OfModel(get_scorer(scoring))
    if isinstance(scoring, Metric):
        return _OfRaw(scoring)
    required = [
        name
        for name, one in signature(scoring).parameters.items()
        if one.default is Parameter.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    required = [name for name in required if name not in (*WEIGHT_NAMES, *SCORED_WITH.values())]
    if len(required) not in (2, 3):
        raise TypeError(
            f"scoring must take (y_true, y_pred) or (model, X, y), {shown(scoring)} takes ({', '.join(required)})"
        )
    return _OfTargets(scoring) if len(required) == 2 else _OfModel(scoring)


def _own_score(model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
    return float(model.score(X, y, **more)), True


@dataclass(frozen=True)
class _OfModel:
    """A scorer of scikit-learn's form."""

    scorer: Callable[..., float]

    def __call__(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
        return float(self.scorer(model, X, y, **_taken_by(self.scorer, more))), True


@dataclass(frozen=True)
class _OfRaw:
    """The metric of a loss, or `NDCG`, of raw predictions."""

    metric: Metric

    def __call__(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
        target, raw = model._scored(X, y, more.get("offset"))
        weight, query = more.get("sample_weight"), more.get("qid")
        if query is None:
            return self.metric.loss.value(target, raw, weight), self.metric.higher_is_better
        number = numbered(query, len(raw), "qid")
        rows, (_, sizes) = np.argsort(number, kind="stable"), np.unique(number, return_counts=True)
        of_rows = None if weight is None else np.asarray(weight)[rows]
        return self.metric.loss.value(target[rows], raw[rows], of_rows, sizes), self.metric.higher_is_better


@dataclass(frozen=True)
class _OfTargets:
    """A function of targets and predictions."""

    function: Callable[..., Any]

    def __call__(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
        offset = {"offset": more["offset"]} if "offset" in more else {}
        # Predictions have the offset in them: a measure need not know it, but may.
        known = "offset" in signature(self.function).parameters
        others = {name: values for name, values in more.items() if name != "offset" or known}
        returned = self.function(y, model.predict(X, **offset), **_taken_by(self.function, others))
        name, value, higher_is_better = results_of(self.function, returned)[0]
        if higher_is_better is None:
            raise ValueError(
                f"scoring {name!r} does not say whether higher is better: let it return (name, value,"
                " higher_is_better)"
            )
        return value, higher_is_better


def _taken_by(measure: Callable[..., Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return what a measure gets beside rows, by its own names for weights."""
    parameters, keywords = signature(measure).parameters, {}
    for name, values in more.items():
        names = WEIGHT_NAMES if name == "sample_weight" else (name,)
        known = next((one for one in names if one in parameters), None)
        if known is None:
            raise TypeError(
                f"scoring must take {name}, which fit gets, {shown(measure)} takes ({', '.join(parameters)})"
            )
        keywords[known] = values
    return keywords


def _on_fold(
    label: str, model: Any, X: Any, y: Any, params: dict[str, Any], measure: Any, fold: tuple[Any, Any]
) -> tuple[float, float, bool]:
    """Return the score of a loss on a fold, the seconds of its training, and whether higher is better."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)

    def rows(values: Any, some: Any) -> Any:
        by_row = hasattr(values, "__len__") and not isinstance(values, (str, Mapping)) and len(values) == n_rows
        return _safe_indexing(values, some) if by_row else values

    train, test = fold
    of_fit = {name: rows(values, train) for name, values in params.items()}
    # A pipeline's arguments of `fit` begin with the name of a step.
    of_score = {SCORED_WITH.get(name.rpartition("__")[2]): rows(values, test) for name, values in params.items()}
    of_score.pop(None, None)
    try:
        start = perf_counter()
        model.fit(taken(X, train), rows(y, train), **of_fit)
        seconds = perf_counter() - start
        score, higher_is_better = measure(model, taken(X, test), rows(y, test), of_score)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{label}: {error}") from error
    if not np.isfinite(score):
        raise ValueError(f"{label}: the score of held-out rows must be finite, got {score}")
    return score, seconds, higher_is_better


def _as_frame(columns: dict[str, list[Any]]) -> Any:
    """Return columns as a data frame if pandas is installed."""
    try:
        import pandas as pd
    except ImportError:
        return columns
    return pd.DataFrame(columns)
