"""What a policy costs: claim frequency under Poisson's deviance times severity under gamma's, against one Tweedie.

    python -m demos.insurance [--engine lightgbm|xgboost] [--output DIR] [--seed N] [--rounds N]

A portfolio is simulated: each policy is exposed for a part of a year and has a Poisson number of claims, each of
a gamma amount. The exposure goes into the frequency model in both ways, which fit the same: as an offset of the
counts, log(exposure), and as the weight of the rates, claims over exposure. Severity is fitted to the mean claim
of the policies that have any, weighted with their number of claims, and Tweedie's deviance to the cost of a year.

What to look at: held-out policies sorted by their predicted cost pay, tenth by tenth, what was predicted (left);
and the cheapest policies by the models have as small a share of the claims as by the truth (right).

Frees, Meyers and Cummings (2011). *Summarizing insurance scores using a Gini index*. Journal of the American
Statistical Association 106, 1085-1098.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib.figure import Figure
from sklearn.metrics import auc, mean_tweedie_deviance
from xgboost import XGBRegressor

from demos.common import command_line, plt, write
from gbm_objectives import GammaDeviance, GBMRegressor, Loss, PoissonDeviance, TweedieDeviance
from gbm_objectives.plotting import COLORS

ROWS = 40_000
POWER = 1.5
ROUNDS = 100
COLOR = {"frequency × severity": "blue", "Tweedie": "red", "truth": "black"}


@dataclass(frozen=True)
class Portfolio:
    """Policies: features, years of exposure, number and sum of claims, and the true cost of a year."""

    X: np.ndarray
    exposure: np.ndarray
    claims: np.ndarray
    amount: np.ndarray
    truth: np.ndarray


def portfolio(seed: int, rows: int = ROWS) -> Portfolio:
    """Return policies with driver's age, the car's power and age, and the density of the place."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18.0, 85.0, rows)
    power = rng.integers(4, 13, rows).astype(float)
    car = rng.exponential(7.0, rows)
    density = rng.normal(6.0, 1.5, rows)
    frequency = np.exp(-2.2 + 1.2 * np.exp(-(age - 18.0) / 8.0) + 0.15 * (density - 6.0) - 0.02 * car)
    severity = 900.0 * np.exp(0.12 * (power - 6.0) - 0.3 * (age > 60.0) + 0.02 * car)
    exposure = rng.uniform(0.1, 1.0, rows)
    claims = rng.poisson(frequency * exposure).astype(float)
    amount = np.zeros(rows)
    some = claims > 0
    amount[some] = rng.gamma(2.0 * claims[some], severity[some] / 2.0)  # a sum of gamma amounts of shape 2
    return Portfolio(np.stack([age, power, car, density], axis=1), exposure, claims, amount, frequency * severity)


def model_of(engine: str, loss: Loss, rounds: int) -> GBMRegressor:
    """Return a model of small steps."""
    settings: dict[str, Any] = {"n_estimators": rounds, "learning_rate": 0.05, "n_jobs": 2}
    if engine == "lightgbm":
        return GBMRegressor(loss, LGBMRegressor(num_leaves=8, min_child_samples=100, verbosity=-1, **settings))
    return GBMRegressor(loss, XGBRegressor(max_depth=3, min_child_weight=5.0, **settings))


def costs(engine: str, train: Portfolio, test: Portfolio, rounds: int) -> dict[str, np.ndarray]:
    """Return for each model the predicted cost of a year of each policy of the second portfolio."""
    offset = {"lightgbm": "init_score", "xgboost": "base_margin"}[engine]
    counts = model_of(engine, PoissonDeviance(), rounds)
    counts.fit(train.X, train.claims, **{offset: np.log(train.exposure)})
    rates = model_of(engine, PoissonDeviance(), rounds)
    rates.fit(train.X, train.claims / train.exposure, sample_weight=train.exposure)

    some = train.claims > 0
    severity = model_of(engine, GammaDeviance(), rounds)
    severity.fit(train.X[some], train.amount[some] / train.claims[some], sample_weight=train.claims[some])
    tweedie = model_of(engine, TweedieDeviance(POWER), rounds)
    tweedie.fit(train.X, train.amount / train.exposure, sample_weight=train.exposure)

    each = severity.predict(test.X)
    return {
        # Without an offset the prediction is that of a full year.
        "frequency × severity": counts.predict(test.X) * each,
        "the same, exposure as weight": rates.predict(test.X) * each,
        "Tweedie": tweedie.predict(test.X),
        "truth": test.truth,
        "constant": np.full(len(test.X), train.amount.sum() / train.exposure.sum()),
    }


def lorenz(cost: np.ndarray, test: Portfolio) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of exposure and of claims, of the policies from the cheapest to the dearest as predicted."""
    order = np.argsort(cost, kind="stable")
    exposure, paid = (np.cumsum(part[order]) / part.sum() for part in (test.exposure, test.amount))
    return np.append(0.0, exposure), np.append(0.0, paid)


def gini(cost: np.ndarray, test: Portfolio) -> float:
    """Return the Gini index of the predictions: 0 if they tell nothing."""
    return float(1.0 - 2.0 * auc(*lorenz(cost, test)))


def report(predicted: dict[str, np.ndarray], test: Portfolio) -> str:
    """Return a table of each model's held-out deviance, Gini index, and sum of predictions over sum of claims."""
    rate = test.amount / test.exposure
    rows = [f"{'model':<30}{'Tweedie deviance':>18}{'Gini':>8}{'predicted/paid':>16}"]
    for name, cost in predicted.items():
        deviance = mean_tweedie_deviance(rate, cost, sample_weight=test.exposure, power=POWER)
        total = (cost @ test.exposure) / test.amount.sum()
        rows.append(f"{name:<30}{deviance:>18.3f}{gini(cost, test):>8.3f}{total:>16.3f}")
    return "\n".join(rows)


def draw(predicted: dict[str, np.ndarray], test: Portfolio) -> Figure:
    """Draw paid against predicted by tenths, and the Lorenz curves."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for name, marker in (("frequency × severity", "o"), ("Tweedie", "s")):
        cost = predicted[name]
        tenths = np.array_split(np.argsort(cost, kind="stable"), 10)
        years = [test.exposure[rows].sum() for rows in tenths]
        expected = [cost[rows] @ test.exposure[rows] / n for rows, n in zip(tenths, years, strict=True)]
        paid = [test.amount[rows].sum() / n for rows, n in zip(tenths, years, strict=True)]
        left.plot(expected, paid, marker, color=COLORS[COLOR[name]], label=name, markerfacecolor="none")
    ends = (0.0, 1.1 * max(*left.get_xlim(), *left.get_ylim()))
    left.plot(ends, ends, ":", color=COLORS["black"], label="paid as predicted")
    left.set(xlim=ends, ylim=ends, xlabel="predicted cost of a year", ylabel="paid for a year")
    left.set_title("A   held-out policies, by tenths of the prediction", loc="left")
    left.legend(loc="upper left", frameon=False)
    for name, style in (("frequency × severity", "-"), ("Tweedie", "--"), ("truth", ":")):
        index = gini(predicted[name], test)
        label = f"{name}, Gini {index:.2f}"
        right.plot(*lorenz(predicted[name], test), style, color=COLORS[COLOR[name]], label=label)
    right.plot([0, 1], [0, 1], color="0.8", zorder=0, label="no model")
    right.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of exposure, cheapest first", ylabel="share of claims paid")
    right.set_title("B   Lorenz curves", loc="left")
    right.legend(loc="upper left", frameon=False)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, draw, and print."""
    parser = command_line("insurance", __doc__, "the figure")
    parser.add_argument("--engine", choices=["lightgbm", "xgboost"], default="lightgbm")
    parser.add_argument("--seed", type=int, default=0, help="seed of the portfolios (default: 0)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"boosting rounds (default: {ROUNDS})")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    train, test = portfolio(options.seed), portfolio(options.seed + 1)
    predicted = costs(options.engine, train, test, options.rounds)
    write(draw(predicted, test), options.output, "insurance")
    print(f"\nHeld-out policies, {options.engine}:\n")
    print(report(predicted, test))


if __name__ == "__main__":
    main()
