"""The thresholds of ordered classes beside raw predictions, of largest likelihood, by a few Newton steps.

Their negative log-likelihood is convex, and each threshold meets only its two neighbours in it, so a step solves a
tridiagonal system of n_classes - 1 equations, whose numbers are sums over the rows of each class.

Where all of them are is then set aside: a constant in the raw predictions says the same, and the trees find that.
Were it found twice, two classes would not be trained as under the cross-entropy of one probability.
"""

from __future__ import annotations

import numpy as np
from scipy import special
from scipy.linalg import solveh_banded

from ..contract.driver import blocks
from ..sampling import SAMPLE_ROWS

__all__ = ["sigmoid_and_slope", "thresholds"]

# A share below this is indistinguishable from none, as for links of probabilities: the gap between two thresholds
# that such a class needs would be lost in the rounding of the thresholds.
LEAST_SHARE = 1e-12
# Of a class without rows the likelihood says that it has none: its probability would go to 0, and a new row of it
# would cost infinitely much. This is half a row (the prior of Jeffreys) of a sample: on a cluster thresholds are
# those of a sample, in which rare classes may be without rows.
SHARE_OF_NONE = 0.5 / SAMPLE_ROWS
# A Newton step of this size leaves an error of its square, which no prediction shows. In a training it may be
# larger: the next round takes it off, and half of the time is saved.
NEAR, NEAR_FOR_A_ROUND = 1e-4, 1e-2
# From the thresholds of the round before two or three steps are needed, from quantiles five to ten. Where raw
# predictions of thousands contradict the labels there may be no end of them; the next round goes on.
STEPS = 30


def thresholds(
    label: np.ndarray,
    raw_prediction: np.ndarray,
    weight: np.ndarray | None,
    n_classes: int,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """Return the thresholds of largest likelihood beside raw predictions, moved together to where labels put them.

    Parameters
    ----------
    label : ndarray of int of shape (n_samples,)
        Classes, from 0 to n_classes - 1; some may have no rows.
    raw_prediction : ndarray of shape (n_samples,)
        Raw predictions.
    weight : ndarray of shape (n_samples,), optional
        Weights, not all 0. Rows of weight 0 do not count.
    n_classes : int
        The number of classes.
    near : ndarray of shape (n_classes - 1,), optional
        Thresholds to start from; by default they are found from quantiles.

    Returns
    -------
    ndarray of shape (n_classes - 1,)
        Increasing finite numbers.

    Examples
    --------
    >>> thresholds(np.array([0, 1, 1, 2]), np.zeros(4), None, 3).round(4).tolist()  # logits of 1/4 and 3/4
    [-1.0986, 1.0986]
    """
    sums = np.bincount(label, weight, n_classes)
    total = sums.sum()
    known = sums > LEAST_SHARE * total
    present = np.flatnonzero(known)
    if weight is not None and not (weight.all() and known.all()):
        counted = (weight > 0) & known[label]
        label, raw_prediction, weight = label[counted], raw_prediction[counted], weight[counted]
    share = np.cumsum(sums[present])[:-1] / total
    by_label = special.logit(share)
    inner = by_label
    if len(inner) > 1:
        # Right where all raw predictions are equal, and where they tell the classes apart.
        start = np.quantile(raw_prediction, share) + by_label if near is None else near[present[1:] - 1]
        near_enough = NEAR if near is None else NEAR_FOR_A_ROUND
        inner = _newton(
            label if len(present) == n_classes else np.searchsorted(present, label),
            raw_prediction,
            weight,
            sums[present],
            start,
            near_enough,
        )
        # A mean in which rare classes, of uncertain logits, count little.
        information = share * (1.0 - share)
        inner = inner + information @ (by_label - inner) / information.sum()
    return _with_absent(inner, present, n_classes, raw_prediction)


def _newton(
    place: np.ndarray,
    raw_prediction: np.ndarray,
    weight: np.ndarray | None,
    sums: np.ndarray,
    inner: np.ndarray,
    near_enough: float,
) -> np.ndarray:
    """Return thresholds between classes that all have rows, by damped Newton steps."""
    for _ in range(STEPS):
        step, slack = _step(place, raw_prediction, weight, sums, inner)
        # In a direction along which arguments of exponentials change by at most this, it cannot overshoot, and no
        # gap loses more than half (Bach 2010, on generalised self-concordance).
        size = max(float(np.abs(step).max()), slack)
        moved = inner + step / (1.0 + size if size > near_enough else 1.0)
        if not (np.isfinite(size) and (np.diff(moved) > 0).all()):
            break  # by rounding alone
        inner = moved
        if size <= near_enough:
            break
    return inner


def _step(
    place: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None, sums: np.ndarray, inner: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the Newton step of the thresholds, and the largest relative loss of a gap, twice."""
    low, high = np.append(-np.inf, inner), np.append(inner, np.inf)
    # By class: the sums of what pulls its lower and its upper end, and of how that changes.
    pull = np.zeros((4, len(sums)))
    for rows in blocks(len(place)):
        k, f, w = place[rows], raw_prediction[rows].astype(np.float64), None if weight is None else weight[rows]
        for part, x in ((0, low[k] - f), (2, f - high[k])):
            p, slope = sigmoid_and_slope(x)
            for i, values in enumerate((p, slope)):
                pull[part + i] += np.bincount(k, values if w is None else w * values, len(sums))
    gaps = np.diff(inner)
    # -log(1 - exp(-gap)), the part of the loss that keeps the ends of a class apart.
    apart = np.exp(-gaps) / -np.expm1(-gaps)
    tension = sums[1:-1] * apart
    slope = pull[0, 1:] - pull[2, :-1]
    slope[:-1] += tension
    slope[1:] -= tension
    tension = tension * (1.0 + apart)
    hessian = np.zeros((2, len(inner)))
    hessian[1] = pull[1, 1:] + pull[3, :-1]
    hessian[1, :-1] += tension
    hessian[1, 1:] += tension
    hessian[0, 1:] = -tension
    # Where all rows are far from a threshold, nothing holds it.
    hessian[1] += np.finfo(np.float64).eps * (hessian[1].max() + sums.sum())
    # Of a single threshold SciPy wants the diagonal alone.
    step = -np.asarray(solveh_banded(hessian[-min(len(inner), 2) :], slope))
    lost = np.maximum(-np.diff(step), 0.0) / np.tanh(0.5 * gaps)
    return step, float(lost.max(initial=0.0))


def sigmoid_and_slope(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return s(x) = 1/(1 + exp(-x)) and its derivative, precise far out on either side; x may be infinite."""
    slope = np.abs(x)
    np.exp(np.negative(slope, out=slope), out=slope)
    larger = slope + x.dtype.type(1)
    np.reciprocal(larger, out=larger)
    slope *= larger
    p = np.where(x > 0, larger, slope)
    slope *= larger
    return p, slope


def _with_absent(inner: np.ndarray, present: np.ndarray, n_classes: int, raw_prediction: np.ndarray) -> np.ndarray:
    """Return thresholds between all classes, those without rows as rare as `SHARE_OF_NONE`."""
    first, above = int(present[0]), n_classes - 1 - int(present[-1])
    far = special.logit(SHARE_OF_NONE)
    lowest = np.min(inner, initial=raw_prediction.min()) + far
    highest = np.max(inner, initial=raw_prediction.max()) - far
    between = np.repeat(inner, np.diff(present))
    # A class in between that has no rows, whose thresholds are equal so far, is as wide as its share.
    between += SHARE_OF_NONE * np.cumsum(np.diff(between, prepend=-np.inf) == 0)
    return np.concatenate([lowest + np.arange(1.0 - first, 1.0), between, highest + np.arange(1.0 * above)])
