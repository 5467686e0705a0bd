"""The checks of `check_loss` on targets other than the trial's: large ones, the ends of a domain, many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..contract import Loss
from ..contract.domain import LARGEST
from ..contract.links import IDENTITY, LOG, Link
from ..contract.start import constant_rows
from .formulas import FORMULAS
from .regret import best_constant
from .trial import Trial, worst

__all__ = ["TARGETS"]

# Multiples of the trial's targets, which are about 2: beyond 20, and beyond 170, the last factorial in float64.
SIZES = (20.0, 300.0)
# Together more rows than a start value is ever computed from at once: some mistakes show in no smaller set.
MANY = (17, 100, 550)


def _other_targets(on: Trial) -> Iterator[str]:
    """Check the formulas again where targets are large."""
    for size in SIZES:
        y = np.round(size * on.y) if _whole(on.y) else size * on.y
        if on.y.ndim == 2 or on.loss.classifies or not on.loss.domain.accepts(y):
            return
        start = np.asarray(on.loss.initial_raw(y), dtype=np.float64)
        # Around where training begins, as far as the trial's raw predictions are around 0. An output of the
        # target's logarithm has moved by that of the size instead of growing with it.
        moved = np.isclose(start - np.asarray(on.loss.initial_raw(on.y)), np.log(size), 0.0, 0.01)
        identity = np.array([link == IDENTITY for link in _links(on)])
        unit = np.where(identity, np.where(moved, 1.0, size), 0.3)
        far = replace(on, y=y, raw=start + np.squeeze(unit) * on.raw)
        for check in FORMULAS:
            problems = list(check(far))
            yield from (f"of targets from {y.min():.4g} to {y.max():.4g}: {problem}" for problem in problems)
            if problems:
                return  # what follows from it would be noise


def _ends(on: Trial) -> Iterator[str]:
    """Look for NaN and infinity where a target is at an end of the domain."""
    loss = on.loss
    for end in (loss.domain.low, loss.domain.high):
        y = np.full(len(on.y), end)
        if abs(end) == LARGEST or on.y.ndim == 2 or not loss.domain.accepts(y):
            continue
        mixed = np.where(np.arange(len(y)) % 2 == 0, y, on.y)
        if not loss.domain.accepts(mixed):
            continue
        for name, array in _numbers(loss, mixed, on.raw):
            if not np.isfinite(array).all():
                yield f"the {name} is {array[~np.isfinite(array)][0]} where the target is {end:.4g}"
                return  # what is computed from it may raise


def _numbers(loss: Loss, y: np.ndarray, raw: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield everything that a loss computes from rows, lazily."""
    yield "loss", loss.pointwise(y, raw)
    yield from zip(("gradient", "Hessian"), loss.gradient_hessian(y, raw), strict=True)
    yield "start value", np.atleast_1d(loss.initial_raw(y))


def _inverse(on: Trial) -> Iterator[str]:
    """Go from raw predictions to responses, back, and to responses again."""
    links = _links(on)
    for link in (link for i, link in enumerate(links) if link not in links[:i]):
        once = np.asarray(link.inverse(on.raw))
        again = np.asarray(link.inverse(link.forward(once)))
        # A link of probabilities stops 1e-12 short of 0 and 1.
        yield from worst(again, once, 1e-6, 1e-9, f"the response of link {link.name}, forward and back,")


def _outputs(on: Trial) -> Iterator[str]:
    """Look for outputs in an order other than the formulas': one for a location has the unit of the target."""
    log, identity = (np.array([link == kind for link in _links(on)]) for kind in (LOG, IDENTITY))
    both = log.any() and identity.any() and (log | identity).all()
    y = 10.0 * on.y
    if not on.loss.outputs or not both or not on.loss.domain.accepts(y):
        return
    before, after = (np.asarray(on.loss.initial_raw(target), dtype=np.float64) for target in (on.y, y))
    times, plus = (np.isclose(after, other, 1e-3, 1e-3) for other in (10.0 * before, before + np.log(10.0)))
    stretched, moved = log & times & ~plus, identity & plus & ~times
    if stretched.any() and moved.any():
        i, j = int(stretched.argmax()), int(moved.argmax())
        yield (
            f"with targets ten times as large output {i}, of link log, goes from {before[i]:.4g} to"
            f" {after[i]:.4g}, and output {j}, of link identity, from {before[j]:.4g} to {after[j]:.4g}: are the"
            " outputs in the order of the formulas' columns?"
        )


def _start_of_many(on: Trial) -> Iterator[str]:
    """Compare the start value of the rows with that of the same ones many times."""
    y = on.y[np.argsort(on.y if on.y.ndim == 1 else on.y[:, 0])]
    n = len(y)

    def losses(start: float | np.ndarray) -> np.ndarray:
        return on.loss.pointwise(y, constant_rows(start, n))

    few = losses(on.loss.initial_raw(y))
    for times in MANY:
        start = on.loss.initial_raw(np.repeat(y, times, axis=0))
        many = losses(start)
        # For several outputs with kinks, a sample has to do if there are many rows.
        if not many.mean() <= few.mean() + 1e-3 * few.std() + 1e-9 * abs(few.mean()):
            yield (
                f"the start value of {n * times:,} rows, {start}, has loss {many.mean():.6g}, that of {n} rows"
                f" of the same shares {few.mean():.6g}"
            )


def _link(on: Trial) -> Iterator[str]:
    """Compare how each row's own minimiser and the link of its target grow.

    They need not be the same: a smoothed quantile of one row lies above it, by the same amount for any target.
    """
    loss = on.loss
    if loss.n_outputs > 1 or loss.classifies:
        return  # for classes, weights and smoothing move the minimiser: see `_classes`
    y = np.concatenate([size * on.y for size in (1.0, 10.0, 100.0) if loss.domain.accepts(size * on.y)])
    y = np.unique(y[y != 0])  # where a link of logarithms ends
    y = y[np.linspace(0, len(y) - 1, 12, dtype=np.intp)]
    linked = np.asarray(loss.link.forward(y))
    own = np.array([best_constant(loss, np.full(2, target))[0] for target in y])
    if np.ptp(linked) == 0:
        return
    slope = np.polyfit(linked, own, 1)[0]
    # Detects a minimiser that is another function of the target: its logarithm instead of itself, or its double.
    if not abs(slope - 1.0) < 0.2:
        low, high = int(np.argmin(y)), int(np.argmax(y))
        yield (
            f"for targets of {y[low]:.4g} and {y[high]:.4g} the loss is least at raw predictions of {own[low]:.4g}"
            f" and {own[high]:.4g}, which the link takes to {linked[low]:.4g} and {linked[high]:.4g}:"
            f" is the link {loss.link.name}?"
        )


def _whole(y: np.ndarray) -> bool:
    return bool((y == np.round(y)).all())


def _links(on: Trial) -> list[Link]:
    return [output.link for output in on.loss.outputs] or [on.loss.link]


TARGETS = (_other_targets, _ends, _inverse, _outputs, _start_of_many, _link)
