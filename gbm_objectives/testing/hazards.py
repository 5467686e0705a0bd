"""The checks of `check_loss` where mistakes hide: far out, among many rows, in a second call, in float32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..contract.noise import CATEGORICAL
from .trial import STEP, Trial, differences, trained, worst

__all__ = ["HAZARDS"]

# More rows than the driver's sample has, and more than one of its blocks holds.
MANY = 33_000
# Where exp overflows (1e3), where a square of float32 does (1e20), and on the way there.
FAR = (10.0, 30.0, 100.0, 300.0, 800.0, 1e3, 1e20)


def _far_rows(on: Trial, size: float) -> np.ndarray:
    """Return raw predictions of ±size, including all pairs of signs if there are several outputs."""
    signs = np.resize([1.0, -1.0, -1.0, 1.0, 1.0], on.raw.size).reshape(on.raw.shape)
    return size * signs * (1.0 + 0.01 * np.abs(on.raw))


def _far_out(on: Trial) -> Iterator[str]:
    """Look for NaN and infinity where response and derivatives are numbers that float32 holds."""
    # Spreads of e³⁰ and e⁻³⁰ side by side have no common constant that float32 holds.
    for size in FAR[: 1 if on.loss.outputs else len(FAR)]:
        raw = _far_rows(on, size)
        parts = on.loss.response(raw), on.gradient(raw), on.loss.curvature(on.y, raw)
        exact = np.column_stack([part.reshape(len(raw), -1) for part in parts])
        # NaN stays in: nothing may legitimately be NaN.
        rows = ~(np.abs(exact) > np.finfo(np.float32).max).any(axis=1)
        if not rows.any():
            continue
        values = on.loss.pointwise(on.y[rows], raw[rows]), *on.loss.gradient_hessian(on.y[rows], raw[rows])
        for name, array in zip(("loss", "gradient", "Hessian"), values, strict=True):
            if not np.isfinite(array).all():
                yield f"the {name} at raw predictions of ±{size:g} is {array[~np.isfinite(array)][0]}"
        if (values[2] < 0).any():
            yield f"the Hessian at raw predictions of ±{size:g} is {values[2].min():.3g}"


def _far_gradient(on: Trial) -> Iterator[str]:
    """Compare gradient and slope of the loss far from the target too."""
    for size in (10.0, 30.0, 100.0)[: 1 if on.loss.outputs else 3]:
        raw = _far_rows(on, size)
        slope, gradient, value = differences(on.pointwise, raw, STEP), on.gradient(raw), on.pointwise(raw)
        # Where the loss overflows, or is so large that its differences are mere rounding, nothing can be said.
        rounding = 1e-15 * np.abs(value).reshape((-1,) + (1,) * (raw.ndim - 1)) / STEP
        known = np.isfinite(slope) & np.isfinite(gradient) & (rounding < 1e-4 * (1e-6 + np.abs(slope)))
        if known.any():
            what = f"the derivative of pointwise at raw predictions of ±{size:g}"
            yield from worst(
                np.where(known, gradient, 0.0), np.where(known, slope, 0.0), 1e-3, 1e-6 + 30 * rounding.max(), what
            )


def _precision(on: Trial) -> Iterator[str]:
    """Compare the results of the formulas in float32 and float64, where they are large enough to matter."""
    if on.raw.ndim == 2:
        return  # each output has its own constant, see `_weights`
    cases = [(on.y, (size * on.raw / np.abs(on.raw).max()).astype(np.float32)) for size in (0.01, 3.0, 10.0)]
    shifted = on.y + 1e6
    if on.loss.has_unit and on.loss.domain.accepts(shifted):
        cases.append((shifted, on.raw + 1e6))
    for y, raw in cases:
        got = on.loss.gradient_hessian(y, raw)
        exact = on.loss._float64_derivatives(y, raw.astype(np.float64))
        if not replace(on, y=y, raw=raw.astype(np.float64)).softened:
            exact = on.loss.gradient(y, raw), exact[1]
        for name, values, formula in zip(("gradient", "Hessian"), got, exact, strict=True):
            wanted = np.broadcast_to(formula, raw.shape)
            known = np.abs(wanted) > 1e-4 * np.abs(wanted).max()
            if known.any():
                constant = np.median(np.abs(values[known]) / np.abs(wanted[known]))
                what = f"the {name} in float32 near raw predictions of {np.abs(raw).max():.3g}"
                yield from worst(
                    np.where(known, values, 0.0), np.where(known, constant * wanted, 0.0), 1e-2, 0.0, what
                )


def _many_rows(on: Trial) -> Iterator[str]:
    """Compare a row among many and among few, up to a constant; what is known about all rows is a sample's."""
    rows = np.resize(np.arange(len(on.y)), MANY)
    few = on.loss.gradient_hessian(on.y, on.raw)
    for n in (1200, 6000, MANY):
        some = rows[:n]
        many = on.loss.gradient_hessian(on.y[some], on.raw[some])
        for name, got, wanted in zip(("gradient", "Hessian"), many, few, strict=True):
            expected = wanted[some].astype(np.float64)
            constant = np.sum(got * expected, axis=0) / np.sum(expected**2, axis=0)
            size = np.abs(expected).max()
            loose = on.softened if name == "gradient" else on.sampled
            rtol, atol = (0.5, 0.05 * size) if loose else (1e-3, 1e-5 * size)
            yield from worst(got / constant, expected, rtol, atol, f"the {name} among {n:,} rows")


def _noise(on: Trial) -> Iterator[str]:
    """Compare, for one target, how densities and losses at two predictions differ."""
    loss = on.loss
    if loss.noise is None or not loss.noise.likelihood or on.y.ndim == 2:
        return
    y, other = on.y, on.raw[::-1]
    scale = loss.noise.scale
    densities = [loss.noise.distribution(loss.response(raw), scale) for raw in (on.raw, other)]
    if loss.noise == CATEGORICAL:
        y_of = np.eye(loss.n_classes)[y.astype(np.intp)]
        log_p = [density.logpmf(y_of) for density in densities]
    else:
        log_p = [(d.logpdf if hasattr(d, "logpdf") else d.logpmf)(y) for d in densities]
    got, wanted = log_p[0] - log_p[1], (loss.pointwise(y, other) - loss.pointwise(y, on.raw)) / scale
    # A binary variable cannot have probabilities as values; and a loss need not reproduce a density of exp(-1e8).
    known = np.isfinite(got) & (np.abs(got) < 1e8)
    if known.any():
        what = "the difference of log-densities of the noise"
        yield from worst(np.where(known, got, 0.0), np.where(known, wanted, 0.0), 1e-6, 1e-6, what)


def _outliers(on: Trial) -> Iterator[str]:
    """Look for trees that leave the range of the targets, where a few of these are far out."""
    loss, rng = on.loss, np.random.default_rng(5)
    if not loss.has_unit or loss.outputs or on.y.ndim == 2:
        return
    n = 400
    y = on.y[np.resize(np.arange(len(on.y)), n)]
    spread = np.ptp(y)
    far = y + np.where(np.arange(n) % 40 == 0, 30.0 * spread, 0.0)
    if not loss.domain.accepts(far):
        return
    X = np.column_stack([y + 0.01 * rng.standard_normal(n), rng.standard_normal(n)])
    room = np.ptp(far)
    for name, raw, warned in trained(loss, X, far):
        yield from warned
        if not (far.min() - room <= raw.min() and raw.max() <= far.max() + room):
            yield (
                f"with outliers {name} takes predictions to {raw.min():.4g} ... {raw.max():.4g}, targets are"
                f" {far.min():.4g} ... {far.max():.4g}: the curvature is too small where residuals are large"
            )


HAZARDS = (_far_out, _far_gradient, _precision, _many_rows, _noise, _outliers)
