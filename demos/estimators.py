"""
Tune a loss and its trees together
==================================

The δ of Huber's loss is a parameter like any other, and one grid searches it together with the size of the
trees, on both engines, with early stopping. The best model is saved as one JSON file and read again.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, train_test_split
from tqdm import tqdm
from xgboost import XGBRegressor

from gbm_objectives import GBMRegressor, Huber
from gbm_objectives.plotting import plot_learning_curves

# %%
# The progression of diabetes, from ten measurements; a part of the rows stops the training, a part is held out.

X, y = load_diabetes(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
X, X_stop, y, y_stop = train_test_split(X, y, test_size=0.2, random_state=0)

# %%
# The estimators and the grid
# ---------------------------
# The loss's parameters are reached as ``loss__delta``, the engine's under their own names. Both stop after ten
# rounds that do not improve.

DELTAS = [5.0, 20.0, 80.0]
LEAVES = [4, 8, 16]
settings = {"n_estimators": 500, "learning_rate": 0.05, "n_jobs": 1}
lightgbm = LGBMRegressor(early_stopping_round=10, min_child_samples=10, verbosity=-1, **settings)
xgboost = XGBRegressor(early_stopping_rounds=10, grow_policy="lossguide", max_depth=0, **settings)
searches = {
    "LightGBM": (GBMRegressor(Huber(), lightgbm), {"loss__delta": DELTAS, "estimator__num_leaves": LEAVES}),
    "XGBoost": (GBMRegressor(Huber(), xgboost), {"loss__delta": DELTAS, "estimator__max_leaves": LEAVES}),
}
results = {}
for engine, (model, grid) in tqdm(searches.items(), unit="search"):
    search = GridSearchCV(model, grid, scoring="neg_mean_absolute_error", cv=3, n_jobs=2)
    results[engine] = search.fit(X, y, eval_set=[(X_stop, y_stop)])

# %%
# The best of each engine
# -----------------------
# Mean absolute error in cross-validation and on held-out rows. The last line predicts the median throughout.

print(f"{'engine':<10}{'delta':>8}{'leaves':>8}{'best round':>12}{'MAE (cv)':>11}{'MAE (test)':>12}")
for engine, search in results.items():
    best = search.best_estimator_
    leaves = next(value for name, value in search.best_params_.items() if name.startswith("estimator__"))
    error = mean_absolute_error(y_test, best.predict(X_test))
    row = f"{engine:<10}{best.loss_.delta:>8g}{leaves:>8}{best.best_iteration_:>12}"
    print(f"{row}{-search.best_score_:>11.2f}{error:>12.2f}")
print(f"{'median':<49}{mean_absolute_error(y_test, np.full(len(y_test), np.median(y))):>12.2f}")

# %%
# Where they stopped
# ------------------
# The loss on the rows that stop the training, and dotted the best round, whose model is kept.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for ax, (engine, search) in zip(axes, results.items(), strict=True):
    plot_learning_curves(search.best_estimator_, ax)
    ax.set_title(engine, loc="left")
    ax.set_ylabel(f"Huber loss, δ = {search.best_estimator_.loss_.delta:g}")
    ax.get_legend().remove()
plt.show()

# %%
# Save and read again
# -------------------
# The file holds model and loss, and reading it runs no code from it.

winner = max(results, key=lambda engine: results[engine].best_score_)
model = results[winner].best_estimator_
path = Path(tempfile.mkdtemp()) / "diabetes.json"
model.save_model(path)
again = GBMRegressor.load_model(path)
same = np.array_equal(again.predict(X_test), model.predict(X_test))
print(
    f"The {winner} model was saved and read again: its predictions are {'the same' if same else 'NOT the same'}."
)

# %%
# Loss and engine are tuned in one grid by scikit-learn's own tools, and what was saved predicts the same.
#
# **Reference.** Huber (1964). *Robust estimation of a location parameter*. Annals of Mathematical Statistics 35,
# 73-101.
