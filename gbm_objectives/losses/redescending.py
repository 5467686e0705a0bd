"""Redescending losses: beyond some residual an outlier pulls less and less, and finally not at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from .residual import residual
from .tangent import NORMAL_TYPICAL, TangentLoss, middle_of_half

__all__ = ["Cauchy", "Tukey", "Welsch"]


# In training the scale is at least this share of what "auto" would make it. If narrower, a fit that is still rough
# mistakes its own errors for outliers; if wider, it keeps outliers that a given scale would let go.
LEAST_SCALE = 0.7
# In training the pull of a row far out does not fall below this share of the scale. Rows that are far only because
# nothing has been learnt about them yet differ from outliers in their features alone: without a pull, the peak of
# a curve, a fifth of the rows, was never found. With twice as much, three outliers in ten on one side took over
# whole leaves of XGBoost's.
LEAST_PULL = 0.05
# And the curvature is at least what limits a step to this many scales. With longer steps, leaves of outliers reach
# them at once; with steps half as long, a peak is found too late for 100 rounds at a learning rate of 0.1.
LONGEST_STEP = 2.0
# No row with at least this weight is far: it is within two scales, and rows whose pull is kept up weigh no more.
# Blocks without far rows need no treatment.
NOT_FAR = 0.2


class RedescendingLoss(TangentLoss):
    """A tangent loss whose pull goes to 0 far out, and with it the weight of a row.

    Such a loss is not convex, and a training that begins with it finds only what is near. The scale of a round is
    therefore the larger of the loss's own and 0.7 times what "auto" makes of the round's residuals: it shrinks
    with them (graduated non-convexity). The engines get a pull of at least a twentieth of the scale, however far
    out a row is. `pointwise`, `gradient`, `value` and `outlier_weights` are the loss's own.

    References
    ----------
    Blake and Zisserman (1987). *Visual Reconstruction*. MIT Press.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._least_size = LEAST_SCALE * cls._efficient / NORMAL_TYPICAL

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
        if getattr(self, self._size) != "auto":
            return super()._initial_raw(y_true, sample_weight)
        # Where there is signal, the scale estimated from the targets is too wide to start at the loss's minimum:
        # with three outliers in ten on one side that lies between them and the others, and trees grow to both.
        return middle_of_half(y_true, sample_weight)

    @property
    def _counts_far_rows(self) -> bool:
        return False  # here they are outliers

    def _softened(self) -> bool:
        return True

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        r = residual(y_true, raw_prediction, dtype)
        u = r / dtype(self.summary.size)
        weight = self._weight_of_residual(u)
        if weight.min() >= NOT_FAR:
            r *= weight
            return r, weight
        # LEAST_PULL / |u|, at most NOT_FAR.
        np.abs(u, out=u)
        np.clip(u, LEAST_PULL / NOT_FAR, np.inf, out=u)
        np.maximum(weight, LEAST_PULL / u, out=weight)
        r *= weight
        # The pull in scales, divided by the longest step.
        u *= weight
        u *= 1.0 / LONGEST_STEP
        return r, np.maximum(weight, u, out=weight)


class Cauchy(RedescendingLoss):
    """Cauchy's loss, the negative log-likelihood of a Cauchy variable: an outlier pulls as 1/r.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and u = r/scale::

        loss       scale²/2 log(1 + u²)
        gradient   r/(1 + u²)
        curvature  1/(1 + u²)         majorizer

    It is not convex: the start value is the lowest of its minima, and far from the data no step leads back, so the
    unit matters. Trees that begin there fit what most rows say.

    Parameters
    ----------
    scale : float or "auto", default="auto"
        What is far, in the unit of the target, above 0; "auto" is 2.385 standard deviations of the noise.

    References
    ----------
    Holland and Welsch (1977). *Robust regression using iteratively reweighted least-squares*. Communications in
    Statistics 6, 813-827.

    Examples
    --------
    >>> Cauchy(scale=1.0).outlier_weights([0.0, 0.0], [0.0, 3.0]).tolist()
    [1.0, 0.1]
    >>> Cauchy().resolved([1.0, 2.0, 3.0, 4.0, 1000.0]).scale.__round__(3)
    3.72
    """

    curvature_kind = "majorizer"
    _size, _efficient = "scale", 2.3849

    def __init__(self, scale: float | str = "auto") -> None:
        self.scale = scale

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        u = np.abs(r / self._unit)
        # From 1e10 on 1 + u² is u², which would overflow further out.
        near, beyond = np.minimum(u, 1e10), np.maximum(u, 1e10) / 1e10
        return np.asarray(self._unit**2 * (0.5 * np.log1p(np.square(near)) + np.log(beyond)))

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        # u² may overflow to infinity, whose reciprocal is correct.
        with np.errstate(over="ignore"):
            weight = np.square(u)
            weight += 1
            return np.reciprocal(weight, out=weight)


class Welsch(RedescendingLoss):
    """Welsch's loss: an outlier's pull falls off like a normal density.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and u = r/scale::

        loss       scale²/2 (1 - exp(-u²))
        gradient   r exp(-u²)
        curvature  exp(-u²)           majorizer

    It is not convex, see `Cauchy`. CatBoost and others know it as correntropy or Leclerc's loss.

    Parameters
    ----------
    scale : float or "auto", default="auto"
        What is far, in the unit of the target, above 0; "auto" is 2.985 standard deviations.

    References
    ----------
    Holland and Welsch (1977). *Robust regression using iteratively reweighted least-squares*. Communications in
    Statistics 6, 813-827.

    Examples
    --------
    >>> Welsch(scale=2.0).pointwise([0.0, 0.0], [0.0, 1000.0]).tolist()
    [0.0, 2.0]
    """

    curvature_kind = "majorizer"
    _size, _efficient = "scale", 2.9846

    def __init__(self, scale: float | str = "auto") -> None:
        self.scale = scale

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.asarray(-0.5 * self._unit**2 * np.expm1(-np.square(r / self._unit)))

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", under="ignore"):
            weight = np.square(u)
            np.negative(weight, out=weight)
            return np.exp(weight, out=weight)


class Tukey(RedescendingLoss):
    """Tukey's biweight: beyond `c` a row does not count.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and u = r/c::

        loss       c²/6 (1 - (1 - u²)³)  if |u| <= 1, c²/6 otherwise
        gradient   r (1 - u²)²           if |u| <= 1, 0 otherwise
        curvature  (1 - u²)²             if |u| <= 1, majorizer

    It is not convex, see `Cauchy`.

    Parameters
    ----------
    c : float or "auto", default="auto"
        The residual beyond which a row does not count, in the unit of the target, above 0; "auto" is 4.685
        standard deviations.

    References
    ----------
    Beaton and Tukey (1974). *The fitting of power series, meaning polynomials, illustrated on band-spectroscopic
    data*. Technometrics 16, 147-185.

    Examples
    --------
    >>> loss = Tukey(c=2.0)
    >>> loss.gradient([0.0, 0.0, 0.0], [0.0, 1.0, 3.0]).tolist()
    [0.0, 0.5625, 0.0]
    """

    curvature_kind = "majorizer"
    _size, _efficient = "c", 4.6851

    def __init__(self, c: float | str = "auto") -> None:
        self.c = c

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        u2 = np.square(np.clip(r / self._unit, -1.0, 1.0))
        # 1 - (1 - u²)³, which would suffer from cancellation near 0.
        return np.asarray(self._unit**2 / 6.0 * u2 * (3.0 - 3.0 * u2 + u2 * u2))

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        weight = np.clip(u, -1, 1)
        np.square(weight, out=weight)
        np.subtract(1, weight, out=weight)
        return np.square(weight, out=weight)
