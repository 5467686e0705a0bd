"""The contract of every loss.

A loss states its formulas on plain arrays (`_pointwise`, `_derivatives`). Everything else is written once: checks
and the signatures of both engines here; weights, blocks, precision, normalisation and memory layout in `driver`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..validation import as_numbers, as_raw, as_weight
from .applied import AppliedLoss
from .calling import Metric, given_group, require_queries, rows_of
from .driver import derivatives
from .formulas import CurvatureKind, Scope
from .rows import Rows
from .start import best_beside, best_constant, constant_rows

__all__ = ["CurvatureKind", "Loss", "Scope"]


class Loss(AppliedLoss):
    """A loss: gradient and curvature for LightGBM and XGBoost, a metric, a start value and a link.

    A value object without state. A subclass sets `curvature_kind`, `_pointwise`, `_derivatives`, and if need be:

    - `link` and `domain`, from `gbm_objectives.contract`;
    - `outputs`, where a row has several raw predictions that are not classes: a name and a link for each;
    - `columns`, where a target has several: their names, and targets are then (n_samples, n_columns);
    - ``classifies = True``, where the raw predictions tell classes apart (the sign of a single one, the largest of
      several) and targets are labels 0, 1, … or probabilities: `GBMClassifier` takes only such losses;
    - `noise`, under which the loss is a negative log-likelihood;
    - `scope`, where a row's numbers depend on other rows;
    - `_initial_raw`, where the start value has a formula; otherwise it is found from `_pointwise`;
    - `check_params`, for the ranges of hyper-parameters.

    Facts may be attributes of the class, properties, or hyper-parameters.

    The `scope` says what must be seen to compute the numbers of a row:

    - ``"row"``: that row alone, apart from the normalising constant, which comes from all rows; the default.
    - ``"summary"``: a few numbers about all training rows, which `_summary` returns afresh before each round, and
      which formulas find as ``self.summary``. Evaluation sets see those of the training rows.
    - ``"query"``: the rows of its query (of one search, one day, one race). `_pointwise` returns a number for each
      query. ``self.prepared`` is what `_prepare` makes of a data set, by default its `Rows`, with targets, weights
      and the ends of queries.
    - ``"all"``: all rows of the data set, ``self.prepared`` likewise.

    The formulas of the last two get whole data sets, those of the others blocks of rows.

    *Gradient* and *curvature* are derivatives with respect to the raw prediction (the sum of trees, on the
    scale of the link). `curvature_kind` says what the curvature promises:

    - ``"exact"``: it is the second derivative.
    - ``"gauss-newton"``: for the square of a residual on the response scale, it is the part of the second
      derivative that is never negative: twice the square of the response's derivative.
    - ``"expected"``: it is the mean of the second derivative over targets drawn from the `noise` of the prediction
      (Fisher information); for several outputs, its diagonal.
    - ``"bound"``: as a diagonal matrix it dominates the Hessian of the row, which has off-diagonal entries.
    - ``"majorizer"``: L(f + d) ≤ L(f) + g·d + ½·h·d² for every d, so a full Newton step in a leaf cannot
      raise the loss.
    - ``"consistent"``: for a loss with a kink. With it the engines get the gradient of a smoothed loss, which has
      the sign of the loss's own gradient or is 0, and the Newton step of a leaf of one row, times the learning
      rate, cannot raise its loss. Where the rows of a leaf disagree, it can for some rounds.
    - ``"surrogate"``: it is only positive and finite: for losses that are not convex, and for Poisson's.
    - ``"constant"``: it is 1, which is plain first-order gradient boosting; what is fitted then depends on the
      unit of the target.

    On the identity link, and with several `outputs`, the engines get gradient and curvature multiplied, for each
    output, by the constant that makes the weighted harmonic mean of the curvature 1: `reg_lambda` and
    `min_child_weight` then mean what they mean for squared error, whatever the target's unit. Other links, and
    margins, have no such unit.
    """

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
        """Return the constant that minimises the mean of `_pointwise`; target and weights are checked, float64.

        Where rows are compared with each other, constants mostly cancel, so it is 0.
        """
        if self.joint:
            return 0.0 if self.n_outputs == 1 else np.zeros(self.n_outputs)
        loss = self.resolved(y_true, sample_weight)
        if loss.scope == "summary" and not loss._smooths_by_summary:
            # The summary for equal predictions; the start need not be exact about any others.
            middle = 0.0 if y_true.ndim > 1 else float(np.median(y_true))
            at = float(loss.link.forward(np.float64(middle))) if loss.n_outputs == 1 else np.zeros(loss.n_outputs)
            raw = constant_rows(at if np.isfinite(at).all() else 0.0, len(y_true))
            loss = loss.on(y_true, raw, sample_weight)
        return best_constant(loss, y_true, sample_weight)

    def _initial_beside(
        self, y_true: np.ndarray, sample_weight: np.ndarray | None, offset: np.ndarray
    ) -> float | np.ndarray:
        """Return the constant that minimises the mean loss in addition to an offset; all arguments are checked."""
        if self._has_auto:
            # Fitted to residuals, so that only what the offset leaves of the target counts.
            return self.initial_raw(y_true - offset, sample_weight)
        start = self.initial_raw(y_true, sample_weight)
        loss = self._valued_on(y_true, constant_rows(start, len(y_true), offset), sample_weight)
        return best_beside(loss, y_true.astype(np.float64), sample_weight, offset.astype(np.float64), start)

    def _check_start(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Raise if a training on these rows that starts from these predictions cannot end where it should."""

    # ---- the mathematics, for users -----------------------------------------------------------------------

    def pointwise(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, group: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the loss of each row, or of each query.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or (n_samples, n_columns)
            Target: one number per row, or the `columns` of the loss, or a distribution over classes.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Raw prediction, on the scale of the link.
        group : array-like of shape (n_queries,), optional
            The number of rows of each query, for losses of scope "query"; by default all rows are one query.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_queries,), float64
            Loss of each row or query.

        Raises
        ------
        ValueError
            If shapes do not fit or a target is outside the domain.
        """
        y, raw = self._float64(y_true, raw_prediction)
        return self._valued_on(y, raw, None, self._queries(group, len(y)))._pointwise(y, raw)

    def gradient(self, y_true: ArrayLike, raw_prediction: ArrayLike, group: ArrayLike | None = None) -> np.ndarray:
        """Return the derivative of each row's loss with respect to the raw prediction.

        Arguments and errors as for `pointwise`; unweighted and unscaled, float64, of the raw prediction's shape.
        At a kink it is the middle of the subdifferential. Where `curvature_kind` is "consistent", the engines get
        the gradient of a smoothed loss instead, see `gradient_hessian`.
        """
        y, raw = self._float64(y_true, raw_prediction)
        return self._valued_on(y, raw, None, self._queries(group, len(y)))._gradient(y, raw)

    def curvature(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, group: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the curvature of each row's loss, of the kind that `curvature_kind` names.

        Arguments and errors as for `pointwise`; unweighted and unscaled, float64, of the raw prediction's
        shape. A consistent curvature depends on all rows given.
        """
        y, raw = self._float64(y_true, raw_prediction)
        loss = self.on(y, raw, None, self._queries(group, len(y)))
        return np.array(np.broadcast_to(loss._float64_derivatives(y, raw)[1], raw.shape))

    def _float64_derivatives(self, y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature computed as for the engines, before any constant is applied."""
        return derivatives(self.on(y, raw), y, raw, np.float64)

    def value(
        self,
        y_true: ArrayLike,
        raw_prediction: ArrayLike,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> float:
        """Return the weighted mean of `pointwise`; arguments and errors as there, weights (n_samples,).

        The weight of a query is the mean of its rows' weights. Losses of scope "query" need `group`, and those
        that learn thresholds from their training rows must know them: `loss_` of a fitted estimator does.
        """
        y, raw = self._float64(y_true, raw_prediction)
        rows = Rows(y, as_weight(sample_weight, len(y), not self._in_training), self._queries(group, len(y)))
        if not self._in_training:  # which knows what it is training on
            self._check_judges(rows.queries)
        return rows.mean(self._valued_on(y, raw, rows.weight, rows.queries)._pointwise(y, raw))

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the inverse link of raw predictions: the mean, the probability, the label score."""
        return self.link.inverse(as_numbers(raw_prediction, "raw_prediction", ndim=(1, 2)))

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return what a regressor predicts: the response; for a distribution its mean, (n_samples,)."""
        return self.response(raw_prediction)

    def resolved(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Loss:
        """Return the loss at the start of training: each "auto" is a number, from the spread of the target."""
        return self

    @property
    def _has_auto(self) -> bool:
        """Whether a hyper-parameter is "auto", to be determined from data."""
        some = np.array([0.0, 1.0])
        return self.resolved(np.stack([some] * len(self.columns), axis=1) if self.columns else some) is not self

    def _resolves(self, other: Loss) -> bool:
        """Return whether this is another loss, or what one became that left an "auto" or its classes open."""
        return self == other or (type(self) is type(other) and (other._has_auto or other.n_classes is None))

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float | np.ndarray:
        """Return the constant raw prediction that minimises `value`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or (n_samples, n_outputs) for target distributions
            Target, in its original unit.
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

    # ---- the mathematics, for the engines -----------------------------------------------------------------

    def gradient_hessian(
        self,
        y_true: ArrayLike,
        raw_prediction: ArrayLike,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weighted gradient and curvature as the engines take them.

        Parameters
        ----------
        y_true, raw_prediction, group
            As in `pointwise`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.

        Returns
        -------
        gradient, hessian : ndarray, float32
            c·w·gradient and c·w·curvature, in the shape and memory order of the raw prediction. The
            constant c > 0 is 1, or makes the mean curvature of each output 1, as the class docstring says. Where
            `curvature_kind` is "consistent", the gradient is that of a smoothed loss.

        Raises
        ------
        ValueError
            If shapes do not fit, or a target, a weight or the result is not valid. Integer labels, weights and
            results are checked only while all rows have equal predictions, as at the start of a training.
        """
        if self._in_training:
            # It has checked everything: on few rows that would cost as much as the formulas.
            weight = None if sample_weight is None else np.asarray(sample_weight)
            rows = np.asarray(y_true), np.asarray(raw_prediction), weight
            return self.on(*rows)._for_engines(*rows)
        self.check_params()
        y = self._target(y_true)
        raw = as_raw(raw_prediction, len(y), self.n_outputs, self)
        # The first test costs nothing, and is enough in nearly every round.
        at_start = bool((raw[0] == raw[-1]).all()) and bool((raw == raw[0]).all())
        if at_start:
            self._check_domain(y)
        weight = as_weight(sample_weight, len(y), at_start)
        loss = self.on(y, raw, weight, self._queries(group, len(y)))
        return loss._for_engines(y, raw, weight, at_start)

    def __call__(
        self,
        first: Any,
        second: Any,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `gradient_hessian` for either engine's calling convention.

        ``loss(y_true, raw_prediction, sample_weight=None, group=None)`` is that of the scikit-learn wrappers,
        ``loss(raw_prediction, dataset_or_dmatrix)`` the native one. XGBoost's wrapper looks for the parameter
        name ``sample_weight``, LightGBM's counts four parameters and fills them by position: all must stay.
        """
        if hasattr(second, "get_label"):
            rows = rows_of(second, self.columns)
            require_queries(self, rows.queries)
            first, second, sample_weight, group = rows.y, first, rows.weight, rows.group
        elif group is None:
            require_queries(self, None)
        return self.gradient_hessian(first, second, sample_weight, **given_group(self, group))

    @property
    def metric(self) -> Metric:
        """The loss as the evaluation metric of both engines, native and scikit-learn; lower is better."""
        return Metric(self)
