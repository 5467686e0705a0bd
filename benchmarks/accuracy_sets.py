"""What `benchmarks.accuracy` compares: the sets, and the methods with how they are trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn import datasets

from gbm_objectives import AbsoluteError, Hinge, Huber, Loss, Quantile
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

GROUPS = ["real", "noise", "outliers", "zeros"]
# Synthetic sets and the groups that they are reported in.
GROUP_OF = {
    "skewed": "noise",
    "heteroscedastic": "noise",
    "counts": "noise",
    "1% at 1e6": "outliers",
    "5% at 1e3": "outliers",
    "95% zeros": "zeros",
    "95% zeros, blurred": "zeros",
    "99% zeros": "zeros",
    "95% zeros at random": "zeros",
}
LARGE = ("95% zeros", "95% zeros, blurred", "99% zeros")  # 1 % of 5000 rows would be too few to score

BUILT_IN, OURS, PAIR_01, CONSTANT = "built-in", "ours", "0.1's pair", "constant Hessian"
PAIR_34, REFITTED = "XGBoost 3.4's pair", "ours, leaves re-fitted"
ONE_THREAD = {
    "lightgbm": {"num_threads": 1, "verbosity": -1},
    "xgboost": {"nthread": 1, "verbosity": 0},
}
# Where XGBoost still re-fits the leaves for its own absolute error and quantiles, and thus for ours in their name.
REFITS = tuple(map(int, xgb.__version__.split(".")[:2])) < (3, 4)


@dataclass(frozen=True)
class DataSet:
    """A set: name, the group that it is reported in, data, and the rows that are scored where held out."""

    name: str
    group: str
    X: np.ndarray
    y: np.ndarray
    scored: np.ndarray


def uci_sets(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, features and target of each set in a folder."""
    for path in sorted(folder.iterdir()):
        if (path / "data.txt").exists():
            data = np.loadtxt(path / "data.txt")
            features = np.loadtxt(path / "index_features.txt", dtype=int)
            target = int(np.loadtxt(path / "index_target.txt"))
            yield path.name, data[:, features], data[:, target]


def shipped_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield regression targets among the data that scikit-learn ships."""
    X, y = datasets.load_diabetes(return_X_y=True)
    yield "diabetes", X, y
    X = datasets.load_breast_cancer().data
    yield "breast-cancer-area", X[:, 4:10], X[:, 3]  # a skewed target: the mean area, not from the radius
    yield "breast-cancer-worst-area", X[:, 4:20], X[:, 23]
    X = datasets.load_wine().data
    yield "wine-proline", X[:, :12], X[:, 12]


def synthetic_set(name: str) -> DataSet:
    """Return a synthetic set, the same in every run."""
    rng = np.random.default_rng(0)
    n = 20_000 if name in LARGE else 5000
    X = rng.standard_normal((n, 5))
    noise, blur = rng.standard_normal((2, n))
    centre = 3.0 * np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    outlier = np.zeros(n, dtype=bool)
    if name == "skewed":
        y = centre + rng.lognormal(0.0, 1.0, n)
    elif name == "heteroscedastic":
        y = centre + np.exp(0.7 * X[:, 3]) * noise
    elif name == "counts":
        y = rng.poisson(np.exp(0.5 * X[:, 0] + 0.3 * X[:, 1])).astype(float)
    elif name == "1% at 1e6":
        outlier = rng.random(n) < 0.01
        y = np.where(outlier, rng.choice([-1e6, 1e6], n), centre + noise)
    elif name == "5% at 1e3":
        outlier = rng.random(n) < 0.05
        y = np.where(outlier, 1e3, centre + noise)
    elif name == "95% zeros":
        y = np.where(X[:, 0] > 1.645, 20.0 + 3.0 * X[:, 1] + noise, 0.0)
    elif name == "95% zeros, blurred":
        y = np.where(X[:, 0] + 0.3 * blur > 1.72, 20.0 + 3.0 * X[:, 1] + noise, 0.0)
    elif name == "99% zeros":
        y = np.where(X[:, 0] + 0.2 * blur > 2.37, 70.0 + 10.0 * X[:, 1] + noise, 0.0)
    else:
        y = np.where(rng.random(n) < 0.05, 5.0 + X[:, 1] + noise, 0.0)
    # No fit can know where the outliers are: they would drown what it does on all other rows.
    return DataSet(name, GROUP_OF[name], X, y, ~outlier)


def label_sets() -> Iterator[DataSet]:
    """Yield the sets of two classes, labels 0 and 1."""
    X, y = datasets.load_breast_cancer(return_X_y=True)
    yield DataSet("breast cancer", "labels", X, y.astype(float), np.ones(len(y), dtype=bool))
    rng = np.random.default_rng(0)
    y = (np.arange(10_000) < 100).astype(float)
    X = rng.standard_normal((10_000, 5))
    X[:, 0] += 8.0 * y
    yield DataSet("1% positives", "labels", X, y, np.ones(len(y), dtype=bool))


def sets_by_name(real: list[tuple[str, np.ndarray, np.ndarray]], synthetic: list[str]) -> dict[str, DataSet]:
    """Return the real sets, the synthetic ones of these names, and those of labels."""
    sets = [DataSet(name, "real", X, y, np.ones(len(y), dtype=bool)) for name, X, y in real]
    return {one.name: one for one in [*sets, *map(synthetic_set, synthetic), *label_sets()]}


class Pair01(Quantile):
    """The pair that version 0.1 of this package had for quantiles; at alpha 0.5 its trees are those of its MAE."""

    def gradient_hessian(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> Any:
        """Return the pair as it was; without weights and of all rows."""
        raw, alpha = np.asarray(raw_prediction, dtype=np.float64), self.alpha
        r = raw - y_true
        roots = np.sqrt(np.abs(r))
        low, high = raw.min(), raw.max()
        group = np.zeros(len(r), dtype=int)
        if high - low > 1e-37:
            group = np.minimum((16 * (raw - low) / (high - low)).astype(int), 15)
        sums, counts = np.bincount(group, roots, 16), np.bincount(group, minlength=16)
        means = (sums + 0.1 * len(r) * roots.mean()) / (counts + 0.1 * len(r))
        s = 2.0 * np.maximum(means**2, 1e-37)[group] * (4.0 * alpha * (1.0 - alpha)) ** 1.5
        above, below = 0.5 / np.sqrt(2.0 * alpha), 0.5 / np.sqrt(2.0 * (1.0 - alpha))
        height = 0.5 * (above + below) + 0.5 * (above - below) * np.sign(r)
        gradient, hessian = 0.5 * np.sign(r) + 0.5 - alpha, height / (np.abs(r) + s)
        constant = np.mean(1.0 / hessian)
        return (constant * gradient).astype(np.float32), (constant * hessian).astype(np.float32)


class Pair34(Quantile):
    """The smooth pairs that XGBoost 3.4 has for absolute error and quantiles (pull requests 12373 to 12586)."""

    def gradient_hessian(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> Any:
        """Return the pair as published; without weights."""
        r = np.asarray(raw_prediction, dtype=np.float64) - y_true
        scale = max(np.mean(np.sqrt(np.abs(r))) ** 2, 1e-30)
        if self.alpha == 0.5:
            weight = scale / np.hypot(scale, r)
            return (r * weight).astype(np.float32), weight.astype(np.float32)
        x = r / (0.04 * scale)
        slope = np.divide(np.tanh(x), x, out=np.ones_like(x), where=x != 0)
        gradient = 0.5 * scale * (np.tanh(x) + 1.0 - 2.0 * self.alpha)
        return gradient.astype(np.float32), (12.5 * np.maximum(slope, 3e-4)).astype(np.float32)


def loss_of(task: str, y: np.ndarray, group: str) -> Loss:
    """Return the loss of a task; Huber's delta is 0.5 or 0.1 standard deviations of the training target."""
    if task == "MAE":
        return AbsoluteError()
    if task == "hinge":
        return Hinge()
    if task.startswith("Huber"):
        # Outliers are what the standard deviation would measure.
        robust = 1.4826 * np.median(np.abs(y - np.median(y)))
        return Huber(float(task.split()[1]) * float(robust if group == "outliers" else y.std()))
    return Quantile(float(task[2:]))


def methods_of(engine: str, task: str, params: dict[str, Any]) -> list[str]:
    """Return what a task is trained with: hinge has no built-in peer, and Huber no other pairs."""
    if task == "hinge":
        return [OURS, CONSTANT]
    if task.startswith("Huber"):
        return [BUILT_IN, OURS, CONSTANT]
    refitted = [REFITTED] if engine == "xgboost" and REFITS and not params else []
    return [BUILT_IN, OURS, PAIR_01, CONSTANT, PAIR_34, *refitted]


def builtin_params(engine: str, loss: Loss) -> dict[str, Any]:
    """Return the engine's own objective for a loss."""
    if isinstance(loss, AbsoluteError):
        return {"objective": "l1" if engine == "lightgbm" else "reg:absoluteerror"}
    if isinstance(loss, Huber):
        if engine == "lightgbm":
            return {"objective": "huber", "alpha": loss.delta}
        return {"objective": "reg:pseudohubererror", "huber_slope": loss.delta}
    if engine == "lightgbm":
        return {"objective": "quantile", "alpha": loss.alpha}
    return {"objective": "reg:quantileerror", "quantile_alpha": loss.alpha}


def train(engine: str, method: str, loss: Loss, params: dict[str, Any], data: Any, n: int) -> Any:
    """Train a method for `n` rounds."""
    if method == BUILT_IN:
        return (lgb if engine == "lightgbm" else xgb).train({**params, **builtin_params(engine, loss)}, data, n)
    if method == REFITTED:
        y = data.get_label()
        declared = {**builtin_params(engine, loss), "base_score": loss.initial_raw(y)}
        return xgb.train(
            {**params, **declared}, data, n, obj=lambda raw, _: loss.gradient_hessian(y, np.ravel(raw))
        )
    alpha = getattr(loss, "alpha", 0.5)
    if method == CONSTANT:
        loss = loss.__class__(**{**loss.get_params(), "hessian": "constant"})
    elif method != OURS:
        loss = Pair01(alpha) if method == PAIR_01 else Pair34(alpha)
    interface = on_lightgbm if engine == "lightgbm" else on_xgboost
    return interface.train(params, data, loss=loss, num_boost_round=n)


def staged(engine: str, booster: Any, X: np.ndarray, rounds: list[int]) -> list[np.ndarray]:
    """Return the predictions after each of `rounds`."""
    if engine == "xgboost":
        data = xgb.DMatrix(X, nthread=1)
        return [booster.predict(data, iteration_range=(0, k)) for k in rounds]
    # Models are sums of trees, the start value in the first: no tree need be evaluated twice.
    total, before, results = np.zeros(len(X)), 0, []
    for k in rounds:
        if before < booster.current_iteration():  # LightGBM stops where no tree has a split
            some = {"start_iteration": before, "num_iteration": k - before, "num_threads": 1}
            total = total + booster.predict(X, raw_score=True, **some)
        before = k
        results.append(total)
    return results
