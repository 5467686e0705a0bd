"""The benchmark of the catalogue: same data, same measure, and a built-in that is really the same mathematics."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import catalogue
from gbm_objectives import GammaDeviance


@pytest.mark.parametrize("name", list(catalogue.TASKS))
def test_simulated_targets_suit_the_loss(name):
    task = catalogue.TASKS[name]
    X, y = catalogue.simulated(task, 0)
    task.loss.check_target(y)
    task.loss.check_target(catalogue.of_domain(task, y[::2] - 3.0))
    assert len(X) == len(y) == 4000


@pytest.mark.parametrize("engine", ["LightGBM", "XGBoost"])
def test_gamma_is_the_engines_own(engine, monkeypatch):
    monkeypatch.setattr(catalogue, "ROUNDS", (1, 5, 20))
    task = catalogue.TASKS["gamma"]
    X, y = catalogue.simulated(task, 0)
    ours, theirs = catalogue.held_out(task, engine, X, y, 0)
    assert ours == pytest.approx(theirs, rel=5e-3)
    constant = GammaDeviance().value(y, np.full(len(y), np.log(y.mean())))
    assert ours < 0.8 * constant
