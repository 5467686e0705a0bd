"""A loss of several targets: each is a loss's own, on the rows that have it, as if there were no others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..contract.driver import derivatives
from ..contract.formulas import Scope
from ..contract.loss import Loss
from ..validation import first_offender

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ByTarget"]


class Column(NamedTuple):
    """One target: its number, its loss, which rows have it, and these rows."""

    number: int
    loss: Loss
    rows: Any
    y: np.ndarray
    raw: np.ndarray
    weight: np.ndarray | None


class ByTarget(Loss):
    """A loss of several targets that applies a loss to each of them; NaN is a target that a row does not have."""

    @property
    @abstractmethod
    def _losses(self) -> tuple[Loss, ...]:
        """The loss of each target."""

    @property
    def scope(self) -> Scope:
        """What must be seen to compute the numbers of a row."""
        return "summary" if any(one.scope == "summary" for one in self._losses) else "row"

    @property
    def _smooths_by_summary(self) -> bool:
        return all(one._smooths_by_summary for one in self._losses if one.scope == "summary")

    @property
    def _each(self) -> tuple[Loss, ...]:
        """The losses with what a training has told."""
        n = len(self._losses)
        facts = zip(self._losses, self.summary or (None,) * n, self._scale or (None,) * n, strict=True)
        return tuple(
            one._with(summary=summary, _scale=scale, _pace=self._pace, _in_training=self._in_training)
            for one, summary, scale in facts
        )

    def _columns(
        self, y: np.ndarray, raw: np.ndarray | None = None, weight: np.ndarray | None = None
    ) -> Iterator[Column]:
        """Yield the targets that some row has."""
        for i, loss in enumerate(self._each):
            known = ~np.isnan(y[:, i])
            rows: Any = slice(None) if known.all() else np.flatnonzero(known)
            of_rows = None if weight is None else weight[rows]
            # Rows of weight 0 say nothing of all rows, and a loss need not expect that there are no others.
            if not known.any() or (of_rows is not None and not of_rows.any()):
                continue
            yield Column(i, loss, rows, y[rows, i], (y if raw is None else raw)[rows, i], of_rows)

    def _by_target(self, y_true: np.ndarray, weight: np.ndarray | None) -> Iterator[tuple[Loss, Any, Any]]:
        for c in self._columns(y_true, weight=weight):
            yield c.loss, c.y, c.weight

    def _of_each(self, found: dict[int, Any]) -> tuple[Any, ...]:
        """Return what was found of each target; None of one that no row has."""
        return tuple(found.get(i) for i in range(len(self._losses)))

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Any:
        columns = self._columns(y_true, raw_prediction, weight)
        return self._of_each({c.number: c.loss._summary(*c[3:]) for c in columns})

    def _scaled_on(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Self:
        columns = self._columns(y_true, raw_prediction, weight)
        return self._with(_scale=self._of_each({c.number: c.loss._scaled_on(*c[3:])._scale for c in columns}))

    def _after(self, rounds: int) -> Self:
        if self.summary is None:
            return self
        pairs = zip(self._losses, self.summary, strict=True)
        return self._with(summary=tuple(one._with(summary=known)._after(rounds).summary for one, known in pairs))

    def _for_engines(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None, at_start: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        # In the order of the predictions, which saves an engine a copy. Exactly 0 where a target is missing: of
        # thresholds with only such rows in between, rounding would choose one, on each machine another.
        gradient = np.zeros_like(raw_prediction, dtype=np.float32)
        hessian = np.zeros_like(gradient)
        for c in self._columns(y_true, raw_prediction, weight):
            g, h = c.loss.on(*c[3:])._for_engines(*c[3:], at_start)
            gradient[c.rows, c.number], hessian[c.rows, c.number] = g, h
        return gradient, hessian

    # ---- the mathematics -------------------------------------------------------------------------------------

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        total = np.zeros(len(y_true))
        for c in self._columns(y_true, raw_prediction):
            # On a cluster, the sample that an "auto" is from may have no row with a rare target.
            unknown = self._in_training and c.loss._has_auto
            loss = c.loss._resolved_at(c.y, c.raw, None) if unknown else c.loss
            total[c.rows] += loss._valued_on(c.y, c.raw)._pointwise(c.y, c.raw)
        return total / len(self._losses)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        gradient = np.zeros_like(raw_prediction)
        for c in self._columns(y_true, raw_prediction):
            gradient[c.rows, c.number] = c.loss._valued_on(c.y, c.raw)._gradient(c.y, c.raw)
        return gradient / len(self._losses)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._block(y_true, raw_prediction, raw_prediction.dtype.type)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature = np.zeros((2, *raw_prediction.shape), dtype=dtype)
        for c in self._columns(y_true, raw_prediction):
            g, h = derivatives(c.loss.on(c.y, c.raw), c.y, c.raw, dtype)
            gradient[c.rows, c.number], curvature[c.rows, c.number] = g, h
        return gradient / dtype(len(self._losses)), curvature / dtype(len(self._losses))

    def _check_domain(self, y: np.ndarray) -> None:
        for c in self._columns(y):
            good = np.isnan(y[:, c.number])
            good[c.rows] = c.loss.domain.holds_for(c.y)
            if offender := first_offender(y[:, c.number], good):
                raise ValueError(f"target {c.number} of {self!r} must be {c.loss.domain}, got {offender}")
            c.loss._check_domain(c.y)  # which a class of the user may have made stricter

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        columns = self._columns(y_true, weight=sample_weight)
        return self._at_start({c.number: c.loss._initial_raw(c.y, c.weight) for c in columns})

    def _initial_beside(
        self, y_true: np.ndarray, sample_weight: np.ndarray | None, offset: np.ndarray
    ) -> np.ndarray:
        columns = self._columns(y_true, offset, sample_weight)
        return self._at_start({c.number: c.loss._initial_beside(c.y, c.weight, c.raw) for c in columns})

    def _check_start(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        for c in self._columns(y_true, raw_prediction, weight):
            c.loss._check_start(c.y, c.raw, c.weight)

    def _at_start(self, found: dict[int, Any]) -> np.ndarray:
        for i in range(len(self._losses)):
            if i not in found:
                raise ValueError(
                    f"target {i} of {self!r} must be known in some row: all its values are missing, or of weight 0"
                )
        return np.array(self._of_each(found), dtype=np.float64)

    def _counts(self, y_true: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        known = 1.0 - np.isnan(y_true).mean(axis=1)
        return known if weight is None else known * weight
