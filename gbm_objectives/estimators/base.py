"""What the estimators share: data in, complete model out, on whichever engine."""

from __future__ import annotations

from os import PathLike
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ..contract import Loss
from ..engines.data_sets import check_labels
from ..engines.metrics import has_auto
from ..engines.models import unfitted_copy
from ..engines.parameters import require_loss
from ..engines.protocol import Engine, Training
from ..engines.registry import DEFAULT, dask_engine_of, engine_named, engine_of
from ..validation import as_weight, shown
from . import saving
from .conformal import Calibration
from .distributed import fit_on_cluster
from .fit_inputs import (
    EVAL_OFFSET_NAMES,
    EVAL_WEIGHT_NAMES,
    KEYWORDS,
    MODEL_NAMES,
    OFFSET_NAMES,
    check_classes,
    eval_offsets,
    eval_pairs,
    eval_sets,
    offset_of,
    one_of,
    repeats_training_set,
)
from .lazy import is_collection

__all__ = ["BaseGBM"]


class BaseGBM(BaseEstimator):
    """What `GBMRegressor` and `GBMClassifier` share."""

    loss_: Loss
    noise_scale_: float | None
    outside_noise_: str = ""
    calibration_: Calibration | None = None
    # How scikit-learn's routing learns of keywords that no signature has: it gives set_fit_request one for each.
    __metadata_request__fit: ClassVar[dict[str, None]] = dict.fromkeys(KEYWORDS)

    def __init__(self, loss: Loss | None = None, estimator: Any = None) -> None:
        self.loss = loss
        self.estimator = estimator

    def _prepare(self, y: Any) -> np.ndarray:
        """Set `loss_` (and `classes_`) from the training target and return it as numbers."""
        raise NotImplementedError

    def _encode(self, y: Any) -> np.ndarray:
        """Return an evaluation target as numbers."""
        raise NotImplementedError

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: Any = None,
        **fit_params: Any,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Features; data frames go to the engine as they are, names and categories with them.
        y : array-like of shape (n_samples,)
            Target in its own unit, or labels of any type; (n_samples, n_classes) for target distributions.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.
        eval_set : list of (X, y) pairs, or one pair, optional
            Sets on which the loss's metric is computed after each round; early stopping looks at them.
        **fit_params
            Both engines: ``eval_sample_weight`` (a list of weights, one per set), ``eval_names``,
            ``eval_metric`` (names, or functions ``f(y_true, y_pred)`` of the response, with ``sample_weight`` if
            they like, that return a value, lower is better, or ``(name, value, higher_is_better)``; scikit-learn's
            scores are to rise; a second parameter named ``raw_prediction`` asks for that; early stopping watches
            the loss, unless its ``.metric`` stands in the list too, whose order counts then), ``callbacks``,
            ``init_model`` (a fitted estimator, ours or the engine's, a native model or its path, to go on from),
            ``init_score`` and ``eval_init_score`` (offsets: raw predictions to be added to, such as the logarithm
            of exposure, of the training set, and a list of those of evaluation sets, or that of a single one;
            predictions have them as ``offset=``), ``eval_X`` and ``eval_y`` (tuples, in place of `eval_set`).
            XGBoost's names are taken too.
            LightGBM: ``categorical_feature``, ``feature_name``. XGBoost: ``feature_weights``, ``verbose``.
            Early stopping is spelled as the engine does: ``early_stopping_round`` or
            ``lightgbm.early_stopping`` for LightGBM, ``early_stopping_rounds`` of the estimator for XGBoost.
            There LightGBM passes over the training set itself, (X, y), which is named "training".

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If target, weights, labels or parameters are not valid; before any training.
        TypeError
            If `loss` or `estimator` is of the wrong kind, or a fit parameter is unknown to the engine.

        Warns
        -----
        UserWarning
            If the training loss stays above the lowest so far by a tenth, for 15 rounds: the steps overshoot.
        """
        before = dict(self.__dict__)
        self.calibration_ = None  # that of another model
        try:
            return self._fit(X, y, sample_weight, eval_set, fit_params)
        except BaseException:
            # A model whose fit failed is the one that it was.
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(self, X: Any, y: Any, sample_weight: Any, eval_set: Any, fit_params: dict[str, Any]) -> Any:
        if (cluster := dask_engine_of(self.estimator)) is not None:
            self._check_estimator()
            return fit_on_cluster(self, cluster, X, y, sample_weight, eval_set, fit_params)
        engine, estimator = self._engine_and_estimator()
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        given = X, y, sample_weight
        X = self._features(X, reset=True)
        target = self._prepare(y)
        check_consistent_length(X, target)
        check_labels(self.loss_, target)
        weight = self._weights(estimator, target, as_weight(sample_weight, len(target)))
        offset = offset_of(self.loss_, one_of(fit_params, OFFSET_NAMES), len(target), "init_score")
        eval_set = eval_pairs(eval_set, fit_params)
        eval_weight = one_of(fit_params, EVAL_WEIGHT_NAMES)
        eval_names = fit_params.pop("eval_names", None)
        model = one_of(fit_params, MODEL_NAMES)
        check_classes(self, model)
        sets = eval_sets(self, eval_set, eval_weight, eval_names)
        offsets = eval_offsets(self.loss_, one_of(fit_params, EVAL_OFFSET_NAMES), sets, offset)
        data = Training(
            X,
            target,
            weight,
            sets,
            offset=offset,
            eval_offsets=offsets,
            repeats=repeats_training_set(given, offset, eval_set, sets, offsets),
            eval_names=eval_names,
            eval_metric=fit_params.pop("eval_metric", None),
            callbacks=fit_params.pop("callbacks", None),
            model=model,
            options=fit_params,
        )
        trained = engine.train_estimator(estimator, self.loss_, data)
        self.booster_ = trained.booster
        self.best_iteration_ = trained.best_iteration
        self.evals_result_ = trained.evals_result
        self.estimator_ = engine.estimator_with_model(
            estimator, trained, getattr(self, "classes_", None), self.n_features_in_
        )
        if has_auto(self.loss_):
            raw = engine.predict_raw(self.booster_, X, self.estimator_) + (0.0 if offset is None else offset)
            self.loss_ = self.loss_._resolved_at(target, raw, weight)
        noise, self.noise_scale_ = self.loss_.noise, None
        self.outside_noise_ = noise.offender(target) if noise is not None and not is_classifier(self) else ""
        if noise is not None and noise.fit_scale is not None:
            # Residuals of the rows trained on are too small. Of several evaluation sets the last, as for XGBoost's
            # early stopping.
            if data.eval_sets:
                (X, target, weight), offset = data.eval_sets[-1], (data.eval_offsets or [None])[-1]
            raw = engine.predict_raw(self.booster_, X, self.estimator_) + (0.0 if offset is None else offset)
            mean_loss = self.loss_.value(target, raw, weight)
            # Where every residual is 0 there is no maximum: the likelihood rises without bound.
            self.noise_scale_ = noise.fit_scale(mean_loss) if mean_loss > 0 else 0.0
        return self

    @property
    def feature_importances_(self) -> np.ndarray:
        """Importance of each feature, of the kind that the estimator's `importance_type` names."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.feature_importances_)

    def save_model(self, path: str | PathLike[str]) -> None:
        """Save loss, classes and native model as one JSON file, to be read by `load_model`.

        Parameters
        ----------
        path : str or path-like
            File to write.
        """
        check_is_fitted(self)
        saving.save(self, path)

    @classmethod
    def load_model(cls, path: str | PathLike[str], loss: Loss | None = None) -> Any:
        """Load what `save_model` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            File to read.
        loss : Loss, optional
            The loss the model was trained with, where it is not one of this package.

        Returns
        -------
        GBMRegressor or GBMClassifier
            A fitted estimator.

        Raises
        ------
        ValueError
            If the file is damaged, foreign, or of another class.
        """
        return saving.load(cls, path, loss)

    def set_params(self, **params: Any) -> Any:
        """Set parameters, those of loss and estimator as ``loss__…`` and ``estimator__…``, as in scikit-learn.

        Parameters
        ----------
        **params
            Parameters by name.

        Returns
        -------
        self
            This estimator.

        Raises
        ------
        ValueError
            If there is no such parameter, or no loss or estimator to have it.
        """
        for part in ("loss", "estimator"):
            inner = [name for name in params if name.startswith(part + "__")]
            if inner and params.get(part, getattr(self, part)) is None:
                raise ValueError(
                    f"{inner[0]} needs {type(self).__name__}({part}=...): the default is made when fit is called"
                )
        return super().set_params(**params)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "booster_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def _engine_and_estimator(self) -> tuple[Engine, Any]:
        if self.loss is not None:
            require_loss(self.loss)
        if self.estimator is None:
            engine = engine_named(DEFAULT)
            return engine, engine.default_estimator(is_classifier(self))
        _, engine = engine_of(self.estimator)
        self._check_estimator()
        return engine, unfitted_copy(self.estimator)

    def _check_estimator(self) -> None:
        if self.loss is not None:
            require_loss(self.loss)
        kind, is_one = ("classifier", is_classifier) if is_classifier(self) else ("regressor", is_regressor)
        if isinstance(self.estimator, type) or not is_one(self.estimator):
            raise TypeError(f"estimator of {type(self).__name__} must be a {kind}, got {shown(self.estimator)}")

    def _features(self, X: Any, reset: bool) -> Any:
        """Return features for the engine: arrays checked by scikit-learn, data frames as they are."""
        if is_collection(X):
            raise TypeError(
                "X must be in memory here, got a Dask collection: call X.compute(). fit takes a collection with a"
                " Dask estimator, such as DaskLGBMRegressor; predict, predict_raw, predict_proba, predict_set,"
                " predict_params, predict_quantiles, predict_interval and decision_function take one without"
            )
        if hasattr(X, "columns") or hasattr(X, "column_names"):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        X = validate_data(
            self, X, reset=reset, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False
        )
        if X.dtype.kind in "mM":  # which scikit-learn lets pass, and engines take for numbers
            raise ValueError(f"X must be real numbers, got {X.dtype} data")
        return X

    def _weights(self, estimator: Any, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        return weight
