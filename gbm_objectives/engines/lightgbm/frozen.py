"""Notice an output that LightGBM grows no trees for though it should."""

from __future__ import annotations

import warnings

import numpy as np

from ...curvature import sample_rows
from ...losses import Loss

__all__ = ["FrozenOutputs"]


class FrozenOutputs:
    """Warn, once, when an output stays where it is while the gradients of nearly all rows want the same step.

    Where gradients are nearly constant no split gains anything, and with `lambda_l2` above 0 every split loses. A
    tree without a split is a constant, which LightGBM adds for its own objectives and leaves out for custom ones.
    The spread of a distribution, whose gradients are all near 1 once the mean is fitted, then keeps the value that
    it started with.

    Parameters
    ----------
    loss : Loss
        The loss trained with; nothing is looked at unless it has `outputs`.
    """

    # A look costs little, and an output that stands still does so for long.
    EVERY = 5
    LOOKS = 3
    # The part of the gradients' sizes that is left of their sum: of a fit that is finished next to nothing is.
    ONE_WAY = 0.5

    def __init__(self, loss: Loss) -> None:
        self.names = [output.name for output in loss.outputs]
        self.loss, self.calls = loss, 0
        self.still = np.zeros(len(self.names), dtype=int)
        self.before: np.ndarray | None = None

    def look(self, raw_prediction: np.ndarray, gradient: np.ndarray) -> None:
        """Look at raw predictions and gradients of a round."""
        self.calls += 1
        if not self.names or self.calls % self.EVERY != 1:
            return
        rows = sample_rows(len(raw_prediction))
        raw, g = raw_prediction[rows].copy(), gradient[rows]
        if self.before is not None:
            one_way = np.abs(g.sum(axis=0)) > self.ONE_WAY * np.abs(g).sum(axis=0)
            self.still = np.where((raw == self.before).all(axis=0) & one_way, self.still + 1, 0)
        self.before = raw
        told = self.still == self.LOOKS
        if told.any():
            name = self.names[int(told.argmax())]
            warnings.warn(
                f"the output {name!r} of {self.loss!r} has stood still for {self.EVERY * self.LOOKS} rounds,"
                " though its gradients want a step: LightGBM finds no split for it, and adds no constant; set"
                " lambda_l2, lambda_l1 and min_gain_to_split to 0",
                UserWarning,
                stacklevel=2,
            )
            self.names = []
