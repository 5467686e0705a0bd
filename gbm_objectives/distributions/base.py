"""The contract of every distribution: a loss with an output for each parameter, the negative log-density."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..losses import Loss
from ..losses.noise import Noise

__all__ = ["Distribution"]


class Distribution(Loss):
    """A distribution of the target whose parameters are fitted to each row: `_pointwise` is -log p(y).

    A subclass sets `outputs`, a name and a link for each parameter, and gives `_pointwise`, `_derivatives` and
    `_frozen`, and `_initial_raw` where the start has a formula. The curvature is the diagonal of the Fisher
    information, kind "expected": unlike the second derivative it is positive for every target.
    """

    curvature_kind = "expected"

    @property
    def _steps(self) -> np.ndarray:
        """For each output the part of a full Newton step that is taken; the engines get the curvature over it."""
        return np.ones(self.n_outputs)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature = super()._block(y_true, raw_prediction, known, dtype)
        return gradient, curvature / self._steps.astype(curvature.dtype)

    @abstractmethod
    def _frozen(self, parameters: np.ndarray) -> Any:
        """Return SciPy's frozen distribution for parameters (n_samples, n_outputs)."""

    @property
    def noise(self) -> Noise:  # type: ignore[override]  # here it depends on the class
        """The distribution itself: nothing is left to a common scale."""
        return Noise(type(self).__name__, lambda response, scale: self._frozen(response))

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the mean of each row's distribution, (n_samples,)."""
        return np.asarray(self._frozen(self.response(raw_prediction)).mean())
