"""A loss that is infinite or NaN in some row stops every interface before training, by row and target.

On a cluster `test_dask` has the test.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import AbsoluteError, FormulaLoss, Loss
from gbm_objectives.contract import Rows
from gbm_objectives.contract.domain import NON_NEGATIVE
from gbm_objectives.contract.driver import BLOCK_ROWS
from gbm_objectives.engines.start import check_finite
from tests.engine import LIGHTGBM, XGBOOST

N = 60
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 2))
GOOD = RNG.exponential(size=N) + 0.1
BAD = GOOD.copy()
BAD[[7, 11]] = 0.0
NAMED = r"LogError\(\) must be finite for every target, .* inf for 0\.0 in row 7"


class LogError(Loss):
    """The squared error of the logarithm, with a domain that is wider than the logarithm's."""

    domain = NON_NEGATIVE
    curvature_kind = "constant"

    def _pointwise(self, y_true, raw_prediction):
        with np.errstate(divide="ignore"):
            return np.square(np.log(y_true) - raw_prediction)

    def _derivatives(self, y_true, raw_prediction):
        with np.errstate(divide="ignore"):
            return raw_prediction - np.log(y_true), 1.0


class NoGradientAtZero(LogError):
    """Finite itself; its gradient is NaN where the target is 0."""

    def _pointwise(self, y_true, raw_prediction):
        return np.square(y_true - raw_prediction)

    def _derivatives(self, y_true, raw_prediction):
        with np.errstate(invalid="ignore"):
            return 2.0 * (raw_prediction - y_true) * (y_true / y_true), 1.0


def test_our_train_and_cv(engine):
    with pytest.raises(ValueError, match=r"(train_set|dtrain): " + NAMED):
        engine.train(LogError(), X, BAD)
    with pytest.raises(ValueError, match=r"(train_set|dtrain): " + NAMED):
        engine.ours.cv(engine.params, engine.data(X, BAD), loss=LogError(), num_boost_round=2, nfold=2)


def test_an_evaluation_set(engine):
    good, bad = engine.data(X, GOOD), engine.data(X, BAD)
    with pytest.raises(ValueError, match=r"(valid_sets|evals)\[0\] \(late\): " + NAMED):
        engine.ours.train(engine.params, good, loss=LogError(), **engine.evaluation({"late": bad}))


def test_estimators(engine):
    with pytest.raises(ValueError, match=NAMED):
        engine.regressor(LogError()).fit(X, BAD)
    with pytest.raises(ValueError, match=NAMED):
        engine.regressor(LogError()).fit(X, GOOD, eval_set=[(X, BAD)])


def test_going_on_from_a_model(engine):
    before = engine.regressor(LogError(), n_estimators=2).fit(X, GOOD)
    with pytest.raises(ValueError, match=NAMED):
        engine.regressor(LogError(), n_estimators=2).fit(X, BAD, init_model=before)


def test_rows_that_no_constant_suits_beside_an_offset(engine):
    with pytest.raises(ValueError, match=NAMED):
        engine.regressor(LogError()).fit(X, BAD, init_score=np.full(N, 0.1))


def test_rows_of_weight_0(engine):
    """0 times infinity is NaN, so they spoil the sums as well."""
    with pytest.raises(ValueError, match=NAMED):
        engine.train(LogError(), X, BAD, weight=(BAD > 0) * 1.0)


def test_a_row_beyond_the_first_block(engine):
    y = np.full(40_000, 2.0)
    y[35_000] = 0.0
    with pytest.raises(ValueError, match=r"inf for 0\.0 in row 35000"):
        engine.train(LogError(), np.zeros((len(y), 1)), y)


def test_formulas(engine):
    loss = FormulaLoss("(log(y) - f)**2", domain_name="non-negative")
    with pytest.raises(ValueError, match=r"must be finite for every target, .* inf for 0\.0 in row 7"):
        engine.train(loss, X, BAD)


def test_a_gradient_that_is_not(engine):
    message = (
        r"curvature of NoGradientAtZero\(\) must be finite, they are nan and 1\.0 for the target 0\.0 in row 7"
    )
    with pytest.raises(ValueError, match=message):
        engine.train(NoGradientAtZero(), X, BAD)


def test_the_engines_own_interfaces():
    message = r"gradient and curvature of LogError\(\) must be finite, .* for the target 0\.0 in row 7"
    for call in (
        lambda: lgb.train({"verbosity": -1, "objective": LogError()}, lgb.Dataset(X, BAD), 2),
        lambda: xgb.train({}, xgb.DMatrix(X, BAD), 2, obj=LogError()),
        lambda: LIGHTGBM.estimator(False, objective=LogError()).fit(X, BAD),
        lambda: XGBOOST.estimator(False, objective=LogError()).fit(X, BAD),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_start_value_that_is_not(engine):
    class NoStart(LogError):
        def _initial_raw(self, y_true, sample_weight):
            return np.nan

    with pytest.raises(ValueError, match=r"the start value of NoStart\(\) must be finite, it is nan"):
        engine.train(NoStart(), X, GOOD)
    with pytest.raises(ValueError, match=r"NoStart\(\) must be finite for every target, .* in row 7"):
        engine.train(NoStart(), X, BAD)


def test_widths_are_found_once_not_for_each_block(monkeypatch):
    calls, plain = [], AbsoluteError._summary
    monkeypatch.setattr(AbsoluteError, "_summary", lambda *rows: calls.append(len(rows[1])) or plain(*rows))
    y = np.random.default_rng(0).standard_normal(3 * BLOCK_ROWS)
    check_finite(AbsoluteError(), Rows(y), None, 0.0)
    assert calls == [len(y)]


def test_a_row_in_a_later_block_is_named():
    y = np.ones(3 * BLOCK_ROWS)
    y[2 * BLOCK_ROWS + 5] = 0.0
    for loss, what in ((LogError(), "it is inf for 0.0"), (NoGradientAtZero(), "they are nan")):
        with pytest.raises(ValueError, match=rf"{what}.* in row {2 * BLOCK_ROWS + 5}"):
            check_finite(loss, Rows(y), None, 0.0)
