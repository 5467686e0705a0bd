"""Training that goes on from a model: none of its rounds is lost, whatever the first training was."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from gbm_objectives import AbsoluteError, BinaryCrossEntropy, Huber, SquaredError
from gbm_objectives.distributions import Normal
from tests.engine import ENGINES, XGBOOST

# LightGBM's own estimators before 4.7 warn of the arrays that they were fitted on.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")

X, Y = load_diabetes(return_X_y=True)
FIT, LATE = slice(0, 300), slice(300, None)


def rounds_of(engine, booster):
    return booster.num_boosted_rounds() if engine is XGBOOST else booster.num_trees()


def test_on_from_a_model_that_stopped_early(engine):
    stopped = engine.regressor(Huber(20.0), n_estimators=300, learning_rate=0.3, **engine.early_stopping(5))
    stopped.fit(X[FIT], Y[FIT], eval_set=(X[LATE], Y[LATE]))
    assert stopped.best_iteration_ < 100
    more = engine.regressor(Huber(20.0), n_estimators=50, learning_rate=0.05)
    more.fit(X[FIT], Y[FIT], init_model=stopped)
    assert rounds_of(engine, more.booster_) == stopped.best_iteration_ + 50 and more.best_iteration_ is None
    loss = Huber(20.0)
    assert loss.value(Y[FIT], more.predict(X[FIT])) < loss.value(Y[FIT], stopped.predict(X[FIT]))
    # The best round of a second training counts the first one's rounds too.
    again = engine.regressor(Huber(20.0), n_estimators=300, learning_rate=0.3, **engine.early_stopping(5))
    again.fit(X[FIT], Y[FIT], eval_set=(X[LATE], Y[LATE]), init_model=stopped)
    assert again.best_iteration_ > stopped.best_iteration_
    (history,) = again.evals_result_.values()
    best = np.argmin(history["huber"])
    assert again.best_iteration_ == stopped.best_iteration_ + best + 1
    assert loss.value(Y[LATE], again.predict(X[LATE])) == pytest.approx(history["huber"][best], rel=1e-5)


def test_going_on_is_one_training_of_a_spread_too(engine):
    """Its steps fall with the rounds that are done, those of the models before as well."""
    whole = engine.regressor(Normal(), n_estimators=30).fit(X, Y)
    model = None
    for rounds in (5, 10, 15):
        model = engine.regressor(Normal(), n_estimators=rounds).fit(X, Y, init_model=model)
    np.testing.assert_allclose(model.predict_raw(X), whole.predict_raw(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("objective", ["reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"])
def test_on_from_xgboosts_objectives_of_the_same_link(objective):
    extra = {"quantile_alpha": 0.5} if objective == "reg:quantileerror" else {}
    data = xgb.DMatrix(X, Y)
    stock = xgb.train({**XGBOOST.params, **extra, "objective": objective}, data, 5)
    more = XGBOOST.train(AbsoluteError(), X, Y, rounds=30, xgb_model=stock)
    assert more.num_boosted_rounds() == 35
    assert AbsoluteError().value(Y, XGBOOST.raw(more, X)) < AbsoluteError().value(Y, stock.predict(data))
    np.testing.assert_array_equal(XGBOOST.raw(more, X), XGBOOST.response(more, X))
    with pytest.raises(
        ValueError, match=r"was trained as 'reg:\w+', BinaryCrossEntropy\(\) goes on from .* 'binary"
    ):
        XGBOOST.train(BinaryCrossEntropy(), X, Y > 100, xgb_model=stock)


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "ours"])
def test_on_from_a_fitted_estimator(engine, stock):
    """Stock's documentation takes one in `fit`; here every door does."""
    first = (engine.estimator(False) if stock else engine.regressor()).fit(X, Y)
    booster = first.get_booster() if stock and engine is XGBOOST else first.booster_
    expected = engine.raw(engine.train(Huber(20.0), X, Y, rounds=9, **{engine.init_model: booster}), X)
    native = engine.train(Huber(20.0), X, Y, rounds=9, **{engine.init_model: first})
    np.testing.assert_array_equal(engine.raw(native, X), expected)
    more = engine.regressor(Huber(20.0), n_estimators=9).fit(X, Y, **{engine.init_model: first})
    assert rounds_of(engine, more.booster_) == 49
    assert Huber(20.0).value(Y, more.predict(X)) < Huber(20.0).value(Y, first.predict(X))


def test_models_that_there_is_no_going_on_from(engine):
    linear = LinearRegression().fit(X, Y)
    (other,) = [one for one in ENGINES if one is not engine]
    message = rf"{engine.init_model} must be an? {engine.name}\.Booster, an estimator with one, or its path, got"
    for model in (other.regressor().fit(X, Y), other.estimator(False).fit(X, Y), linear, object()):
        for go_on in (engine.regressor().fit, lambda X, Y, **model: engine.train(Huber(), X, Y, **model)):
            with pytest.raises(TypeError, match=message):
                go_on(X, Y, **{engine.init_model: model})
    for path in ("no_such_file", "{" * 99_999):  # the text of a model is no path
        with pytest.raises(ValueError, match=rf"{engine.init_model} must be a file with a model: .") as caught:
            engine.train(Huber(), X, Y, **{engine.init_model: path})
        assert len(str(caught.value)) < 400
    for unfitted in (engine.estimator(False), engine.regressor()):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            engine.train(Huber(), X, Y, **{engine.init_model: unfitted})
    labels = np.digitize(Y, [100.0, 200.0])
    three = engine.estimator(True).fit(X, labels)
    with pytest.raises(ValueError, match=r"init_model knows the classes .*, y has"):
        engine.classifier().fit(X, np.array(["a", "b", "c"])[labels], init_model=three)
    more = engine.classifier().fit(X, labels, init_model=three)
    assert more.score(X, labels) >= three.score(X, labels)


def test_the_model_gone_on_from_is_left_as_it_was(engine):
    first = engine.train(SquaredError(), X, Y, rounds=5)
    if engine is XGBOOST:
        first.set_attr(best_iteration="2", best_score="1.0")
    before = engine.raw(first, X)
    engine.train(SquaredError(), X, Y, rounds=5, **{engine.init_model: first})
    np.testing.assert_array_equal(engine.raw(first, X), before)
    assert engine is not XGBOOST or first.attr("best_iteration") == "2"
