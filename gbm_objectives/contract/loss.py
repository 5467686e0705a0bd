"""The contract of every loss.

A loss states its formulas on plain arrays (`_pointwise`, `_derivatives`); everything else is here once, checks and
the signatures of both engines, and in `driver`: weights, blocks, precision, normalisation and memory layout.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..curvature import Pace
from ..validation import as_numbers, as_raw, as_weight, hashable
from .calling import Metric, labels_and_weight
from .declaration import CurvatureKind, check_declaration
from .domain import REAL, Domain
from .driver import derivatives, weighted_float32
from .links import IDENTITY, Link, Output
from .noise import Noise
from .start import best_constant

__all__ = ["CurvatureKind", "Loss"]


class Loss(BaseEstimator, ABC):
    """A loss: gradient and curvature for LightGBM and XGBoost, a metric, a start value and a link.

    A value object without state. A subclass sets `curvature_kind`, `_pointwise`, `_derivatives`, and if need be:

    - `link` and `domain`, of `gbm_objectives.contract.links` and `.domain`;
    - `outputs`, where a row has several raw predictions that are no classes: a name and a link for each;
    - ``classifies = True``, where the raw predictions tell classes apart (the sign of a single one, the largest of
      several) and targets are labels 0, 1, … or probabilities: `GBMClassifier` takes such losses only;
    - `noise`, under which the loss is a negative log-likelihood;
    - `_initial_raw`, where the start value has a formula; otherwise it is found from `_pointwise`;
    - `check_params`, for the ranges of hyper-parameters.

    *Gradient* and *curvature* are derivatives with respect to the raw prediction (the sum of trees, on the
    scale of the link). What the curvature promises, `curvature_kind` says:

    - ``"exact"``: it is the second derivative.
    - ``"gauss-newton"``: of a square of a residual on the response scale, the part of the second derivative that
      is never negative: twice the square of the response's derivative.
    - ``"expected"``: it is the mean of the second derivative over targets drawn from the `noise` of the prediction
      (Fisher information); of several outputs the diagonal.
    - ``"bound"``: as a diagonal matrix it dominates the Hessian of the row, which has off-diagonal entries.
    - ``"majorizer"``: L(f + d) ≤ L(f) + g·d + ½·h·d² for every d, so a full Newton step in a leaf cannot
      raise the loss.
    - ``"consistent"``: for a loss with a kink. The engines get the gradient of a smoothed loss beside it, which
      has the sign of the loss's own or is 0, and the Newton step of a leaf of one row, times the learning rate,
      cannot raise its loss. Where rows of a leaf disagree it can for some rounds.
    - ``"surrogate"``: it is positive and finite, no more: for losses that are not convex, and for Poisson's.
    - ``"constant"``: it is 1, which is plain first-order gradient boosting; what is fitted then depends on the
      unit of the target.

    On the identity link, and with several `outputs`, the engines get gradient and curvature times the constant
    that makes the weighted harmonic mean of the curvature 1, for each output: `reg_lambda` and `min_child_weight`
    then mean what they mean for squared error, whatever the target's unit. Other links, and margins, have none.
    """

    link: Link = IDENTITY
    outputs: tuple[Output, ...] = ()
    domain: Domain = REAL
    curvature_kind: CurvatureKind
    noise: Noise | None = None
    classifies: bool = False
    _pace: Pace = Pace()  # set by a training, in a copy of the loss

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        # An engine that was given the class calls it with predictions and data, or with targets and predictions.
        first, second = (*arguments, None, None)[:2]
        if isinstance(first, np.ndarray) and (isinstance(second, np.ndarray) or hasattr(second, "get_label")):
            raise TypeError(f"the objective must be a loss, not the class {cls.__name__}: write {cls.__name__}()")
        return super().__new__(cls)

    def __init__(self) -> None: ...  # object's would take any argument, since __new__ does

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        check_declaration(cls)

    @abstractmethod
    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the loss of each row; both arguments are checked, float64, and of equal length."""

    @abstractmethod
    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of a block of rows, as new arrays.

        Both arguments are checked and of one precision, float32 or float64, which the formulas should keep. The
        curvature may be a number.
        """

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the derivative of `_pointwise`; to be given where `_derivatives` has that of a smoothed loss."""
        return self._derivatives(y_true, raw_prediction)[0]

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
        """Return the constant that minimises the mean of `_pointwise`; target and weights are checked, float64."""
        return best_constant(self.resolved(y_true, sample_weight), y_true, sample_weight)

    def check_params(self) -> None:
        """Raise if a hyper-parameter is out of range; called when training begins, as in scikit-learn."""

    def _check_start(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Raise if a training of these rows, which begins at these predictions, cannot end where it should."""

    # ---- what a family of losses may replace: how formulas meet a block of rows ------------------------------

    def _of_all_rows(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Any:
        """Return what the formulas need to know of all rows; it is handed to `_block`."""
        return None

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of a block of rows, computed in `dtype` where that loses nothing."""
        # A target's unit: float32 would lose the difference of large numbers.
        working = np.result_type(y_true, raw_prediction) if self.has_unit else dtype
        return self._derivatives(y_true.astype(working, copy=False), raw_prediction.astype(working, copy=False))

    def _gradient_block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> np.ndarray:
        """Return the loss's own gradient of a block of rows: with a constant curvature nothing is smoothed."""
        return self._gradient(y_true, raw_prediction)

    def _softened(self, known: Any) -> bool:
        """Return whether the engines get the gradient of a smoothed loss."""
        return bool(known)

    def _resolved_at(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Loss:
        """Return the loss with each "auto" in its place, by the residuals of these rows."""
        return self

    # ---- facts, as data -----------------------------------------------------------------------------------

    @property
    def n_outputs(self) -> int:
        """Number of raw predictions per row."""
        return len(self.outputs) or 1

    @property
    def _largest_step(self) -> float | None:
        """The step up to which the curvature holds, if there is one: the engines limit their leaves to it."""
        return None

    @property
    def has_unit(self) -> bool:
        """Whether a raw prediction has the unit of the target."""
        links = [output.link for output in self.outputs] or [self.link]
        return IDENTITY in links and not self.classifies

    @property
    def normalised(self) -> bool:
        """Whether the engines get gradient and curvature with a mean curvature of 1; see the class."""
        return self.curvature_kind != "constant" and (bool(self.outputs) or self.link == IDENTITY)

    @property
    def _share(self) -> float:
        return 1.0  # what the engines get both times where they are not normalised: a half of a deviance

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
        return np.array(np.broadcast_to(self._float64_derivatives(y, raw)[1], raw.shape))

    def value(self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the weighted mean of `pointwise`; arguments and errors as there, weights (n_samples,)."""
        losses = self.pointwise(y_true, raw_prediction)
        return float(np.average(losses, weights=as_weight(sample_weight, len(losses))))

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the inverse link of raw predictions: the mean, the probability, the label score."""
        return self.link.inverse(as_numbers(raw_prediction, "raw_prediction", ndim=(1, 2)))

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return what a regressor predicts: the response; of a distribution its mean, (n_samples,)."""
        return self.response(raw_prediction)

    def resolved(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Loss:
        """Return the loss where training begins: with each "auto" as a number, by the spread of a target."""
        return self

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
        self.check_params()
        y = self._target(y_true)
        self._check_domain(y)
        start = self._initial_raw(y.astype(np.float64), as_weight(sample_weight, len(y)))
        return float(start) if self.n_outputs == 1 else np.asarray(start, dtype=np.float64)

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
            constant c > 0 is 1, or makes the mean curvature of each output 1, as the class says. Where
            `curvature_kind` is "consistent" the gradient is that of a smoothed loss.

        Raises
        ------
        ValueError
            If shapes do not fit, or a target, a weight or the result is not valid. To keep boosting fast, bounds
            are always checked, but integer labels, weights and results only while all rows have equal
            predictions, as at the start of a training.
        """
        self.check_params()
        y = self._target(y_true)
        raw = as_raw(raw_prediction, len(y), self.n_outputs, self)
        # The first look costs nothing, and is enough in nearly every round.
        at_start = bool((raw[0] == raw[-1]).all()) and bool((raw == raw[0]).all())
        if at_start:
            self._check_domain(y)
        return weighted_float32(self, y, raw, as_weight(sample_weight, len(y), at_start), at_start=at_start)

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
        """Return gradient and curvature as the engines' are computed, before any constant."""
        return derivatives(self, y, raw, self._of_all_rows(y, raw, None), np.float64)

    def _target(self, y_true: ArrayLike) -> np.ndarray:
        return as_numbers(y_true, "y_true", ndim=(1,) if self.n_outputs == 1 or self.outputs else (1, 2))

    def _check_domain(self, y: np.ndarray) -> None:
        self.domain.check(y, f"the target of {type(self).__name__}")

    def _checked(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return target and raw prediction as arrays, all checks passed."""
        self.check_params()
        y = self._target(y_true)
        self._check_domain(y)
        return y, as_raw(raw_prediction, len(y), self.n_outputs, self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and type(self) is type(other) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def _value(self) -> tuple[Any, ...]:
        """Return class and hyper-parameters; lists and arrays as tuples, which compare and hash."""
        params = sorted(self.get_params().items())
        return type(self), tuple((name, hashable(value)) for name, value in params)
