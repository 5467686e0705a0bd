"""Training that goes on from a model: none of its rounds is lost, whatever the first training was."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes

from gbm_objectives import AbsoluteError, BinaryCrossEntropy, Huber, SquaredError
from tests.engine import XGBOOST

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


def test_the_model_gone_on_from_is_left_as_it_was(engine):
    first = engine.train(SquaredError(), X, Y, rounds=5)
    if engine is XGBOOST:
        first.set_attr(best_iteration="2", best_score="1.0")
    before = engine.raw(first, X)
    engine.train(SquaredError(), X, Y, rounds=5, **{engine.init_model: first})
    np.testing.assert_array_equal(engine.raw(first, X), before)
    assert engine is not XGBOOST or first.attr("best_iteration") == "2"
