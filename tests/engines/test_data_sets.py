"""Distributions as the target of a data set."""

from __future__ import annotations

import numpy as np
import xgboost as xgb
from sklearn.datasets import load_wine

from gbm_objectives import CategoricalCrossEntropy
from tests.engine import ROUNDS, XGBOOST, constant_value


def test_distributions_as_target(engine):
    X, labels = load_wine(return_X_y=True)
    rng = np.random.default_rng(0)
    target = 0.8 * np.eye(3)[labels] + 0.2 * rng.dirichlet(np.ones(3), len(labels))
    loss = CategoricalCrossEntropy(3)
    if engine is XGBOOST:
        data = engine.data(X, target)
        booster = engine.ours.train(
            engine.params, data, loss=loss, num_boost_round=ROUNDS, **engine.evaluation({"t": data})
        )
        assert data.get_label().size == target.size and not hasattr(data, "target")
        plain = xgb.train(engine.params, data, ROUNDS, obj=loss)
        assert loss.value(target, plain.predict(data, output_margin=True)) < constant_value(loss, target)
    else:
        data = engine.data(X, labels)
        data.target = target
        booster = engine.ours.train(engine.params, data, loss=loss, num_boost_round=ROUNDS)
    floor = loss.value(target, np.log(target))  # the entropy of the target
    start = constant_value(loss, target)
    assert loss.value(target, engine.raw(booster, X)) - floor < 0.1 * (start - floor)
    # Trained on the distributions and not on the labels: those would drive the probabilities to 0 and 1.
    assert np.abs(engine.response(booster, X) - target).mean() < 0.05
