"""The noise of Huber's loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize, special

from ..contract.noise import Noise

__all__ = ["huber_noise"]


def huber_noise(delta: float) -> Noise:
    """Return the noise of Huber's loss: a normal centre of variance b, and exponential tails beyond `delta`."""

    def distribution(response: np.ndarray, scale: float) -> Any:
        from .least_favourable import least_favourable

        return least_favourable(delta / np.sqrt(scale), response, np.sqrt(scale))

    def fit_scale(mean_loss: float) -> float:
        # The mean loss under the model, in units of delta², rises with b/delta² from 0 without bound.
        wanted = mean_loss / delta**2

        def excess(log_b: float) -> float:
            return _mean_huber_loss(np.exp(0.5 * log_b)) - wanted

        # For a small b it is b/2 (normal), for a large one b (Laplace).
        return delta**2 * float(
            np.exp(optimize.brentq(excess, np.log(0.5 * wanted), np.log(4.0 * wanted), xtol=1e-14))
        )

    return Noise("Huber's least favourable", distribution, fit_scale)


def _mean_huber_loss(sigma: float) -> float:
    """Return the mean of Huber's loss with delta = 1 under its own noise with b = sigma²."""
    k = 1.0 / sigma
    # Mass of the centre and of both tails, up to the same factor; each tail's is the normal density at k, over k.
    centre, tails = special.erf(k / np.sqrt(2.0)), np.sqrt(2.0 / np.pi) * np.exp(-0.5 * k * k) / k
    # For the standardised loss: E z²/2 in the centre, k²/2 + 1 in the tails.
    in_centre = 0.5 * centre - k * np.exp(-0.5 * k * k) / np.sqrt(2.0 * np.pi)
    return float(sigma**2 * (in_centre + tails * (0.5 * k * k + 1.0)) / (centre + tails))
