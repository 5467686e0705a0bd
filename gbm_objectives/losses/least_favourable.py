"""The noise of Huber's loss as a SciPy distribution; imported only on demand, since importing those takes long."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

__all__ = ["least_favourable"]


class LeastFavourable(stats.rv_continuous):
    """exp(-z²/2) for |z| <= k, exp(-k (|z| - k/2)) beyond, divided by its integral (Huber 1964)."""

    def _argcheck(self, k: Any) -> Any:
        return k > 0

    def _mass(self, k: Any) -> tuple[Any, Any]:
        """Return the integrals of the unnormalised density over the centre and over one tail."""
        return np.sqrt(2.0 * np.pi) * special.erf(k / np.sqrt(2.0)), np.exp(-0.5 * k * k) / k

    def _logpdf(self, z: Any, k: Any) -> Any:
        centre, tail = self._mass(k)
        inside = np.minimum(np.abs(z), k)
        return -inside * (np.abs(z) - 0.5 * inside) - np.log(centre + 2.0 * tail)

    def _pdf(self, z: Any, k: Any) -> Any:
        return np.exp(self._logpdf(z, k))

    def _cdf(self, z: Any, k: Any) -> Any:
        centre, tail = self._mass(k)
        below = tail * np.exp(np.minimum(k * (z + k), 0.0))
        above = tail * np.exp(np.minimum(k * (k - z), 0.0))
        inside = np.clip(z, -k, k)
        middle = np.sqrt(2.0 * np.pi) * (special.ndtr(inside) - special.ndtr(-k))
        return (below + middle + np.where(z > k, tail - above, 0.0)) / (centre + 2.0 * tail)

    def _sf(self, z: Any, k: Any) -> Any:
        return self._cdf(-z, k)

    def _ppf(self, q: Any, k: Any) -> Any:
        centre, tail = self._mass(k)
        total = centre + 2.0 * tail
        lower = np.minimum(q, 1.0 - q) * total
        with np.errstate(divide="ignore"):  # q = 0 and 1 are minus and plus infinity
            far = np.log(lower / tail) / k - k
        near = special.ndtri((lower - tail) / np.sqrt(2.0 * np.pi) + special.ndtr(-k))
        return np.sign(q - 0.5) * np.abs(np.where(lower < tail, far, near))

    def _isf(self, q: Any, k: Any) -> Any:
        return -self._ppf(q, k)

    def _stats(self, k: Any) -> Any:
        centre, tail = self._mass(k)
        # For a tail: E z² of k + an exponential variable of rate k.
        in_centre = centre - 2.0 * k * np.exp(-0.5 * k * k)
        second = in_centre + 2.0 * tail * (k * k + 2.0 + 2.0 / (k * k))
        return 0.0, second / (centre + 2.0 * tail), 0.0, None


# Standardised; its shape parameter is k = delta/sqrt(b).
least_favourable = LeastFavourable(name="huber_least_favourable", shapes="k")
