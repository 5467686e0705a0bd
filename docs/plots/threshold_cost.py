"""What a look at payments from each probability of fraud on costs."""

import numpy as np
from lightgbm import LGBMClassifier
from matplotlib import pyplot as plt

from gbm_objectives import GBMClassifier
from gbm_objectives.plotting import plot_threshold_cost

rng = np.random.default_rng(1)
amount = rng.lognormal(3, 1, 8000)
X = np.column_stack([amount, rng.normal(size=(8000, 3))])
fraud = rng.random(8000) < 1 / (1 + np.exp(2.5 - 1.5 * X[:, 1]))
engine = LGBMClassifier(n_estimators=50, num_leaves=7, learning_rate=0.05, verbosity=-1, n_jobs=1)
model = GBMClassifier(estimator=engine).fit(X[:4000], fraud[:4000])

figure, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
plot_threshold_cost(model, X[4000:], fraud[4000:], ax, false_positive=5.0, false_negative=amount[4000:])
