"""Predictions of fewer rounds, and round by round."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split

from gbm_objectives import GBMRegressor, Huber, SquaredError
from gbm_objectives.distributions import Normal
from gbm_objectives.plotting import plot_learning_curves
from tests.engine import LIGHTGBM, XGBOOST, version

# LightGBM's own estimators before 4.7 warn of the arrays that they were fitted on.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


def test_fewer_rounds(engine):
    X, y = load_diabetes(return_X_y=True)
    model = engine.regressor(Huber(20.0)).fit(X, y)
    shorter = engine.regressor(Huber(20.0), n_estimators=7).fit(X, y)
    np.testing.assert_allclose(model.predict(X, num_iteration=7), shorter.predict(X), rtol=1e-6)
    np.testing.assert_allclose(model.predict_raw(X, 7), shorter.predict_raw(X), rtol=1e-6)
    for wrong in (0, 41, -1):
        with pytest.raises(
            ValueError, match=f"num_iteration must be 1 to 40, the rounds of the model, got {wrong}"
        ):
            model.predict(X, num_iteration=wrong)


def test_round_by_round(engine):
    X, y = load_breast_cancer(return_X_y=True)
    model = engine.classifier(n_estimators=10).fit(X, y, eval_set=[(X, y)], eval_metric="auc")
    stages = list(model.staged_predict(X))
    assert len(stages) == 10
    np.testing.assert_array_equal(stages[-1], model.predict(X))
    np.testing.assert_array_equal(stages[2], model.predict(X, num_iteration=3))
    np.testing.assert_array_equal(model.predict_proba(X, 3)[:, 1] > 0.5, stages[2] == 1)
    ax = plot_learning_curves(model, metric=["auc", "binary_cross_entropy"])
    (name,) = model.evals_result_
    assert [line.get_label() for line in ax.lines] == [f"{name}, auc", f"{name}, binary_cross_entropy"]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    with pytest.raises(ValueError, match=r"metric must be one of \['auc'.*\], got 'l2'"):
        plot_learning_curves(model, metric=["auc", "l2"])


def test_distributions_stage_their_means(engine):
    X, y = load_diabetes(return_X_y=True)
    model = GBMRegressor(Normal(), engine.estimator(False, n_estimators=3)).fit(X, y)
    assert [stage.shape for stage in model.staged_predict(X)] == [(len(y),)] * 3


def test_lightgbms_spelling_of_evaluation_sets(engine):
    X, y = load_diabetes(return_X_y=True)
    pairs = engine.regressor().fit(X, y, eval_set=[(X, y), (X[:50], y[:50])])
    parts = engine.regressor().fit(X, y, eval_X=(X, X[:50]), eval_y=(y, y[:50]))
    assert pairs.evals_result_ == parts.evals_result_
    with pytest.raises(TypeError, match="takes eval_set, or eval_X and eval_y, one of the two"):
        engine.regressor().fit(X, y, eval_set=[(X, y)], eval_X=X, eval_y=y)
    with pytest.raises(ValueError, match="eval_X has 2 entries, eval_y has 1"):
        engine.regressor().fit(X, y, eval_X=(X, X), eval_y=(y,))


@pytest.mark.filterwarnings("ignore:[^`]*`gblinear`:UserWarning", "ignore:.*booster=gblinear:UserWarning")
def test_a_linear_booster_has_no_rounds_to_show():
    """XGBoost predicts with all of them, whatever it is asked for."""
    X, y = load_diabetes(return_X_y=True)
    model = XGBOOST.regressor(Huber(20.0), n_estimators=3, booster="gblinear", max_depth=None).fit(X, y)
    np.testing.assert_array_equal(model.predict(X, num_iteration=3), model.predict(X))
    with pytest.raises(
        ValueError, match="a linear booster keeps its last round alone: num_iteration must be left"
    ):
        model.predict(X, num_iteration=1)
    with pytest.raises(ValueError, match="staged_predict has no rounds to show"):
        next(model.staged_predict(X))


def test_the_training_set_does_not_stop_lightgbm():
    X, y = load_diabetes(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    # It never stops before the last round, where LightGBM asks the first set that counts for its best round.
    params = {"n_estimators": 100, "learning_rate": 0.3, "early_stopping_round": 200, "n_jobs": 1, "verbosity": -1}
    sets = [(X, y), (X_val, y_val)]
    stock = LGBMRegressor(**params).fit(X, y, **lightgbms_sets(sets))
    assert stock.best_iteration_ < 50
    for eval_set in (sets, sets[::-1]):
        model = GBMRegressor(SquaredError(), LGBMRegressor(**params)).fit(X, y, eval_set=eval_set)
        assert model.best_iteration_ == stock.best_iteration_
        np.testing.assert_allclose(model.predict(X_val), stock.predict(X_val), rtol=1e-6)
        assert sorted(model.evals_result_) == ["training", "valid_1" if eval_set is sets else "valid_0"]
        np.testing.assert_allclose(
            model.evals_result_["training"]["squared_error"], stock.evals_result_["training"]["l2"], rtol=1e-6
        )
    # By another name it is still the training set; with weights of its own it is a set like any other.
    model.fit(X, y, eval_set=sets, eval_names=["fit", "late"], eval_sample_weight=[np.ones(len(y)), None])
    assert list(model.evals_result_) == ["fit", "late"] and model.best_iteration_ == 100
    model.fit(X, y, np.ones(len(y)), sets, eval_names=["fit", "late"], eval_sample_weight=[np.ones(len(y)), None])
    assert list(model.evals_result_) == ["fit", "late"] and model.best_iteration_ == stock.best_iteration_
    # An array that is equal is another one, as for LightGBM.
    assert model.fit(X, y, eval_set=[(X.copy(), y), (X_val, y_val)]).best_iteration_ == 100


@pytest.mark.filterwarnings("ignore:Only training set found, disabling early stopping:UserWarning")
def test_lightgbm_does_not_stop_by_the_training_set_alone():
    X, y = load_diabetes(return_X_y=True)
    model = LIGHTGBM.regressor(**LIGHTGBM.early_stopping(5)).fit(X, y, eval_set=(X, y))
    assert model.best_iteration_ is None and len(model.evals_result_["training"]["squared_error"]) == 40


def test_dart_evaluates_the_training_set_without_dropping():
    X, y = load_diabetes(return_X_y=True)
    model = LIGHTGBM.regressor(boosting_type="dart", drop_rate=0.9).fit(X, y, eval_set=[(X, y)])
    last = model.evals_result_["training"]["squared_error"][-1]
    assert last == pytest.approx(SquaredError().value(y, model.predict(X)), rel=1e-6)


def lightgbms_sets(sets):
    """Evaluation sets as LightGBM's own `fit` takes them, whose names changed in 4.7."""
    if version(lgb) < (4, 7):
        return {"eval_set": sets}
    return {"eval_X": tuple(X for X, _ in sets), "eval_y": tuple(y for _, y in sets)}
