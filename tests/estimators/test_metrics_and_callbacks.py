"""Metrics of one's own see what the engines' estimators show them, and callbacks keep what they see."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import log_loss, mean_absolute_error

from gbm_objectives import AbsoluteError, BinaryCrossEntropy, GBMRegressor, Huber, Quantile, SquaredError
from gbm_objectives.distributions import Normal
from tests.engine import LIGHTGBM, XGBOOST, version

X, Y = load_breast_cancer(return_X_y=True)
XD, YD = load_diabetes(return_X_y=True)


def test_scikit_learns_metrics_see_the_response(engine):
    weight = np.linspace(0.5, 2, len(Y))
    model = engine.classifier().fit(X, Y, eval_set=[(X, Y)], eval_sample_weight=[weight], eval_metric=log_loss)
    (history,) = model.evals_result_.values()
    assert history["log_loss"] == pytest.approx(history["binary_cross_entropy"], rel=1e-4, abs=2e-6)
    assert history["log_loss"][-1] == pytest.approx(
        log_loss(Y, model.predict_proba(X), sample_weight=weight), abs=1e-5
    )

    wine, classes = load_wine(return_X_y=True)
    model = engine.classifier().fit(wine, classes, eval_set=[(wine, classes)], eval_metric=log_loss)
    (history,) = model.evals_result_.values()
    assert history["log_loss"] == pytest.approx(history["categorical_cross_entropy"], rel=1e-4, abs=2e-6)


def test_metrics_of_distributions_see_the_mean(engine):
    model = engine.regressor(Normal()).fit(XD, YD, eval_set=[(XD, YD)], eval_metric=mean_absolute_error)
    (history,) = model.evals_result_.values()
    assert history["mean_absolute_error"][-1] == pytest.approx(
        mean_absolute_error(YD, model.predict(XD)), rel=1e-5
    )
    with pytest.raises(ValueError, match=r"pass a function|takes one prediction a row"):
        engine.regressor(Normal()).fit(XD, YD, eval_set=[(XD, YD)], eval_metric="rmse")


def test_a_parameter_named_raw_prediction_asks_for_it(engine):
    def largest(y_true, raw_prediction):
        return raw_prediction.max()

    def error(y_true, y_pred):
        return np.mean((y_pred > 0.5) != y_true)

    metrics = [largest, error, SquaredError().metric]
    model = engine.classifier().fit(X, Y, eval_set=[(X, Y)], eval_metric=metrics)
    (history,) = model.evals_result_.values()
    assert history["largest"][-1] == pytest.approx(model.predict_raw(X).max(), rel=1e-5)
    assert history["error"][-1] == pytest.approx(1 - model.score(X, Y), abs=1e-6)
    # A loss's metric is one of raw predictions.
    assert history["squared_error"][-1] == pytest.approx(SquaredError().value(Y, model.predict_raw(X)), rel=1e-4)


def test_metrics_of_xgboosts_estimator():
    model = XGBOOST.classifier(eval_metric=log_loss).fit(X, Y, eval_set=[(X, Y)])
    (history,) = model.evals_result_.values()
    assert history["log_loss"] == pytest.approx(history["binary_cross_entropy"], rel=1e-4, abs=2e-6)


def test_callbacks_of_xgboosts_estimator_keep_their_state():
    class Count(xgb.callback.TrainingCallback):
        def __init__(self):
            self.rounds = 0

        def after_iteration(self, model, epoch, evals_log):
            self.rounds += 1
            return self.rounds == 7

    count = Count()
    model = GBMRegressor(Huber(), XGBOOST.estimator(False, callbacks=[count])).fit(XD, YD)
    assert count.rounds == 7 and model.booster_.num_boosted_rounds() == 7
    assert model.estimator_.callbacks[0] is count


@pytest.mark.parametrize(("loss", "metric"), [(Quantile(0.3), "quantile"), (Huber(), "huber")])
def test_lightgbms_metrics_of_the_same_name_are_refused(loss, metric):
    with pytest.raises(ValueError, match=f"metric '{metric}' must be left out: it has the name of the loss's own"):
        LIGHTGBM.regressor(loss).fit(XD, YD, eval_set=[(XD, YD)], eval_metric=metric)
    with pytest.raises(ValueError, match=f"metric '{metric}' must be left out"):
        LIGHTGBM.train(loss, XD, YD, params={"metric": ["l1", metric]})
    model = LIGHTGBM.regressor(loss).fit(XD, YD, eval_set=[(XD, YD)], eval_metric="l1")
    (history,) = model.evals_result_.values()
    assert history["l1"][-1] == pytest.approx(mean_absolute_error(YD, model.predict(XD)))


def test_an_evaluation_set_of_one_row(engine):
    for weights in (np.array([2.0]), [np.array([2.0])], [2.0]):
        model = engine.regressor(AbsoluteError())
        model.fit(XD, YD, eval_set=(XD[:1], YD[:1]), eval_sample_weight=weights)
        (history,) = model.evals_result_.values()
        assert history["absolute_error"][-1] == pytest.approx(abs(YD[0] - model.predict(XD[:1])[0]), abs=1e-4)


def test_without_a_usable_feature_the_curves_are_there(engine):
    zeros = np.zeros((len(YD), 2))
    model = engine.regressor(SquaredError()).fit(zeros, YD, eval_set=[(zeros, YD)])
    (history,) = model.evals_result_.values()
    assert history["squared_error"][-1] == pytest.approx(np.var(YD), rel=1e-5)


@pytest.mark.filterwarnings("ignore:[^`]*`gblinear`:UserWarning", "ignore:.*booster=gblinear:UserWarning")
def test_early_stopping_of_a_linear_booster():
    model = XGBOOST.regressor(SquaredError(), booster="gblinear", early_stopping_rounds=2, max_depth=None)
    with pytest.warns(UserWarning, match="cannot go back to the best round of a linear booster"):
        model.fit(XD[:300], YD[:300], eval_set=(XD[300:], YD[300:]))
    assert SquaredError().value(YD, model.predict(XD)) < np.var(YD)


@pytest.mark.filterwarnings("ignore:[^`]*`XGBRFRegressor` is deprecated:FutureWarning")  # newer XGBoost
def test_xgboosts_forest():
    weight = np.ones(len(YD))
    forest = GBMRegressor(AbsoluteError(), xgb.XGBRFRegressor(n_estimators=50, n_jobs=1)).fit(XD, YD, weight)
    loss = AbsoluteError()
    assert loss.value(YD, forest.predict(XD)) < 0.75 * np.mean(np.abs(YD - np.median(YD)))
    if version(xgb) >= (3, 2):  # before that XGBoost refuses forests of its own objective
        stock = xgb.XGBRFRegressor(n_estimators=50, n_jobs=1, objective="reg:absoluteerror").fit(XD, YD)
        assert loss.value(YD, forest.predict(XD)) < loss.value(YD, stock.predict(XD))


def test_curves_are_those_of_the_stock_record():
    """LightGBM's own callback and ours see the same."""
    seen = {}
    model = LIGHTGBM.classifier(BinaryCrossEntropy())
    model.fit(X, Y, eval_set=[(X, Y)], callbacks=[lgb.record_evaluation(seen)], eval_metric="auc")
    assert seen == model.evals_result_
