"""Penalties under which LightGBM grows no trees for one of several outputs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from gbm_objectives.distributions import NegativeBinomial, Normal, StudentT, ZeroInflatedPoisson
from tests.engine import LIGHTGBM

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (800, 2))
Y = 10 * X[:, 0] + 0.1 * rng.standard_normal(800)


def fit(loss, **params):
    return LIGHTGBM.raw(LIGHTGBM.train(loss, X, Y, rounds=100, params=params), X)


@pytest.mark.parametrize("loss", [Normal(), StudentT()], ids=repr)
def test_a_spread_that_stands_still_is_told(loss):
    with pytest.warns(
        UserWarning, match=r"the output 'scale' of .* has stood still for 15 rounds.*lambda_l2"
    ) as told:
        raw = fit(loss, lambda_l2=10.0)
    assert len(told) == 1
    # So it is: all rows keep one spread for long.
    assert np.ptp(raw[:, 1]) < 0.5 and raw[:, 1].mean() > 1.0


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (ZeroInflatedPoisson(), np.round(5 + 2 * X[:, 0])),
        (ZeroInflatedPoisson(), np.zeros(800)),
        (NegativeBinomial(), np.round(50 + 20 * X[:, 0])),
        (Normal(), np.full(800, 3.0)),
    ],
    ids=repr,
)
def test_no_false_alarms(loss, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LIGHTGBM.train(loss, X, y, rounds=100)


@pytest.mark.parametrize("loss", [Normal(), StudentT()], ids=repr)
def test_without_penalties_nothing_is_told(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw = fit(loss)
        fit(loss, learning_rate=0.5)
    assert raw[:, 1].mean() < 1.4
