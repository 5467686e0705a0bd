"""The contract of every loss.

A loss states its formulas on plain arrays (`_pointwise`, `_derivatives`); everything else is here once, checks and
the signatures of both engines, and in `driver`: weights, blocks, precision and memory layout.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..curvature import Scale
from ..likelihood import Noise
from ..links import IDENTITY, Link
from .driver import weighted_float32
from .metric import Metric, labels_and_weight
from .validation import as_numbers, as_raw, as_weight, first_offender

__all__ = ["CurvatureKind", "Loss"]

CurvatureKind = Literal["exact", "gauss-newton", "bound", "majorizer", "consistent", "constant"]


class Loss(BaseEstimator, ABC):
    """A loss: gradient and curvature for LightGBM and XGBoost, a metric, a start value and a link.

    A small value object: no data and no state between calls. A subclass is final and gives `_pointwise`,
    `_derivatives`, `initial_raw` and `curvature_kind`, and where the defaults do not fit, `link`, `domain` with
    `_bounds` or `_in_domain`, `n_outputs`, `check_params`, `_scale` and `_unit_mean_curvature`.

    *Gradient* and *curvature* are derivatives with respect to the raw prediction (the sum of trees, on the
    scale of the link). What the curvature promises, `curvature_kind` says:

    - ``"exact"``: it is the second derivative.
    - ``"gauss-newton"``: of a square of a residual on the response scale, the part of the second derivative that
      is never negative: twice the square of the response's derivative.
    - ``"bound"``: as a diagonal matrix it dominates the Hessian of the row, which has off-diagonal entries.
    - ``"majorizer"``: L(f + d) ≤ L(f) + g·d + ½·h·d² for every d, so a full Newton step in a leaf can not
      raise the loss.
    - ``"consistent"``: for a loss with a kink. The engines get the gradient of a smoothed loss beside it, which
      has the sign of the loss's own or is 0, and a full Newton step of a leaf of one row can not raise its loss.
      In leaves of rows that disagree it can for some rounds, most of all where most targets have one value.
    - ``"constant"``: it is 1, which is plain first-order gradient boosting; what is fitted then depends on the
      unit of the target.

    A loss that has more than one curvature lets the constructor's parameter `hessian` choose: ``"auto"``, the
    default and the best known, ``"exact"``, ``"majorizer"`` (the calmest) or ``"constant"``;
    not every loss has all of them, and an unknown one is an error that lists those it has.
    """

    link: ClassVar[Link] = IDENTITY
    # The noise under which the loss is a negative log-likelihood up to constants, if there is one.
    noise: Noise | None = None
    domain: ClassVar[str] = "finite numbers"
    # Smallest and largest target; `_in_domain` says what else there is to the domain.
    _bounds: tuple[float, float] = (-np.finfo(np.float64).max, np.finfo(np.float64).max)
    # What the parameter `hessian` may be, and the kind of curvature it then is.
    _curvatures: ClassVar[dict[str, CurvatureKind]] = {}
    # The raw predictions tell classes apart: the sign of a single one, the largest of several.
    classifies: ClassVar[bool] = False
    # Scale gradient and curvature so that the weighted harmonic mean of the curvature is 1: then `reg_lambda` and
    # `min_child_weight` mean what they mean for squared error, whatever the unit of the target.
    _unit_mean_curvature: ClassVar[bool] = False

    # ---- what a loss states -------------------------------------------------------------------------------

    @abstractmethod
    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the loss of each row; both arguments are checked, float64, and of equal length."""

    @abstractmethod
    def _derivatives(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `scale.constant` times gradient and curvature of a block of rows, as new arrays of `dtype`.

        Input comes in the engine's precision: take differences in it, then convert. `scale` is what `_scale`
        returned for all rows. Several outputs come and go in Fortran order, a class after the other.
        """

    @abstractmethod
    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float | np.ndarray:
        """Return the constant raw prediction that minimises `value`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or (n_samples, n_outputs) for target distributions
            Target, in its own unit.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.

        Returns
        -------
        float or ndarray of shape (n_outputs,)
            The start value, on the scale of the link.

        Raises
        ------
        ValueError
            If a target is outside the domain or the weights are not valid.
        """

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Scale:
        """Return what the formulas need to know of all rows: for a self-scaled curvature the residual scale."""
        return Scale()

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the derivative of `_pointwise`; to be given where `_derivatives` has that of a smoothed loss."""
        return self._float64_derivatives(y_true, raw_prediction)[0]

    def _in_domain(self, y_true: np.ndarray) -> np.ndarray:
        """Return for each target within `_bounds` whether the loss is defined for it."""
        return np.ones(len(y_true), dtype=bool)

    def check_params(self) -> None:
        """Raise if a hyper-parameter is out of range; called when training begins, as in scikit-learn."""
        self._check_hessian()

    def _check_hessian(self) -> None:
        hessian = getattr(self, "hessian", "auto")
        if self._curvatures and hessian not in self._curvatures:
            offered = ", ".join(map(repr, self._curvatures))
            raise ValueError(f"hessian of {type(self).__name__} must be one of {offered}, got {hessian!r}")

    # ---- facts, as data -----------------------------------------------------------------------------------

    @property
    def curvature_kind(self) -> CurvatureKind:
        """What the curvature promises; see the class."""
        self._check_hessian()
        return self._curvatures[getattr(self, "hessian", "auto")]

    @property
    def n_outputs(self) -> int:
        """Number of raw predictions per row."""
        return 1

    @property
    def name(self) -> str:
        """Name of the loss in snake case: the name of its metric."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(self).__name__).lower()

    @property
    def metric(self) -> Metric:
        """The loss as the evaluation metric of both engines, native and scikit-learn; lower is better."""
        return Metric(self)

    # ---- the mathematics, for people ----------------------------------------------------------------------

    def pointwise(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the loss of each row.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or (n_samples, n_outputs) for target distributions
            Target.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Raw prediction, on the scale of the link.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Loss of each row.

        Raises
        ------
        ValueError
            If shapes do not fit or a target is outside the domain.
        """
        y, raw = self._checked(y_true, raw_prediction)
        return self._pointwise(y.astype(np.float64), raw.astype(np.float64))

    def gradient(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the derivative of each row's loss with respect to the raw prediction.

        Arguments and errors as for `pointwise`; unweighted and unscaled, float64, of the raw prediction's shape.
        At a kink it is the middle of the subdifferential. Where `curvature_kind` is "consistent" the engines get
        that of a smoothed loss in its place, see `gradient_hessian`.
        """
        y, raw = (array.astype(np.float64) for array in self._checked(y_true, raw_prediction))
        return self._gradient(y, raw)

    def curvature(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the curvature of each row's loss, of the kind that `curvature_kind` names.

        Arguments and errors as for `pointwise`; unweighted and unscaled, float64, of the raw prediction's
        shape. A consistent curvature depends on all rows given.
        """
        y, raw = (array.astype(np.float64) for array in self._checked(y_true, raw_prediction))
        curvature = self._float64_derivatives(y, raw)[1]
        return np.ones(raw.shape) if self.curvature_kind == "constant" else np.broadcast_to(curvature, raw.shape)

    def value(self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the weighted mean of `pointwise`; arguments and errors as there, weights (n_samples,)."""
        losses = self.pointwise(y_true, raw_prediction)
        return float(np.average(losses, weights=as_weight(sample_weight, len(losses))))

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the inverse link of raw predictions: the mean, the probability, the label score."""
        return self.link.inverse(as_numbers(raw_prediction, "raw_prediction", ndim=(1, 2)))

    def check_target(self, y_true: ArrayLike) -> None:
        """Raise a `ValueError` that names the domain and the first offending value, if there is one."""
        self.check_params()
        self._check_domain(self._target(y_true))

    # ---- the mathematics, for the engines -----------------------------------------------------------------

    def gradient_hessian(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weighted gradient and curvature as the engines take them.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or (n_samples, n_outputs) for target distributions
            Target.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Raw prediction.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.

        Returns
        -------
        gradient, hessian : ndarray, float32
            c·w·gradient and c·w·curvature, in the shape and memory order of the raw prediction. The
            constant c > 0 is 1 or, for losses that fix their mean curvature to 1, the same for all rows. Where
            `curvature_kind` is "consistent" the gradient is that of a smoothed loss, as the class says.

        Raises
        ------
        ValueError
            If shapes do not fit, or a target or a weight is not valid. To keep boosting fast, bounds are always
            checked, but integer labels and weights only while first and last row have equal predictions, as
            at the start of a training.
        """
        self.check_params()
        y = self._target(y_true)
        raw = as_raw(raw_prediction, len(y), self.n_outputs, self)
        at_start = bool(np.all(raw[0] == raw[-1]))
        if at_start:
            self._check_domain(y)
        return weighted_float32(self, y, raw, as_weight(sample_weight, len(y), check=at_start))

    def __call__(
        self, first: Any, second: Any, sample_weight: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `gradient_hessian` for either engine's calling convention.

        ``loss(y_true, raw_prediction, sample_weight=None)`` is the one of the scikit-learn wrappers,
        ``loss(raw_prediction, dataset_or_dmatrix)`` the native one. XGBoost's wrapper looks for the
        parameter name ``sample_weight``, LightGBM's counts three parameters: both must stay.
        """
        if hasattr(second, "get_label"):
            y_true, weight = labels_and_weight(second)
            return self.gradient_hessian(y_true, first, weight)
        return self.gradient_hessian(first, second, sample_weight)

    def _float64_derivatives(self, y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature as the formulas have them, without the constant."""
        scale = self._scale(y, raw, None)
        gradient, curvature = self._derivatives(y, raw, scale, np.float64)
        return gradient / scale.constant, curvature / scale.constant

    # ---- checks -------------------------------------------------------------------------------------------

    def _target(self, y_true: ArrayLike) -> np.ndarray:
        return as_numbers(y_true, "y_true", ndim=(1,) if self.n_outputs == 1 else (1, 2))

    def _check_domain(self, y: np.ndarray) -> None:
        low, high = self._bounds
        inside: np.ndarray = np.logical_and(y >= low, y <= high)
        good = np.all(inside, axis=1) if y.ndim == 2 else inside
        good[good] = self._in_domain(y[good])
        if offender := first_offender(y, good):
            raise ValueError(f"the target of {type(self).__name__} must be {self.domain}, got {offender}")

    def _checked(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return target and raw prediction as arrays, all checks passed."""
        self.check_params()
        y = self._target(y_true)
        self._check_domain(y)
        return y, as_raw(raw_prediction, len(y), self.n_outputs, self)

    def _checked_target(
        self, y_true: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return target and weights in float64, all checks passed, for `initial_raw`."""
        self.check_params()
        y = self._target(y_true)
        self._check_domain(y)
        return y.astype(np.float64), as_weight(sample_weight, len(y))

    # ---- a value object -----------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and type(self) is type(other) and self.get_params() == other.get_params()

    def __hash__(self) -> int:
        return hash((type(self), tuple(sorted(self.get_params().items()))))
