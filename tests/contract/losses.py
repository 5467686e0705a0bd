"""Losses as users write them, each with something that the contract offers; and how they are trained."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from scipy import special

from gbm_objectives import GBMRegressor
from gbm_objectives.contract import IDENTITY, LOG, REAL, Domain, Loss, Output
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
N = 1200
X = RNG.uniform(size=(N, 3))


class CostOfError(Loss):
    """Squared error times what an error of the row costs."""

    columns = ("y", "cost")
    curvature_kind = "exact"
    domain = Domain("finite targets, and costs not below 0", holds=lambda y: y[:, 1] >= 0)

    def _pointwise(self, y_true, raw_prediction):
        return y_true[:, 1] * np.square(raw_prediction - y_true[:, 0])

    def _derivatives(self, y_true, raw_prediction):
        cost = y_true[:, 1]
        return 2 * cost * (raw_prediction - y_true[:, 0]), 2 * cost


class BetweenBounds(Loss):
    """Normal noise of known size around values of which two bounds are known, either of which may be infinite."""

    columns = ("lower", "upper")
    curvature_kind = "exact"
    domain = Domain(
        "bounds, the lower one first, of which one is finite",
        -np.inf,
        np.inf,
        lambda y: (y[:, 0] < y[:, 1]) & np.isfinite(y).any(axis=1),
    )

    def __init__(self, sigma=1.0):
        self.sigma = sigma

    def _probability(self, y_true, raw_prediction):
        ends = (y_true.T - raw_prediction) / self.sigma
        ends = np.where(ends.sum(axis=0) > 0, -ends[::-1], ends)  # the tail in which differences are exact
        return np.maximum(special.ndtr(ends[1]) - special.ndtr(ends[0]), 1e-300)

    def _pointwise(self, y_true, raw_prediction):
        return -np.log(self._probability(y_true, raw_prediction))

    def _derivatives(self, y_true, raw_prediction):
        p = self._probability(y_true, raw_prediction)
        ends = (y_true.T - raw_prediction) / self.sigma
        density = np.exp(-0.5 * ends**2) / np.sqrt(2 * np.pi)
        gradient = (density[1] - density[0]) / (self.sigma * p)
        slopes = np.where(np.isfinite(ends), ends, 0.0) * density
        return gradient, (slopes[1] - slopes[0]) / (self.sigma**2 * p) + gradient**2


class ToEachBound(Loss):
    """A smooth absolute error for each of two bounds, an output for each; infinite bounds do not count."""

    columns = ("lower", "upper")
    outputs = (Output("low", IDENTITY), Output("high", IDENTITY))
    curvature_kind = "surrogate"  # positive where a bound is not known
    domain = BetweenBounds.domain

    def _residuals(self, y_true, raw_prediction):
        return np.where(np.isfinite(y_true), raw_prediction - y_true, 0.0)

    def _initial_raw(self, y_true, sample_weight):
        known = np.isfinite(y_true)
        weight = known if sample_weight is None else known * sample_weight[:, None]
        return np.average(np.where(known, y_true, 0.0), axis=0, weights=weight)

    def _pointwise(self, y_true, raw_prediction):
        return (np.sqrt(1 + self._residuals(y_true, raw_prediction) ** 2) - 1).sum(axis=1)

    def _derivatives(self, y_true, raw_prediction):
        r = self._residuals(y_true, raw_prediction)
        return r / np.sqrt(1 + r**2), (1 + r**2) ** -1.5


class ToEachBoundFromItsFormulas(ToEachBound):
    """The same with the start that is found from the formulas."""

    _initial_raw = Loss._initial_raw


class NormalBetweenBounds(BetweenBounds):
    """Normal noise of unknown size around values of which two bounds are known, and how often each row occurs."""

    columns = ("lower", "upper", "times")
    outputs = (Output("loc", IDENTITY), Output("scale", LOG))
    curvature_kind = "surrogate"
    domain = Domain(
        "two bounds, and times above 0", -np.inf, np.inf, lambda y: (y[:, 0] < y[:, 1]) & (y[:, 2] > 0)
    )

    def _normal(self, y_true, raw_prediction):
        return (y_true[:, :2].T - raw_prediction[:, 0]) / np.exp(raw_prediction[:, 1])

    def _probability(self, y_true, raw_prediction):
        low, high = self._normal(y_true, raw_prediction)
        return np.maximum(special.ndtr(high) - special.ndtr(low), 1e-300)

    def _pointwise(self, y_true, raw_prediction):
        return -y_true[:, 2] * np.log(self._probability(y_true, raw_prediction))

    def _derivatives(self, y_true, raw_prediction):
        ends = self._normal(y_true, raw_prediction)
        density = (
            np.exp(-0.5 * ends**2) / np.sqrt(2 * np.pi) * y_true[:, 2] / self._probability(y_true, raw_prediction)
        )
        turned = np.where(np.isfinite(ends), ends, 0.0) * density
        by_loc = (density[1] - density[0]) / np.exp(raw_prediction[:, 1])
        return np.column_stack([by_loc, turned[1] - turned[0]]), np.ones_like(raw_prediction)


class OfUnitScale(Loss):
    """Huber's loss with the median size of the training residuals as its delta, and a trace of what it sees."""

    curvature_kind = "majorizer"
    scope = "summary"
    seen: list

    def _summary(self, y_true, raw_prediction, weight):
        return float(np.median(np.abs(raw_prediction - y_true))) or 1.0

    def _pointwise(self, y_true, raw_prediction):
        size = np.abs(raw_prediction - y_true)
        return np.where(size < self.summary, 0.5 * size**2, self.summary * (size - 0.5 * self.summary))

    def _derivatives(self, y_true, raw_prediction):
        r = raw_prediction - y_true
        weight = 1 / np.maximum(np.abs(r) / self.summary, 1)
        return r * weight, weight


class PairLoss(Loss):
    """Logistic loss of each pair of a query's rows of which one has the larger target: the mean over its pairs."""

    curvature_kind = "surrogate"
    scope = "query"
    domain = REAL

    def _prepare(self, rows):
        return [(one, *np.nonzero(rows.y[one][:, None] > rows.y[one])) for one in rows.each_query()]

    def _pointwise(self, y_true, raw_prediction):
        return np.array(
            [
                np.logaddexp(0, raw_prediction[one][low] - raw_prediction[one][high]).mean() if len(high) else 0.0
                for one, high, low in self.prepared
            ]
        )

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = np.zeros_like(raw_prediction), np.zeros_like(raw_prediction)
        for one, high, low in self.prepared:
            p = 1 / (1 + np.exp(raw_prediction[one][high] - raw_prediction[one][low])) / max(len(high), 1)
            for rows, sign in ((high, -1), (low, 1)):
                np.add.at(gradient[one], rows, sign * p)
                np.add.at(curvature[one], rows, p)
        return gradient, curvature + 1e-6


class Proportional(Loss):
    """A partial likelihood: each row against all rows with a target at least as large."""

    curvature_kind = "surrogate"
    scope = "all"

    def _prepare(self, rows):
        return np.argsort(-rows.y, kind="stable")

    def _logs(self, raw_prediction):
        order = self.prepared
        return order, np.logaddexp.accumulate(raw_prediction[order])

    def _pointwise(self, y_true, raw_prediction):
        order, logs = self._logs(raw_prediction)
        loss = np.empty_like(raw_prediction)
        loss[order] = logs - raw_prediction[order]
        return loss

    def _derivatives(self, y_true, raw_prediction):
        order, logs = self._logs(raw_prediction.astype(float))
        share = np.exp(raw_prediction[order] + np.log(np.cumsum(np.exp(-logs)[::-1])[::-1]))
        gradient = np.empty_like(raw_prediction)
        gradient[order] = share - 1
        return gradient, np.maximum(gradient + 1, 1e-3)


class ThreeLevels(Loss):
    """Labels 0, 1, 2 of one raw prediction: squared error of the level, thresholds in the middle."""

    curvature_kind = "exact"
    classifies = True
    domain = Domain("labels 0, 1, 2", 0.0, 2.0)

    @property
    def n_classes(self):
        return 3

    def labels(self, raw_prediction):
        return np.clip(np.round(raw_prediction), 0, 2).astype(int)

    def _pointwise(self, y_true, raw_prediction):
        return np.square(raw_prediction - y_true)

    def _derivatives(self, y_true, raw_prediction):
        return 2 * (raw_prediction - y_true), 2 * np.ones_like(raw_prediction)


def estimator(engine, loss):
    """Return an estimator that trains as `native`."""
    return GBMRegressor(loss, engine.bare_regressor(n_estimators=40, n_jobs=1, **engine.quiet))


def native(engine, loss, target, X=X, group=None, valid=None, rounds=40, weight=None):
    """Return raw predictions and the metrics of a native training; `valid` are features, target and queries."""
    label = np.asarray(target)[:, 0] if np.ndim(target) == 2 else target
    history = {}
    if engine is LIGHTGBM:
        data = lgb.Dataset(X, label, group=group, weight=weight)
        others = [] if valid is None else [lgb.Dataset(valid[0], valid[1], group=valid[2], reference=data)]
        if np.ndim(target) == 2:
            data.target = target
        callbacks = [lgb.record_evaluation(history)] if others else []
        params = {"verbosity": -1, "num_threads": 1}
        booster = on_lightgbm.train(
            params, data, loss=loss, num_boost_round=rounds, valid_sets=others, callbacks=callbacks
        )
        return booster.predict(X, raw_score=True), history.get("valid_0", {})
    data = xgb.DMatrix(X, label, weight=weight)
    others = []
    if group is not None:
        data.set_group(group)
    if np.ndim(target) == 2:
        data.target = target
    if valid is not None:
        others = [(xgb.DMatrix(valid[0], valid[1]), "valid")]
        if valid[2] is not None:
            others[0][0].set_group(valid[2])
    booster = on_xgboost.train(
        {"nthread": 1},
        data,
        loss=loss,
        num_boost_round=rounds,
        evals=others,
        evals_result=history,
        verbose_eval=False,
    )
    return booster.predict(xgb.DMatrix(X), output_margin=True), history.get("valid", {})


SIDE = (RNG.random(N) < 0.5).astype(float)
Y = np.where(SIDE > 0, 10.0, 0.0) + X[:, 0]
COSTS = np.column_stack([Y, np.where(SIDE > 0, 1.0, 9.0)])
