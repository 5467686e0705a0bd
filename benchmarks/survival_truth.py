"""What `benchmarks.survival` simulates: there, the truth is known, or the best that a model can do."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import minimize
from sklearn.datasets import make_friedman1
from tqdm import tqdm

from benchmarks.survival_models import ENGINES, LOSSES, ROUNDS, TUNED, Aft, Ours, Trainings, XGBoostCox
from benchmarks.survival_sets import Rows, Split
from gbm_objectives import Loss
from gbm_objectives.losses import CoxPH
from gbm_objectives.survival import concordance
from gbm_objectives.testing.trial import trained

__all__ = ["demonstration", "known_truth", "regret"]

N_TRAIN, N_TEST, REPEATS, NOISE = 2000, 5000, 5, 0.5
SHARES = (0.3, 0.6)
RATES = {"LightGBM": 0.1, "XGBoost": 0.1}
N_DEMONSTRATION, ROUNDS_OF_DEMONSTRATION, STRENGTHS = 20_000, 20, (1, 2, 3, 4, 5)
N_LEVELS, N_REGRET, CENSORED = 6, 6000, 0.3
LAWS = {"LogNormal": stats.norm, "Weibull": stats.gumbel_l, "LogLogistic": stats.logistic}


def censored(log_time: np.ndarray, share: float, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which events are observed, and the logarithms of the times that are seen.

    The times at which observation ends are independent of the events, and in that share of rows earlier.
    """
    end = np.quantile(log_time - noise, 1.0 - share) + noise
    return log_time <= end, np.minimum(log_time, end)


def known_truth() -> str:
    """Return a table of how far predicted log-times are from Friedman's function, in its standard deviations.

    The logarithms of times have the mean 0, which is next to where XGBoost's survival:aft starts.
    """
    found: dict[tuple[str, str], dict[float, list[tuple[float, float]]]] = {}
    for seed in tqdm(range(REPEATS), desc="known truth", unit="repeat"):
        X, truth = make_friedman1(N_TRAIN + N_TEST, random_state=seed)
        truth = (truth - truth.mean()) / truth.std()
        rng = np.random.default_rng(seed)
        log_time = truth + NOISE * rng.standard_normal(len(truth))
        noise = rng.standard_normal(len(truth))
        for share in SHARES:
            event, seen = censored(log_time, share, noise)
            rows, everything = Rows(X, event, np.exp(seen)), np.ones(len(X), dtype=bool)
            train, test = rows[:N_TRAIN], rows[N_TRAIN:]
            fit, late = np.split(np.arange(N_TRAIN), [round(0.8 * N_TRAIN)])
            targets = {
                "ours, censored": train,
                "ours, limit taken for the time": Rows(X, everything, rows.time)[:N_TRAIN],
                "ours, censored rows left out": train[train.event],
                "ours, nothing censored": Rows(X, everything, np.exp(log_time))[:N_TRAIN],
            }
            models = {
                (what, engine): Ours(LOSSES["LogNormal"], engine).train(used, RATES[engine], ROUNDS)
                for what, used in targets.items()
                for engine in ENGINES
            }
            rows_of = Split(train[fit], train[late], train, test)
            for stops, words in ((False, ""), (True, ", early stopping")):
                trainings = Trainings(rows_of, RATES, stops)
                if stops:
                    for engine in ENGINES:
                        own = trainings.best([Ours(LOSSES["LogNormal"], engine)])[0]
                        models[f"ours, censored{words}", engine] = own
                models[f"survival:aft{words}", "XGBoost"] = trainings.best([Aft()])[0]
                models[f"survival:aft, best of 12{words}", "XGBoost"] = trainings.best(TUNED)[0]
            for key, model in models.items():
                distance = float(np.sqrt(np.mean((-model.risk(test.X) - truth[N_TRAIN:]) ** 2)))
                found.setdefault(key, {}).setdefault(share, []).append((distance, model.nll(test)))
    heads = [f"{what}, {share:.0%} censored" for share in SHARES for what in ("RMSE", "NLL")]
    lines = [f"| model | engine | {' | '.join(heads)} |", "|---" * (2 + len(heads)) + "|"]
    for (what, engine), by_share in found.items():
        means = np.concatenate([np.mean(by_share[share], axis=0) for share in SHARES])
        lines.append(f"| {what} | {engine} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    return "\n".join(lines)


def demonstration() -> str:
    """Return a table of Cox's likelihood at XGBoost's default rate, the more the risks of rows differ."""
    models: dict[str, Any] = {"survival:cox, XGBoost": XGBoostCox()}
    models |= {f"CoxPH, {engine}": Ours(CoxPH(), engine) for engine in reversed(ENGINES)}
    lines = ["| log hazard | " + " | ".join(models) + " | the true risk |", "|---" * (2 + len(models)) + "|"]
    for strength in STRENGTHS:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(2 * N_DEMONSTRATION, 5))
        log_hazard = strength * X[:, 0] + X[:, 1]
        log_time = np.log(rng.exponential(size=len(X))) - log_hazard
        event, seen = censored(log_time, 0.5, np.log(rng.exponential(size=len(X))))
        rows = Rows(X, event, np.exp(seen))
        train, test = rows[:N_DEMONSTRATION], rows[N_DEMONSTRATION:]
        risks = [model.train(train, 0.3, ROUNDS_OF_DEMONSTRATION).risk(test.X) for model in models.values()]
        cells = []
        for risk in (*risks, log_hazard[N_DEMONSTRATION:]):
            missing = float(np.isnan(risk).mean())
            cells.append(
                f"NaN in {missing:.0%} of rows"
                if missing
                else f"{concordance(test.bounds[:, 0], test.bounds[:, 1], risk):.3f}"
            )
        lines.append(f"| {strength} x0 + x1 | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def regret() -> str:
    """Return a table of what training at the engines' defaults leaves, where the best model is known."""
    lines = [
        "| distribution | engine | excess loss a row, nothing censored | 30% censored"
        " | of the possible gain, nothing censored | 30% censored |",
        "|---" * 6 + "|",
    ]
    level = np.arange(N_REGRET) % N_LEVELS
    for name, law in LAWS.items():
        rng = np.random.default_rng(0)
        log_time = 0.5 * level + np.exp(-0.2 * level) * law.rvs(size=N_REGRET, random_state=rng)
        noise = law.rvs(size=N_REGRET, random_state=rng)
        found: dict[str, list[tuple[float, float]]] = {}
        for share in (0.0, CENSORED):
            event, seen = censored(log_time, share, noise)
            y = Rows(level[:, None], event, np.exp(seen)).bounds
            for engine, pair in excess(LOSSES[name], y, level).items():
                found.setdefault(engine, []).append(pair)
        for engine, pairs in found.items():
            cells = [f"{pair[0]:.4f}" for pair in pairs] + [f"{pair[1]:.1%}" for pair in pairs]
            lines.append(f"| {name} | {engine} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def excess(loss: Loss, y: np.ndarray, level: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return by engine how far the loss of the training rows is above the least, and that over the possible gain.

    The least is that of the maximum of the likelihood in each level, the gain that from the best constant to it.
    """
    shares = np.bincount(level) / len(level)
    least = float(sum(share * least_constant(loss, y[level == k]) for k, share in enumerate(shares)))
    gain = least_constant(loss, y) - least
    result = {}
    for engine, raw, _ in trained(loss, level[:, None].astype(np.float64), y, ROUNDS):
        more = float(loss.value(y, raw)) - least
        result[{"lightgbm": "LightGBM", "xgboost": "XGBoost"}[engine]] = more, more / gain
    return result


def least_constant(loss: Loss, y: np.ndarray) -> float:
    """Return the least mean loss of one raw prediction for all rows, by values of the loss alone."""

    def value(raw: np.ndarray) -> float:
        return float(loss.value(y, np.tile(raw, (len(y), 1))))

    start = np.asarray(loss.initial_raw(y))
    return min(value(start), float(minimize(value, start, method="Powell", options={"ftol": 1e-12}).fun))
