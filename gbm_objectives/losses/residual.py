"""Losses of the residual r = raw_prediction - y_true alone, on the identity link: the bases of their families."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from ..curvature import Widths, consistent_pair, residual_widths, sample_rows
from .base import CurvatureKind, Loss
from .hessian import ChoosesHessian

__all__ = ["CONSISTENT", "KinkedLoss", "ResidualLoss"]

# Of a loss with a kink: what `hessian` may be, see `ChoosesHessian`.
CONSISTENT: dict[str, CurvatureKind] = {"auto": "consistent", "majorizer": "consistent", "constant": "constant"}


def residual(y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]) -> np.ndarray:
    """Return raw_prediction - y_true in `dtype`."""
    # The difference first: float32 would lose a small residual of a target far from 0.
    r = np.empty(raw_prediction.shape, dtype=dtype)
    return np.subtract(raw_prediction, y_true, out=r, casting="same_kind")


class OfResidual(Loss):
    """A loss L(r) of the residual."""

    @abstractmethod
    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L(r)."""

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._of_residual(raw_prediction - y_true)


class ResidualLoss(OfResidual):
    """A loss L(r) of the residual r = raw_prediction - y_true.

    A subclass gives `_of_residual` and `_derivatives_of_residual` in place of `_pointwise` and `_derivatives`, and
    `_gradient_of_residual` where the latter is that of a smoothed loss.
    """

    @abstractmethod
    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return L'(r) and the curvature, as new arrays in r's precision; the curvature may be a number."""

    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L'(r)."""
        return self._derivatives_of_residual(r)[0]

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._derivatives_of_residual(raw_prediction - y_true)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._gradient_of_residual(raw_prediction - y_true)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._derivatives_of_residual(residual(y_true, raw_prediction, dtype))


class KinkedLoss(OfResidual, ChoosesHessian):
    """A loss of the residual with a kink at 0, which the engines get smoothed; see `gbm_objectives.curvature`."""

    _kinds: ClassVar[dict[str, CurvatureKind]] = CONSISTENT

    @abstractmethod
    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L'(r), at the kink the middle of the subdifferential."""

    def _pair_of_residual(self, r: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of the smoothed loss, in r's precision; `s` is each row's width."""
        return consistent_pair(r, s)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._gradient_of_residual(raw_prediction - y_true)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = self._of_all_rows(y_true, raw_prediction, None)
        return self._block(y_true, raw_prediction, known, raw_prediction.dtype.type)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        r = residual(y_true, raw_prediction, dtype)
        return self._pair_of_residual(r, known.of_rows(r, raw_prediction, y_true))

    def _of_all_rows(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Widths:
        if self.curvature_kind == "constant":
            return Widths()
        rows = sample_rows(len(y_true), weight)
        widths = residual_widths(raw_prediction[rows], y_true[rows], None if weight is None else weight[rows])
        if widths.table is None:
            # Most rows are at their target, and the sample holds no other.
            away = raw_prediction != y_true
            others = np.flatnonzero(away if weight is None else away & (weight > 0))
            if others.size == 0:
                return widths  # nothing to learn
            rows = others[sample_rows(len(others))]
            widths = residual_widths(raw_prediction[rows], y_true[rows], None if weight is None else weight[rows])
        return widths
