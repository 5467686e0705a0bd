"""Checks of what users hand to a loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..validation import as_numbers, as_raw
from .calling import require_queries
from .facts import Facts
from .rows import described, ends_of, in_columns, instead_of_columns

__all__ = ["CheckedLoss"]


class CheckedLoss(Facts):
    """The checks of a loss: of its hyper-parameters, of targets, raw predictions and queries."""

    def check_params(self) -> None:
        """Raise if a hyper-parameter is out of range; called when training begins, as in scikit-learn."""

    def check_target(self, y_true: ArrayLike) -> None:
        """Raise a `ValueError` that names the domain and the first offending value, if there is one."""
        self.check_params()
        self._check_domain(self._target(y_true))

    def _check_summary(self) -> None:
        """Raise a `ValueError` if the summary, which may be from a file, is not one that this loss makes."""

    def _target(self, y_true: ArrayLike) -> np.ndarray:
        if not self.columns:
            return as_numbers(y_true, "y_true", ndim=(1,) if self.n_outputs == 1 or self.outputs else (1, 2))
        y = as_numbers(in_columns(y_true, self.columns, "y_true"), "y_true", ndim=(1, 2))
        if y.shape[1:] != (len(self.columns),):
            raise ValueError(
                f"y_true of {self!r} must have {described(self.columns)}, got shape {y.shape}; a native"
                f" data set has them as its attribute target{instead_of_columns(self.columns)}"
            )
        return y

    def _queries(self, group: ArrayLike | None, n_rows: int) -> np.ndarray | None:
        """Return where queries begin and the last one ends."""
        if group is None:
            return None
        if self.scope != "query":
            raise ValueError(f"group must be left out: {self!r} does not compare the rows of a query")
        return ends_of(group, n_rows)

    def _check_judges(self, queries: np.ndarray | None) -> None:
        """Raise if a mean loss would mean nothing, because the loss or the rows do not say enough."""
        require_queries(self, queries)

    def _check_domain(self, y: np.ndarray) -> None:
        self.domain.check(y, f"the target of {type(self).__name__}")

    def _checked(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return target and raw prediction as arrays that have passed all checks."""
        if self._in_training and isinstance(y_true, np.ndarray):
            return y_true, as_raw(raw_prediction, len(y_true), self.n_outputs, self)
        self.check_params()
        y = self._target(y_true)
        self._check_domain(y)
        return y, as_raw(raw_prediction, len(y), self.n_outputs, self)

    def _float64(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return checked target and raw prediction as float64."""
        y, raw = self._checked(y_true, raw_prediction)
        return y.astype(np.float64), raw.astype(np.float64)
