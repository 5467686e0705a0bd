"""A loss with rows to try it on, and how its numbers are compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..contract import Loss
from ..engines.protocol import FitInputs
from ..engines.registry import ENGINES, engine_named

__all__ = ["STEP", "Trial", "as_trained", "differences", "trained", "worst"]

# The step of 4th-order differences: their own error is of the order of its 4th power, 1e-12, that of rounding,
# divided by the step, 1e-13.
STEP = 1e-3


@dataclass(frozen=True)
class Trial:
    """A loss, and rows to try it on."""

    loss: Loss
    y: np.ndarray
    raw: np.ndarray
    group: np.ndarray | None = None  # the number of rows of each query
    # Not mistakes, but worth knowing.
    remarks: list[str] = field(default_factory=list)

    @cached_property
    def weight(self) -> np.ndarray:
        """Weights of the rows."""
        return np.random.default_rng(1).uniform(0.5, 2.0, len(self.y))

    @cached_property
    def softened(self) -> bool:
        """Whether the engines get a smoothed loss's gradient: for a kink, or almost a kink at these residuals."""
        kind = self.loss.curvature_kind
        return kind == "consistent" or (kind == "majorizer" and self.loss.on(self.y, self.raw)._softened())

    @cached_property
    def sampled(self) -> bool:
        """Whether a row's pair depends on other rows, represented by a sample if there are many."""
        return self.loss.scope == "summary"

    @cached_property
    def smooth(self) -> np.ndarray:
        """Rows where the loss has no kink nearby: there, differences of two step sizes agree."""
        fine, coarse = (differences(self.pointwise, self.raw, step) for step in (STEP, 3 * STEP))
        good = np.isclose(fine, coarse, rtol=1e-6, atol=1e-7 * (1 + np.abs(self.pointwise(self.raw)).max()))
        return good.reshape(len(good), -1).all(axis=1)

    def pointwise(self, raw: np.ndarray) -> np.ndarray:
        """Return the loss of each row."""
        return self.loss.pointwise(self.y, raw)

    def gradient(self, raw: np.ndarray) -> np.ndarray:
        """Return the gradient of each row."""
        return self.loss.gradient(self.y, raw)


def differences(function: Callable[[np.ndarray], np.ndarray], raw: np.ndarray, step: float) -> np.ndarray:
    """Return 4th-order central differences along each column of `raw`, columns last."""
    columns = []
    for j in range(1 if raw.ndim == 1 else raw.shape[1]):
        unit = np.ones_like(raw) if raw.ndim == 1 else np.eye(raw.shape[1])[j]
        f = {m: function(raw + m * step * unit) for m in (-2, -1, 1, 2)}
        columns.append((f[-2] - 8 * f[-1] + 8 * f[1] - f[2]) / (12 * step))
    return np.asarray(columns[0] if raw.ndim == 1 else np.stack(columns, axis=-1))


def worst(got: np.ndarray, expected: np.ndarray, rtol: float, atol: float, what: str) -> Iterator[str]:
    """Yield a line about the row where `got` misses `expected` most, if any does."""
    got, expected = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if got.shape != expected.shape:
        yield f"{what} has shape {got.shape}, {expected.shape} expected"
        return
    miss = np.abs(got - expected) - atol - rtol * np.abs(expected)
    miss[~np.isfinite(got) | ~np.isfinite(expected)] = np.inf
    if miss.size and miss.max() > 0:
        at = np.unravel_index(miss.argmax(), miss.shape)
        bad = np.sum(miss.reshape(len(miss), -1).max(axis=1) > 0)
        with np.errstate(all="ignore"):
            ratio = np.nanmedian(got / expected)
        same = bool(np.isfinite(ratio)) and np.allclose(got, ratio * expected, rtol=1e-3, atol=atol)
        hint = f", {ratio:.3g} times that in every row" if same else ""
        yield f"{what} is {expected[at]:.6g} in row {at[0]}, got {got[at]:.6g} ({bad} of {len(miss)} rows{hint})"


def as_trained(loss: Loss, y: np.ndarray, raw: np.ndarray) -> Loss:
    """Return the loss with what it knows of these rows, where it depends on that: a training sees its own."""
    if loss.scope != "summary" or loss._smooths_by_summary:
        return loss
    return loss._with(summary=None).on(y, raw)


def trained(
    loss: Loss, X: np.ndarray, y: np.ndarray, n_rounds: int = 20
) -> Iterator[tuple[str, np.ndarray, list[str]]]:
    """Yield each installed engine with the raw predictions after some rounds, and its warnings."""
    for name in ENGINES:
        try:
            engine = engine_named(name)
        except ModuleNotFoundError:
            continue
        estimator = engine.default_estimator("regressor")
        estimator.set_params(n_estimators=n_rounds, n_jobs=1, **engine.QUIET)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            model = engine.train_estimator(estimator, loss, FitInputs(X, y))
        warned = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
        yield name, engine.predict_raw(model.booster, X, estimator), warned
