"""Tune a robust loss and the size of the trees together, on both engines, with early stopping.

    python -m demos.estimators [--output DIR] [--rounds N]

What to look at: delta, the loss's own parameter, is searched in one grid with the engine's parameters; the best
model is saved as one JSON file and read again. The figure shows where early stopping stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightgbm import LGBMRegressor
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, train_test_split
from tqdm import tqdm
from xgboost import XGBRegressor

from demos.common import command_line, plt, write
from gbm_objectives import GBMRegressor, Huber
from gbm_objectives.plotting import plot_learning_curves

DELTAS = [5.0, 20.0, 80.0]
LEAVES = [4, 8, 16]


def searches(rounds: int) -> dict[str, tuple[GBMRegressor, dict[str, list[float]]]]:
    """Return a model and a grid per engine; both stop after 10 rounds that do not improve."""
    lightgbm = LGBMRegressor(
        n_estimators=rounds,
        learning_rate=0.05,
        early_stopping_round=10,
        min_child_samples=10,
        n_jobs=1,
        verbosity=-1,
    )
    xgboost = XGBRegressor(
        n_estimators=rounds,
        learning_rate=0.05,
        early_stopping_rounds=10,
        grow_policy="lossguide",
        max_depth=0,
        n_jobs=1,
    )
    return {
        "LightGBM": (GBMRegressor(Huber(), lightgbm), {"loss__delta": DELTAS, "estimator__num_leaves": LEAVES}),
        "XGBoost": (GBMRegressor(Huber(), xgboost), {"loss__delta": DELTAS, "estimator__max_leaves": LEAVES}),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Search, print a table, save and reload the best model."""
    parser = command_line("estimators", __doc__, "model and figure")
    parser.add_argument("--rounds", type=int, default=500, help="boosting rounds at the most (default: 500)")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")

    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
    X, X_stop, y, y_stop = train_test_split(X, y, test_size=0.2, random_state=0)

    results = {}
    for engine, (model, grid) in tqdm(searches(options.rounds).items(), unit="search"):
        search = GridSearchCV(model, grid, scoring="neg_mean_absolute_error", cv=3, n_jobs=2)
        search.fit(X, y, eval_set=[(X_stop, y_stop)])
        results[engine] = search

    print(
        "\nDiabetes progression, the best δ and number of leaves: MAE in cross-validation and on held-out rows\n"
    )
    print(f"{'engine':<10}{'delta':>8}{'leaves':>8}{'best round':>12}{'MAE (cv)':>11}{'MAE (test)':>12}")
    for engine, search in results.items():
        best = search.best_estimator_
        leaves = next(value for name, value in search.best_params_.items() if name.startswith("estimator__"))
        # XGBoost counts rounds from 0.
        rounds = best.best_iteration_ + (engine == "XGBoost")
        error = mean_absolute_error(y_test, best.predict(X_test))
        print(
            f"{engine:<10}{best.loss_.delta:>8g}{leaves:>8}{rounds:>12}{-search.best_score_:>11.2f}{error:>12.2f}"
        )
    print(f"{'median':<38}{'':>11}{mean_absolute_error(y_test, np.full(len(y_test), np.median(y))):>12.2f}")

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for ax, (engine, search) in zip(axes, results.items(), strict=True):
        plot_learning_curves(search.best_estimator_, ax)
        ax.set_title(f"{engine}: validation loss, and where it stopped", loc="left")
        ax.set_ylabel(f"Huber loss, δ = {search.best_estimator_.loss_.delta:g}")
        ax.get_legend().remove()
    print()
    write(figure, options.output, "diabetes")

    winner = max(results, key=lambda engine: results[engine].best_score_)
    model = results[winner].best_estimator_
    path = options.output / "diabetes.json"
    model.save_model(path)
    again = GBMRegressor.load_model(path)
    verdict = "the same" if np.array_equal(again.predict(X_test), model.predict(X_test)) else "NOT the same"
    print(f"saved the {winner} model in {path}; read again, its predictions are {verdict}")
    print("\nSeen: the loss's delta is searched like any other parameter, and what was saved predicts the same.")


if __name__ == "__main__":
    main()
