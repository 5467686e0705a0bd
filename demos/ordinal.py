"""
Grades are neither names nor numbers
====================================

How far had diabetes progressed a year later, in five grades from "none" to "severe"? Free classes forget that
"marked" lies between "moderate" and "severe"; numbers 1 to 5 say that all steps are equally long. Proportional
odds know the order and nothing else. The data are scikit-learn's 442 patients.
"""

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_diabetes
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import RepeatedStratifiedKFold
from xgboost import XGBClassifier, XGBRegressor

from gbm_objectives import CategoricalCrossEntropy, GBMClassifier, GBMRegressor, ProportionalOdds, SquaredError
from gbm_objectives.plotting import COLORS

ENGINE = "lightgbm"  # or "xgboost"

# %%
# Grades
# ------
# `classes=` says what the order is, as an ordered categorical of pandas would. Strings alone would be sorted by
# alphabet, which is why they are refused.

GRADES = ["none", "slight", "moderate", "marked", "severe"]
X, progression = load_diabetes(return_X_y=True)
number = np.digitize(progression, [75, 110, 160, 215], right=True)
y = np.array(GRADES)[number]
for grade, count in zip(GRADES, np.bincount(number), strict=True):
    print(f"{grade:<12}{count}")

# %%
# Three models
# ------------
# Out of folds, twice, so that no grade is predicted by a model that has seen it: the log loss, the mean
# distance from the true grade, and quadratic weighted kappa, 1 for agreement and 0 for chance.

settings = {"n_estimators": 60, "learning_rate": 0.05, "n_jobs": 1}
small = {"num_leaves": 7, "verbosity": -1} if ENGINE == "lightgbm" else {"max_depth": 3}
classifier, regressor = {
    "lightgbm": (LGBMClassifier(**settings, **small), LGBMRegressor(**settings, **small)),
    "xgboost": (XGBClassifier(**settings, **small), XGBRegressor(**settings, **small)),
}[ENGINE]
models = {
    "proportional odds": GBMClassifier(ProportionalOdds(5), classifier, classes=GRADES),
    "free classes": GBMClassifier(CategoricalCrossEntropy(5), classifier, classes=GRADES),
    "numbers, rounded": GBMRegressor(SquaredError(), regressor),
}


def judged(model, rows, others):
    """Fit to some rows; return probabilities of others if there are any, log loss, distance and kappa."""
    truth = number[others]
    if isinstance(model, GBMRegressor):
        predicted = np.clip(np.rint(model.fit(X[rows], number[rows]).predict(X[others])), 0, 4)
        return None, np.nan, predicted, predicted
    p = model.fit(X[rows], y[rows]).predict_proba(X[others])
    log_loss = -np.log(p[np.arange(len(truth)), truth]).mean()
    # The median for the distance, the mean for squares.
    return p, log_loss, (p.cumsum(axis=1) < 0.5).sum(axis=1), np.rint(p @ np.arange(5))


folds = list(RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0).split(X, number))
probabilities = {name: np.zeros((len(folds), len(X), 5)) for name in models}
print(f"\n{ENGINE:<20}{'log loss':>10}{'distance':>10}{'kappa':>8}")
for name, model in models.items():
    scores = []
    for i, (rows, others) in enumerate(folds):
        p, log_loss, median, mean = judged(model, rows, others)
        if p is not None:
            probabilities[name][i, others] = p
        kappa = cohen_kappa_score(number[others], mean.astype(int), weights="quadratic")
        scores.append([log_loss, np.abs(median - number[others]).mean(), kappa])
    log_loss, distance, kappa = np.mean(scores, axis=0)
    shown = "–" if np.isnan(log_loss) else f"{log_loss:.3f}"
    print(f"{name:<20}{shown:>10}{distance:>10.3f}{kappa:>8.3f}")

# %%
# One number and four thresholds
# ------------------------------
# Each patient has one raw prediction. The thresholds, where "worse than this grade" is as likely as not, are those
# of all (A). The marks above are patients that the model has not seen, by their true grades. If probabilities are
# right, they are shares (B): the marks lie on the diagonal.

rows, others = folds[0]
model = models["proportional odds"].fit(X[rows], y[rows])
thresholds = model.loss_.summary
print("\nthresholds", *thresholds.round(2))

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
shades = plt.get_cmap("viridis_r")(np.linspace(0.12, 0.95, 5))
raw = model.predict_raw(X[others])
at = np.linspace(min(raw.min(), thresholds[0]) - 1.5, max(raw.max(), thresholds[-1]) + 1.0, 300)
left.stackplot(at, model.loss_.response(at).T, colors=shades, alpha=0.55)
for threshold in thresholds:
    left.axvline(threshold, color="white", linewidth=1)
for k, shade in enumerate(shades):
    of_grade = number[others] == k
    left.plot(raw[of_grade], np.full(of_grade.sum(), 1.05 + 0.06 * k), "|", color=shade, markersize=9)
    left.text(at[0] + 0.1, 1.05 + 0.06 * k, GRADES[k], color=shade, verticalalignment="center")
left.set(xlim=(at[0], at[-1]), ylim=(0, 1.35), yticks=np.linspace(0, 1, 6))
left.set(xlabel="raw prediction", ylabel="probability of each grade")
left.set_title("A   patients by true grade above, probabilities below", loc="left")

known = np.zeros((len(folds), len(X)), dtype=bool)
for i, (_, others) in enumerate(folds):
    known[i, others] = True
worse = np.broadcast_to(number[:, None] > np.arange(4), (len(folds), len(X), 4))[known].ravel()
for name, marker, color in (("free classes", "s", "orange"), ("proportional odds", "o", "blue")):
    predicted = 1.0 - probabilities[name].cumsum(axis=2)[..., :4][known].ravel()
    part = np.digitize(predicted, np.linspace(0.1, 0.9, 9))
    shares = [(predicted[part == k].mean(), worse[part == k].mean()) for k in np.unique(part)]
    right.plot(*np.transpose(shares), marker + "-", color=COLORS[color], label=name)
right.plot([0, 1], [0, 1], color="0.5", linewidth=1, zorder=0)
right.set(xlabel="predicted probability of worse than a grade", ylabel="share of patients that were worse")
right.set_title("B   are they right?", loc="left")
right.legend(frameon=False)
plt.show()

# %%
# Both kinds of probabilities are right as shares. Those of proportional odds tell the grades apart better: the
# same 350 patients teach one tree a round instead of five. These grades were cut from a number, so rounded numbers
# are as near to the truth; but they have no probabilities, and of real grades no number is known.
#
# **Reference.** McCullagh (1980). *Regression models for ordinal data*. Journal of the Royal Statistical Society B
# 42, 109-142.
