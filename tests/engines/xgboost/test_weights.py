"""Weights all alike change nothing where no penalty is compared with them, however large or small they are."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Focal,
    GammaDeviance,
    PoissonDeviance,
)
from tests.engine import XGBOOST

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 3))
TARGETS = {
    AbsoluteError(): X[:, 0],
    PoissonDeviance(): np.exp(X[:, 0]),
    GammaDeviance(): np.exp(X[:, 0]),
    BinaryCrossEntropy(): (X[:, 0] > 0) * 1.0,
    Focal(): (X[:, 0] > 0) * 1.0,
    CategoricalCrossEntropy(3): np.digitize(X[:, 0], [-0.5, 0.5]) * 1.0,
}
FREE = {"lambda": 0.0, "min_child_weight": 0.0}


def trained(loss, y, weight):
    weight = np.full(len(y), weight)
    return XGBOOST.raw(XGBOOST.train(loss, X, y, weight, rounds=10, params=FREE), X)


@pytest.mark.parametrize("size", [1e-20, 1e-8, 1e10, 1e20, 1e25])
@pytest.mark.parametrize("loss", TARGETS, ids=repr)
def test_size_of_weights(loss, size):
    expected = trained(loss, TARGETS[loss], 1.0)
    assert np.ptp(expected) > 0.5
    # Sums of float32 are rounded otherwise: a split may fall between other rows now and then.
    np.testing.assert_allclose(trained(loss, TARGETS[loss], size), expected, atol=0.02 * np.ptp(expected))


def test_counts_of_any_size():
    y = np.exp(X[:, 0])
    small, large = (trained(PoissonDeviance(), size * y, 1.0) - np.log(size) for size in (1.0, 1e20))
    np.testing.assert_allclose(large, small, atol=0.02 * np.ptp(small))


def test_one_large_count_is_not_overstepped():
    y = np.append(1e9, np.zeros(79))
    for rounds in (1, 5, 20, 50):
        booster = XGBOOST.train(PoissonDeviance(), X, y, rounds=rounds)
        assert np.exp(XGBOOST.raw(booster, X)).max() < 1.1e9


def test_the_users_limit_of_a_step_counts():
    y = np.exp(X[:, 0])
    ours = XGBOOST.train(PoissonDeviance(), X, y, rounds=1, params={"eta": 1.0})
    free = XGBOOST.train(PoissonDeviance(), X, y, rounds=1, params={"eta": 1.0, "max_delta_step": 0.1})
    for booster, limit in ((ours, 0.7), (free, 0.1)):
        steps = XGBOOST.raw(booster, X) - PoissonDeviance().initial_raw(y)
        assert 0.9 * limit < np.abs(steps).max() < 1.001 * limit


def test_weights_beyond_float32_are_refused():
    with pytest.raises(ValueError, match="the target or its weights are too large for XGBoost"):
        trained(PoissonDeviance(), np.exp(X[:, 0]), 1e32)
