"""The contract of distributions that are a standard one moved and stretched, of the target or of its logarithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Distribution, columns
from .standard import Standard

__all__ = ["LocationScale"]


class LocationScale(Distribution):
    """A distribution of x = y_true, or of its logarithm, of which z = (x - location)/scale has a standard one.

    A subclass sets `standard`, and, if it differs, what is written below; its two `outputs` are the location and
    the scale, or the inverse of the scale. With the standard density f and its information i, j::

        loss       log scale - log f(z)                 and, of the logarithm, + x
        gradient   (log f)'(z)/scale, 1 + z (log f)'(z)
        curvature  i/scale², j                          expected; the second over `scale_step`

    and the opposite second gradient for the logarithm of the inverse.
    """

    of_logarithm: ClassVar[bool] = False
    # 1 if the second raw prediction is the logarithm of the scale, -1 if it is that of its inverse.
    _towards_scale: ClassVar[float] = 1.0

    if TYPE_CHECKING:

        @property
        def standard(self) -> Standard:
            """The distribution of z."""
            raise NotImplementedError

    def _places(self, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return location and logarithm of the scale."""
        location, second = self._within_reach(raw_prediction).T
        return location, self._towards_scale * second

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        location, log_scale = self._places(raw_prediction)
        x = np.log(y_true) if self.of_logarithm else y_true
        loss = log_scale - self.standard.log_density((x - location) * np.exp(-log_scale))
        return np.asarray(loss + x if self.of_logarithm else loss)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        location, log_scale = self._places(raw_prediction)
        precision = np.exp(-log_scale)
        z = ((np.log(y_true) if self.of_logarithm else y_true) - location) * precision
        slope = self.standard.slope(z)
        of_location, of_scale = self.standard.information
        gradient = columns(slope * precision, self._towards_scale * (1.0 + z * slope))
        return gradient, columns(of_location * precision * precision, of_scale)
