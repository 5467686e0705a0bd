"""Consistent pairs and widths of residuals: how an L1-like loss trains with gradient and Hessian alone.

A leaf of a tree gets the Newton step -Σg/Σh of its rows. For |r| the true derivatives are of no use: its second
derivative is 0 almost everywhere, and with the sign of r as gradient no curvature is right both for a row far from
its target and for noise around it. Where it is too small the step overshoots, and what it overshoots by grows with
the learning rate, until training diverges. So the engines get a *consistent pair*: the gradient and the curvature
of a loss that is smoothed near its kink, |r| replaced by Huber's function of width s::

    gradient   r/max(|r|, s)                the sign of r from s on
    curvature  1/min(max(|r|, s), 4 s)

Up to 4 s their ratio is r itself: a leaf of one row steps right to its target, whatever s is, and a row further
out than 4 s moves by 4 s. No row overshoots its own target, at learning rates up to 1. (Hunter and Lange 2000,
*Quantile regression via an MM algorithm*, J. Comput. Graph. Stat. 9, 60-77, have the pair with |r| + s in place of
max(|r|, s): its curvature is less flat near the target.) A leaf's step is then one step of iteratively re-weighted
least squares towards its median; in noise it is steadier than the median, since it looks at more than the middle
rows.

What is smoothed is biased: under skewed noise Huber's function is smallest between median and mean. Therefore each
*side* of the target has a width of its own, as large as makes the mean of |gradient| a share p there::

    s = mean of min(|r|, s) / p             over the rows on that side

Both sides then pull with equal force exactly where the rows are shared out as the loss wants them (half and half,
for a quantile alpha to 1 - alpha), whatever the shape of the noise. An outlier counts as s at most, so that few of
them cannot carry the width away; and rows with a residual of exactly 0 (ties, a start at the median), which are on
no side, do not send it to 0.

The share p is 1/4 and half of the learning rate. With a small one the widths are large and a step follows the mean
of a leaf, which is fast, and steady where many small steps average its noise; at a rate of 1 nothing averages it,
and rows that are near already must hold the leaf back (held-out loss at a rate of 1, p of 1/4 and of 3/4: 1.04 and
.97 of LightGBM's own on skewed noise, .99 and .92 on concrete). Where many of the rows of a side are further out
than the s of p = 1/4 (2% are with exponential noise, 6% with Cauchy's), they would make much of its pull and
inflate its width. Therefore p rises on all sides, by the side with most of them (see
`gbm_objectives.losses.widths`).

Beside many equal targets (counts, zeros) and below the low quantiles of skewed noise one side is many times as
narrow as the other. As the gradient's width that is right: were it wider, the fit would rest where the narrow
side's slope balances the other side's pull, off the target. As the curvature's it is too much, since LightGBM
counts rows by it. So the curvature has a width of its own there, which is not as narrow (see `Pace`). A step may
then be too long for rows of the narrow side, by the ratio of both widths; that is never more than the learning
rate takes off it again.

The widths are *local*: rows are grouped by their raw prediction, since noise and skew often change with it. And
where most targets have one value (intermittent demand: most are 0), the rows at this *atom* have widths of their
own: the many that are close to it would else count the few others as outliers, and cut their steps short. Where
no feature tells the others apart, the fit scatters around the atom: of 95% zeros at random the held-out absolute
error came out 1.04 of LightGBM's own, which stays at 0.

All carry the unit of the target, so the trees do not depend on it. Gradient and curvature are finally multiplied
by the one constant that makes the *harmonic* mean of the curvature 1, the same as an average Newton step, so that
`reg_lambda` and `min_child_weight` mean about what they do for squared error. (The arithmetic mean would be that
of the rows with tiny residuals.) Of many rows a sample is enough to know the widths: see
`gbm_objectives.sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["SMALLEST_WIDTH", "Pace", "consistent_pair"]

# A subnormal width would have an infinite reciprocal in float32.
SMALLEST_WIDTH = 1e-37

# Beyond so many widths the curvature falls no further. LightGBM estimates a leaf's rows by its share of the
# Hessian: without this bound rows far out would count as none, and `min_data_in_leaf` would forbid to split them
# off.
FLATNESS = 4.0
# p is LEAST_PULL + PULL_OF_RATE · learning rate. Held out at a rate of 0.1, absolute error is the same for .25 and
# .4, on normal noise 3.5% higher for .6; at 1 it falls by 5% to 17% from .25 to .75.
LEAST_PULL, PULL_OF_RATE = 0.25, 0.5


@dataclass(frozen=True)
class Pace:
    """What the widths follow of a training.

    Parameters
    ----------
    learning_rate : float, default=0.3
        The learning rate, up to 1. Where it is not known, as by an engine's own `train`, the larger one of both
        engines' defaults, with which absolute error loses nothing at the other one either.
    narrowest : float, default=1/20
        The curvature's widths are not below this share of the widest of their group. At 1/10,000 LightGBM, which
        counts rows by curvature, splits off too few of the rows that are not 0 among 95% of zeros: the held-out
        0.9 quantile loss is five times its own. XGBoost does not count, but its penalties shrink their steps:
        absolute error is 1.3 times as high at a rate of 0.03.
    least : float, default=0
        No row's curvature is below this share of the mean, where it depends on other rows: LightGBM would count
        the rows far out as fewer than a leaf must have, and never split them off. With a fifth of 1,000 rows a
        thousand widths away absolute error left them where they were.
    """

    learning_rate: float = 0.3
    narrowest: float = 1.0 / 20.0
    least: float = 0.0

    @property
    def pull(self) -> float:
        """The mean of |gradient| on each side of the target, p in the module's docstring."""
        return LEAST_PULL + PULL_OF_RATE * min(self.learning_rate, 1.0)


def consistent_pair(
    r: np.ndarray, s: np.ndarray, broad: np.ndarray | None = None, flatness: float = FLATNESS
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature of |r|, smoothed within `s`: r/max(|r|, s) and 1/min(max(|r|, s), 4 s).

    Parameters
    ----------
    r, s : ndarray of shape (n_rows,)
        Residuals, and each row's width (or one for all), above 0, in the unit of the residuals.
    broad : ndarray of shape (n_rows,), optional
        Widths for the curvature, if they are others.
    flatness : float, default=4
        Beyond so many widths the curvature falls no further.

    Returns
    -------
    gradient, curvature : ndarray of shape (n_rows,)
        New arrays, of the precision of `r`.

    Examples
    --------
    >>> gradient, curvature = consistent_pair(np.array([0.0, -0.5, 2.0, 8.0]), np.array(1.0))
    >>> gradient.tolist(), curvature.tolist()
    ([0.0, -0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.25])
    """
    curvature = np.abs(r)
    if broad is None:
        np.maximum(curvature, s, out=curvature)
        np.divide(r.dtype.type(1), curvature, out=curvature)
        gradient = r * curvature
    else:
        gradient = r / np.maximum(curvature, s)
        s = broad
        np.maximum(curvature, s, out=curvature)
        np.divide(r.dtype.type(1), curvature, out=curvature)
    np.maximum(curvature, r.dtype.type(1 / flatness) / s, out=curvature)
    return gradient, curvature
