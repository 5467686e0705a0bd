"""Cross-validate a loss on LightGBM, each fold from its own start value; the twin of `engines.xgboost.cv`."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.model_selection import GroupKFold

from ...contract import Loss
from ..data_sets import Member, alone_with, member
from ..metrics import native_metrics, placed
from ..start import start_of
from ..training import Folds, Training, ready
from .data_sets import check_data_set, construct, offset_of, set_start
from .parameters import ObjectiveIsNone, checked_params, given_start, of_known_rows, paced
from .ties import warn_of_ties
from .train import complete
from .watching import feval_of, n_watched

__all__ = ["cv"]


def cv(
    params: dict[str, Any],
    train_set: lgb.Dataset,
    *,
    loss: Loss,
    num_boost_round: int = 100,
    stratified: bool | None = None,
    feval: Any = None,
    return_cvbooster: bool = False,
    callbacks: Any = None,
    **keywords: Any,
) -> dict[str, Any]:
    """Cross-validate as `lightgbm.cv` does, from the right start in each fold.

    Parameters
    ----------
    params : dict
        LightGBM's parameters, without an objective.
    train_set : lightgbm.Dataset
        The data; its `init_score` is an offset, as in `train`.
    loss : Loss
        The loss; its metric comes first, unless `feval` has it elsewhere.
    stratified : bool, optional
        Whether folds keep the shares of labels; by default only for losses of class labels.
    num_boost_round, feval, return_cvbooster, callbacks, **keywords
        As in `lightgbm.cv` (`folds`, `nfold`, `shuffle`, `seed`, `eval_train_metric`), but with 100
        rounds by default. The boosters returned are complete models.

    Returns
    -------
    dict
        Mean and standard deviation over the folds by round, as from `lightgbm.cv`.

    Raises
    ------
    ValueError
        If a target is outside the loss's domain, or a parameter contradicts the loss.
    TypeError
        If `loss` is not a loss of this package, or a keyword is one that `loss` replaces.

    Examples
    --------
    >>> import lightgbm
    >>> from sklearn.datasets import load_diabetes
    >>> from gbm_objectives import AbsoluteError
    >>> from gbm_objectives.engines.lightgbm import cv
    >>> data = lightgbm.Dataset(*load_diabetes(return_X_y=True))
    >>> result = cv({"verbosity": -1}, data, loss=AbsoluteError(), num_boost_round=20, nfold=3)
    >>> len(result["valid absolute_error-mean"])
    20
    """
    for name in ("fpreproc", "init_model", "metrics"):
        if name in keywords:
            raise TypeError(f"cv() takes no {name}: metrics go into params and feval")
    params = checked_params(params, loss)
    loss = loss._with(summary=None, prepared=None)  # which `loss_` of a fitted model has
    check_data_set(loss, train_set, "train_set")
    metrics = placed(loss, native_metrics(loss, feval), first=True)
    given, own = given_start(params, loss), params
    folds: list[Training] = []

    def from_its_start(train: lgb.Dataset, valid: lgb.Dataset, fold: dict[str, Any]) -> Any:
        members = [
            member(loss, dataset, "train_set", offset_of(loss, dataset, "train_set"))
            for dataset in (train.construct(), valid.construct())
        ]
        start = start_of(loss, members[0].rows, members[0].offset) if given is None else given
        folds.append(Training(paced(loss, own, len(members[0].rows)), members, start))
        for one in members:
            set_start(one.data, start, one.offset)
        return train, valid, fold

    with alone_with([(train_set, "train_set")]):
        params = construct(params, train_set, [(train_set, "train_set")])
        whole = member(loss, train_set, "train_set", offset_of(loss, train_set, "train_set"))
        # Before any fold, so that a message has the row's number in the whole data set.
        start = ready(loss, [whole], given).start
        params = of_known_rows(params, loss, whole.rows, start)
        warn_of_ties(loss, whole.rows)
        if loss.scope == "query" and keywords.get("folds") is None:
            keywords["folds"] = _of_whole_queries(whole, keywords)
        all_folds = Folds(folds)
        evaluate = feval_of(all_folds, metrics, n_watched(params, callbacks))
        # A function, because LightGBM does not copy it with its parameters.
        params["objective"] = lambda raw, dataset: all_folds.gradient_hessian(raw, dataset)
        result: dict[str, Any] = lgb.cv(
            params,
            train_set,
            num_boost_round,
            stratified=loss.classifies if stratified is None else stratified,
            feval=evaluate,
            fpreproc=from_its_start,
            callbacks=[*(callbacks or ()), ObjectiveIsNone()],
            return_cvbooster=return_cvbooster,
            **keywords,
        )
    if return_cvbooster:
        boosters = result["cvbooster"].boosters
        boosters[:] = [complete(one, loss, fold.start) for one, fold in zip(boosters, folds, strict=True)]
    return dict(result)


def _of_whole_queries(whole: Member, keywords: dict[str, Any]) -> Any:
    """Return folds that keep the rows of a query together, as LightGBM does for its own ranking."""
    sizes = whole.rows.group
    numbers = np.repeat(np.arange(np.size(sizes)), sizes)  # type: ignore[arg-type]  # it has queries
    return GroupKFold(n_splits=keywords.get("nfold", 5)).split(numbers, groups=numbers)
