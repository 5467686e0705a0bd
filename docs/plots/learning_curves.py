"""Validation error by round, with the best round marked."""

from lightgbm import LGBMRegressor
from matplotlib import pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from gbm_objectives import AbsoluteError, GBMRegressor
from gbm_objectives.plotting import plot_learning_curves

X, y = load_diabetes(return_X_y=True)
X_rest, _, y_rest, _ = train_test_split(X, y, test_size=0.25, random_state=1)
X_train, X_valid, y_train, y_valid = train_test_split(X_rest, y_rest, test_size=0.25, random_state=1)
engine = LGBMRegressor(
    n_estimators=1000,
    learning_rate=0.05,
    num_leaves=7,
    early_stopping_round=30,
    verbosity=-1,
)
model = GBMRegressor(AbsoluteError(), engine)
model.fit(X_train, y_train, eval_set=[(X_valid, y_valid)], eval_names=["validation"])

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
plot_learning_curves(model, ax)
ax.set_ylabel("mean absolute error")
