"""Which loss is best by a measure of one's own: the same folds and the same engine for each of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_consistent_length

from ..contract import Loss
from ..engines.registry import engine_of
from ..estimators import GBMClassifier, GBMRanker, GBMRegressor
from ..estimators.base import BaseGBM
from ..estimators.validation_rows import numbered, taken
from ..ranking import NDCG
from ..validation import shown
from .measures import SCORED_WITH, measure_of

__all__ = ["compare_losses"]


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
        higher is better. By default `score` of the estimator; of rankers `NDCG(None)`.
    cv : int or splitter, optional
        As in `sklearn.model_selection.cross_validate`, five folds by default. All losses get the same folds, also
        those of a splitter that draws them at random. Queries stay whole.
    groups : array-like of shape (n_samples,), optional
        For the splitter; by default the queries, if there are some.
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
    if scoring is None and isinstance(model, GBMRanker):
        scoring = NDCG(None)  # `score` has the gains of the loss, and would be another measure for each
    measure, more = measure_of(scoring), _given(params)
    check_consistent_length(X, y, *(more[name] for name in SCORED_WITH if name in more))
    folds = _folds(cv, X, y, groups, more.get("qid"), is_classifier(model))
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


def _given(params: Any) -> dict[str, Any]:
    """Return the arguments of `fit`, checked; None is as good as none."""
    if params is not None and not isinstance(params, Mapping):
        raise TypeError(f"params must be a mapping of names to arguments of fit, got {shown(params)}")
    more = {name: value for name, value in (params or {}).items() if value is not None}
    if "group" in more:
        raise ValueError("params must name the query of each row, qid, not group: folds are made of rows")
    return more


def _folds(
    cv: Any, X: Any, y: Any, groups: Any, qid: Any, classifier: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rows to train on and those to judge by, of each fold; queries stay whole."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    groups = qid if groups is None else groups
    if qid is not None and (cv is None or isinstance(cv, int)):
        cv = GroupKFold(5 if cv is None else cv)
    places = np.arange(n_rows)
    # As numbers of rows, for a splitter may yield masks.
    with warnings.catch_warnings():
        if qid is not None:  # whether a splitter knows of groups is seen below
            warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = [
            (places[np.asarray(train)], places[np.asarray(test)])
            for train, test in check_cv(cv, y, classifier=classifier).split(X, y, groups)
        ]
    if not folds:
        raise ValueError(f"cv must yield a fold, {shown(cv)} yields none")
    if qid is not None:
        query = numbered(qid, n_rows, "qid")
        for train, test in folds:
            if len(cut := np.intersect1d(query[train], query[test])):
                row = int(np.flatnonzero(query == cut[0])[0])
                raise ValueError(
                    f"cv must keep queries whole, {shown(cv)} cuts that of row {row}: take GroupKFold()"
                )
    return folds


def _named(losses: Any) -> dict[str, Loss]:
    """Return the losses by name, checked."""
    if isinstance(losses, Loss) or not hasattr(losses, "__iter__"):
        raise TypeError(f"losses must be a list of losses, or names of them, got {shown(losses)}")
    pairs = list(losses.items()) if isinstance(losses, Mapping) else [(None, loss) for loss in losses]
    if not pairs:
        raise ValueError("losses is empty: at least one loss is needed")
    named: dict[str, Loss] = {}
    for label, loss in pairs:
        if not isinstance(loss, Loss):
            hint = "; write it with parentheses" if isinstance(loss, type) else ""
            raise TypeError(f"losses must be losses, got {shown(loss)}{hint}")
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
        _check_searched(parameters, inner[0])
        return estimator, f"{inner[0]}__loss"
    if inner:
        raise ValueError(f"estimator must hold one estimator of gbm_objectives, it holds {', '.join(inner)}")
    try:
        engine_of(estimator)
    except TypeError:
        raise TypeError(
            "estimator must be one of LightGBM or XGBoost, or GBMRegressor or its kin, or a pipeline or search"
            f" with one of the latter, got {shown(estimator)}"
        ) from None
    if is_classifier(estimator):
        return GBMClassifier(estimator=estimator), "loss"
    ranks = type(estimator).__name__.endswith("Ranker")
    return (GBMRanker if ranks else GBMRegressor)(estimator=estimator), "loss"


def _check_searched(parameters: dict[str, Any], inner: str) -> None:
    """Raise if a search sets the loss itself, so that all candidates would be trained alike."""
    for name in ("param_grid", "param_distributions", "search_spaces"):
        grids = parameters.get(name) or []
        for grid in [grids] if isinstance(grids, Mapping) else grids:
            for key in grid:
                if f"estimator__{key}" in (inner, f"{inner}__loss"):
                    raise ValueError(f"{name} of the search must leave the loss alone, it sets {key!r}")


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
    except (AttributeError, TypeError, ValueError) as error:
        kind = next(one for one in (AttributeError, TypeError, ValueError) if isinstance(error, one))
        raise kind(f"{label}: {error}") from error
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
