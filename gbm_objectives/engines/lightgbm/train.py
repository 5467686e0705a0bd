"""Train a complete LightGBM model under one of our losses; the twin of `gbm_objectives.engines.xgboost.train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from ...contract import Loss
from ...contract.links import HALF_LOGIT, IDENTITY, LOG, LOGIT, SOFTMAX
from ...validation import brief
from ..data_sets import Member, alone_with, member
from ..divergence import Watch
from ..metrics import native_metrics, placed
from ..models import native_model
from ..start import start_of, zero
from ..training import Training, ready
from .categories import check_categories
from .data_sets import check_data_set, construct, given_rows, named_sets, offset_of, start_values
from .frozen import FrozenOutputs
from .model_text import completed, objective_in, short_name
from .parameters import ObjectiveIsNone, checked_params, drops_trees, given_start, of_known_rows, paced
from .ties import warn_of_ties
from .watching import feval_of, n_watched

__all__ = ["complete", "objective_name", "train"]

# The built-in objective that shares a link with ours, as a saved model spells it. A model with another link
# declares none, and serves raw predictions.
OBJECTIVES = {
    IDENTITY: "regression",
    LOGIT: "binary sigmoid:1",
    SOFTMAX: "multiclass num_class:{n_outputs}",
    HALF_LOGIT: "binary sigmoid:2",
    LOG: "poisson",
}


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
    set, or at 0 with ``boost_from_average=False``; that start value and the link are part of the returned model.
    The loss's own metric is computed on the validation sets, so early stopping needs nothing else. It is the first
    metric, unless `feval` is a list with `loss.metric` in another place, or `params` names one: LightGBM computes
    named metrics first. It stops on any metric that gets worse; with `first_metric_only`, on the first.

    Parameters
    ----------
    params : dict
        LightGBM's parameters, without an objective. LightGBM's default metric is switched off; a metric named
        here is computed on raw predictions.
    train_set : lightgbm.Dataset
        Training data. Its `init_score`, and that of validation sets, is an offset: raw predictions that training
        adds to, such as the logarithm of exposure. The start value is then the best constant in addition to it,
        and the model's own predictions do not include it.
    loss : Loss
        The loss to train with. A hyper-parameter "auto" follows the residuals.
    num_boost_round, valid_sets, valid_names, feval, init_model, callbacks
        As in `lightgbm.train`. `feval` may also return `(name, value)`, lower is better. With `init_model`, which
        may also be a fitted estimator, training continues from that model's raw predictions; categories of a data
        frame must begin with the model's, in its order.

    Returns
    -------
    lightgbm.Booster
        A native model: `predict` is on the response scale, `predict(raw_score=True)` the raw prediction. It needs
        only LightGBM to serve it. With several outputs that are not classes, or a link that none of LightGBM's
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
        DART; our losses are tested at learning rates up to 1). If one of several outputs stands still although its
        gradients call for a step, which penalties can cause. Or if nearly all targets are one value and the loss
        has a kink there, which LightGBM's way of counting rows cannot handle.

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

    metrics = placed(loss, native_metrics(loss, feval), first=True)

    def boosted(training: Training, **keywords: Any) -> lgb.Booster:
        return lgb.train(
            {**params, "objective": _objective(training, params)},
            train_set,
            num_boost_round,
            valid_sets=valid_sets,
            valid_names=valid_names,
            feval=feval_of(training, metrics, n_watched(params, callbacks)),
            callbacks=[*(callbacks or ()), ObjectiveIsNone()],
            # Otherwise the model would be written and read once more before it is completed.
            keep_training_booster=True,
            **keywords,
        )

    if drops_trees(params) and any(dataset is train_set for dataset in valid_sets or ()):
        raise ValueError(
            "valid_sets must not hold train_set where boosting is dart: LightGBM drops trees to predict it, and"
            " would not restore the last of them; evaluate on a separate Dataset with the same rows"
        )
    with alone_with(sets):
        if init_model is not None:
            init_model = as_booster(init_model)
            _check_model(init_model, loss)
            check_categories(init_model, train_set)
            if any(dataset.init_score is not None for dataset, _ in sets):
                raise ValueError("init_score must not be set beside init_model, which LightGBM puts in its place")
            # The labels of a data file are only read when the training begins.
            read = [(dataset, name, given_rows(loss, dataset)) for dataset, name in sets]
            known = [Member(dataset, name, rows) for dataset, name, rows in read if rows is not None]
            if known:
                ready(loss, known)
            # LightGBM sets the start from that model itself. Constructing the data sets here would free the raw
            # data that it needs for this.
            with start_values(sets, None, [None] * len(sets)):
                n_rows = len(known[0].rows) if known and known[0].data is train_set else None
                training = Training(paced(loss, params, n_rows))
                training.has_trained(init_model.current_iteration())
                if n_rows is not None:
                    rows = known[0].rows
                    params = of_known_rows(params, loss, rows, start_of(loss, rows, None))
                booster = boosted(training, init_model=init_model)
            return complete(booster, loss, zero(loss))

        own = params
        params = construct(params, train_set, sets)
        members = [member(loss, dataset, name, offset_of(loss, dataset, name)) for dataset, name in sets]
        stepping = paced(loss, own, len(members[0].rows))
        training = ready(stepping, members, given_start(params, loss))
        warn_of_ties(loss, members[0].rows)
        params = of_known_rows(params, loss, members[0].rows, training.start)
        with start_values(sets, training.start, [one.offset for one in members]):
            booster = boosted(training)
        return complete(booster, loss, training.start)


def _objective(training: Training, params: dict[str, Any]) -> Any:
    """Return the objective as a function, because `lightgbm.train` does not copy it with its parameters."""
    # DART's predictions leave trees out, so its loss fluctuates with them.
    training.watch = None if drops_trees(params) else Watch(training.loss, "learning_rate")
    frozen = FrozenOutputs(training.loss)

    def objective(raw_prediction: np.ndarray, dataset: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = training.gradient_hessian(raw_prediction, dataset)
        frozen.look(training.rows(dataset).y, raw_prediction, gradient)
        return gradient, hessian

    return objective


def as_booster(model: Any) -> lgb.Booster:
    """Return a model to continue from, given as a booster, a fitted estimator or a path; or raise."""
    model = native_model(model)
    if isinstance(model, (str, Path)):
        try:
            model = lgb.Booster(model_file=model)
        except lgb.basic.LightGBMError as error:
            raise ValueError(f"init_model must be a file with a model: {brief(error)}") from None
    if not isinstance(model, lgb.Booster):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(f"init_model must be a lightgbm.Booster, an estimator with one, or its path, got {kind}")
    return model


def _check_model(model: lgb.Booster, loss: Loss) -> None:
    """Raise if the trees of a model to continue from are on another scale."""
    ours, theirs = objective_name(loss), objective_in(model.model_to_string(num_iteration=1))
    n_outputs = model.num_model_per_iteration()
    if n_outputs != loss.n_outputs:
        raise ValueError(f"init_model has {n_outputs} outputs, {loss!r} has {loss.n_outputs}")
    if theirs is None or (ours is None and not loss.outputs):
        return  # raw predictions, whatever the link
    # LightGBM's objectives with a link of their own; those not listed have the identity link.
    linked = ("binary", "multiclass", "multiclassova", "poisson", "gamma", "tweedie", "cross_entropy")
    if ours != theirs and {(ours or "custom").split()[0], theirs.split()[0]} & set(linked):
        raise ValueError(f"init_model was trained as {theirs!r}, {loss!r} goes on from {ours or 'custom'!r}")


def objective_name(loss: Loss) -> str | None:
    """Return the built-in objective with the loss's link; None if there is none."""
    # By comparison, not lookup: the functions of a user's own link need not be hashable.
    found = next((name for link, name in OBJECTIVES.items() if link == loss.link), None)
    return None if loss.outputs or found is None else found.format(n_outputs=loss.n_outputs)


def complete(booster: lgb.Booster, loss: Loss, start: float | np.ndarray) -> lgb.Booster:
    """Write start value and link into the model and free its data, as `lightgbm.train` does at its end."""
    objective = objective_name(loss)
    text = completed(booster.model_to_string(), objective, np.atleast_1d(start).tolist())
    booster.params["objective"] = short_name(objective)
    # In place: best_iteration, best_score and the parameters stay.
    return booster.model_from_string(text).free_dataset()
