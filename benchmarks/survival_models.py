"""Models for `benchmarks.survival`, ours and others, under one set of names."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from lightgbm import LGBMRegressor
from scipy import stats
from xgboost import XGBRegressor

from benchmarks.distributions import Peer
from benchmarks.survival_sets import Rows, Split
from gbm_objectives import GBMSurvival, Loss
from gbm_objectives.distributions import Censored, LogLogistic, LogNormal, Weibull
from gbm_objectives.losses import CoxPH

ROUNDS, MOST_ROUNDS, PATIENCE = 100, 1000, 50
ENGINES: dict[str, Callable[..., Any]] = {
    "LightGBM": lambda **params: LGBMRegressor(n_jobs=1, verbosity=-1, **params),
    "XGBoost": lambda **params: XGBRegressor(n_jobs=1, verbosity=0, **params),
}
STOPPING = {"LightGBM": "early_stopping_round", "XGBoost": "early_stopping_rounds"}
LOSSES: dict[str, Loss] = {
    "LogNormal": Censored(LogNormal()),
    "Weibull": Censored(Weibull()),
    "LogLogistic": Censored(LogLogistic()),
}
# The logarithm of a time, under each name that XGBoost has.
STANDARD = {"normal": stats.norm, "logistic": stats.logistic, "extreme": stats.gumbel_l}
SCALES = (0.3, 0.6, 1.0, 1.5)


@dataclass(frozen=True)
class Model:
    """A trained model: what it says of rows, and what it took."""

    rounds: int
    seconds: float
    risk: Callable[[np.ndarray], np.ndarray]
    log_survival: Callable[[np.ndarray, np.ndarray], np.ndarray]
    nll: Callable[[Rows], float]


@dataclass(frozen=True)
class Ours:
    """One of our losses on an engine."""

    loss: Loss
    engine: str

    def train(self, rows: Rows, rate: float, rounds: int, late: Rows | None = None) -> Model:
        """Train so many rounds, or as many as the late rows choose."""
        params: dict[str, Any] = {"learning_rate": rate, "n_estimators": rounds}
        sets = None
        if late is not None:
            params |= {STOPPING[self.engine]: PATIENCE, "n_estimators": MOST_ROUNDS}
            sets = [(late.X, late.bounds)]
        began = time.perf_counter()
        model = GBMSurvival(self.loss, ENGINES[self.engine](**params)).fit(rows.X, rows.bounds, eval_set=sets)
        seconds = time.perf_counter() - began

        def nll(rows: Rows) -> float:
            return -model.log_likelihood(rows.X, rows.bounds) / len(rows)

        def log_survival(X: np.ndarray, times: np.ndarray) -> np.ndarray:
            return -model.predict_cumulative_hazard_function(X, times)

        done = rounds if late is None else model.best_iteration_
        return Model(done, seconds, model.predict, log_survival, nll)


@dataclass(frozen=True)
class Aft:
    """XGBoost's own accelerated failure time, by default with its defaults."""

    distribution: str = "normal"
    scale: float = 1.0

    def train(self, rows: Rows, rate: float, rounds: int, late: Rows | None = None) -> Model:
        """Train as `Ours` does."""
        params = {
            "objective": "survival:aft",
            # Where it is not named, XGBoost 3.2 computes this metric with a scale of 1, whatever the scale is.
            "eval_metric": "aft-nloglik",
            "aft_loss_distribution": self.distribution,
            "aft_loss_distribution_scale": self.scale,
        }
        began = time.perf_counter()
        booster, done = _boosted(params, rows, rate, rounds, late, _bounded)
        seconds = time.perf_counter() - began

        def location(X: np.ndarray) -> np.ndarray:
            found = booster.predict(xgb.DMatrix(X), output_margin=True, iteration_range=(0, done))
            return np.asarray(found, dtype=np.float64)

        def z(X: np.ndarray, times: np.ndarray) -> np.ndarray:
            return (np.log(times) - location(X)[:, None]) / self.scale

        def nll(rows: Rows) -> float:
            # Its own metric, aft-nloglik, but without a floor of 1e-12 below each probability.
            standard, own = STANDARD[self.distribution], z(rows.X, rows.time[:, None])[:, 0]
            observed = standard.logpdf(own) - np.log(self.scale * rows.time)
            return float(-np.where(rows.event, observed, standard.logsf(own)).mean())

        return Model(
            done,
            seconds,
            lambda X: -location(X) - self.scale * STANDARD[self.distribution].median(),
            lambda X, times: STANDARD[self.distribution].logsf(z(X, times[None])),
            nll,
        )


TUNED = [Aft(name, scale) for name in STANDARD for scale in SCALES]


@dataclass(frozen=True)
class XGBoostCox:
    """XGBoost's own partial likelihood, with Breslow's baseline of its training rows."""

    def train(self, rows: Rows, rate: float, rounds: int, late: Rows | None = None) -> Model:
        """Train as `Ours` does."""
        began = time.perf_counter()
        booster, done = _boosted({"objective": "survival:cox"}, rows, rate, rounds, late, _signed)
        seconds = time.perf_counter() - began

        def raw(X: np.ndarray) -> np.ndarray:
            found = booster.predict(xgb.DMatrix(X), output_margin=True, iteration_range=(0, done))
            return np.asarray(found, dtype=np.float64)

        def log_survival(X: np.ndarray, times: np.ndarray) -> np.ndarray:
            known = CoxPH()._resolved_at(rows.bounds, raw(rows.X), None)
            return known.log_survival(raw(X), times)

        return Model(done, seconds, raw, log_survival, lambda rows: np.nan)


def _bounded(rows: Rows) -> xgb.DMatrix:
    data = xgb.DMatrix(rows.X)
    for name, bound in zip(("label_lower_bound", "label_upper_bound"), rows.bounds.T, strict=True):
        data.set_float_info(name, bound)
    return data


def _signed(rows: Rows) -> xgb.DMatrix:
    return xgb.DMatrix(rows.X, np.where(rows.event, rows.time, -rows.time))


def _boosted(
    params: dict[str, Any],
    rows: Rows,
    rate: float,
    rounds: int,
    late: Rows | None,
    data: Callable[[Rows], xgb.DMatrix],
) -> tuple[xgb.Booster, int]:
    """Train XGBoost's own objective; return the number of its rounds, too."""
    params = {**params, "eta": rate, "nthread": 1, "verbosity": 0}
    if late is None:
        return xgb.train(params, data(rows), rounds), rounds
    booster = xgb.train(
        params,
        data(rows),
        MOST_ROUNDS,
        evals=[(data(late), "late")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    return booster, booster.best_iteration + 1


def without_gaps(X: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that puts medians of these rows into gaps, for models that take no missing values."""
    middle = np.array(
        [np.median(column[~np.isnan(column)]) if not np.isnan(column).all() else 0.0 for column in X.T]
    )
    return lambda other: np.where(np.isnan(other), middle, other)


@dataclass(frozen=True)
class Shipped:
    """An estimator of scikit-survival with its default parameters."""

    name: str

    def train(self, rows: Rows, rate: float, rounds: int, late: Rows | None = None) -> Model:
        """Train with the defaults, whatever else is asked for."""
        from sksurv import ensemble
        from sksurv.util import Surv

        filled = without_gaps(rows.X)
        threads = {"n_jobs": 1} if self.name == "RandomSurvivalForest" else {}
        began = time.perf_counter()
        model = getattr(ensemble, self.name)(random_state=0, **threads)
        model.fit(filled(rows.X), Surv.from_arrays(rows.event, rows.time))
        seconds = time.perf_counter() - began

        def log_survival(X: np.ndarray, times: np.ndarray) -> np.ndarray:
            steps = model.predict_survival_function(filled(X), return_array=True)
            steps = np.column_stack([np.ones(len(X)), steps])
            with np.errstate(divide="ignore"):
                return np.log(steps[:, np.searchsorted(model.unique_times_, times, side="right")])

        return Model(rounds, seconds, lambda X: model.predict(filled(X)), log_survival, lambda rows: np.nan)


class NGBoost:
    """NGBoost's censored log-normal distribution, in another process."""

    def __init__(self, python: str) -> None:
        self.peer = Peer(python)

    def train(self, rows: Split, rate: float | None, stops: bool) -> tuple[Model, float]:
        """Train 100 rounds at a rate, or with its defaults, of whose rounds the late rows choose if asked."""
        parts = (rows.fit, rows.late, rows.test)
        together = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in ("X", "time", "event")
        }
        X, y, event = together.values()
        first, second = len(rows.fit), len(rows.train)
        params = {} if rate is None else {"rate": rate, "rounds": ROUNDS}
        filled = without_gaps(rows.train.X)
        ends = (first, second) if stops else (second, second)
        fit, late, test = np.split(np.arange(len(y)), ends)
        mean, scale, seconds = self.peer.ask(
            X=filled(X), y=y, event=event, fit=fit, late=late, test=test, **params
        )

        def z(times: np.ndarray) -> np.ndarray:
            return (np.log(times) - mean[:, None]) / scale[:, None]

        def nll(test: Rows) -> float:
            own = z(test.time[:, None])[:, 0]
            observed = stats.norm.logpdf(own) - np.log(scale * test.time)
            return float(-np.where(test.event, observed, stats.norm.logsf(own)).mean())

        # It has answered for the test rows, and is asked for no others.
        model = Model(ROUNDS, seconds, lambda X: -mean, lambda X, times: stats.norm.logsf(z(times[None])), nll)
        return model, seconds


class Trainings:
    """The trainings on the rows of a split at one protocol, each of which is done once."""

    def __init__(self, rows: Split, rates: dict[str, float], stops: bool) -> None:
        self.rows, self.rates, self.stops = rows, rates, stops
        self.done: dict[Any, Model] = {}

    def best(self, candidates: Sequence[Any]) -> tuple[Model, float]:
        """Return the model that is the best for the late rows, trained on all, and what all of it took.

        With early stopping it is trained on all rows with the number of rounds that was the best.
        """
        rounds, chosen, spent = ROUNDS, candidates[0], 0.0
        if self.stops or len(candidates) > 1:
            trials = [self._trained(one, True, ROUNDS) for one in candidates]
            losses = [trial.nll(self.rows.late) for trial in trials]
            best = int(np.nanargmin(losses)) if len(candidates) > 1 else 0
            rounds, chosen = trials[best].rounds, candidates[best]
            spent = sum(trial.seconds for trial in trials)
        final = self._trained(chosen, False, rounds)
        return final, spent + final.seconds

    def _trained(self, candidate: Any, trial: bool, rounds: int) -> Model:
        key = (repr(candidate), trial, rounds)
        if key not in self.done:
            rate = self.rates[getattr(candidate, "engine", "XGBoost")]
            rows, late = (self.rows.fit, self.rows.late) if trial else (self.rows.train, None)
            self.done[key] = candidate.train(rows, rate, rounds, late if self.stops else None)
        return self.done[key]
