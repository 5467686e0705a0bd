"""The checks of `check_loss` on how a loss behaves: each yields what is wrong, with numbers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.base import clone

from ..contract import Loss
from ..contract.links import IDENTITY
from ..contract.start import constant_rows
from .trial import Trial, as_trained, trained, worst

__all__ = ["BEHAVIOUR"]


def _weights(on: Trial) -> Iterator[str]:
    """Weights multiply; up to one constant per output, the engines get what `gradient` and `curvature` say.

    A smoothed loss has another gradient; for a consistent pair `_consistent` checks it.
    """
    column = on.weight.reshape((-1,) + (1,) * (on.raw.ndim - 1))
    plain = on.loss.gradient_hessian(on.y, on.raw)
    own = on.loss._float64_derivatives(on.y, on.raw)[0] if on.softened else on.gradient(on.raw)
    given = own, on.loss.curvature(on.y, on.raw)
    constant = np.sum(plain[0] * given[0], axis=0) / np.sum(given[0] ** 2, axis=0)
    if not np.all(constant > 0):
        yield f"the engines' gradient is {constant} times gradient()"
    for name, got, wanted in zip(("gradient", "Hessian"), plain, given, strict=True):
        size = np.abs(wanted).max()
        yield from worst(got / constant, wanted, 1e-4, 1e-5 * size, f"the engines' {name}")
    weighted = on.loss.gradient_hessian(on.y, on.raw, on.weight)
    if not on.softened:  # a smoothed loss's widths are weighted too
        expected = given[0] * column
        constant = np.sum(weighted[0] * expected, axis=0) / np.sum(expected**2, axis=0)
        yield from worst(
            weighted[0] / constant, expected, 1e-4, 1e-5 * np.abs(expected).max(), "the weighted gradient"
        )
    without = np.arange(len(on.y)) % 3 == 0
    for name, part in zip(
        ("gradient", "Hessian"),
        on.loss.gradient_hessian(on.y, on.raw, np.where(without, 0.0, on.weight)),
        strict=True,
    ):
        if np.any(part[without]):
            yield f"the {name} of rows of weight 0 is not 0, but up to {np.abs(part[without]).max():.3g}"
    twice = on.loss.gradient_hessian(on.y, on.raw, 2.0 * on.weight)
    for name, once, doubled in zip(("gradient", "Hessian"), weighted, twice, strict=True):
        yield from worst(doubled, 2.0 * once, 1e-4, 1e-7, f"the {name} under doubled weights")


def _initial_raw(on: Trial) -> Iterator[str]:
    k = on.loss.n_outputs
    for weight in (None, on.weight * (np.arange(len(on.y)) % 7 > 1)):
        what = "the start value" if weight is None else "the weighted start value"
        start = np.asarray(on.loss.initial_raw(on.y, weight), dtype=np.float64)
        if start.shape != (() if k == 1 else (k,)) or not np.isfinite(start).all():
            yield f"{what} must be {'a number' if k == 1 else f'{k} numbers'}, got {start}"
            continue

        def value(constant: np.ndarray, weight: np.ndarray | None = weight) -> float:
            return on.loss.value(on.y, constant_rows(constant[0] if k == 1 else constant, len(on.y)), weight)

        settings = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 400 * k}
        best = minimize(value, np.atleast_1d(start) + 0.1, method="Nelder-Mead", options=settings)
        here = value(np.atleast_1d(start))
        if here > best.fun + 1e-6 * (1 + abs(best.fun)):
            yield f"{what} {start} has loss {here:.6g}, {best.x} has {best.fun:.6g}"


def _at_the_target(on: Trial) -> Iterator[str]:
    """Where raw prediction and target are equal, or 0, gradient divided by curvature may be 0/0."""
    rows = {"0": np.zeros_like(on.raw)}
    if on.raw.ndim == on.y.ndim:
        rows["the target"] = on.y.copy()
    for what, raw in rows.items():
        raw[: len(raw) // 2] = on.raw[: len(raw) // 2]
        for name, array in zip(("gradient", "Hessian"), on.loss.gradient_hessian(on.y, raw), strict=True):
            if not np.isfinite(array).all():
                yield f"the {name} is {array[~np.isfinite(array)][0]} where raw predictions are {what}"


def _newton_step(on: Trial) -> Iterator[str]:
    """Look for a curvature that vanishes where the gradient does not: unbounded leaves."""
    if on.loss.outputs:
        return  # a spread that is far off may call for any step
    # Further than leaves step from here, and where a sigmoid's slope is 1e-13.
    for raw in (on.raw + 30.0, on.raw - 30.0):
        rows = np.isfinite(on.loss.response(raw)).reshape(len(raw), -1).all(axis=1)
        gradient, curvature = on.gradient(raw)[rows], on.loss.curvature(on.y, raw)[rows]
        step = np.abs(gradient) / curvature
        # What float32 holds, less room for sums of many rows.
        if step.size and step.max() > 1e20:
            at = np.unravel_index(step.argmax(), step.shape)
            yield f"the curvature vanishes: {curvature[at]:.2g} at a gradient of {gradient[at]:.2g}"


def _input(on: Trial) -> Iterator[str]:
    """Precision and memory layout of the input make no difference, and the input is not changed."""
    raw32, y, raw = on.raw.astype(np.float32), on.y.copy(), on.raw.copy()
    expected = on.loss.gradient_hessian(on.y, raw32)
    on.loss.gradient_hessian(y, raw)
    if not (np.array_equal(y, on.y, equal_nan=True) and np.array_equal(raw, on.raw)):
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
            ("gradient", "Hessian"), on.loss.gradient_hessian(on.y, variant), expected, strict=True
        ):
            if got.dtype != np.float32:
                yield f"the {part} is {got.dtype}, float32 expected"
            yield from worst(got, wanted, 1e-4, 1e-6 * np.abs(wanted).max(), f"the {part} of {name} input")
    try:
        on.loss.gradient_hessian(on.y[1:], on.raw)
        yield "no ValueError for targets and predictions of different length"
    except ValueError:
        pass


def _value_object(on: Trial) -> Iterator[str]:
    loss = on.loss
    before = repr(loss)
    on.loss.gradient_hessian(on.y, on.raw)
    own = vars(loss).keys() - {"summary"}  # which `check_loss` has given it
    params = loss.get_params(deep=False)
    if own != params.keys() or repr(loss) != before:
        yield f"it must hold its hyper-parameters and nothing else, it holds {sorted(vars(loss))}"
    kinds = {type(held).__name__: type(held) for held in (loss, *params.values()) if isinstance(held, Loss)}
    copies: dict[str, Callable[[], Any]] = {
        "pickle": lambda: pickle.loads(pickle.dumps(loss)),
        "clone": lambda: clone(loss),
        "repr": lambda: eval(repr(loss), {"nan": np.nan, **kinds}),
    }
    for name, copied in copies.items():
        try:
            if copied() != loss:
                yield f"{name} gives another loss: {copied()!r}"
        except Exception as error:
            yield f"{name} fails: {type(error).__name__}: {error}"


def _classes(on: Trial) -> Iterator[str]:
    """Labels are targets, the right one has the smaller loss, and a response with a link is a probability."""
    loss = on.loss
    if not loss.classifies:
        return
    labels = np.arange(max(2, loss.n_outputs), dtype=float)
    try:
        loss.check_target(labels)
    except ValueError as error:
        yield f"classifies is True, but labels are not valid targets: {error}"
        return
    if loss.n_classes != len(labels):
        return  # it tells classes in a way of its own
    sure = 4.0 * (2.0 * labels - 1.0 if loss.n_outputs == 1 else 2.0 * np.eye(len(labels)) - 1.0)
    right, wrong = loss.pointwise(labels, sure), loss.pointwise(labels, -sure)
    if bad := np.flatnonzero(right >= wrong).tolist():
        yield (
            f"classifies is True, but label {bad[0]} has a loss of {right[bad[0]]:.4g} where the raw prediction is"
            f" {sure[bad[0]]}, and of {wrong[bad[0]]:.4g} where it is {-sure[bad[0]]}"
        )
    response = loss.response(sure)
    if loss.link != IDENTITY and not ((response >= 0) & (response <= 1)).all():
        yield f"classifies is True, but a response is no probability: {response.min():.4g} to {response.max():.4g}"


def _training(on: Trial) -> Iterator[str]:
    """Train a few rounds on a feature that determines the target, on each engine that is installed."""
    loss, rng = on.loss, np.random.default_rng(3)
    rows = np.resize(np.arange(len(on.y)), max(300, len(on.y)))
    y = on.y[rows]
    told = y if y.ndim == 1 else y.argmax(axis=1)
    X = np.column_stack([told + 0.01 * rng.standard_normal(len(y)), rng.standard_normal(len(y))])
    start = constant_rows(loss.initial_raw(y), len(y))
    before = as_trained(loss, y, start).value(y, start)
    # The possible gain: a loss need not be 0 at its target.
    known = loss.n_outputs == 1 and not (loss.classifies and loss.link == IDENTITY)
    least = loss.value(y, loss.link.forward(y)) if known else 0.0
    for name, raw, warned in trained(loss, X, y):
        yield from warned
        after = as_trained(loss, y, raw).value(y, raw)
        if not after < before - 1e-3 * abs(before - least):
            yield f"20 rounds of {name} took the loss from {before:.6g} to {after:.6g}"


BEHAVIOUR = (
    _weights,
    _initial_raw,
    _at_the_target,
    _newton_step,
    _input,
    _value_object,
    _classes,
    _training,
)
