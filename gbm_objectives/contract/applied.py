"""The formulas of a loss, and how they are applied to rows: what a loss or a family of losses overrides."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import CheckedLoss
from .driver import scale_of, weighted_float32
from .rows import Rows

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AppliedLoss"]


class AppliedLoss(CheckedLoss):
    """The formulas of a loss, what it knows beyond a row, and how it is applied to rows."""

    @abstractmethod
    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the loss of each row, or query; both arguments are checked, float64, and of equal length."""

    @abstractmethod
    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of a block of rows, as new arrays.

        Both arguments are checked and of one precision, float32 or float64, which the formulas should keep. The
        curvature may be a single number.
        """

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the derivative of `_pointwise`; override it if `_derivatives` gives that of a smoothed loss."""
        return self._derivatives(y_true, raw_prediction)[0]

    # ---- what is known beyond a row ------------------------------------------------------------------------

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Any:
        """Return what formulas need to know about all rows, found as `self.summary`; for scope "summary".

        A training asks for it before each round; `self.summary` is then that of the round before, None at first.
        """
        return None

    def _prepare(self, rows: Rows) -> Any:
        """Return what is computed once per data set, found as `self.prepared`; for scopes "query" and "all"."""
        return rows

    def on(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        weight: np.ndarray | None = None,
        queries: np.ndarray | None = None,
    ) -> Self:
        """Return the loss with what it must know about these rows; unchanged if a training has set it already."""
        if self.scope == "summary" and self.summary is None:
            return self._with(summary=self._summary(y_true, raw_prediction, weight))
        if self.joint and self.prepared is None:
            return self._with(prepared=self._prepare(Rows(y_true, weight, queries)))
        return self

    def _valued_on(self, *rows: Any) -> Self:
        """Return the loss with what it must know of rows for its value and its own gradient."""
        return self if self._smooths_by_summary else self.on(*rows)

    # ---- what a family of losses may override: how formulas are applied to a block of rows -------------------

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of a block of rows, computed in `dtype` where that loses nothing."""
        # In the target's unit numbers may be large, and float32 would lose their difference.
        working = np.result_type(y_true, raw_prediction) if self.has_unit else dtype
        return self._derivatives(y_true.astype(working, copy=False), raw_prediction.astype(working, copy=False))

    def _gradient_block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> np.ndarray:
        """Return the loss's own gradient for a block of rows: with a constant curvature nothing is smoothed."""
        return self._gradient(y_true, raw_prediction)

    def _softened(self) -> bool:
        """Return whether the engines get the gradient of a smoothed loss."""
        return self.summary is not None

    def _resolved_at(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Self:
        """Return the loss with each "auto" replaced by a number and its summary, from these rows."""
        own = self.scope == "summary" and not self._smooths_by_summary
        return self._with(summary=self._summary(y_true, raw_prediction, weight)) if own else self

    def _for_engines(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None, at_start: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian as `gradient_hessian` promises them; arguments are checked."""
        return weighted_float32(self, y_true, raw_prediction, weight, at_start)

    def _scaled_on(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Self:
        """Return the loss with the scale of gradient and Hessian that these rows determine."""
        return self._with(_scale=scale_of(self, y_true, raw_prediction, weight))

    def _by_target(
        self, y_true: np.ndarray, weight: np.ndarray | None
    ) -> Iterator[tuple[AppliedLoss, np.ndarray, np.ndarray | None]]:
        """Yield the loss of each target, with the targets and the weights of the rows that have it."""
        yield self, y_true, weight

    def _counts(self, y_true: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Return how much the loss of each row counts in a mean."""
        return np.ones(len(y_true)) if weight is None else weight
