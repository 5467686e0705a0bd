"""XGBoost's gains in float32: an output that is at its optimum from the start is no target that is too small."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import AbsoluteError, MultiQuantile, SquaredError
from gbm_objectives.distributions import Laplace, Normal, StudentT
from tests.engine import LIGHTGBM, XGBOOST

RNG = np.random.default_rng(0)
N = 600
X = RNG.standard_normal((N, 3))
SIGN = np.where(np.argsort(np.argsort(X[:, 0])) < N // 2, -1.0, 1.0)  # as many of each
ZEROS = np.where(X[:, 1] < 1.3, 0.0, np.exp(X[:, 0]))


@pytest.mark.parametrize("size", [10.0, 1e-8, 1e8])
def test_a_spread_that_is_right_from_the_start(size):
    """Of targets a or -a the spread's gradient is 0 in every row."""
    booster = XGBOOST.train(Normal(scale_step=0.3), X, size * SIGN)
    raw = XGBOOST.raw(booster, X)
    np.testing.assert_allclose(raw[:, 0], size * SIGN, atol=0.1 * size)
    assert raw[:, 1].mean() < np.log(size) - 0.5  # once the location is known it falls


@pytest.mark.parametrize("loss", [StudentT(), StudentT(3), Laplace(), Normal()], ids=repr)
@pytest.mark.parametrize("size", [1.0, 1e-6])
def test_a_location_that_is_right_from_the_start(loss, size):
    y = size * ZEROS
    values = [loss.value(y, engine.raw(engine.train(loss, X, y), X)) for engine in (XGBOOST, LIGHTGBM)]
    start = loss.value(y, np.tile(loss.initial_raw(y), (N, 1)))
    assert np.isfinite(values).all() and values[0] < start


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), MultiQuantile((0.1, 0.9))], ids=repr)
def test_what_is_too_small_for_float32_is_refused_still(loss):
    with pytest.raises(ValueError, match="too small for XGBoost"):
        XGBOOST.train(loss, X, 1e-30 * X[:, 0])


def test_beside_an_offset_gains_are_what_it_leaves():
    """A target of which the offset leaves very little."""
    offset = np.float32(1 / N) * RNG.permutation(N)
    rest = 1e-6 * SIGN
    data = xgb.DMatrix(X, offset + rest, base_margin=offset)
    booster = XGBOOST.ours.train(XGBOOST.params, data, loss=SquaredError(), num_boost_round=10)
    left = data.get_label().astype(float) - offset
    assert np.abs(XGBOOST.raw(booster, X) - left).mean() < 0.5 * np.abs(left - left.mean()).mean()
