"""Several targets in one model, each under a loss of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import Domain
from ..contract.formulas import CurvatureKind, Scope
from ..contract.links import Link, Output, joint_link
from ..contract.loss import Loss
from ..contract.rows import numbered
from ..validation import as_numbers, as_weight, first_offender, shown

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MultiTarget"]


class Column(NamedTuple):
    """One target: its number, its loss, which rows have it, and these rows."""

    number: int
    loss: Loss
    rows: Any
    y: np.ndarray
    raw: np.ndarray
    weight: np.ndarray | None


class MultiTarget(Loss):
    """Several targets in one model, each under a loss of its own; a target may be missing in some rows.

    Domain: that of the loss, and NaN where a target is not known. Outputs: one for each target. With L of the
    loss, and the sum over the known targets of a row::

        loss       sum of L/n_targets
        gradient   L'/n_targets, 0 where the target is missing
        curvature  L''/n_targets, of the loss's own kind

    The engines get gradient and curvature of each target as from its loss alone, with the rows that have it. So a
    target is fitted as by a model of its own, with one number of rounds and one set of parameters for all. `value`
    is the mean over all known numbers: a target in a larger unit counts more in it, not in its fit.

    Parameters
    ----------
    loss : Loss, or sequence of Loss
        A loss with one output of which rows do not belong together; or one for each target. Either all of them
        tell two classes apart, for several labels in `GBMClassifier`, or none.
    n_targets : int, optional
        The number of targets, two or more; may be left out if `loss` is a sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from gbm_objectives import AbsoluteError, MultiTarget
    >>> loss = MultiTarget(AbsoluteError(), 2)
    >>> y = [[1.0, 10.0], [2.0, np.nan], [6.0, 30.0]]
    >>> loss.initial_raw(y).tolist()
    [2.0, 10.0]
    >>> loss.gradient(y, np.full((3, 2), 5.0)).tolist()
    [[0.5, -0.5], [0.5, 0.0], [-0.5, -0.5]]
    >>> loss.value(y, np.full((3, 2), 5.0))  # of five numbers
    7.6
    """

    def __init__(self, loss: Loss | Sequence[Loss], n_targets: int | None = None) -> None:
        self.loss = loss
        self.n_targets = n_targets

    def check_params(self) -> None:
        """Raise if there are not two or more targets, or a loss is not of one output and of rows by themselves."""
        several = isinstance(self.loss, (list, tuple))
        given = self.n_targets
        if not (several and given is None):
            if isinstance(given, bool) or not isinstance(given, (int, np.integer)):
                raise TypeError(f"n_targets of MultiTarget must be an integer, got {shown(given)}")
            if given < 2:
                raise ValueError(f"n_targets of MultiTarget must be 2 or more, got {given}: take the loss itself")
        if several and len(self._losses) != (len(self._losses) if given is None else given):
            raise ValueError(f"loss of MultiTarget has {len(self._losses)} losses for {given} targets")
        if len(self._losses) < 2:
            raise ValueError(f"loss of MultiTarget must be two losses or more, got {len(self._losses)}")
        for one in self._losses:
            if not isinstance(one, Loss):
                raise TypeError(f"loss of MultiTarget must be a Loss, got {shown(one)}")
            one.check_params()
            if one.n_outputs > 1 or one.columns or one.joint or one.n_classes > 2:
                raise ValueError(
                    "loss of MultiTarget must have one output for one target, whose rows do not belong together,"
                    f" got {one!r}"
                )
        if len({one._largest_step for one in self._losses}) > 1:
            raise ValueError(
                "loss of MultiTarget must limit the steps of all targets alike, by one parameter of the engines:"
                " a log link, say, does not go with others"
            )
        if len({one.classifies for one in self._losses}) > 1:
            raise ValueError("loss of MultiTarget must be of classes for all targets or for none")

    @property
    def _losses(self) -> tuple[Loss, ...]:
        if isinstance(self.loss, (list, tuple)):
            return tuple(self.loss)
        return (self.loss,) * int(self.n_targets or 0)  # type: ignore[return-value]  # checked

    # ---- facts: what follows from those of the losses --------------------------------------------------------

    @property
    def outputs(self) -> tuple[Output, ...]:
        """An output for each target."""
        return tuple(Output(f"target {i}", one.link, takes_offset=True) for i, one in enumerate(self._losses))

    @property
    def columns(self) -> tuple[str, ...]:
        """The numbers of the targets, from 0."""
        return numbered(len(self._losses))

    @property
    def link(self) -> Link:
        """The link of the loss, or each target's own."""
        return joint_link(self.outputs)

    @property
    def domain(self) -> Domain:
        """The targets that the first loss is defined for; NaN is a missing one."""
        return self._losses[0].domain

    @property
    def curvature_kind(self) -> CurvatureKind:
        """What the curvature of the first loss promises."""
        return self._losses[0].curvature_kind

    @property
    def classifies(self) -> bool:
        """Whether each target is one of two classes."""
        return self._losses[0].classifies

    @property
    def scope(self) -> Scope:
        """What must be seen to compute the numbers of a row."""
        return "summary" if any(one.scope == "summary" for one in self._losses) else "row"

    @property
    def normalised(self) -> bool:
        """Whether the curvature of some target is brought to a mean of 1."""
        return any(one.normalised for one in self._losses)

    @property
    def _smooths_by_summary(self) -> bool:
        return all(one._smooths_by_summary for one in self._losses if one.scope == "summary")

    @property
    def _largest_step(self) -> float | None:
        return self._losses[0]._largest_step

    @property
    def _has_auto(self) -> bool:
        return any(one._has_auto for one in self._losses)

    # ---- each target by itself -------------------------------------------------------------------------------

    def _columns(
        self, y: np.ndarray, raw: np.ndarray | None = None, weight: np.ndarray | None = None
    ) -> Iterator[Column]:
        """Yield the targets that some row has."""
        for i, one in enumerate(self._losses):
            known = ~np.isnan(y[:, i])
            rows: Any = slice(None) if known.all() else np.flatnonzero(known)
            of_rows = None if weight is None else weight[rows]
            # Rows of weight 0 say nothing of all rows, and a loss need not expect that there are no others.
            if not known.any() or (of_rows is not None and not of_rows.any()):
                continue
            loss = one._with(
                summary=None if self.summary is None else self.summary[i],
                _scale=None if self._scale is None else self._scale[i],
                _pace=self._pace,
                _in_training=self._in_training,
            )
            yield Column(i, loss, rows, y[rows, i], (y if raw is None else raw)[rows, i], of_rows)

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
            total[c.rows] += c.loss._valued_on(c.y, c.raw)._pointwise(c.y, c.raw)
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
            g, h = c.loss.on(c.y, c.raw)._block(c.y, c.raw, dtype)
            gradient[c.rows, c.number], curvature[c.rows, c.number] = g, h
        return gradient / dtype(len(self._losses)), curvature / dtype(len(self._losses))

    def _check_domain(self, y: np.ndarray) -> None:
        for c in self._columns(y):
            good = np.isnan(y[:, c.number])
            good[c.rows] = c.loss.domain.holds_for(c.y)
            if offender := first_offender(y[:, c.number], good):
                raise ValueError(f"target {c.number} of {self!r} must be {c.loss.domain}, got {offender}")

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        columns = self._columns(y_true, weight=sample_weight)
        return self._at_start({c.number: c.loss._initial_raw(c.y, c.weight) for c in columns})

    def _initial_beside(
        self, y_true: np.ndarray, sample_weight: np.ndarray | None, offset: np.ndarray
    ) -> np.ndarray:
        columns = self._columns(y_true, offset, sample_weight)
        return self._at_start({c.number: c.loss._initial_beside(c.y, c.weight, c.raw) for c in columns})

    def _at_start(self, found: dict[int, Any]) -> np.ndarray:
        for i in range(len(self._losses)):
            if i not in found:
                raise ValueError(f"target {i} of {self!r} must be known in some row: all its values are missing")
        return np.array(self._of_each(found), dtype=np.float64)

    def _counts(self, y_true: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        known = 1.0 - np.isnan(y_true).mean(axis=1)
        return known if weight is None else known * weight

    def value(
        self,
        y_true: ArrayLike,
        raw_prediction: ArrayLike,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> float:
        """Return the weighted mean loss over all known numbers; arguments and errors as for `pointwise`.

        Raises
        ------
        ValueError
            If all are missing.
        """
        y, raw = self._float64(y_true, raw_prediction)
        self._queries(group, len(y))
        weight = as_weight(sample_weight, len(y), not self._in_training)
        counts = self._counts(y, weight)
        if not counts.any():
            raise ValueError(f"y_true of {self!r} must have known values: all are missing, or of weight 0")
        loss = self._resolved_at(y, raw, weight) if self._has_auto else self
        losses = loss._valued_on(y, raw, weight)._pointwise(y, raw)
        return float((losses.sum() if weight is None else losses @ weight) / counts.sum())

    def _resolved_at(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Self:
        columns = self._columns(y_true, raw_prediction, weight)
        found = {c.number: c.loss._resolved_at(*c[3:]) for c in columns}
        loss = self._of_losses(found)
        own = self.scope == "summary" and not self._smooths_by_summary
        return loss._with(summary=self._of_each({i: one.summary for i, one in found.items()})) if own else loss

    def resolved(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Return the loss at the start of training: each "auto" is a number, of each target its own."""
        if not self._has_auto:
            return self
        y = self._target(y_true)
        columns = self._columns(y, weight=as_weight(sample_weight, len(y)))
        return self._of_losses({c.number: c.loss.resolved(c.y, c.weight) for c in columns})

    def _of_losses(self, found: dict[int, Loss]) -> Self:
        """Return the loss with some of the losses replaced, where one changed."""
        each = [found.get(i, one) for i, one in enumerate(self._losses)]
        same = all(one == other for one, other in zip(each, self._losses, strict=True))
        return self if same else self._with(loss=tuple(each))

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the response of each target, (n_samples, n_targets)."""
        return self._in_columns("response", raw_prediction)

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return what a regressor predicts of each target, (n_samples, n_targets)."""
        return self._in_columns("predicted", raw_prediction)

    def labels(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return which of two classes the raw prediction of each target indicates, (n_samples, n_targets)."""
        return self._in_columns("labels", raw_prediction)

    def _in_columns(self, method: str, raw_prediction: ArrayLike) -> np.ndarray:
        raw = as_numbers(raw_prediction, "raw_prediction", ndim=(2,))
        return np.stack([getattr(one, method)(raw[:, i]) for i, one in enumerate(self._losses)], axis=1)
