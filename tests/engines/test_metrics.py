"""Metrics of one's own: which is watched, which way, with which weights; what cannot be called is refused."""

from __future__ import annotations

from functools import partial
from itertools import count

import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import (
    average_precision_score,
    get_scorer,
    get_scorer_names,
    matthews_corrcoef,
    mean_absolute_error,
    mean_pinball_loss,
    r2_score,
    roc_auc_score,
)

from gbm_objectives import AbsoluteError, BinaryCrossEntropy, Huber, SquaredError
from gbm_objectives.engines.metrics import results_of
from tests.engine import LIGHTGBM, XGBOOST

X, Y = load_diabetes(return_X_y=True)
TRAIN, VALID = slice(0, None, 2), slice(1, None, 2)
ROUNDS = 40


def rising():
    """A score that grows with every round, and says that this is good; of either form."""
    rounds = count(1)

    def rising(first, second):
        return "rising", float(next(rounds)), True

    return rising


def watching(engine, metric, loss):
    """A list in which early stopping looks at the metric: the first one of LightGBM, the last one of XGBoost."""
    return [metric, loss.metric] if engine is LIGHTGBM else [loss.metric, metric]


def stopping(engine):
    return engine.early_stopping() | ({"first_metric_only": True} if engine is LIGHTGBM else {})


def fitted(engine, metrics, loss=None, **params):
    """Fit with early stopping, fast enough that the loss soon rises; return the best round and the curves."""
    loss = loss or SquaredError()
    X, Y = load_breast_cancer(return_X_y=True) if loss.classifies else load_diabetes(return_X_y=True)
    params = {"n_estimators": ROUNDS, "learning_rate": 0.5, **stopping(engine), **params}
    model = (engine.classifier if loss.classifies else engine.regressor)(loss, **params)
    model.fit(X[TRAIN], Y[TRAIN], eval_set=[(X[VALID], Y[VALID])], eval_metric=metrics)
    (curves,) = model.evals_result_.values()
    return model.best_iteration_, curves


def trained(engine, metrics, **keywords):
    """Train natively with early stopping; return the best round and the curves."""
    history = {}
    sets = {"valid": engine.data(X[VALID], Y[VALID])}
    params = {"learning_rate": 0.5, **(stopping(engine) if engine is LIGHTGBM else {})}
    keywords |= engine.evaluation(sets, history) | (
        {"feval": metrics} if engine is LIGHTGBM else {"custom_metric": metrics, **stopping(engine)}
    )
    booster = engine.train(SquaredError(), X[TRAIN], Y[TRAIN], rounds=ROUNDS, params=params, **keywords)
    return booster.best_iteration + (engine is XGBOOST), history["valid"]


def test_the_loss_is_watched_by_default(engine):
    for best, curves in (fitted(engine, rising()), trained(engine, rising())):
        assert best == np.argmin(curves["squared_error"]) + 1 < ROUNDS


def test_the_list_says_what_is_watched(engine):
    best, curves = fitted(engine, watching(engine, mean_absolute_error, SquaredError()))
    assert best == np.argmin(curves["mean_absolute_error"]) + 1 < ROUNDS
    assert fitted(engine, watching(engine, rising(), SquaredError()))[0] == ROUNDS
    assert trained(engine, watching(engine, rising(), SquaredError()))[0] == ROUNDS


def test_a_loss_may_stand_in_the_list_before_its_parameter_is_found(engine):
    loss = Huber("auto")
    best, curves = fitted(engine, watching(engine, rising(), loss), loss)
    assert best == ROUNDS and sorted(curves) == ["huber", "rising"]


def test_metrics_by_name_come_first_where_the_order_counts(engine):
    """So do the engines compute them: a name that stands behind would not be where the list says."""
    name = "l1" if engine is LIGHTGBM else "mae"
    loss = SquaredError()
    _, curves = fitted(engine, [name, loss.metric])
    assert list(curves) == [name, "squared_error"]
    with pytest.raises(ValueError, match=f"metric '{name}' must stand before the functions: the order of a list"):
        fitted(engine, [loss.metric, name])
    fitted(engine, [mean_absolute_error, name])  # the loss is watched, whatever the order


def test_xgboosts_callback_names_what_it_watches():
    callback = xgb.callback.EarlyStopping(rounds=5, metric_name="r2_score")
    best, curves = fitted(XGBOOST, r2_score, callbacks=[callback], early_stopping_rounds=None)
    assert 1 < best == np.argmax(curves["r2_score"]) + 1 < ROUNDS


def test_what_is_watched_in_folds(engine):
    metrics = watching(engine, rising(), SquaredError())
    params = {**engine.params, "learning_rate": 0.5}
    keywords = {"nfold": 2, "num_boost_round": ROUNDS}
    if engine is LIGHTGBM:
        params, keywords = params | stopping(engine), keywords | {"feval": metrics}
    else:
        keywords |= {"custom_metric": metrics, "as_pandas": False, **stopping(engine)}
    result = engine.ours.cv(params, engine.data(X, Y), loss=SquaredError(), **keywords)
    assert {len(curve) for curve in result.values()} == {ROUNDS}


@pytest.mark.parametrize("metric", [r2_score, average_precision_score, roc_auc_score])
def test_scores_of_scikit_learn_are_maximised(engine, metric):
    loss = SquaredError() if metric is r2_score else BinaryCrossEntropy()
    best, curves = fitted(engine, watching(engine, metric, loss), loss)
    assert best == np.argmax(curves[metric.__name__]) + 1 > 1


def test_the_directions_of_scikit_learns_functions_are_those_of_its_scorers():
    scorers = [get_scorer(name) for name in get_scorer_names()]
    signs = {scorer._score_func: scorer._sign for scorer in scorers}
    # Functions of a scorer alone, which are not public, and the one whose name does not tell: it is refused.
    told = {f for f in signs if not f.__module__.endswith("_scorer")} - {matthews_corrcoef}
    assert len(told) > 20
    for function in told:
        assert results_of(function, 0.5) == [(function.__name__, 0.5, signs[function] > 0)]


def test_a_score_that_does_not_tell_its_direction_is_not_watched(engine):
    def own_score(y_true, y_pred):
        return 1.0

    with pytest.raises(ValueError, match=r"early stopping watches the metric 'own_score', which does not say"):
        fitted(engine, watching(engine, own_score, SquaredError()))
    best, _ = fitted(engine, own_score)  # only shown
    assert best < ROUNDS
    with pytest.raises(
        ValueError, match=r"metric 'matthews_corrcoef' does not say whether higher is better: wrap"
    ):
        fitted(engine, matthews_corrcoef)


def test_maximize_of_xgboost_has_the_last_word():
    def own_score(raw_prediction, data):
        return "own_score", -1.0

    best, _ = trained(XGBOOST, watching(XGBOOST, own_score, SquaredError()), maximize=True)
    assert best == 1


@pytest.mark.parametrize("result", [1.5, ("own", 1.5), ("own", 1.5, False), [("own", 1.5), ("other", 2.0, True)]])
def test_each_form_of_a_result_is_taken_at_every_door(engine, result):
    def own(first, second):
        return result

    names = {"own", "other"} if isinstance(result, list) else {"own"}
    for _, curves in (fitted(engine, own), trained(engine, own)):
        assert set(curves) == {"squared_error", *names}
        assert curves["own"][0] == 1.5


@pytest.mark.parametrize("result", ["high", (1.5, "own"), ("own", 1.5, True, 1), None])
def test_a_result_of_another_form_is_named(engine, result):
    def own(first, second):
        return result

    for door in (fitted, trained):
        with pytest.raises(TypeError, match=r"metric 'own' must return a value, \(name, value\) or .*, got "):
            door(engine, own)


def test_who_gets_the_weights(engine):
    weight = np.linspace(0.5, 2.0, len(Y))
    seen = {}

    def none(y_true, y_pred, alpha=0.9):
        seen["none"] = alpha
        return 0.0

    def third(y_true, y_pred, w):
        seen["third"] = w
        return 0.0

    def named(y_true, y_pred, alpha=0.9, *, weight=None):
        seen["named"] = weight
        return 0.0

    pinball = partial(mean_pinball_loss, alpha=0.9)
    model = engine.regressor(SquaredError(), n_estimators=3)
    model.fit(X, Y, eval_set=[(X, Y)], eval_sample_weight=[weight], eval_metric=[none, third, named, pinball])
    assert seen["none"] == 0.9
    np.testing.assert_allclose(seen["third"], weight, rtol=1e-6)
    np.testing.assert_allclose(seen["named"], weight, rtol=1e-6)
    (curves,) = model.evals_result_.values()
    expected = mean_pinball_loss(Y, model.predict(X), alpha=0.9, sample_weight=weight)
    assert curves["mean_pinball_loss"][-1] == pytest.approx(expected, rel=1e-5)


def grouped(y_true, y_pred, weight, group):
    """LightGBM's longest form."""


def with_alpha(y_true, y_pred, *, alpha):
    """Nobody would give it an alpha."""


@pytest.mark.parametrize("metric", [grouped, with_alpha, get_scorer("r2"), len])
def test_a_metric_that_cannot_be_called_is_refused_before_any_training(engine, metric):
    with pytest.raises(TypeError, match=r"metric '\w+' must take \(y_true, y_pred\) or .*, it takes \("):
        fitted(engine, metric, n_estimators=10**9)


@pytest.mark.parametrize("metric", [mean_absolute_error, grouped])
def test_natively_a_metric_takes_the_data_set(engine, metric):
    with pytest.raises(TypeError, match=r"metric '\w+' must take \(raw_prediction, data_set\) here, it takes \("):
        trained(engine, metric)


def test_lightgbm_stops_on_any_metric_unless_told():
    """Its own rule, without `first_metric_only`: the score of the first round would be the best one here."""

    def falling(raw_prediction, data):
        return "falling", 1.0, True

    params = {"early_stopping_round": 5}
    sets = LIGHTGBM.evaluation({"valid": LIGHTGBM.data(X[VALID], Y[VALID])})
    booster = LIGHTGBM.train(
        SquaredError(), X[TRAIN], Y[TRAIN], rounds=ROUNDS, params=params, feval=falling, **sets
    )
    assert booster.best_iteration == 1


def test_xgboost_still_prints_the_round_in_which_it_stops(capsys):
    data, valid = XGBOOST.data(X[TRAIN], Y[TRAIN]), XGBOOST.data(X[VALID], Y[VALID])
    history = {}
    keywords = {"evals": [(valid, "valid")], "evals_result": history, "early_stopping_rounds": 3}
    XGBOOST.ours.train({**XGBOOST.params, "eta": 0.5}, data, loss=SquaredError(), **keywords)
    assert capsys.readouterr().out.count("valid-squared_error") == len(history["valid"]["squared_error"]) < 100


def test_two_metrics_of_one_name_are_refused(engine):
    """Two lambdas, say, whose values alternated in one curve; one of them may return a name of its own."""
    X, y = np.arange(60.0)[:, None], np.arange(60.0)
    one, two = (lambda y_true, y_pred: abs(y_true - y_pred).mean()), (lambda y_true, y_pred: 1.0)
    model = engine.regressor(AbsoluteError())
    with pytest.raises(ValueError, match="two metrics are named '<lambda>': set the __name__ of one"):
        model.fit(X, y, eval_set=[(X, y)], eval_metric=[one, two])
    named = lambda y_true, y_pred: ("constant", 1.0)  # noqa: E731  # a lambda is what it is about
    model.fit(X, y, eval_set=[(X, y)], eval_metric=[one, named])
    (curves,) = model.evals_result_.values()
    assert {"<lambda>", "constant"} <= set(curves)
