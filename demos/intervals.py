"""
Intervals that keep their promise
=================================

A model knows its training rows too well, so that its own 90% intervals hold too few of new targets. Calibrated
on rows that it has not seen, they hold 90% on average; calibrated in groups, 90% in each group. This page
counts.
"""

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from tqdm import tqdm
from xgboost import XGBRegressor

from gbm_objectives import GBMRegressor, MultiQuantile
from gbm_objectives.plotting import COLORS, plot_prediction_interval

ENGINE = "lightgbm"  # or "xgboost"

# %%
# A wave that is loud in the middle
# ---------------------------------
# The groups are the left, middle and right third of x.

rng = np.random.default_rng(0)
REGIONS = np.array(["left", "middle", "right"])


def sample(n_rows):
    """Return x as a column, y, and the third that each row is in."""
    x = rng.uniform(0.0, 9.0, n_rows)
    spread = 0.15 + 1.2 * np.exp(-(((x - 4.5) / 1.2) ** 2))
    region = REGIONS[np.minimum(x // 3.0, 2.0).astype(int)]
    return x[:, None], np.sin(1.5 * x) + spread * rng.standard_normal(n_rows), region


# %%
# Three kinds of intervals
# ------------------------
# The model predicts three quantiles at once. It is trained on 1,000 rows, for so long that it fits them too
# closely, and calibrated on 500 others. ``calibrate`` returns the model, and ``predict_interval`` is then
# calibrated, in groups where groups were given. All of it is repeated, since one calibration set may be lucky.

COVERAGE = 0.9
REPEATS = 10
estimator = {
    "lightgbm": LGBMRegressor(n_estimators=300, n_jobs=1, verbosity=-1),
    "xgboost": XGBRegressor(n_jobs=1),
}[ENGINE]
shares = {"own": [], "calibrated": [], "by group": []}
widths = {kind: [] for kind in shares}
for _ in tqdm(range(REPEATS), unit="model"):
    X, y, _ = sample(1000)
    model = GBMRegressor(MultiQuantile(alphas=(0.05, 0.5, 0.95)), estimator).fit(X, y)
    X_known, y_known, known_region = sample(500)
    X_new, y_new, region = sample(5000)
    own = model.predict_interval(X_new, COVERAGE)
    calibrated = model.calibrate(X_known, y_known).predict_interval(X_new, COVERAGE)
    model.calibrate(X_known, y_known, groups=known_region)
    by_group = model.predict_interval(X_new, COVERAGE, groups=region)
    for kind, interval in zip(shares, (own, calibrated, by_group), strict=True):
        held = (interval[:, 0] <= y_new) & (y_new <= interval[:, 1])
        shares[kind].append([held.mean(), *(held[region == name].mean() for name in REGIONS)])
        widths[kind].append(np.mean(interval[:, 1] - interval[:, 0]))

# %%
# Share of new targets inside
# ---------------------------

print(f"{'interval':<14}" + "".join(f"{name:>9}" for name in ("all", *REGIONS, "width")))
for kind in shares:
    cells = (*np.mean(shares[kind], axis=0), np.mean(widths[kind]))
    print(f"{kind:<14}" + "".join(f"{cell:>9.3f}" for cell in cells))

# %%
# On the left the last model's own band, and the calibrated one around it; on the right the table. Calibration
# widens the band by the same distance everywhere, so that one region pays for another: the quiet ones get more
# than 90%, the loud middle less.

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained", width_ratios=[3, 2])
model.calibration_ = None
plot_prediction_interval(model, X_known, y_known, left, coverage=COVERAGE)
order = np.argsort(X_known[:, 0])
for edge, label in zip(
    model.calibrate(X_known, y_known).predict_interval(X_known, COVERAGE)[order].T,
    ("calibrated", None),
    strict=True,
):
    left.plot(X_known[order, 0], edge, color=COLORS["red"], linewidth=1, label=label)
left.set(xlabel="x", ylabel="y", xlim=(0, 9))
left.legend(frameon=False, loc="upper left")
places = np.arange(4)
for offset, kind, color in zip((-0.25, 0, 0.25), shares, ("sky", "red", "green"), strict=True):
    right.bar(places + offset, np.mean(shares[kind], axis=0), 0.23, color=COLORS[color], label=kind)
right.axhline(COVERAGE, color="0.3", linewidth=1)
right.set_xticks(places, ["all", *REGIONS])
right.set(ylabel="share of new targets inside", ylim=(0.5, 1.07), yticks=np.arange(0.5, 1.01, 0.1))
right.legend(frameon=False, loc="upper center", ncols=3)
plt.show()

# %%
# Calibration by group needs enough rows in each, here about 170, and gives each region its 90%. Its intervals
# are the widest on average: the loud middle asks for it.
#
# **References.** Romano, Patterson and Candès (2019). *Conformalized quantile regression*. NeurIPS.
# Vovk, Gammerman and Shafer (2005). *Algorithmic Learning in a Random World*, section 4.5 (groups).
