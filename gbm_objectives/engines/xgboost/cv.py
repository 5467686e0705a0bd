"""Cross-validate a loss on XGBoost, each fold from its own start value; the twin of `engines.lightgbm.cv`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import xgboost as xgb

from ...contract import Loss
from ..data_sets import alone_with, member
from ..metrics import native_metrics, placed
from ..start import rows_at_start, start_of
from ..training import Folds, Training, ready
from .data_sets import check_data_set, labels_for_softmax, numbered, offset_of
from .train import base_score, checked_params, paced
from .unit import unit_of_gains, with_penalties_times
from .watching import Directions

__all__ = ["cv"]


def cv(
    params: dict[str, Any],
    dtrain: xgb.DMatrix,
    *,
    loss: Loss,
    num_boost_round: int = 100,
    stratified: bool | None = None,
    custom_metric: Any = None,
    **keywords: Any,
) -> Any:
    """Cross-validate as `xgboost.cv` does, from the right start in each fold.

    Parameters
    ----------
    params : dict
        XGBoost's parameters, without an objective and a `base_score`.
    dtrain : xgboost.DMatrix
        The data; its `base_margin` is an offset, as in `train`.
    loss : Loss
        The loss; its metric comes last, and early stopping watches it, unless `custom_metric` has it elsewhere.
    stratified : bool, optional
        Whether folds keep the shares of labels; by default only for losses of class labels.
    num_boost_round, custom_metric, **keywords
        As in `xgboost.cv` (`nfold`, `folds`, `seed`, `shuffle`, `early_stopping_rounds`, `as_pandas`, `callbacks`
        ...), but with 100 rounds by default.

    Returns
    -------
    pandas.DataFrame or dict
        Mean and standard deviation over the folds by round, as from `xgboost.cv`.

    Raises
    ------
    ValueError
        If a target is outside the loss's domain, or a parameter contradicts the loss.
    TypeError
        If `loss` is not a loss of this package, or a keyword is one that `loss` replaces.

    Examples
    --------
    >>> import xgboost
    >>> from sklearn.datasets import load_diabetes
    >>> from gbm_objectives import AbsoluteError
    >>> from gbm_objectives.engines.xgboost import cv
    >>> data = xgboost.DMatrix(*load_diabetes(return_X_y=True))
    >>> result = cv({}, data, loss=AbsoluteError(), num_boost_round=20, nfold=3, as_pandas=False)
    >>> len(result["test-absolute_error-mean"])
    20
    """
    for name in ("obj", "fpreproc", "feval", "metrics"):
        if name in keywords:
            raise TypeError(f"cv() takes no {name}: metrics go into params and custom_metric")
    params = checked_params(params, loss)
    loss = loss._with(summary=None, prepared=None)  # which `loss_` of a fitted model has
    check_data_set(loss, dtrain, "dtrain")
    whole = member(loss, dtrain, "dtrain", offset_of(loss, dtrain, "dtrain"))
    start = ready(loss, [whole]).start
    unit = unit_of_gains(loss, whole.rows, rows_at_start(start, len(whole.rows), whole.offset))
    if unit != 1.0:
        params = with_penalties_times(params, unit)
    metrics = placed(loss, native_metrics(loss, custom_metric), first=False)
    directions = Directions()
    folds: list[Training] = []
    all_folds = Folds(folds)

    def from_its_start(train: xgb.DMatrix, test: xgb.DMatrix, fold: dict[str, Any]) -> Any:
        if rows_in is not None:
            for part in (train, test):
                rows = rows_in(part)
                if whole.rows.y.ndim == 2:
                    part.target = whole.rows.y[rows]  # type: ignore[attr-defined]  # as users set it
                if of_queries is not None:
                    # Queries are whole, and in the order in which XGBoost shuffled them.
                    numbers = query[rows]
                    first = np.append(True, numbers[1:] != numbers[:-1])
                    part.set_weight(of_queries[numbers[first]])
        members = [
            member(loss, dmatrix, "dtrain", offset_of(loss, dmatrix, "dtrain")) for dmatrix in (train, test)
        ]
        start = start_of(loss, members[0].rows, members[0].offset)
        folds.append(Training(paced(loss, params), members, start))
        for one in members:
            if one.offset is not None:
                one.data.set_base_margin(one.offset + np.float32(start))
        return train, test, {**fold, "base_score": base_score(loss, start)}

    def objective(raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = all_folds.gradient_hessian(raw_prediction, dmatrix)
        return np.float32(unit) * gradient, np.float32(unit) * hessian

    def all_metrics(raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> list[tuple[str, float]]:
        return directions.noted(all_folds.results(metrics, raw_prediction, dmatrix))

    with ExitStack() as stack:
        rows_in = None
        # A slice of queries has no weights.
        group = whole.rows.group
        of_queries = None if group is None else whole.rows.weight_of_queries()
        query = np.repeat(np.arange(0 if group is None else len(group)), () if group is None else group)
        if whole.rows.y.ndim == 2 or of_queries is not None:
            stack.enter_context(alone_with([(dtrain, "dtrain")]))
            stack.enter_context(labels_for_softmax([whole]))
            rows_in = stack.enter_context(numbered(dtrain))
        return xgb.cv(
            params,
            dtrain,
            num_boost_round,
            stratified=loss.classifies if stratified is None else stratified,
            obj=objective,
            custom_metric=all_metrics,
            fpreproc=from_its_start,
            **directions.beside(keywords),
        )
