"""Consistent pairs and widths of residuals: how an L1-like loss trains with only a gradient and a Hessian.

A leaf of a tree gets the Newton step -Σg/Σh of its rows. For |r| the true derivatives are of no use: its second
derivative is 0 almost everywhere, and with the sign of r as gradient no curvature is right both for a row far from
its target and for noise around it. If the curvature is too small, the step overshoots, and the more so the higher
the learning rate, until training diverges. So the engines get a *consistent pair*: the gradient and the curvature
of a loss that is smoothed near its kink, with |r| replaced by Huber's function of width s::

    gradient   r/max(|r|, s)                the sign of r from s on
    curvature  1/min(max(|r|, s), 4 s)

Up to 4 s their ratio is r itself: a leaf of one row steps right to its target, whatever s is, and a row further
out than 4 s moves by 4 s. No row overshoots its own target, at learning rates up to 1. (Hunter and Lange 2000,
*Quantile regression via an MM algorithm*, J. Comput. Graph. Stat. 9, 60-77, have the pair with |r| + s instead of
max(|r|, s): its curvature is less flat near the target.) A leaf's step is then one step of iteratively re-weighted
least squares towards its median; in noise it is steadier than the median, since it uses more than the middle rows.

Smoothing causes bias: under skewed noise Huber's function is smallest between median and mean. Therefore each
*side* of the target has a width of its own, such that the mean of |gradient| there is a share p::

    s = mean of min(|r|, s) / p             over the rows on that side

Both sides then pull with equal force exactly where the rows are split in the proportion that the loss calls for
(half and half; for a quantile, alpha to 1 - alpha), whatever the shape of the noise. An outlier counts as s at
most, so that a few of them cannot distort the width; and rows with a residual of exactly 0 (ties, a start at the
median), which are on neither side, do not drive it to 0.

The share p is 1/4 plus half of the learning rate. With a small p the widths are large and a step follows the mean
of a leaf, which is fast, and steady if many small steps average out its noise; at a rate of 1 nothing averages it
out, and rows that are already near must hold the leaf back (held-out loss at a rate of 1, with p of 1/4 and of
3/4: 1.04 and .97 times LightGBM's own on skewed noise, .99 and .92 on concrete). If many of the rows of a side are
further out than the s of p = 1/4 (2% are with exponential noise, 6% with Cauchy's), they would contribute much of
its pull and inflate its width. Therefore p rises on all sides, as the side with the most such rows requires (see
`gbm_objectives.losses.widths`).

Next to many equal targets (counts, zeros) and below the low quantiles of skewed noise, one side is many times as
narrow as the other. For the gradient's width that is right: if it were wider, the fit would settle where the
narrow side's slope balances the other side's pull, away from the target. For the curvature's width it is too much,
since LightGBM counts rows by the curvature. So the curvature has a width of its own there, which is not as narrow
(see `Pace`). A step may then be too long for rows of the narrow side, by the ratio of the two widths; that is
never more than the learning rate reduces it by again.

The widths are *local*: rows are grouped by their raw prediction, since noise and skew often change with it. And
where most targets have one value (intermittent demand: most are 0), the rows at this *atom* have widths of their
own: otherwise the many that are close to it would make the few others count as outliers, and cut their steps
short. If no feature tells the others apart, the fit scatters around the atom: with 95% of zeros at random, the
held-out absolute error was 1.04 times that of LightGBM's own, which stays at 0.

All widths have the unit of the target, so the trees do not depend on it. Gradient and curvature are finally
multiplied by the one constant that makes the *harmonic* mean of the curvature 1, and thus the average Newton step
too, so that `reg_lambda` and `min_child_weight` mean about what they do for squared error. (The arithmetic mean
would be dominated by the rows with tiny residuals.) If there are many rows, a sample is enough to determine the
widths: see `gbm_objectives.sampling`. They change slowly, so a training keeps them, and that constant, for some
rounds: see `gbm_objectives.engines.training`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["SMALLEST_WIDTH", "Pace", "consistent_pair"]

# A subnormal width would have an infinite reciprocal in float32.
SMALLEST_WIDTH = 1e-37

# Beyond this many widths the curvature falls no further. LightGBM estimates the number of a leaf's rows by its
# share of the Hessian: without this bound rows far out would count as none, and `min_data_in_leaf` would forbid
# splitting them off.
FLATNESS = 4.0
# p is LEAST_PULL + PULL_OF_RATE · learning rate. At a rate of 0.1, held-out absolute error is the same for .25 and
# .4, and on normal noise 3.5% higher for .6; at 1 it falls by 5% to 17% from .25 to .75.
LEAST_PULL, PULL_OF_RATE = 0.25, 0.5
# The spread of a distribution takes 1 + EARLY times its step at first, and HONEST is how far a training has gone
# when only 1/e of the excess is left. In the first rounds the residuals of the training rows are as large as those
# of new rows, so a spread may follow them; later the trees have seen those rows' noise, and a spread that follows
# what is left of it becomes too small. Data whose trees learn only noise after 40 to 100 rounds at a rate of 0.1
# gain from the fast start; those that are learnt for hundreds of rounds keep the slow end.
EARLY, HONEST = 2.0, 4.0


@dataclass(frozen=True)
class Pace:
    """The settings of a training that widths depend on.

    Parameters
    ----------
    learning_rate : float, default=0.3
        The learning rate, up to 1. If it is not known, as in an engine's own `train`, the larger of the two
        engines' defaults, with which absolute error loses nothing at the other default either.
    narrowest : float, default=1/20
        The curvature's widths are not below this share of the widest of their group. At 1/10,000 LightGBM, which
        counts rows by curvature, splits off too few of the rows that are not 0 among 95% of zeros: the held-out
        0.9 quantile loss is five times that of its own objective. XGBoost does not count rows this way, but its
        penalties shrink their steps: absolute error is 1.3 times as high at a rate of 0.03.
    least : float, default=0
        No row's curvature is below this share of the mean, if it depends on other rows: LightGBM would count the
        rows far out as fewer than a leaf must have, and never split them off. With a fifth of 1,000 rows a
        thousand widths away, absolute error left those rows where they were.
    of_scale : float, default=1
        A factor of the steps of a distribution's spread, beyond the mean's.
    travelled : float, default=infinity
        The learning rate times the rounds trained so far; if they are not known, as in an engine's own `train`,
        infinity.
    """

    learning_rate: float = 0.3
    narrowest: float = 1.0 / 20.0
    least: float = 0.0
    of_scale: float = 1.0
    travelled: float = np.inf

    @property
    def spread(self) -> float:
        """The factor of the steps of a distribution's spread in this round."""
        return self.of_scale * (1.0 + EARLY * np.exp(-self.travelled / HONEST))

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
        Widths for the curvature, if they differ.
    flatness : float, default=4
        Beyond this many widths the curvature falls no further.

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
