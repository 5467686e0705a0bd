"""Detection of an output for which LightGBM grows no trees although it should."""

from __future__ import annotations

import warnings

import numpy as np

from ...contract import Loss
from ...sampling import sample_rows

__all__ = ["FrozenOutputs"]


class FrozenOutputs:
    """Warn, once, when an output does not move although the gradients of nearly all rows call for the same step.

    Where gradients are nearly constant no split gains anything, and with `lambda_l2` above 0 every split loses. A
    tree without a split is a constant, which LightGBM adds for its own objectives and leaves out for custom ones.
    The spread of a distribution, whose gradients are all near 1 once the mean is fitted, then keeps the value that
    it started with.

    Parameters
    ----------
    loss : Loss
        The loss trained with; nothing is checked unless it has `outputs`.
    """

    # A check costs little, and an output that stands still does so for a long time.
    EVERY = 5
    LOOKS = 3
    # The size of the gradients' sum, relative to the sum of their sizes: near 0 once converged.
    ONE_WAY = 0.5
    # A step of a tenth in that direction must lower the loss by a hundredth. (The share of inflated zeros, near 0,
    # would not.)
    STEP, GAIN = 0.1, 0.01

    def __init__(self, loss: Loss) -> None:
        self.names = [] if loss.joint else [output.name for output in loss.outputs]
        self.loss, self.calls = loss, 0
        self.still = np.zeros(len(self.names), dtype=int)
        self.before: np.ndarray | None = None

    def look(self, y_true: np.ndarray, raw_prediction: np.ndarray, gradient: np.ndarray) -> None:
        """Check targets, raw predictions and gradients of a round."""
        self.calls += 1
        if not self.names or self.calls % self.EVERY != 1:
            return
        rows = sample_rows(len(raw_prediction))
        raw, g = raw_prediction[rows].copy(), gradient[rows]
        if self.before is not None:
            one_way = np.abs(g.sum(axis=0)) > self.ONE_WAY * np.abs(g).sum(axis=0)
            self.still = np.where((raw == self.before).all(axis=0) & one_way, self.still + 1, 0)
        self.before = raw
        for column in np.flatnonzero(self.still == self.LOOKS).tolist():
            if self._would_gain(y_true[rows], raw, column, g[:, column].sum()):
                warnings.warn(
                    f"the output {self.names[column]!r} of {self.loss!r} has stood still for"
                    f" {self.EVERY * self.LOOKS} rounds, though its gradients want a step: LightGBM finds no split"
                    " for it, and adds no constant, because of lambda_l2, lambda_l1 or min_gain_to_split: set them"
                    " to 0",
                    UserWarning,
                    stacklevel=2,
                )
                self.names = []
                return

    def _would_gain(self, y: np.ndarray, raw: np.ndarray, column: int, slope: float) -> bool:
        if np.ptp(y) == 0:
            return False  # a spread that tends to 0
        moved = raw.copy()
        moved[:, column] -= self.STEP * np.sign(slope)
        return self.loss.value(y, moved) < self.loss.value(y, raw) - self.GAIN
