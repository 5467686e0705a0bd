"""Detection of a training whose steps overshoot."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from ..contract import Loss

__all__ = ["Watch"]


class Watch:
    """Warn, once, when the training loss stays above its lowest value: steps overshoot, and no engine says so.

    Parameters
    ----------
    loss : Loss
        The loss trained with.
    rate : str
        The engine's name for its learning rate.
    """

    # On few rows a check costs as much as a callback, and divergence does not go away.
    EVERY = 5
    # This many checks in succession: a few can come from sampled rows, or from rounds that trade one group's loss
    # for another's.
    LOOKS = 3
    # Above the lowest by a tenth of it, and by a thousandth of the first: a converged fit fluctuates by less.
    OF_LOWEST, OF_FIRST = 0.1, 1e-3

    def __init__(self, loss: Loss, rate: str) -> None:
        self.loss, self.rate = loss, rate
        self.calls = self.above = 0
        self.first = self.lowest = np.inf

    def look(self, loss_of_round: Callable[[], float]) -> None:
        """Check the loss before a round."""
        self.calls += 1
        if self.above == self.LOOKS or self.calls % self.EVERY != 1:
            return
        # Overflow is what we are looking for.
        with np.errstate(all="ignore"):
            value = loss_of_round()
        if self.calls == 1:
            self.first = self.lowest = value
        limit = self.lowest + self.OF_LOWEST * abs(self.lowest) + self.OF_FIRST * abs(self.first)
        # Infinity and NaN are above every limit.
        self.above = 0 if value <= limit < np.inf else self.above + 1
        self.lowest = min(self.lowest, value)
        if self.above == self.LOOKS:
            warnings.warn(
                f"the training loss of {self.loss!r} rises: it has been {self.lowest:.4g} and is {value:.4g}"
                f" before round {self.calls}; steps overshoot: lower {self.rate}, or raise the engine's penalties",
                UserWarning,
                stacklevel=2,
            )
