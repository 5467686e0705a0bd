"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, clone
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..contract import Loss
from ..contract.links import IDENTITY
from ..engines.parameters import require_loss
from ..losses import BinaryCrossEntropy, CategoricalCrossEntropy, ProportionalOdds
from ..validation import as_weight, check_between, first_offender, shown
from .class_order import categories_in_order, check_labels, check_ordered, codes_of, given_classes
from .class_weights import class_factors
from .conformal import class_sets
from .fit_inputs import columns_of, counted_labels
from .lazy import lazily
from .predictive import PredictiveGBM

__all__ = ["GBMClassifier"]


def _has_probabilities(model: GBMClassifier) -> bool:
    loss: Any = getattr(model, "loss_", model.loss)
    if loss is None or loss.noise is not None:
        return True
    if IDENTITY not in (loss.link, *(output.link for output in loss.outputs)):
        return True
    raise AttributeError(f"{loss!r} has no probabilities")


def _has_scores(model: GBMClassifier) -> bool:
    loss: Any = getattr(model, "loss_", model.loss)
    if loss is None or loss.n_outputs > 1 or loss.n_classes == 2:
        return True
    raise AttributeError(f"{loss!r} has no score of each class, see predict_raw")


class GBMClassifier(ClassifierMixin, PredictiveGBM):
    """Classifier that trains LightGBM or XGBoost under one of our losses.

    Parameters
    ----------
    loss : Loss, optional
        A loss of class labels; by default the cross-entropy that fits the number of classes.
    estimator : LGBMClassifier or XGBClassifier, default=LGBMClassifier()
        An unfitted estimator with the engine's parameters; its objective is left out.
    class_weight : dict or 'balanced', optional
        Weight of each class, by label; by default that of `estimator`, if it has one.
    classes : sequence of labels, optional
        The labels in their order, those without rows among them. By default the categories of `y`, if it is an
        ordered categorical of pandas or an Enum of Polars; otherwise the labels of `y`, sorted.
    validation_fraction, validation, n_iter_no_change, random_state
        Rows put aside for early stopping, as in `GBMRegressor`; "random" ones have the same shares of classes as
        all rows, unless groups stay whole.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in their order: as in `classes`, or sorted; by default 0 ... n_classes - 1 for target
        distributions. Of `MultiTarget`, the numbers of the targets.
    booster_, estimator_, loss_, best_iteration_, evals_result_, validation_indices_, feature_importances_, \
n_features_in_, feature_names_in_
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
        self,
        loss: Loss | None = None,
        estimator: Any = None,
        class_weight: dict[Any, float] | str | None = None,
        *,
        classes: Any = None,
        validation_fraction: float | int | None = None,
        validation: Any = "random",
        n_iter_no_change: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            loss,
            estimator,
            validation_fraction=validation_fraction,
            validation=validation,
            n_iter_no_change=n_iter_no_change,
            random_state=random_state,
        )
        self.class_weight = class_weight
        self.classes = classes

    def _prepare(self, y: Any) -> np.ndarray:
        if self._knows_loss():
            return super()._prepare(y)
        in_order = None if self.classes is None else given_classes(self.classes)
        if in_order is None and isinstance(self.loss, ProportionalOdds):
            # Under other losses labels are sorted, as scikit-learn's scores of probabilities expect them.
            in_order = categories_in_order(y)
        array = np.asarray(y)
        if array.ndim == 2 and array.shape[1] > 1:
            if np.isin(array, (0, 1)).all() and (array.sum(axis=1) != 1).any():
                raise ValueError(
                    "y must be one label for each row, or a distribution: for rows with several labels take"
                    f" MultiTarget(BinaryCrossEntropy(), {array.shape[1]})"
                )
            found = self.classes_ = np.arange(array.shape[1])
        else:
            labels = column_or_1d(y, warn=True)
            found, _ = counted_labels(labels)
            # What is said to be classes is none of what scikit-learn takes for a continuous or unknown target.
            if in_order is None and not (isinstance(self.loss, ProportionalOdds) and self.loss.n_classes):
                check_labels(labels, self.loss)
        self.classes_ = found if in_order is None else in_order
        n_classes = len(self.classes_)
        if len(found) < 2:
            raise ValueError(f"GBMClassifier needs at least 2 classes, y has 1 class: {shown(found.tolist()[0])}")
        if self.loss is None:
            self.loss_ = BinaryCrossEntropy() if n_classes == 2 else CategoricalCrossEntropy(n_classes)
        else:
            self.loss_ = clone(self._counted(n_classes))
        if not self.loss_.classifies:
            raise ValueError(
                f"loss of GBMClassifier must be one of class labels, got {self.loss_!r}; a class of your own says"
                " so with classifies = True"
            )
        if in_order is None:
            check_ordered(self.loss_, found)
        if self.loss_.n_classes != n_classes:
            there = f"there are {n_classes}" if in_order is not None else f"y has {n_classes}"
            hint = "; name those without rows in classes=" if n_classes < self.loss_.n_classes else ""
            raise ValueError(f"{self.loss_!r} tells {self.loss_.n_classes} classes apart, {there}{hint}")
        return self._encode(y)

    def _check_loss(self) -> None:
        if self.loss is not None:
            require_loss(self._counted(2))

    def _counted(self, n_classes: int) -> Loss:
        """Return the loss, with this number of classes if it leaves the number to the labels."""
        loss: Any = self.loss
        uncounted = isinstance(loss, Loss) and loss.n_classes is None
        return clone(loss).set_params(n_classes=n_classes) if uncounted else loss

    def _knows_loss(self) -> bool:
        return bool(getattr(self.loss, "columns", ()))

    def _choose_loss(self) -> None:
        self.loss_ = clone(self.loss)
        if not self.loss_.classifies:
            raise ValueError(f"loss of GBMClassifier must be one of class labels, got {self.loss_!r}")
        if self.classes is not None:
            raise ValueError(f"classes must be left out under {self.loss_!r}, whose labels are 0 and 1")
        self.classes_ = np.arange(len(self.loss_.columns))

    def _encode(self, y: Any) -> np.ndarray:
        if self.loss_.columns:
            labels = columns_of(self, y.toarray() if issparse(y) else y)
            if offender := first_offender(labels, (np.isnan(labels) | (labels == 0) | (labels == 1)).all(axis=1)):
                raise ValueError(f"y must be labels 0 and 1, or NaN where a label is not known, got {offender}")
            return labels
        array = np.asarray(y)
        if array.ndim == 2 and array.shape[1] > 1:
            CategoricalCrossEntropy(len(self.classes_)).check_target(array)
            if self.loss_.n_outputs < self.loss_.n_classes > 2:
                raise ValueError(f"y must be labels for {self.loss_!r}, got {array.shape[1]} columns")
            distribution = array.astype(np.float64)
            return distribution if self.loss_.n_outputs > 1 else distribution[:, 1]
        return codes_of(column_or_1d(y), self.classes_, self.classes is not None)

    def _check_known(self) -> None:
        if isinstance(self.loss_, ProportionalOdds) and self.loss_.summary is None:
            raise ValueError(f"summary must be the thresholds of {self.loss_!r}, it is missing")

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        return target.astype(np.intp) if target.ndim == 1 and (target == np.floor(target)).all() else None

    def _class_factors(self, estimator: Any, target: np.ndarray) -> np.ndarray | None:
        return class_factors(self, estimator, target)

    @lazily
    def predict(self, X: Any, num_iteration: int | None = None, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the predicted label of each row, (n_samples,), from `num_iteration` rounds or from all.

        Of `MultiTarget`, 0 or 1 for each target, (n_samples, n_targets).

        An `offset`, (n_samples,) or (n_samples, n_outputs), is added to raw predictions, like `init_score` in
        `fit`.
        """
        return self._predicted(self._raw(X, num_iteration, offset))

    def _predicted(self, raw: np.ndarray) -> np.ndarray:
        if self.loss_.columns:
            return self.loss_.labels(raw)
        labels: np.ndarray = self.classes_[self.loss_.labels(raw)]
        return labels

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # scikit-learn's
    @lazily
    def predict_proba(
        self, X: Any, num_iteration: int | None = None, *, offset: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the probability of each class, (n_samples, n_classes), from `num_iteration` rounds or from all.

        Of `MultiTarget`, the probability of each target's 1, (n_samples, n_targets).

        `offset` is as in `predict`.
        """
        return self._probabilities(self._raw(X, num_iteration, offset))

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # scikit-learn's
    @lazily
    def predict_set(
        self,
        X: Any,
        coverage: float = 0.9,
        groups: ArrayLike | None = None,
        *,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return which classes may be the label of each row: sets that contain a given share of fresh labels.

        The sets are adaptive: the most likely classes, up to a sum of probabilities. A pseudo-random number
        derived from the row's raw predictions decides whether the last of them is included, so that sets contain
        that share and no more. If the share is below that of correct predictions, some sets are empty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        coverage : float, default=0.9
            The share of labels to contain, on average over rows; see `calibrate`, which must be called first.
        groups : array-like of shape (n_samples,), optional
            The group of each row, if `calibrate` had groups.
        num_iteration : int, optional
            As in `predict`; no other than the rounds that the model was calibrated with.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, like `init_score` in `fit`.

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes)
            Whether each class, in the order of `classes_`, is in the row's set; for the labels themselves use
            ``[model.classes_[row] for row in sets]``.

        Raises
        ------
        ValueError
            If `coverage` is not above 0 and below 1, or the model is not calibrated, or on too few rows, or with
            other rounds.

        References
        ----------
        Romano, Sesia and Candès (2020). *Classification with valid and adaptive coverage*. NeurIPS.
        """
        check_between(coverage, "coverage", 0.0, 1.0)
        check_is_fitted(self)
        self._check_one_column("predict_set")
        if self.calibration_ is None:
            raise ValueError("the model is not calibrated: call calibrate(X, y) with rows it was not fitted on")
        self._check_rounds(num_iteration)
        raw = self._raw(X, num_iteration, offset).astype(np.float64)
        return class_sets(self.calibration_, self._probabilities, raw, coverage, self._groups(groups, len(raw)))

    def _probabilities(self, raw: np.ndarray) -> np.ndarray:
        response = self.loss_.response(raw)
        return response if response.ndim == 2 else np.stack([1.0 - response, response], axis=1)

    def _check_calibrates(self) -> None:
        self._check_one_column("calibrate")
        _has_probabilities(self)  # raises

    def _draw(self, distribution: Any, n_samples: int, random: np.random.RandomState) -> np.ndarray:
        # SciPy draws a multinomial variable only for a single vector of probabilities.
        p = distribution.mean()
        bounds = (p.cumsum(axis=1)[:, :-1] if p.ndim == 2 else 1.0 - p[:, None])[:, None]
        codes = (random.random_sample((len(bounds), n_samples, 1)) > bounds).sum(axis=2)
        labels: np.ndarray = self.classes_[codes]
        return labels

    @available_if(_has_scores)  # type: ignore[untyped-decorator]  # scikit-learn's
    @lazily
    def decision_function(
        self, X: Any, *, num_iteration: int | None = None, offset: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the score of the second class, (n_samples,), or of each of several, (n_samples, n_classes).

        Of `MultiTarget`, of each target's 1, (n_samples, n_targets).

        `num_iteration` and `offset` are as in `predict`.
        """
        raw = self._raw(X, num_iteration, offset)
        if isinstance(self.loss_, ProportionalOdds):
            return np.asarray(raw - self.loss_.summary)  # of the one threshold between two classes
        return raw if raw.ndim == 1 or raw.shape[1] > 2 or self.loss_.columns else raw[:, 1] - raw[:, 0]

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, offset: ArrayLike | None = None) -> float:
        """Return the accuracy of `predict`, with weights and with an offset if they are given.

        Of several labels, as in scikit-learn, the share of rows in which all of them are right, among those of
        which all are known.
        """
        predicted = self.predict(X, offset=offset)
        if self.loss_.columns:
            y = self._encode(y)
            known = ~np.isnan(y).any(axis=1)
            check_consistent_length(y, predicted)
            if not known.any():
                raise ValueError("y must have a row of which all labels are known, for accuracy")
            y, predicted = y[known], predicted[known]
            weight = as_weight(sample_weight, len(known))
            sample_weight = None if weight is None else weight[known]
        else:  # by their numbers: half stars are no labels to scikit-learn
            classes, given = self.classes_, self.classes is not None
            y, predicted = (codes_of(column_or_1d(one), classes, given) for one in (y, predicted))
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output = self._knows_loss()
        tags.classifier_tags.multi_class = (getattr(self.loss, "n_classes", None) or 3) > 2
        return tags
