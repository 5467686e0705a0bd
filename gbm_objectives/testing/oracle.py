"""The check of `check_loss` on where training ends: its regret on targets whose best model is known."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from ..contract import Loss
from ..contract.domain import LARGEST
from ..contract.links import IDENTITY
from ..contract.start import constant_rows
from .regret import ROUNDS, best_constant, trained_to_the_end
from .trial import Trial

__all__ = ["ORACLE"]

LEVELS = 5
ROWS = 200  # in each of them
UNITS = (1.0, 1e-6, 1e6)
# The median's pair used for the .9 quantile leaves 1.2. A correct .95 quantile leaves .008, a smooth loss nothing.
LIMIT = 0.05
# The smoothed pull of rows that all sit on one kink balances next to it: the hinge loss of labels written with
# `consistent_pair` or as a formula leaves .05 to .25.
LIMIT_AT_ATOMS = 0.25
# A quantile with fewer of a level's rows than this on one side is approached by ever smaller steps: the .02
# quantile, with four, leaves .07, the .01 quantile .37.
FEW = 8


def _regret(on: Trial) -> Iterator[str]:
    """Train on targets in several units, on each engine, and see where it ends."""
    loss, (what, y, level) = on.loss, _targets(on)
    at_atoms = loss.curvature_kind == "consistent" and len(np.unique(y, axis=0)) < len(y) / 2
    limit = LIMIT_AT_ATOMS if at_atoms else LIMIT
    # What a constant curvature fits depends on the unit, as documented.
    units = UNITS if loss.has_unit and loss.curvature_kind != "constant" and y.ndim == 1 else UNITS[:1]
    for unit in units:
        scaled = unit * y
        if not loss.domain.accepts(scaled) or (unit != 1.0 and _trains_alike(loss, y, unit)):
            continue
        known = loss.resolved(scaled)
        try:
            known._check_start(scaled, constant_rows(known.initial_raw(scaled), len(scaled)), None)
        except ValueError:
            continue  # the loss itself says that it is not for such targets
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about losses that rise: this shows in the regret
            ends = trained_to_the_end(loss, scaled, level, limit)
        missed = {engine: end for engine, end in ends.items() if not end[0] <= limit}
        if not missed or not _is_downhill(known, scaled, level) or _decided_by_few(known, scaled, level):
            continue
        for engine, (regret, raw) in missed.items():
            found = f"on {what} in units of {unit:g} {engine} leaves {regret:.1%} of what there is to gain"
            n = ROUNDS[-1]
            if not _is_under_way(known, scaled, level, raw):
                where = _where(known, scaled, level, raw)
                yield f"{found}: gradient and curvature lead elsewhere than pointwise{where}"
            elif unit == 1.0:
                yield f"{found} after {n} rounds: steps are too short, or a few rows hold most of the Hessian"
            else:
                on.remarks.append(
                    f"{found} after {n} rounds, as if a size were fixed in the unit of the target: make it a"
                    " parameter, or take it from the residuals as KinkedLoss does"
                )
        return


def _targets(on: Trial) -> tuple[str, np.ndarray, np.ndarray]:
    """Return targets that the loss accepts, a description of them, and the level of each row."""
    loss, rng = on.loss, np.random.default_rng(7)
    level = np.repeat(np.arange(LEVELS), ROWS)
    centre = np.array([1.0, 3.0, 0.0, 4.0, 2.0])[level]
    # Skewed, so that mean, median and mode differ.
    noise = rng.gamma(2.0, 0.5, len(level))
    low, high = loss.domain.low, loss.domain.high
    share = (centre + 0.5) / LEVELS
    between = rng.beta(3.0 * share, 3.0 * (1.0 - share))
    k = max(loss.n_outputs, loss.n_classes, 2)
    labels = np.where(rng.random(len(level)) < 0.5, level, rng.integers(0, k, len(level))) % k
    candidates: dict[str, np.ndarray] = {}
    if loss.classifies and k > 2:
        candidates["labels"] = labels.astype(np.float64)
    if low > -LARGEST and high < LARGEST:
        candidates["numbers between the ends of the domain"] = low + (high - low) * between
        candidates["labels 0 and 1"] = (between > rng.random(len(level))).astype(np.float64)
    elif high < LARGEST:
        candidates["skewed numbers"] = high - 0.1 - centre - noise
    else:
        # Away from 0, where a percentage of the target is unbounded.
        offset = 2.0 if low <= -LARGEST else low + 0.1
        candidates["skewed numbers"] = offset + centre + noise
    candidates["counts"] = rng.poisson(3.0 * (0.5 + centre) * noise).astype(np.float64)
    for what, y in candidates.items():
        if loss.domain.accepts(y):
            return what, y, level
    # Those of the trial, ordered by size up to some noise.
    order = np.argsort(on.y if on.y.ndim == 1 else on.y.argmax(axis=1), kind="stable")
    rank = np.argsort(np.argsort(np.arange(len(order)) + 0.3 * len(order) * rng.standard_normal(len(order))))
    rows = np.resize(np.arange(len(order)), LEVELS * ROWS)
    return "the targets given", on.y[order[rows]], (rank[rows] * LEVELS) // len(order)


def _trains_alike(loss: Loss, y: np.ndarray, unit: float) -> bool:
    """Return whether the rows' steps scale with the unit of the target: training then need not be repeated."""
    links = [output.link for output in loss.outputs] or [loss.link] * loss.n_outputs
    deviation = np.random.default_rng(8).standard_normal((len(y), len(links)))
    deviation *= [float(np.std(y)) if link == IDENTITY else 0.3 for link in links]
    steps, hessians = [], []
    for size in (1.0, unit):
        target, of_output = size * y, np.array([size if link == IDENTITY else 1.0 for link in links])
        known = loss.resolved(target)
        raw = np.asarray(known.initial_raw(target)) + of_output * deviation
        gradient, hessian = known.gradient_hessian(target, raw if loss.n_outputs > 1 else raw[:, 0])
        steps.append(np.reshape(gradient / hessian, raw.shape) / of_output)
        hessians.append(np.reshape(hessian, raw.shape))
    return all(np.allclose(one, other, 0.01, 0.01 * np.abs(one).mean()) for one, other in (steps, hessians))


def _is_downhill(loss: Loss, y: np.ndarray, level: np.ndarray) -> bool:
    """Return whether the mean loss falls all the way from the best constant to each level's best.

    It always does if a loss is convex. A loss that is not may have a plateau or a hill there, where a descent may
    legitimately end: nothing is promised then.
    """
    start, _ = best_constant(loss, y)
    for k in np.unique(level):
        rows = y[level == k]
        end, _ = best_constant(loss, rows)
        way = [start + t * (end - start) for t in np.linspace(0.0, 1.0, 21)]
        values = np.array([loss.value(rows, constant_rows(raw, len(rows))) for raw in way])
        fallen, total = values[0] - values, values[0] - values[-1]
        # A convex loss falls at least in proportion to the way; with a tenth of that, the rounds still suffice.
        if (np.diff(values) > 1e-9 * total).any() or (fallen < 0.1 * total * np.linspace(0.0, 1.0, 21)).any():
            return False
    return True


def _is_under_way(loss: Loss, y: np.ndarray, level: np.ndarray, raw: np.ndarray) -> bool:
    """Return whether the engines' gradient still points to the best of a level, which would thus be reached."""
    gradient, _ = loss.gradient_hessian(y, raw)
    for k in np.unique(level):
        rows = level == k
        way = best_constant(loss, y[rows])[0] - raw[rows].mean(axis=0)
        # Once training has ended, the pulls of a level's rows cancel, up to rounding and a last step.
        pull = gradient[rows].sum(axis=0, dtype=np.float64)
        if (pull * way < -0.01 * np.abs(gradient[rows]).sum(axis=0) * np.abs(way)).any():
            return True
    return False


def _where(loss: Loss, y: np.ndarray, level: np.ndarray, raw: np.ndarray) -> str:
    """Describe the level in which a training with one output ends farthest from the best."""
    if loss.n_outputs > 1:
        return ""
    best = {k: float(best_constant(loss, y[level == k])[0]) for k in np.unique(level)}
    k = max(best, key=lambda k: abs(best[k] - raw[level == k].mean()))
    return f", to {raw[level == k].mean():.4g} where the mean loss is least at {best[k]:.4g}"


def _decided_by_few(loss: Loss, y: np.ndarray, level: np.ndarray) -> bool:
    """Return whether the minimiser of a loss with a kink has only a few of a level's rows on one of its sides."""
    if loss.n_outputs > 1 or loss.classifies or loss.curvature_kind != "consistent":
        return False
    sides = []
    for k in np.unique(level):
        above = np.sum(loss.link.forward(y[level == k]) > best_constant(loss, y[level == k])[0])
        sides += [above, np.sum(level == k) - above]
    return min(sides) < FEW


ORACLE = (_regret,)
