"""An engine of a few lines, as a third-party library would be: a stump on the first feature, boosted.

The estimator is what the library ships; the functions are `gbm_objectives.engines.protocol.Engine`.
"""

from __future__ import annotations

import json

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from gbm_objectives.engines.protocol import Trained

FIRST_ROUND = 0
QUIET = {}


class FakeRegressor(RegressorMixin, BaseEstimator):
    def __init__(self, n_estimators=50, learning_rate=0.5, n_jobs=None):
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.n_jobs = n_jobs


def default_estimator(classifier):
    return FakeRegressor()


def stops_early(estimator, callbacks):
    return False


def train_estimator(estimator, loss, data):
    x = np.asarray(data.X)[:, 0]
    start = loss.initial_raw(data.y, data.sample_weight)
    edges, steps = np.quantile(x, np.linspace(0, 1, 9)[1:-1]).tolist(), []
    raw, sets = np.full(len(x), start), {f"set_{i}": [] for i in range(len(data.eval_sets))}
    for _ in range(estimator.n_estimators):
        gradient, hessian = loss.gradient_hessian(data.y, raw, data.sample_weight)
        leaf = np.digitize(x, edges)
        sums = [np.bincount(leaf, values, 8) for values in (gradient, hessian)]
        steps.append((-estimator.learning_rate * sums[0] / (sums[1] + 1e-9)).tolist())
        raw += np.array(steps[-1])[leaf]
        for (X, y, weight), history in zip(data.eval_sets, sets.values(), strict=True):
            history.append(loss.value(y, raw_of({"start": start, "edges": edges, "steps": steps}, X), weight))
    booster = {"start": start, "edges": edges, "steps": steps}
    return Trained(booster, {name: {loss.name: history} for name, history in sets.items()}, None)


def raw_of(booster, X, n_rounds=None):
    leaf = np.digitize(np.asarray(X)[:, 0], booster["edges"])
    return booster["start"] + np.sum(booster["steps"][:n_rounds], axis=0)[leaf]


def predict_raw(booster, X, estimator, n_rounds=None):
    return raw_of(booster, X, n_rounds)


def n_rounds(booster):
    return len(booster["steps"])


def estimator_with_model(estimator, trained, classes, n_features):
    model = clone(estimator)
    model.booster_ = trained.booster
    model.feature_importances_ = np.eye(1, n_features)[0]
    return model


def check_model(booster, loss, n_features):
    pass


def to_text(booster):
    return json.dumps(booster)


def from_text(text):
    return json.loads(text)
