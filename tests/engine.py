"""The two engines under one set of names, so that a test is written once and runs on both."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from lightgbm import LGBMClassifier, LGBMRegressor
from xgboost import XGBClassifier, XGBRegressor

from gbm_objectives import GBMClassifier, GBMRegressor, SquaredError
from gbm_objectives.contract.links import HALF_LOGIT, IDENTITY, LOG, LOGIT, SOFTMAX
from gbm_objectives.contract.start import constant_rows
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

ROUNDS = 60

# Training loss after 60 rounds over the best constant's, at the most. The plain interfaces start at 0 or 0.5 with
# the target far away, so the losses without a link have farther to go there.
MARGIN = {"real": 0.75, "apart": 0.8, "positive": 0.75, "count": 0.75, "binary": 0.25, "label": 0.25}


def knowing(loss, y, raw, weight=None):
    """The loss with what it knows of training rows, where it depends on that: so it judges evaluation sets."""
    return loss if loss.scope != "summary" or loss._smooths_by_summary else loss.on(y, raw, weight)


def own_value(loss, y, raw, weight=None):
    """Value of the loss on the rows that it was trained on."""
    return knowing(loss, y, raw, weight).value(y, raw, weight)


def constant_value(loss, y, weight=None):
    """Value of the loss at its own start value."""
    start = loss.initial_raw(y, weight)
    return own_value(loss, y, constant_rows(start, len(y)), weight)


def trained_limit(case, y, weight=None):
    """Training loss after 60 rounds, at the most; a log-density may be negative."""
    constant = constant_value(case.loss, y, weight)
    return constant - 0.1 if case.loss.outputs else MARGIN[case.target] * constant


def num_class(loss):
    """What the engines' own interfaces must be told of a loss with several outputs."""
    return {} if loss.n_outputs == 1 else {"num_class": loss.n_outputs}


def version(module):
    return tuple(int(part) for part in module.__version__.split(".")[:2])


class Engine:
    """What both have in common; `ours` is the module of this package, `params` and `small` keep models small."""

    def train(self, loss, X, y, weight=None, rounds=ROUNDS, params=(), **keywords):
        """Train with our `train` on fresh data."""
        params = {**self.params, **dict(params)}
        return self.ours.train(params, self.data(X, y, weight), loss=loss, num_boost_round=rounds, **keywords)

    def estimator(self, classifies, **params):
        """Return the engine's own estimator, small."""
        return (self.bare_classifier if classifies else self.bare_regressor)(**{**self.small, **params})

    def regressor(self, loss=None, **params):
        return GBMRegressor(loss, self.estimator(False, **params))

    def classifier(self, loss=None, class_weight=None, **params):
        return GBMClassifier(loss, self.estimator(True, **params), class_weight)


class LightGBM(Engine):
    name = "lightgbm"
    ours = on_lightgbm
    bare_regressor, bare_classifier = LGBMRegressor, LGBMClassifier
    # how it spells a few parameters
    rate, size, l2, least_curvature = "learning_rate", "num_leaves", "lambda_l2", "min_sum_hessian_in_leaf"
    init_model = "init_model"
    # what objectives of its own have
    links = (IDENTITY, LOGIT, SOFTMAX, LOG, HALF_LOGIT)

    def __init__(self):
        self.quiet = {"verbosity": -1}
        self.params = {**self.quiet, "num_leaves": 7, "num_threads": 1, "seed": 0, "deterministic": True}
        self.small = {**self.quiet, "n_estimators": 40, "num_leaves": 7, "n_jobs": 1}

    def data(self, X, y=None, weight=None):
        return lgb.Dataset(X, y, weight=weight, free_raw_data=False)

    def train_builtin(self, loss, X, y, weight=None):
        objective = "regression" if isinstance(loss, SquaredError) else "binary"
        return lgb.train({**self.params, "objective": objective}, self.data(X, y, weight), ROUNDS)

    def response(self, booster, X):
        return booster.predict(X)

    def served(self, loss, raw):
        """What `response` should be: raw predictions where no objective of the engine has the links."""
        return loss.link.inverse(raw) if loss.link in self.links and not loss.outputs else raw

    def raw(self, booster, X):
        return booster.predict(X, raw_score=True)

    def staged_raw(self, booster, X, rounds):
        """Raw predictions after each number of rounds."""
        return [booster.predict(X, raw_score=True, num_iteration=k) for k in rounds]

    def contributions(self, booster, X):
        return booster.predict(X, pred_contrib=True)

    def feature_names(self, booster):
        return booster.feature_name()

    def defaults(self, rate=None):
        """None of the parameters above but the engine's own defaults."""
        return {"num_leaves": 31, "min_data_in_leaf": 20, "learning_rate": rate or 0.1}

    def early_stopping(self, rounds=5):
        return {"early_stopping_round": rounds}

    def evaluation(self, sets, history=None, callbacks=()):
        """Keywords of `train` that evaluate on named data sets and record it."""
        record = [] if history is None else [lgb.record_evaluation(history)]
        return {
            "valid_sets": list(sets.values()),
            "valid_names": list(sets),
            "callbacks": [*callbacks, *record],
        }

    def bare_evaluation(self, X, y):
        """Keywords of the engine's own estimator's `fit`; their names changed in 4.7."""
        return {"eval_set": [(X, y)]} if version(lgb) < (4, 7) else {"eval_X": (X,), "eval_y": (y,)}

    def bare_best_iteration(self, model):
        """The number of rounds that were best."""
        return model.best_iteration_

    def callback(self, act):
        """Call act with the number of each round, from 0."""
        return lambda env: act(env.iteration)


class XGBoost(Engine):
    name = "xgboost"
    ours = on_xgboost
    bare_regressor, bare_classifier = XGBRegressor, XGBClassifier
    rate, size, l2, least_curvature = "eta", "max_depth", "lambda", "min_child_weight"
    init_model = "xgb_model"
    links = (IDENTITY, LOGIT, SOFTMAX, LOG)

    def __init__(self):
        self.quiet = {}
        self.params = {"max_depth": 3, "nthread": 1, "seed": 0}
        self.small = {"n_estimators": 40, "max_depth": 3, "n_jobs": 1}

    def data(self, X, y=None, weight=None):
        return xgb.DMatrix(X, y, weight=weight)

    def train_builtin(self, loss, X, y, weight=None):
        objective = "reg:squarederror" if isinstance(loss, SquaredError) else "binary:logistic"
        average = float(np.average(y, weights=weight))
        params = {**self.params, "objective": objective, "base_score": average}
        return xgb.train(params, self.data(X, y, weight), ROUNDS)

    def response(self, booster, X):
        return booster.predict(xgb.DMatrix(X))

    def served(self, loss, raw):
        return loss.link.inverse(raw) if loss.link in self.links else raw

    def raw(self, booster, X):
        return booster.predict(xgb.DMatrix(X), output_margin=True)

    def staged_raw(self, booster, X, rounds):
        data = xgb.DMatrix(X)
        return [booster.predict(data, output_margin=True, iteration_range=(0, k)) for k in rounds]

    def contributions(self, booster, X):
        return booster.predict(xgb.DMatrix(X), pred_contribs=True)

    def feature_names(self, booster):
        return booster.feature_names

    def defaults(self, rate=None):
        return {"max_depth": 6, "eta": rate or 0.3}

    def early_stopping(self, rounds=5):
        return {"early_stopping_rounds": rounds}

    def evaluation(self, sets, history=None, callbacks=()):
        return {
            "evals": [(data, name) for name, data in sets.items()],
            "evals_result": history,
            "verbose_eval": False,
            "callbacks": list(callbacks),
        }

    def bare_evaluation(self, X, y):
        return {"eval_set": [(X, y)], "verbose": False}

    def bare_best_iteration(self, model):
        return model.best_iteration + 1  # XGBoost counts from 0

    def callback(self, act):
        class Callback(xgb.callback.TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                act(epoch)
                return False

        return Callback()


LIGHTGBM, XGBOOST = LightGBM(), XGBoost()
ENGINES = [LIGHTGBM, XGBOOST]
