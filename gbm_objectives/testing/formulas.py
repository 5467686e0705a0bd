"""The checks of `check_loss` on a loss's formulas: each yields what is wrong, with numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from .trial import STEP, Trial, differences, worst

__all__ = ["FORMULAS"]

# Draws for each row: enough to detect, on all rows together, a curvature that is wrong by a tenth.
DRAWS = 5000


def _pointwise(on: Trial) -> Iterator[str]:
    values = np.asarray(on.pointwise(on.raw))
    if values.shape != (len(on.y),):
        yield f"the loss of each row is wanted, an array of shape ({len(on.y)},), got shape {values.shape}"
        return
    if not np.isfinite(values).all():
        yield f"the loss is {values[~np.isfinite(values)][0]} in row {np.flatnonzero(~np.isfinite(values))[0]}"
    for weight in (None, on.weight):
        yield from worst(
            np.array([on.loss.value(on.y, on.raw, weight)]),
            np.array([np.average(values, weights=weight)]),
            1e-9,
            1e-12,
            "value" if weight is None else "weighted value",
        )


def _gradient(on: Trial) -> Iterator[str]:
    rows = on.smooth
    if rows.sum() < len(rows) / 2:
        yield f"the loss has kinks or jumps within {6 * STEP:g} of {np.sum(~rows)} of {len(rows)} raw predictions"
    expected = differences(on.pointwise, on.raw, STEP)
    size = 1 + np.abs(expected[rows]).max(initial=0.0)
    yield from worst(on.gradient(on.raw)[rows], expected[rows], 1e-5, 1e-7 * size, "the derivative of pointwise")


def _curvature(on: Trial) -> Iterator[str]:
    loss, rows = on.loss, on.smooth
    kind, curvature = loss.curvature_kind, loss.curvature(on.y, on.raw)
    if curvature.shape != on.raw.shape:
        yield f"it has shape {curvature.shape}, {on.raw.shape} expected"
        return
    if bad := np.flatnonzero(
        ~(np.isfinite(curvature) & (curvature > 0)).reshape(len(curvature), -1).all(axis=1)
    ).tolist():
        yield f"it must be positive and finite, it is {curvature[bad[0]]} in row {bad[0]} ({len(bad)} such)"
    if kind == "constant":
        yield from worst(curvature, np.ones_like(curvature), 1e-9, 0.0, "the constant curvature")
    elif kind == "exact":
        expected = differences(on.gradient, on.raw, STEP)
        if on.raw.ndim == 2:
            expected = np.diagonal(expected, axis1=1, axis2=2)
        yield from worst(curvature[rows], expected[rows], 1e-5, 1e-7, "the derivative of gradient()")
    elif kind == "gauss-newton":
        expected = 2.0 * differences(loss.response, on.raw, STEP) ** 2
        yield from worst(curvature[rows], expected[rows], 1e-5, 1e-9, "twice the squared slope of the response")
    elif kind == "bound":
        hessian = differences(on.gradient, on.raw, STEP)
        gap = curvature[:, :, None] * np.eye(loss.n_outputs) - hessian
        least = np.linalg.eigvalsh(0.5 * (gap + gap.transpose(0, 2, 1))).min(axis=1)[rows]
        if least.min() < -1e-6:
            yield f"it does not dominate the Hessian: the least eigenvalue of the difference is {least.min():.3g}"
    elif kind == "consistent":
        yield from _consistent(on, curvature)
    elif kind == "expected":
        yield from _expected(on)
    elif kind == "majorizer":
        yield from _majorizer(on)


def _consistent(on: Trial, curvature: np.ndarray) -> Iterator[str]:
    """Yield where the smoothed gradient has the wrong sign, or a row's own step raises its loss."""
    smoothed, _ = on.loss._float64_derivatives(on.y, on.raw)
    against = smoothed * on.gradient(on.raw) < 0
    if against.any():
        yield f"the engines' gradient has the other sign than gradient() in row {np.flatnonzero(against)[0]}"
    before, after = on.pointwise(on.raw), on.pointwise(on.raw - smoothed / curvature)
    excess = after - before
    if excess.max() > 1e-9 * (1 + np.abs(before).max()):
        at = int(excess.argmax())
        yield f"a full Newton step of row {at} alone takes its loss from {before[at]:.6g} to {after[at]:.6g}"


def _majorizer(on: Trial) -> Iterator[str]:
    """Yield the step and row where the parabola is furthest below the loss.

    The parabola is that of `_derivatives`; a loss that is almost a kink may give the engines a smoothed one.
    """
    curvature = np.broadcast_to(on.loss._derivatives(on.y.astype(np.float64), on.raw)[1], on.raw.shape)
    value, slope = on.pointwise(on.raw), on.gradient(on.raw)
    rng = np.random.default_rng(2)
    worst = (0.0, 0.0, 0)
    # Raw predictions are of the order of 2 here: no leaf steps further. Between steps a tenth apart, neither the
    # loss nor the parabola bends enough to hide a mistake.
    for step in np.linspace(-30, 30, 601):
        d = np.full_like(on.raw, step) if on.raw.ndim == 1 else step * rng.standard_normal(on.raw.shape)
        parabola = value + (slope * d + 0.5 * curvature * d**2).reshape(len(on.y), -1).sum(axis=1)
        excess = on.pointwise(on.raw + d) - parabola
        worst = max(worst, (float(excess.max()), float(step), int(excess.argmax())))
    if worst[0] > 1e-7 * (1 + np.abs(value).max()):
        yield f"no majorizer: a step of {worst[1]:.3g} in row {worst[2]} is {worst[0]:.3g} above the parabola"


def _expected(on: Trial) -> Iterator[str]:
    """Yield where the curvature is not the mean second derivative over targets drawn from the noise.

    The curvature is that of `_derivatives`: a distribution may give the engines a larger one, for shorter steps.
    """
    if on.loss.noise is None:
        yield "an expected curvature needs noise, the distribution of the target for a prediction"
        return
    # Half as far out: otherwise the mean may consist of one draw in a thousand.
    raw = 0.5 * on.raw[:20]
    noise = on.loss.noise.distribution(on.loss.response(raw), 1.0)
    drawn = np.asarray(noise.rvs(size=(DRAWS, len(raw)), random_state=4), dtype=np.float64)
    # A draw may be closer to the end of the domain than a target can be; such rows are left out of the mean.
    rows = np.array([on.loss.domain.accepts(of_row) for of_row in drawn.T])
    if not rows.any():
        return
    drawn, raw = drawn[:, rows], raw[rows]
    fisher = np.broadcast_to(on.loss._derivatives(on.y[:20][rows].astype(np.float64), raw)[1], raw.shape)
    tiled = np.tile(raw, (DRAWS, *(1,) * (raw.ndim - 1)))
    gradient = partial(on.loss.gradient, drawn.ravel())
    if on.loss.noise.likelihood:
        # For a log-likelihood it is the mean of the squared gradient, even where kinks have no second derivative.
        second = np.square(gradient(tiled))
    else:
        # A small step: a spread of exp(-5) is as wide as several.
        slopes = differences(gradient, tiled, 1e-2 * STEP)
        second = slopes if raw.ndim == 1 else np.diagonal(slopes, axis1=1, axis2=2)
    ratio = second.reshape(DRAWS, *raw.shape) / fisher
    error = ratio.std(axis=0) / np.sqrt(DRAWS)
    # Five standard errors of all rows together, for each output: 1e-6 of correct curvatures are further off.
    mean, pooled = ratio.mean(axis=(0, 1)), np.sqrt(np.square(error).sum(axis=0)) / len(raw)
    miss = np.abs(mean - 1.0) - 5.0 * pooled - 1e-6
    if miss.max() > 0:
        at = int(np.argmax(miss))
        what = f" of output {at}" if raw.ndim == 2 else ""
        yield (
            f"the mean second derivative{what} over targets drawn from the noise is"
            f" {np.ravel(mean)[at]:.3f} ± {np.ravel(pooled)[at]:.3f} times the curvature"
        )
    # And for single rows, since the mean over all may be right by chance.
    far = np.abs(ratio.mean(axis=0) - 1.0) - np.maximum(10.0 * error, 0.2)
    if miss.max() <= 0 and far.max() > 0:
        at_row = np.unravel_index(far.argmax(), far.shape)
        yield (
            f"the mean second derivative over targets drawn from the noise is {ratio.mean(axis=0)[at_row]:.3f} ±"
            f" {error[at_row]:.3f} times the curvature in row {np.flatnonzero(rows)[at_row[0]]}"
        )


FORMULAS = (_pointwise, _gradient, _curvature)
