"""Scikit-learn estimators that train either engine under one of our losses and keep the complete model."""

from __future__ import annotations

import importlib
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone, is_classifier
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from . import saving
from .engines.common import Training
from .losses import BinaryCrossEntropy, CategoricalCrossEntropy, Loss, SquaredError
from .losses.validation import as_weight

__all__ = ["GBMClassifier", "GBMRegressor"]

# Two spellings each, so that a fit moves from one engine to the other as it is.
EVAL_WEIGHT_NAMES = ("eval_sample_weight", "sample_weight_eval_set")
MODEL_NAMES = ("init_model", "xgb_model")


def engine_of(estimator: Any) -> Any:
    """Return the module of `gbm_objectives.engines` for an estimator; the only place that tells them apart."""
    for kind in type(estimator).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in ("lightgbm", "xgboost") and hasattr(estimator, "n_estimators"):
            return importlib.import_module(f".engines.{root}_estimator", __package__)
    raise TypeError(f"estimator must be a scikit-learn estimator of LightGBM or XGBoost, got {estimator!r}")


class _GBM(BaseEstimator):
    """What regressor and classifier share: data in, complete model out."""

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
            ``eval_metric`` (names, or functions ``f(y_true, raw_prediction)``, with ``sample_weight`` if they
            like, that return a value, lower is better, or LightGBM's triple), ``callbacks``,
            ``init_model`` (a model of this class, a native model or its path, to go on from).
            LightGBM: ``categorical_feature``, ``feature_name``. XGBoost: ``feature_weights``, ``verbose``.
            Early stopping is spelled as the engine does: ``early_stopping_round`` or
            ``lightgbm.early_stopping`` for LightGBM, ``early_stopping_rounds`` of the estimator for XGBoost.

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
        """
        engine, estimator = self._engine_and_estimator()
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        X = self._features(X, reset=True)
        target = self._prepare(y)
        check_consistent_length(X, target)
        self.loss_.check_target(target)
        weight = self._weights(estimator, target, as_weight(sample_weight, len(target)))
        eval_weight = _one_of(fit_params, EVAL_WEIGHT_NAMES)
        eval_names = fit_params.pop("eval_names", None)
        model = _one_of(fit_params, MODEL_NAMES)
        data = Training(
            X,
            target,
            weight,
            self._eval_sets(eval_set, eval_weight, eval_names),
            eval_names=eval_names,
            eval_metric=fit_params.pop("eval_metric", None),
            callbacks=fit_params.pop("callbacks", None),
            model=self._native_model(model),
            options=fit_params,
        )
        trained = engine.train_estimator(estimator, self.loss_, data)
        self.booster_ = trained.booster
        self.best_iteration_ = trained.best_iteration
        self.evals_result_ = trained.evals_result
        self.estimator_ = engine.fitted(estimator, trained, getattr(self, "classes_", None), self.n_features_in_)
        return self

    def predict_raw(self, X: Any) -> np.ndarray:
        """Return the raw prediction, on the scale of the link: (n_samples,) or (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = self._features(X, reset=False)
        raw: np.ndarray = engine_of(self.estimator_).predict_raw(self.booster_, X, self.estimator_)
        return raw

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
        saving.save(self, engine_of(self.estimator_), path)

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

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "booster_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def _engine_and_estimator(self) -> tuple[Any, Any]:
        if self.loss is not None and not isinstance(self.loss, Loss):
            hint = "; write it with parentheses" if isinstance(self.loss, type) else ""
            raise TypeError(f"loss must be a Loss of gbm_objectives, got {self.loss!r}{hint}")
        if self.estimator is None:
            engine = importlib.import_module(".engines.lightgbm_estimator", __package__)
            return engine, engine.default_estimator(is_classifier(self))
        engine = engine_of(self.estimator)
        if isinstance(self.estimator, type) or is_classifier(self.estimator) != is_classifier(self):
            kind = "classifier" if is_classifier(self) else "regressor"
            raise TypeError(f"estimator of {type(self).__name__} must be a {kind}, got {self.estimator!r}")
        return engine, clone(self.estimator)

    def _features(self, X: Any, reset: bool) -> Any:
        """Return features for the engine: arrays checked by scikit-learn, data frames as they are."""
        if hasattr(X, "columns") or hasattr(X, "column_names"):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        return validate_data(
            self, X, reset=reset, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False
        )

    def _native_model(self, model: Any) -> Any:
        """Return the native model of one of ours to go on from, or what was given."""
        if not isinstance(model, _GBM):
            return getattr(model, "booster_", model)
        check_is_fitted(model)
        ours, theirs = (np.asarray(getattr(m, "classes_", ())) for m in (self, model))
        if not np.array_equal(ours, theirs):
            raise ValueError(f"init_model knows the classes {theirs}, y has {ours}")
        return model.booster_

    def _weights(self, estimator: Any, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        return weight

    def _eval_sets(
        self, eval_set: Any, weights: Any, names: Any
    ) -> list[tuple[Any, np.ndarray, np.ndarray | None]]:
        if eval_set is None:
            return []
        if isinstance(eval_set, tuple) and len(eval_set) == 2 and not isinstance(eval_set[0], tuple):
            pairs, weights = [eval_set], weights if weights is None or len(weights) == 1 else [weights]
        else:
            pairs = list(eval_set)
        for name, given in (("eval_sample_weight", weights), ("eval_names", names)):
            if given is not None and len(given) != len(pairs):
                raise ValueError(f"{name} has {len(given)} entries for {len(pairs)} evaluation sets")
        sets = []
        for i, pair in enumerate(pairs):
            try:
                X, y = pair
            except (TypeError, ValueError):
                raise ValueError(f"eval_set[{i}] must be a pair (X, y)") from None
            try:
                features, target = self._features(X, reset=False), self._encode(y)
                check_consistent_length(features, target)
                weight = as_weight(weights[i], len(target)) if weights is not None else None
            except ValueError as error:
                raise ValueError(f"eval_set[{i}]: {error}") from None
            sets.append((features, target, weight))
        return sets


def _one_of(fit_params: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Take the one of several spellings that is given out of the fit parameters."""
    given = [fit_params.pop(name) for name in names if name in fit_params]
    if len(given) > 1:
        raise TypeError(f"fit() takes one of {' and '.join(names)}, got both")
    return given[0] if given else None


class GBMRegressor(RegressorMixin, _GBM):
    """Regressor that trains LightGBM or XGBoost under one of our losses.

    Parameters
    ----------
    loss : Loss, default=SquaredError()
        A loss with one output.
    estimator : LGBMRegressor or XGBRegressor, default=LGBMRegressor()
        An unfitted estimator with the engine's parameters; its objective is left out.

    Attributes
    ----------
    booster_ : lightgbm.Booster or xgboost.Booster
        The complete native model.
    estimator_ : LGBMRegressor or XGBRegressor
        A fitted copy of `estimator`, for importances and tools; for predictions ask this estimator.
    loss_ : Loss
        The loss trained with.
    best_iteration_ : int or None
        The best round where training stopped early, as the engine counts: LightGBM from 1, XGBoost from 0.
    evals_result_ : dict
        Metrics by evaluation set, name and round.
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

    def _prepare(self, y: Any) -> np.ndarray:
        self.loss_ = SquaredError() if self.loss is None else clone(self.loss)
        if self.loss_.n_outputs != 1:
            raise ValueError(
                f"loss of GBMRegressor must have one output, {self.loss_!r} has {self.loss_.n_outputs}"
            )
        return self._encode(y)

    def _encode(self, y: Any) -> np.ndarray:
        target = column_or_1d(y, warn=True)
        try:
            return np.asarray(target, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"y must be numbers: {error}") from None

    def predict(self, X: Any) -> np.ndarray:
        """Return the prediction on the response scale, (n_samples,)."""
        raw = self.predict_raw(X)
        return self.loss_.response(raw)


def _has_probabilities(model: GBMClassifier) -> bool:
    loss: Any = getattr(model, "loss_", model.loss)
    if loss is None or loss.link.name != "identity":
        return True
    raise AttributeError(f"{loss!r} has no probabilities")


class GBMClassifier(ClassifierMixin, _GBM):
    """Classifier that trains LightGBM or XGBoost under one of our losses.

    Parameters
    ----------
    loss : Loss, optional
        A loss of class labels; by default the cross-entropy that fits the number of classes.
    estimator : LGBMClassifier or XGBClassifier, default=LGBMClassifier()
        An unfitted estimator with the engine's parameters; its objective is left out.
    class_weight : dict or 'balanced', optional
        Weight of each class, by label; by default that of `estimator`, if it has one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; 0 ... n_classes - 1 for target distributions.
    booster_, estimator_, loss_, best_iteration_, evals_result_, feature_importances_, n_features_in_, \
feature_names_in_
        As in `GBMRegressor`.

    Examples
    --------
    >>> from lightgbm import LGBMClassifier
    >>> from sklearn.datasets import load_iris
    >>> from gbm_objectives import GBMClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GBMClassifier(estimator=LGBMClassifier(n_estimators=20, verbosity=-1)).fit(X, y)
    >>> model.loss_
    CategoricalCrossEntropy(n_classes=3)
    >>> model.predict_proba(X).shape
    (150, 3)
    """

    def __init__(
        self, loss: Loss | None = None, estimator: Any = None, class_weight: dict[Any, float] | str | None = None
    ) -> None:
        super().__init__(loss, estimator)
        self.class_weight = class_weight

    def _prepare(self, y: Any) -> np.ndarray:
        array = np.asarray(y)
        if array.ndim == 2 and array.shape[1] > 1:
            self.classes_ = np.arange(array.shape[1])
        else:
            labels = column_or_1d(y, warn=True)
            if labels.dtype == object and any(label is None for label in labels):
                raise ValueError("y must be labels, got None")
            check_classification_targets(labels)
            self.classes_ = np.unique(labels)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise ValueError(
                f"GBMClassifier needs at least 2 classes, y has 1 class: {self.classes_.tolist()[0]!r}"
            )
        if self.loss is None:
            self.loss_ = BinaryCrossEntropy() if n_classes == 2 else CategoricalCrossEntropy(n_classes)
        else:
            self.loss_ = clone(self.loss)
        if not self.loss_.classifies:
            raise ValueError(f"loss of GBMClassifier must be one of class labels, got {self.loss_!r}")
        if max(2, self.loss_.n_outputs) != n_classes:
            raise ValueError(
                f"{self.loss_!r} tells {max(2, self.loss_.n_outputs)} classes apart, y has {n_classes}"
            )
        return self._encode(y)

    def _encode(self, y: Any) -> np.ndarray:
        array = np.asarray(y)
        if array.ndim == 2 and array.shape[1] > 1:
            CategoricalCrossEntropy(len(self.classes_)).check_target(array)
            distribution = array.astype(np.float64)
            return distribution if self.loss_.n_outputs > 1 else distribution[:, 1]
        labels = column_or_1d(y)
        codes = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        unseen = np.flatnonzero(self.classes_[codes] != labels)
        if unseen.size:
            raise ValueError(
                f"y has a label unseen in training, {labels.tolist()[unseen[0]]!r} in row {unseen[0]}"
            )
        return codes.astype(np.float64)

    def _weights(self, estimator: Any, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        class_weight = self.class_weight
        if class_weight is None:
            class_weight = getattr(estimator, "class_weight", None)
        if class_weight is None:
            return weight
        if target.ndim == 2 or not np.isin(target, range(len(self.classes_))).all():
            raise ValueError("class_weight needs labels, not target distributions")
        by_class = compute_sample_weight(class_weight, self.classes_[target.astype(np.intp)])
        return by_class if weight is None else by_class * weight

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted label of each row, (n_samples,)."""
        raw = self.predict_raw(X)
        codes = (raw > 0).astype(np.intp) if raw.ndim == 1 else raw.argmax(axis=1)
        labels: np.ndarray = self.classes_[codes]
        return labels

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, (n_samples, n_classes)."""
        raw = self.predict_raw(X)
        response = self.loss_.response(raw)
        return response if response.ndim == 2 else np.stack([1.0 - response, response], axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the score of the second class, (n_samples,), or of each of several, (n_samples, n_classes)."""
        raw = self.predict_raw(X)
        return raw if raw.ndim == 1 or raw.shape[1] > 2 else raw[:, 1] - raw[:, 0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.loss is None or getattr(self.loss, "n_outputs", 1) > 2
        return tags
