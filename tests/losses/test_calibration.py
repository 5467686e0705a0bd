"""Of 50,000 rows, the fits of quantile and expectile have the share below them that their level says."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import Expectile, Quantile

pytestmark = pytest.mark.slow
LEVELS = (0.05, 0.1, 0.5, 0.9, 0.97)


def skewed(seed):
    """Rows with two features that matter, noise that is skewed and grows, and weights.

    Not exponential noise: its density jumps at 0, where a small error is many rows, and XGBoost's 0.05 quantile
    of it has 0.08 of the rows below it at learning rate 0.3.
    """
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (50_000, 4))
    y = 3 * X[:, 0] + np.sin(4 * X[:, 1]) + (1.5 + X[:, 0]) * rng.gamma(2.0, 1.0, len(X))
    return X, y, rng.uniform(0.2, 3.0, len(X))


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("alpha", LEVELS)
def test_quantile(engine, alpha, weighted):
    X, y, w = skewed(0)
    w = w if weighted else None
    fit = engine.raw(engine.train(Quantile(alpha), X, y, rounds=100, weight=w), X)
    assert np.average(y <= fit, weights=w) == pytest.approx(alpha, abs=0.01)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("alpha", LEVELS)
def test_expectile(engine, alpha, weighted):
    X, y, w = skewed(0)
    w = w if weighted else None
    r = engine.raw(engine.train(Expectile(alpha), X, y, rounds=100, weight=w), X) - y
    # Of the weighted distances of the targets from their expectile, the share of those below it is the level.
    share = np.average(np.maximum(r, 0), weights=w) / np.average(np.abs(r), weights=w)
    assert share == pytest.approx(alpha, abs=0.01)
