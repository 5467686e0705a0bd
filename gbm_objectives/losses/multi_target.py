"""Several targets in one model, each under a loss of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import Domain
from ..contract.formulas import CurvatureKind
from ..contract.links import Link, Output, joint_link
from ..contract.loss import Loss
from ..contract.rows import numbered_columns
from ..validation import as_numbers, as_weight, shown
from .by_target import ByTarget

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MultiTarget"]


class MultiTarget(ByTarget):
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
            knows_thresholds = one.classifies and one.scope == "summary" and not one._smooths_by_summary
            if one.n_outputs > 1 or one.columns or one.joint or one.n_classes > 2 or knows_thresholds:
                raise ValueError(
                    "loss of MultiTarget must predict one number of one target, each row by itself: no"
                    f" distribution, several levels or classes, or order, got {one!r}"
                )
        if len(limits := {one._largest_step: one for one in self._losses}) > 1:
            limited = next(one for step, one in limits.items() if step is not None)
            raise ValueError(
                f"loss of MultiTarget must limit the steps of all targets alike: {limited!r} needs max_delta_step,"
                " which engines apply to all of them; take TweedieDeviance or GammaDeviance beside other losses"
            )
        if len({one.classifies for one in self._losses}) > 1:
            raise ValueError("loss of MultiTarget must be of classes for all targets or for none")

    @property
    def _losses(self) -> tuple[Loss, ...]:
        if isinstance(self.loss, (list, tuple)):
            return tuple(self.loss)
        # Facts are asked for before parameters are checked, which may be none of these types.
        times = self.n_targets if isinstance(self.n_targets, (int, np.integer)) else 1
        return (self.loss,) * max(1, int(times))  # type: ignore[return-value]  # checked in time

    # ---- facts: what follows from those of the losses --------------------------------------------------------

    @property
    def outputs(self) -> tuple[Output, ...]:
        """An output for each target."""
        pairs = zip(self.columns, self._losses, strict=True)
        return tuple(Output(name, one.link, takes_offset=True) for name, one in pairs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The numbers of the targets, from 0."""
        return numbered_columns(len(self._losses))

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
        """What the curvature of all the losses promises; "surrogate" if that differs."""
        kinds = {one.curvature_kind for one in self._losses}
        return kinds.pop() if len(kinds) == 1 else "surrogate"

    @property
    def classifies(self) -> bool:
        """Whether each target is one of two classes."""
        return self._losses[0].classifies

    @property
    def normalised(self) -> bool:
        """Whether the curvature of some target is brought to a mean of 1."""
        return any(one.normalised for one in self._losses)

    @property
    def _largest_step(self) -> float | None:
        return self._losses[0]._largest_step

    @property
    def _has_auto(self) -> bool:
        return any(one._has_auto for one in self._losses)

    # ---- the mathematics -------------------------------------------------------------------------------------

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
        if weight is not None and not weight.all():
            y, raw, weight, counts = (part[weight > 0] for part in (y, raw, weight, counts))
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

    def _resolves(self, other: Loss) -> bool:
        if not isinstance(other, MultiTarget) or len(self._losses) != len(other._losses):
            return False
        return all(one._resolves(auto) for one, auto in zip(self._losses, other._losses, strict=True))

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
        return np.stack([getattr(one, method)(raw[:, i]) for i, one in enumerate(self._each)], axis=1)
