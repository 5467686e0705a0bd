"""Standard distributions: location 0 and scale 1, with what censored targets need of them, stable far out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

__all__ = ["LAPLACE", "LOGISTIC", "NORMAL", "SMALLEST_EXTREME", "Standard", "StandardT"]

# From here on, where nothing larger has a probability of more than exp(-5e8), the smallest extreme value continues
# along a tangent: exp(z) and its product with z would otherwise overflow float32.
LARGEST_Z = 20.0
# Below this z, exp(z) is all that the share below z has in float64.
SMALLEST_Z = -37.0
# A survival function that SciPy can still tell from 0.
TINY = 1e-290
# The grid of the integrals is even in arcsinh(z): even steps near 0, even ratios far out, from -11,000 (a Cauchy
# variable is below it once in 35,000) to 11,000; 200 steps for each unit.
WIDTH, PER_UNIT = 10, 200
# Twelve digits of ∫ exp(-w) g(w) dw for the smooth g of the t distribution's tail.
NODES, WEIGHTS = np.polynomial.laguerre.laggauss(24)


@dataclass(frozen=True)
class Standard(ABC):
    """The distribution of z = (x - location)/scale, by its density f, distribution function F and S = 1 - F."""

    median = 0.0

    @property
    @abstractmethod
    def information(self) -> tuple[float, float]:
        """Fisher's information about the location, and about the logarithm of the scale, at a scale of 1."""

    @abstractmethod
    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Return log f."""

    @abstractmethod
    def slope(self, z: np.ndarray) -> np.ndarray:
        """Return the derivative of log f."""

    @abstractmethod
    def log_above(self, z: np.ndarray) -> np.ndarray:
        """Return log S."""

    def log_survival(self, z: np.ndarray) -> np.ndarray:
        """Return log S for predictions, where `log_above` may go on along a tangent."""
        return self.log_above(z)

    @abstractmethod
    def log_below(self, z: np.ndarray) -> np.ndarray:
        """Return log F."""

    @abstractmethod
    def hazard(self, z: np.ndarray) -> np.ndarray:
        """Return f/S."""

    @abstractmethod
    def reversed_hazard(self, z: np.ndarray) -> np.ndarray:
        """Return f/F."""

    def predictable_information(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what watching a variable up to z is expected to tell about location and logarithm of the scale.

        With the hazard h it is the integral up to z of (∂ log h)² h, which at infinity is Fisher's information
        (Andersen et al. 1993, *Statistical Models Based on Counting Processes*, section VI.1).
        """
        location, scale = _table(self)
        # Places are evenly spaced: np.interp, which searches for each, takes half of the time of a callback.
        place = np.clip((np.arcsinh(z) + WIDTH) * PER_UNIT, 0.0, len(location) - 1.0)
        left = np.minimum(place.astype(np.intp), len(location) - 2)
        share = place - left
        return (
            location[left] * (1.0 - share) + location[left + 1] * share,
            scale[left] * (1.0 - share) + scale[left + 1] * share,
        )


@lru_cache(maxsize=16)
def _table(standard: Standard) -> tuple[np.ndarray, np.ndarray]:
    """Return both integrals up to z on an even grid of arcsinh(z)."""
    t = np.linspace(-WIDTH, WIDTH, 2 * WIDTH * PER_UNIT + 1)
    z = np.sinh(t)
    hazard = standard.hazard(z)
    # ∂ log h by the location is -(log h)'/scale, by the logarithm of the scale -(1 + z (log h)').
    change = hazard + standard.slope(z)
    with np.errstate(over="ignore", invalid="ignore"):
        rates = [change * change * hazard, np.square(1.0 + z * change) * hazard]
    step = np.cosh(t) * (t[1] - t[0])
    sums = []
    for rate in rates:
        values = np.nan_to_num(rate, nan=0.0) * step
        sums.append(np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]))]))
    return sums[0], sums[1]


@dataclass(frozen=True)
class _Symmetric(Standard):
    """One whose density is an even function."""

    def log_below(self, z: np.ndarray) -> np.ndarray:
        return self.log_above(-z)

    def reversed_hazard(self, z: np.ndarray) -> np.ndarray:
        return self.hazard(-z)


@dataclass(frozen=True)
class _Normal(_Symmetric):
    information = (1.0, 2.0)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(-0.5 * z * z - 0.5 * np.log(2.0 * np.pi))

    def slope(self, z: np.ndarray) -> np.ndarray:
        return -z

    def log_above(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(special.log_ndtr(-z))

    def hazard(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.asarray(np.sqrt(2.0 / np.pi) / special.erfcx(z / np.sqrt(2.0)))


@dataclass(frozen=True)
class _Logistic(_Symmetric):
    information = (1.0 / 3.0, (3.0 + np.pi**2) / 9.0)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(special.log_expit(z) + special.log_expit(-z))

    def slope(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(-np.tanh(0.5 * z))

    def log_above(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(special.log_expit(-z))

    def hazard(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(special.expit(z))


@dataclass(frozen=True)
class _Laplace(_Symmetric):
    information = (1.0, 1.0)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(-np.log(2.0) - np.abs(z))

    def slope(self, z: np.ndarray) -> np.ndarray:
        return -np.sign(z)

    def log_above(self, z: np.ndarray) -> np.ndarray:
        return np.where(z > 0.0, -np.log(2.0) - z, np.log1p(-0.5 * np.exp(np.minimum(z, 0.0))))

    def hazard(self, z: np.ndarray) -> np.ndarray:
        half = 0.5 * np.exp(np.minimum(z, 0.0))
        return np.asarray(half / (1.0 - half))


@dataclass(frozen=True)
class StandardT(_Symmetric):
    """Student's t distribution with `df` degrees of freedom."""

    df: float = 5.0

    @property
    def information(self) -> tuple[float, float]:
        """Of location and logarithm of the scale."""
        return (self.df + 1.0) / (self.df + 3.0), 2.0 * self.df / (self.df + 3.0)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Return log f."""
        constant = special.betaln(0.5 * self.df, 0.5) + 0.5 * np.log(self.df)
        return np.asarray(-0.5 * (self.df + 1.0) * np.log1p(z * z / self.df) - constant)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """Return the derivative of log f."""
        return np.asarray(-(self.df + 1.0) * z / (self.df + z * z))

    def log_above(self, z: np.ndarray) -> np.ndarray:
        """Return log S."""
        share = special.stdtr(self.df, -z)
        far = share < TINY
        log_share = np.log(np.where(far, 1.0, share))
        if far.any():
            log_share[far] = self.log_density(z[far]) + np.log(self._mills(z[far]))
        return np.asarray(log_share)

    def hazard(self, z: np.ndarray) -> np.ndarray:
        """Return f/S."""
        return np.exp(self.log_density(z) - self.log_above(z))

    def _mills(self, z: np.ndarray) -> np.ndarray:
        """Return S/f far out, where many degrees of freedom make S smaller than any float.

        With w = log f(z) - log f(x) in place of x, S/f is the integral of exp(-w) dx/dw, which is smooth there.
        """
        df = self.df
        squares = (df + z * z)[:, None] * np.exp(2.0 / (df + 1.0) * NODES) - df
        x = np.sqrt(squares)
        return np.asarray(((df + squares) / ((df + 1.0) * x)) @ WEIGHTS)


@dataclass(frozen=True)
class _SmallestExtreme(Standard):
    """The logarithm of a Weibull variable; S = exp(-exp(z))."""

    median = float(np.log(np.log(2.0)))
    information = (1.0, np.pi**2 / 6.0 + (1.0 - np.euler_gamma) ** 2)

    def _exp(self, z: np.ndarray) -> np.ndarray:
        near = np.minimum(z, LARGEST_Z)
        return np.asarray(np.exp(near) * (1.0 + (z - near)))

    def log_density(self, z: np.ndarray) -> np.ndarray:
        return z - self._exp(z)

    def slope(self, z: np.ndarray) -> np.ndarray:
        return -np.expm1(np.minimum(z, LARGEST_Z))

    def log_above(self, z: np.ndarray) -> np.ndarray:
        return -self._exp(z)

    def log_survival(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return -np.exp(z)

    def log_below(self, z: np.ndarray) -> np.ndarray:
        size = self._exp(np.maximum(z, SMALLEST_Z))
        share = np.where(size > 1.0, np.log1p(-np.exp(-np.maximum(size, 1.0))), np.log(-np.expm1(-size)))
        return np.where(z < SMALLEST_Z, z, share)

    def hazard(self, z: np.ndarray) -> np.ndarray:
        return np.exp(np.minimum(z, LARGEST_Z))

    def reversed_hazard(self, z: np.ndarray) -> np.ndarray:
        near = np.exp(np.clip(z, SMALLEST_Z, 6.0))  # exp(6): the share above is exp(-403)
        return np.where(z < SMALLEST_Z, 1.0, np.where(z > 6.0, 0.0, near / np.expm1(near)))

    def predictable_information(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        near = np.minimum(z, LARGEST_Z)
        hazard = np.exp(near)
        return hazard, hazard * (1.0 + near * near)


NORMAL, LOGISTIC, LAPLACE, SMALLEST_EXTREME = _Normal(), _Logistic(), _Laplace(), _SmallestExtreme()
