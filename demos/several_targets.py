"""
Several targets, some of them missing
=====================================

The lower half of a handwritten digit is predicted from its upper half: 32 numbers for each image, in one model.
Then half of all training pixels are hidden. No row is complete any more, and still each pixel is learnt from the
rows that have it.
"""

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from xgboost import XGBRegressor

from gbm_objectives import GBMRegressor, MultiTarget, SquaredError

ENGINE = "lightgbm"  # or "xgboost"
SEED = 0

# %%
# Half of each image
# ------------------
# The images have 8 × 8 pixels, with values from 0 to 16.

images, digit = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test, _, digit_test = train_test_split(
    images[:, :32], images[:, 32:], digit, test_size=0.25, random_state=SEED
)
rng = np.random.default_rng(SEED)
hidden = rng.random(y_train.shape) < 0.5
print(
    f"{(~hidden.any(axis=1)).sum()} of {len(hidden)} training images have all pixels, once half of them are hidden"
)

# %%
# One model for 32 targets
# ------------------------
# A missing target is NaN, and counts nothing.

estimator = {
    "lightgbm": LGBMRegressor(n_estimators=60, num_leaves=8, n_jobs=1, verbosity=-1),
    "xgboost": XGBRegressor(n_estimators=60, max_depth=3, learning_rate=0.1, n_jobs=1),
}[ENGINE]
loss = MultiTarget(SquaredError(), 32)
models = {
    "all pixels": GBMRegressor(loss, estimator).fit(X_train, y_train),
    "half hidden": GBMRegressor(loss, estimator).fit(X_train, np.where(hidden, np.nan, y_train)),
}
predictions = {name: model.predict(X_test) for name, model in models.items()}
predictions["mean image"] = np.broadcast_to(y_train.mean(axis=0), y_test.shape)
print(f"{ENGINE:<14}{'root mean squared error':>26}")
for name, predicted in predictions.items():
    print(f"{name:<14}{np.sqrt(np.mean(np.square(predicted - y_test))):>26.2f}")

# %%
# Six test images: below the line all pixels are predicted. The pixels were not clipped.

rows = [np.flatnonzero(digit_test == one)[0] for one in (0, 2, 3, 5, 6, 9)]
figure, axes = plt.subplots(3, len(rows), figsize=(9, 5), layout="constrained")
for line, (name, below) in zip(
    axes, {"truth": y_test, **{name: predictions[name] for name in models}}.items(), strict=True
):
    for axis, row in zip(line, rows, strict=True):
        axis.imshow(np.concatenate([X_test[row], below[row]]).reshape(8, 8), cmap="Greys", vmin=0, vmax=16)
        axis.axhline(3.5, color="tab:red", linewidth=1)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(name)
plt.show()
