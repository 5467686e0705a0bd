"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, clone
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length

from ..contract.rows import BOUNDS
from ..losses import CoxPH, MultiQuantile, MultiTarget, ProportionalOdds, SquaredError
from ..validation import as_numbers, as_weight
from .fit_inputs import check_one_target, columns_of
from .intervals import IntervalRegressor
from .lazy import lazily

__all__ = ["GBMRegressor"]


def _has_outlier_weights(model: GBMRegressor) -> bool:
    loss: Any = getattr(model, "loss_", model.loss)
    if hasattr(loss, "outlier_weights"):
        return True
    raise AttributeError(f"{loss!r} has no outlier_weights: it counts all rows equally")


def mean_r2(y_true: np.ndarray, prediction: np.ndarray, sample_weight: Any) -> float:
    """Return the mean over targets of R² in the rows that have them."""
    check_consistent_length(y_true, prediction)
    weight, scores = as_weight(sample_weight, len(y_true)), []
    for i, (y, predicted) in enumerate(zip(y_true.T, prediction.T, strict=True)):
        known = ~np.isnan(y) if weight is None else ~np.isnan(y) & (weight > 0)
        if known.sum() < 2:
            raise ValueError(f"target {i} must be known in two rows or more for R², it is in {known.sum()}")
        of_known = None if weight is None else weight[known]
        scores.append(r2_score(y[known], predicted[known], sample_weight=of_known))
    return float(np.mean(scores))


class GBMRegressor(RegressorMixin, IntervalRegressor):
    """Regressor that trains LightGBM or XGBoost under one of our losses.

    Parameters
    ----------
    loss : Loss, default=SquaredError()
        A loss with one output, or with several that are not classes.
    estimator : LGBMRegressor or XGBRegressor, default=LGBMRegressor()
        An unfitted estimator with the engine's parameters; its objective is left out.
    validation_fraction : float or int, optional
        The share, or the number, of the rows that `fit` puts aside: their loss stops the training early, as that
        of an `eval_set` would. The model is not trained on them afterwards, as in scikit-learn's
        `HistGradientBoostingRegressor`. By default none.
    validation : {"random", "last"} or splitter, default="random"
        Which rows are put aside: any; the last ones, for rows in the order of time; or those that a splitter of
        scikit-learn such as ``TimeSeriesSplit(gap=10)`` leaves for testing in the last of its splits, without a
        `validation_fraction`. With `groups` in `fit`, or queries, the share is one of groups, which stay whole,
        and "last" are those that sort last, such as the latest dates; ordered categories sort in their order.
    n_iter_no_change : int, optional
        Number of rounds without improvement after which to stop, on either engine, on the rows put aside or on an
        `eval_set`. By default as the parameters of `estimator` or callbacks say, or 10 if rows are put aside.
    random_state : int, RandomState or None, default=None
        Determines which rows are put aside at random, as in scikit-learn; `estimator` has a seed of its own.

    Attributes
    ----------
    booster_ : lightgbm.Booster or xgboost.Booster
        The complete native model.
    estimator_ : LGBMRegressor or XGBRegressor
        A fitted copy of `estimator`, for importances and tools; for predictions ask this estimator.
    loss_ : Loss
        The loss trained with.
    best_iteration_ : int or None
        The best number of rounds, if training stopped early; counted from 1 on both engines.
    evals_result_ : dict
        Metrics by evaluation set, name and round.
    noise_scale_ : float or None
        The scale b of the noise that the loss assumes (`gbm_objectives.contract.noise`), fitted by maximum
        likelihood on the last evaluation set, such as the rows put aside, or on the training set if there is none.
        For squared error it is twice the variance, for Huber the variance of the normal centre, for absolute error
        and quantiles the mean loss. None if the noise has no scale.
    outside_noise_ : str
        The first training target that the noise cannot draw, with its row: a rate under `PoissonDeviance`, a share
        under `BinaryCrossEntropy`. Such a model has no distributions. Empty if there is none.
    validation_indices_ : ndarray of int or None
        The rows put aside, in ascending order; None if there were none. They chose the number of rounds, so they
        are not fresh rows for `calibrate`.
    ties_ : Ties or None
        The values that more than 2% of the training targets have, ``ties_.values``, and how near to one an end of
        an interval is taken for it, ``ties_.zone``. None if there are none.
    feature_importances_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from gbm_objectives import GBMRegressor, Huber
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GBMRegressor(Huber(delta=20.0), LGBMRegressor(n_estimators=50, verbosity=-1)).fit(X, y)
    >>> model.predict(X).shape
    (442,)
    """

    def _choose_loss(self) -> None:
        self.loss_ = SquaredError() if self.loss is None else clone(self.loss)
        if (self.loss_.n_outputs > 1 and not self.loss_.outputs) or isinstance(self.loss_, ProportionalOdds):
            raise ValueError(
                f"loss of GBMRegressor must have one output, or several that are not classes: {self.loss_!r} tells"
                f" {self.loss_.n_classes} classes apart"
            )

    def _encode(self, y: Any) -> np.ndarray:
        if self.loss_.columns:
            return columns_of(self, y)
        check_one_target(self.loss_, y)
        return as_numbers(column_or_1d(y, warn=True), "y").astype(np.float64, copy=False)

    def _instead_of_distributions(self) -> str:
        if isinstance(self.loss_, MultiTarget):
            return "; intervals and distributions are of one target: train a model for each"
        return "; GBMSurvival has its survival functions and quantiles" if isinstance(self.loss_, CoxPH) else ""

    @available_if(_has_outlier_weights)  # type: ignore[untyped-decorator]  # scikit-learn's
    def outlier_weights(self, X: Any, y: Any, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the weight with which the loss counts each row: 1 at its prediction, towards 0 far from it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Targets.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            ψ(r)/r over its largest value; available for robust losses (`Huber`, `Cauchy` and the like).
        """
        loss: Any = self.loss_
        return np.asarray(loss.outlier_weights(self._encode(y), self._raw(X, offset=offset)))

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, offset: ArrayLike | None = None) -> float:
        """Return R² of the prediction, of several targets the mean, as scikit-learn's regressors do.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets; missing ones of several are left out.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        float
            R².

        Raises
        ------
        ValueError
            If the loss predicts several numbers for a target.
        """
        if self.loss_.scope == "query":
            raise ValueError(
                f"score compares values with targets, {self.loss_!r} tells the order in queries: in a search give"
                " scoring=, for instance the loss's value of predict_raw, with group="
            )
        if isinstance(self.loss_, MultiTarget):
            return mean_r2(self._encode(y), self._predicted(self._raw(X, offset=offset)), sample_weight)
        if self.loss_.columns:
            other = ", or take GBMSurvival, whose score is Harrell's C" if self.loss_.columns == BOUNDS else ""
            raise ValueError(
                f"score compares one number with the target, which has the columns {', '.join(self.loss_.columns)}"
                f" under {self.loss_!r}: in a search give scoring=, for instance the loss's value of predict_raw"
                f"{other}"
            )
        if np.ndim(prediction := self._predicted(self._raw(X, offset=offset))) > 1:
            point = ", or let it predict one of them, point=0.5" if isinstance(self.loss_, MultiQuantile) else ""
            raise ValueError(
                f"score compares one number with the target, {self.loss_!r} predicts {prediction.shape[1]}: in a"
                f" search give scoring=, for instance the loss's value of predict_raw{point}"
            )
        return float(r2_score(self._encode(y), prediction, sample_weight=sample_weight))

    @lazily
    def predict(self, X: Any, num_iteration: int | None = None, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the prediction on the response scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`: a logarithm of exposure, say.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For a distribution, the mean; for a loss with several outputs, a column for each, in their order.
        """
        return self._predicted(self._raw(X, num_iteration, offset))

    def _predicted(self, raw: np.ndarray) -> np.ndarray:
        return self.loss_.predicted(raw)
