"""The checks of `check_loss`, one after the other: each yields what is wrong with a loss, with numbers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from scipy.optimize import minimize
from sklearn.base import clone

from .losses import CurvatureKind, Loss

__all__ = ["CHECKS", "Probe"]

STEP = 1e-3


@dataclass(frozen=True)
class Probe:
    """A loss, and rows to try it on."""

    loss: Loss
    y: np.ndarray
    raw: np.ndarray

    @cached_property
    def weight(self) -> np.ndarray:
        """Weights of the rows."""
        return np.random.default_rng(1).uniform(0.5, 2.0, len(self.y))

    @cached_property
    def smooth(self) -> np.ndarray:
        """Rows where the loss has no kink nearby: there differences of two step sizes agree."""
        fine, coarse = (_differences(self.pointwise, self.raw, step) for step in (STEP, 3 * STEP))
        good = np.isclose(fine, coarse, rtol=1e-6, atol=1e-7 * (1 + np.abs(self.pointwise(self.raw)).max()))
        return good.reshape(len(good), -1).all(axis=1)

    def pointwise(self, raw: np.ndarray) -> np.ndarray:
        """Return the loss of each row."""
        return self.loss.pointwise(self.y, raw)

    def gradient(self, raw: np.ndarray) -> np.ndarray:
        """Return the gradient of each row."""
        return self.loss.gradient(self.y, raw)


def _differences(function: Callable[[np.ndarray], np.ndarray], raw: np.ndarray, step: float) -> np.ndarray:
    """Return 4th-order central differences along each column of `raw`, columns last."""
    columns = []
    for j in range(1 if raw.ndim == 1 else raw.shape[1]):
        unit = np.ones_like(raw) if raw.ndim == 1 else np.eye(raw.shape[1])[j]
        f = {m: function(raw + m * step * unit) for m in (-2, -1, 1, 2)}
        columns.append((f[-2] - 8 * f[-1] + 8 * f[1] - f[2]) / (12 * step))
    return np.asarray(columns[0] if raw.ndim == 1 else np.stack(columns, axis=-1))


def _worst(got: np.ndarray, expected: np.ndarray, rtol: float, atol: float, what: str) -> Iterator[str]:
    """Yield a line on the row where `got` misses `expected` most, if it does."""
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


# ---- the checks: each yields what is wrong ----------------------------------------------------------------


def _pointwise(p: Probe) -> Iterator[str]:
    values = np.asarray(p.pointwise(p.raw))
    if values.shape != (len(p.y),):
        yield f"the loss of each row is wanted, an array of shape ({len(p.y)},), got shape {values.shape}"
        return
    if not np.isfinite(values).all():
        yield f"the loss is {values[~np.isfinite(values)][0]} in row {np.flatnonzero(~np.isfinite(values))[0]}"
    for weight in (None, p.weight):
        yield from _worst(
            np.array([p.loss.value(p.y, p.raw, weight)]),
            np.array([np.average(values, weights=weight)]),
            1e-9,
            1e-12,
            "value" if weight is None else "weighted value",
        )


def _gradient(p: Probe) -> Iterator[str]:
    rows = p.smooth
    if rows.sum() < len(rows) / 2:
        yield f"the loss has kinks or jumps within {6 * STEP:g} of {np.sum(~rows)} of {len(rows)} raw predictions"
    expected = _differences(p.pointwise, p.raw, STEP)
    size = 1 + np.abs(expected[rows]).max(initial=0.0)
    yield from _worst(p.gradient(p.raw)[rows], expected[rows], 1e-5, 1e-7 * size, "the derivative of pointwise")


def _curvature(p: Probe) -> Iterator[str]:
    loss, rows = p.loss, p.smooth
    kind, curvature = loss.curvature_kind, loss.curvature(p.y, p.raw)
    if kind not in get_args(CurvatureKind):
        yield f"curvature_kind must be one of {', '.join(get_args(CurvatureKind))}, got {kind!r}"
        return
    if curvature.shape != p.raw.shape:
        yield f"it has shape {curvature.shape}, {p.raw.shape} expected"
        return
    if bad := np.flatnonzero(
        ~(np.isfinite(curvature) & (curvature > 0)).reshape(len(curvature), -1).all(axis=1)
    ).tolist():
        yield f"it must be positive and finite, it is {curvature[bad[0]]} in row {bad[0]} ({len(bad)} such)"
    if kind == "constant":
        yield from _worst(curvature, np.ones_like(curvature), 1e-9, 0.0, "the constant curvature")
    elif kind == "exact":
        expected = _differences(p.gradient, p.raw, STEP)
        if p.raw.ndim == 2:
            expected = np.diagonal(expected, axis1=1, axis2=2)
        yield from _worst(curvature[rows], expected[rows], 1e-5, 1e-7, "the derivative of gradient()")
    elif kind == "gauss-newton":
        expected = 2.0 * _differences(loss.response, p.raw, STEP) ** 2
        yield from _worst(curvature[rows], expected[rows], 1e-5, 1e-9, "twice the squared slope of the response")
    elif kind == "bound":
        hessian = _differences(p.gradient, p.raw, STEP)
        gap = curvature[:, :, None] * np.eye(loss.n_outputs) - hessian
        least = np.linalg.eigvalsh(0.5 * (gap + gap.transpose(0, 2, 1))).min(axis=1)[rows]
        if least.min() < -1e-6:
            yield f"it does not dominate the Hessian: the least eigenvalue of the difference is {least.min():.3g}"
    elif kind == "consistent":
        yield from _consistent(p, curvature)
    else:
        yield from _majorizer(p, curvature)


def _consistent(p: Probe, curvature: np.ndarray) -> Iterator[str]:
    """Yield where the smoothed gradient points elsewhere than the loss's, or a row's own step raises its loss."""
    smoothed, _ = p.loss._float64_derivatives(p.y, p.raw)
    against = smoothed * p.gradient(p.raw) < 0
    if against.any():
        yield f"the engines' gradient has the other sign than gradient() in row {np.flatnonzero(against)[0]}"
    before, after = p.pointwise(p.raw), p.pointwise(p.raw - smoothed / curvature)
    excess = after - before
    if excess.max() > 1e-9 * (1 + np.abs(before).max()):
        at = int(excess.argmax())
        yield f"a full Newton step of row {at} alone takes its loss from {before[at]:.6g} to {after[at]:.6g}"


def _majorizer(p: Probe, curvature: np.ndarray) -> Iterator[str]:
    """Yield the step and row where the parabola is furthest below the loss."""
    value, slope = p.pointwise(p.raw), p.gradient(p.raw)
    rng = np.random.default_rng(2)
    worst = (0.0, 0.0, 0)
    for step in np.linspace(-30, 30, 601):
        d = np.full_like(p.raw, step) if p.raw.ndim == 1 else step * rng.standard_normal(p.raw.shape)
        parabola = value + (slope * d + 0.5 * curvature * d**2).reshape(len(p.y), -1).sum(axis=1)
        excess = p.pointwise(p.raw + d) - parabola
        worst = max(worst, (float(excess.max()), float(step), int(excess.argmax())))
    if worst[0] > 1e-7 * (1 + np.abs(value).max()):
        yield f"no majoriser: a step of {worst[1]:.3g} in row {worst[2]} is {worst[0]:.3g} above the parabola"


def _weights(p: Probe) -> Iterator[str]:
    """Weights multiply; up to one constant a call the engines get what `gradient` and `curvature` say.

    A consistent pair has a smoothed gradient of its own, which `_consistent` looks at.
    """
    column = p.weight.reshape((-1,) + (1,) * (p.raw.ndim - 1))
    plain = p.loss.gradient_hessian(p.y, p.raw)
    consistent = p.loss.curvature_kind == "consistent"
    own = p.loss._float64_derivatives(p.y, p.raw)[0] if consistent else p.gradient(p.raw)
    given = own, p.loss.curvature(p.y, p.raw)
    constant = float(np.sum(plain[0] * given[0]) / np.sum(given[0] ** 2))
    if not constant > 0:
        yield f"the engines' gradient is {constant:.3g} times gradient()"
    for name, got, wanted in zip(("gradient", "Hessian"), plain, given, strict=True):
        size = np.abs(wanted).max()
        yield from _worst(got / constant, wanted, 1e-4, 1e-5 * size, f"the engines' {name}")
    weighted = p.loss.gradient_hessian(p.y, p.raw, p.weight)
    if not consistent:  # its widths are weighted too
        expected = given[0] * column
        constant = float(np.sum(weighted[0] * expected) / np.sum(expected**2))
        yield from _worst(
            weighted[0] / constant, expected, 1e-4, 1e-5 * np.abs(expected).max(), "the weighted gradient"
        )
    mean = 1.0 / np.mean(1.0 / plain[1].astype(np.float64))
    if p.loss._unit_mean_curvature and not 0.99 < mean < 1.01:
        yield f"the harmonic mean of the Hessian is {mean:.3g}, not 1: multiply gradient and curvature by constant"
    without = np.arange(len(p.y)) % 3 == 0
    for name, part in zip(
        ("gradient", "Hessian"),
        p.loss.gradient_hessian(p.y, p.raw, np.where(without, 0.0, p.weight)),
        strict=True,
    ):
        if np.any(part[without]):
            yield f"the {name} of rows of weight 0 is not 0, but up to {np.abs(part[without]).max():.3g}"
    twice = p.loss.gradient_hessian(p.y, p.raw, 2.0 * p.weight)
    for name, once, doubled in zip(("gradient", "Hessian"), weighted, twice, strict=True):
        yield from _worst(doubled, 2.0 * once, 1e-4, 1e-7, f"the {name} under doubled weights")


def _initial_raw(p: Probe) -> Iterator[str]:
    k = p.loss.n_outputs
    for weight in (None, p.weight * (np.arange(len(p.y)) % 3)):
        what = "the start value" if weight is None else "the weighted start value"
        start = np.asarray(p.loss.initial_raw(p.y, weight), dtype=np.float64)
        if start.shape != (() if k == 1 else (k,)) or not np.isfinite(start).all():
            yield f"{what} must be {'a number' if k == 1 else f'{k} numbers'}, got {start}"
            continue

        def value(constant: np.ndarray, weight: np.ndarray | None = weight) -> float:
            raw = np.full(len(p.y), float(constant[0])) if k == 1 else np.tile(constant, (len(p.y), 1))
            return p.loss.value(p.y, raw, weight)

        settings = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 400 * k}
        best = minimize(value, np.atleast_1d(start) + 0.1, method="Nelder-Mead", options=settings)
        here = value(np.atleast_1d(start))
        if here > best.fun + 1e-6 * (1 + abs(best.fun)):
            yield f"{what} {start} has loss {here:.6g}, {best.x} has {best.fun:.6g}"


def _far_out(p: Probe) -> Iterator[str]:
    """No NaN and no infinity where response and derivatives are numbers that float32 holds."""
    for size in (1e3, 1e20):
        raw = size * np.resize([1.0, -1.0, -1.0, 1.0, 1.0], p.raw.size).reshape(p.raw.shape)
        exact = np.stack([p.loss.response(raw), p.gradient(raw), p.loss.curvature(p.y, raw)])
        # NaN stays in: nothing is NaN by right.
        rows = ~(np.abs(exact) > np.finfo(np.float32).max).reshape(3, len(raw), -1).any(axis=(0, 2))
        if not rows.any():
            continue
        values = p.loss.pointwise(p.y[rows], raw[rows]), *p.loss.gradient_hessian(p.y[rows], raw[rows])
        for name, array in zip(("loss", "gradient", "Hessian"), values, strict=True):
            if not np.isfinite(array).all():
                yield f"the {name} at raw predictions of ±{size:g} is {array[~np.isfinite(array)][0]}"
        if (values[2] < 0).any():
            yield f"the Hessian at raw predictions of ±{size:g} is {values[2].min():.3g}"


def _at_the_target(p: Probe) -> Iterator[str]:
    """Where raw prediction and target are equal, or 0, gradient over curvature may be 0/0."""
    rows = {"0": np.zeros_like(p.raw)}
    if p.raw.ndim == p.y.ndim:
        rows["the target"] = p.y.copy()
    for what, raw in rows.items():
        raw[: len(raw) // 2] = p.raw[: len(raw) // 2]
        for name, array in zip(("gradient", "Hessian"), p.loss.gradient_hessian(p.y, raw), strict=True):
            if not np.isfinite(array).all():
                yield f"the {name} is {array[~np.isfinite(array)][0]} where raw predictions are {what}"


def _newton_step(p: Probe) -> Iterator[str]:
    """Look for a curvature that vanishes where the gradient does not: leaves without bound."""
    for raw in (p.raw + 30.0, p.raw - 30.0):
        rows = np.isfinite(p.loss.response(raw)).reshape(len(raw), -1).all(axis=1)
        gradient, curvature = p.gradient(raw)[rows], p.loss.curvature(p.y, raw)[rows]
        step = np.abs(gradient) / curvature
        if step.size and step.max() > 1e20:
            at = np.unravel_index(step.argmax(), step.shape)
            yield f"the curvature vanishes: {curvature[at]:.2g} at a gradient of {gradient[at]:.2g}"


def _input(p: Probe) -> Iterator[str]:
    """Precision and memory layout of the input make no difference, and it is left as it was."""
    raw32, y, raw = p.raw.astype(np.float32), p.y.copy(), p.raw.copy()
    expected = p.loss.gradient_hessian(p.y, raw32)
    p.loss.gradient_hessian(y, raw)
    if not (np.array_equal(y, p.y) and np.array_equal(raw, p.raw)):
        yield "the loss changes its input"
        return
    strided = np.repeat(raw32, 2, axis=0)[::2]
    strided.flags.writeable = False
    fortran = np.asfortranarray(raw32)
    for name, variant in (
        ("float64", raw32.astype(np.float64)),
        ("strided", strided),
        ("Fortran-ordered", fortran),
    ):
        for part, got, wanted in zip(
            ("gradient", "Hessian"), p.loss.gradient_hessian(p.y, variant), expected, strict=True
        ):
            if got.dtype != np.float32:
                yield f"the {part} is {got.dtype}, float32 expected"
            yield from _worst(got, wanted, 1e-4, 1e-6 * np.abs(wanted).max(), f"the {part} of {name} input")
    try:
        p.loss.gradient_hessian(p.y[1:], p.raw)
        yield "no ValueError for targets and predictions of different length"
    except ValueError:
        pass


def _value_object(p: Probe) -> Iterator[str]:
    loss = p.loss
    before = repr(loss)
    p.loss.gradient_hessian(p.y, p.raw)
    if vars(loss).keys() != loss.get_params().keys() or repr(loss) != before:
        yield f"it must hold its hyper-parameters and nothing else, it holds {sorted(vars(loss))}"
    copies: dict[str, Callable[[], Any]] = {
        "pickle": lambda: pickle.loads(pickle.dumps(loss)),
        "clone": lambda: clone(loss),
        "repr": lambda: eval(repr(loss), {"nan": np.nan, type(loss).__name__: type(loss)}),
    }
    for name, copied in copies.items():
        try:
            if copied() != loss:
                yield f"{name} gives another loss: {copied()!r}"
        except Exception as error:
            yield f"{name} fails: {type(error).__name__}: {error}"


def _training(p: Probe) -> Iterator[str]:
    """Train a few rounds on a feature that tells the target, on each engine that is installed."""
    loss, rng = p.loss, np.random.default_rng(3)
    rows = np.resize(np.arange(len(p.y)), max(300, len(p.y)))
    y = p.y[rows]
    told = y if y.ndim == 1 else y.argmax(axis=1)
    X = np.column_stack([told + 0.01 * rng.standard_normal(len(y)), rng.standard_normal(len(y))])
    start = loss.initial_raw(y)
    before = loss.value(y, np.broadcast_to(start, (len(y), *np.shape(start))))
    for engine, train in (("LightGBM", _train_lightgbm), ("XGBoost", _train_xgboost)):
        try:
            raw = train(loss, X, y)
        except ModuleNotFoundError:
            continue
        after = loss.value(y, raw)
        if not after < before - 1e-3 * abs(before):
            yield f"20 rounds of {engine} took the loss from {before:.6g} to {after:.6g}"


def _train_lightgbm(loss: Loss, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    import lightgbm as lgb

    from .engines.lightgbm import train

    data = lgb.Dataset(X, y if y.ndim == 1 else y.argmax(axis=1))
    if y.ndim == 2:
        data.target_distribution = y  # type: ignore[attr-defined]  # an attribute of ours
    params = {"num_leaves": 7, "num_threads": 1, "verbosity": -1}
    return np.asarray(train(params, data, loss=loss, num_boost_round=20).predict(X, raw_score=True))


def _train_xgboost(loss: Loss, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    import xgboost as xgb

    from .engines.xgboost import train

    booster = train({"max_depth": 3, "nthread": 1}, xgb.DMatrix(X, y), loss=loss, num_boost_round=20)
    return np.asarray(booster.predict(xgb.DMatrix(X), output_margin=True))


CHECKS = (
    _pointwise,
    _gradient,
    _curvature,
    _weights,
    _initial_raw,
    _far_out,
    _at_the_target,
    _newton_step,
    _input,
    _value_object,
    _training,
)
