"""What the estimators share: data in, complete model out, on whichever engine."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from ..contract import Loss
from ..engines.models import unfitted_copy
from ..engines.parameters import require_loss
from ..engines.protocol import Engine, Kind, classes_times
from ..engines.registry import DEFAULT, dask_engine_of, engine_named, engine_of
from ..validation import shown
from . import saving
from .conformal import Calibration
from .diagram import diagram
from .distributed import fit_on_cluster
from .fit_inputs import read_inputs
from .fitted import keep
from .importances import Importances
from .trainee import Trainee
from .validation_rows import rounds_to_wait

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BaseGBM"]


class BaseGBM(Importances, Trainee, BaseEstimator):
    """What `GBMRegressor` and `GBMClassifier` share."""

    calibration_: Calibration | None = None

    def __init__(
        self,
        loss: Loss | None = None,
        estimator: Any = None,
        *,
        validation_fraction: float | int | None = None,
        validation: Any = "random",
        n_iter_no_change: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.estimator = estimator
        self.validation_fraction = validation_fraction
        self.validation = validation
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        eval_set: Any = None,
        *,
        eval_sample_weight: Any = None,
        sample_weight_eval_set: Any = None,
        eval_X: Any = None,
        eval_y: Any = None,
        eval_names: Any = None,
        eval_metric: Any = None,
        callbacks: Any = None,
        init_model: Any = None,
        xgb_model: Any = None,
        init_score: Any = None,
        base_margin: Any = None,
        eval_init_score: Any = None,
        base_margin_eval_set: Any = None,
        group: Any = None,
        qid: Any = None,
        eval_group: Any = None,
        eval_qid: Any = None,
        groups: ArrayLike | None = None,
        categorical_feature: Any = None,
        feature_name: Any = None,
        feature_weights: Any = None,
        verbose: Any = None,
    ) -> Self:
        """Fit the model.

        Where two names are given together, the second is XGBoost's name for the same thing.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Features; data frames go to the engine as they are, names and categories with them.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Target in its original unit, or labels of any type, or distributions over classes; for a loss with
            `columns`, one column for each, by name if a data frame or a structured array has these names.
        sample_weight : array-like of shape (n_samples,), optional
            Weights. With queries one for each query, or for each row: a query has the mean of those of its rows.
        eval_set : list of (X, y) pairs, or one pair, optional
            Sets on which the loss's metric is computed after each round; early stopping watches them. LightGBM
            ignores the training set itself, (X, y), for this, and names it "training".
        eval_sample_weight, sample_weight_eval_set : list of array-like, optional
            Weights of the evaluation sets.
        eval_X, eval_y : tuple, optional
            The evaluation sets, in place of `eval_set`.
        eval_names : list of str, optional
            Names of the evaluation sets.
        eval_metric : str, callable, or list of them, optional
            Further metrics: names of the engine's metrics, or functions ``f(y_true, y_pred)`` of the response,
            optionally with ``sample_weight``, that return a value (lower is better) or ``(name, value,
            higher_is_better)``; scikit-learn's scores are maximised. A function whose second parameter is named
            ``raw_prediction`` gets that instead. Early stopping watches the loss, unless its ``.metric`` is also
            in the list, whose order then decides.
        callbacks : list of callable, optional
            The engine's callbacks. Early stopping is requested in the engine's own way: ``early_stopping_round``
            or ``lightgbm.early_stopping`` for LightGBM, ``early_stopping_rounds`` of the estimator for XGBoost.
        init_model, xgb_model : estimator, native model or path, optional
            A model to continue from: a fitted estimator, ours or the engine's, a native model or its path.
        init_score, base_margin : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Offset: raw predictions that training adds to, such as the logarithm of exposure; the predicting
            methods take it as ``offset=``.
        eval_init_score, base_margin_eval_set : list of array-like, optional
            Offsets of the evaluation sets; for a single set, the offset itself will do.
        group, qid : array-like, optional
            For losses that compare the rows of a query: the number of rows of each, or the query of each row, any
            sortable labels. With `qid` the rows of a query need not be together: they are trained on in its order.
        eval_group, eval_qid : list of array-like, optional
            The same for the evaluation sets; for a single set, its own will do.
        groups : array-like of shape (n_samples,), optional
            Labels of groups that stay together where `validation_fraction` puts rows aside.
        categorical_feature, feature_name : optional
            LightGBM's.
        feature_weights, verbose : optional
            XGBoost's.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If target, weights, labels or parameters are not valid; before any training. If rows are put aside and
            an `eval_set` is given, or too few rows or classes are left to train on.
        TypeError
            If `loss` or `estimator` is of the wrong kind, or a fit parameter is unknown to the engine.

        Warns
        -----
        UserWarning
            If the training loss stays above its lowest value by a tenth for 15 rounds: the steps overshoot. If
            `n_iter_no_change` has nothing to watch.
        """
        # There are no other local variables yet.
        given = {name: value for name, value in locals().items() if value is not None}
        for name in ("self", "X", "y", "sample_weight", "eval_set", "__class__"):
            given.pop(name, None)
        before = dict(self.__dict__)
        self.calibration_ = self.validation_indices_ = None  # they belong to the previous model
        try:
            return self._fit(X, y, sample_weight, eval_set, given)
        except BaseException:
            # A model whose fit failed stays as it was.
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(self, X: Any, y: Any, sample_weight: Any, eval_set: Any, fit_params: dict[str, Any]) -> Self:
        if (cluster := dask_engine_of(self.estimator)) is not None:
            self._check_estimator()
            fit_on_cluster(self, cluster, X, y, sample_weight, eval_set, fit_params)
            return self
        engine, estimator = self._engine_and_estimator()
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        data = read_inputs(self, X, y, sample_weight, eval_set, fit_params)
        if (factors := self._class_factors(estimator, data.y)) is not None:
            data = classes_times(data, factors)
        weight = data.sample_weight
        stops_early = engine.stops_early(estimator, data.callbacks)
        data.n_iter_no_change = rounds_to_wait(self, stops_early, bool(data.eval_sets))
        trained = engine.train_estimator(estimator, self.loss_, data)

        def raw_of(X: Any, offset: np.ndarray | None) -> np.ndarray:
            raw = engine.predict_raw(self.booster_, X, self.estimator_)
            return raw if offset is None else raw + offset

        def resolved() -> Loss:
            used = weight if trained.sample_weight is None else trained.sample_weight
            return self.loss_._resolved_at(data.y, raw_of(data.X, data.offset), used)

        def mean_loss() -> float:
            # Residuals of the training rows are too small. With several evaluation sets the last one counts, as in
            # XGBoost's early stopping.
            if not data.eval_sets:
                return self.loss_.value(data.y, raw_of(data.X, data.offset), weight)
            of_set, y_set, weight_set = data.eval_sets[-1]
            return self.loss_.value(y_set, raw_of(of_set, (data.eval_offsets or [None])[-1]), weight_set)

        keep(
            self,
            engine,
            estimator,
            trained,
            resolved,
            mean_loss,
            lambda noise: noise.offender(data.y),
            lambda: (data.y, weight),
        )
        return self

    def save_model(self, path: str | PathLike[str]) -> None:
        """Save loss, classes and native model as one JSON file, to be read by `load_model`.

        Objects that are not needed to predict, such as callbacks, splitters and random generators, are left out.

        Parameters
        ----------
        path : str or path-like
            File to write.
        """
        check_is_fitted(self)
        saving.save(self, path)

    @classmethod
    def load_model(cls, path: str | PathLike[str], loss: Loss | None = None) -> Self:
        """Load what `save_model` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            File to read.
        loss : Loss, optional
            The loss the model was trained with, if it is not one of this package.

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

    def set_params(self, **params: Any) -> Self:
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
            If there is no such parameter, or no loss or estimator that could have it.
        """
        for part in ("loss", "estimator"):
            inner = [name for name in params if name.startswith(part + "__")]
            if inner and params.get(part, getattr(self, part)) is None:
                raise ValueError(
                    f"{inner[0]} needs {type(self).__name__}({part}=...): the default is made when fit is called"
                )
        return super().set_params(**params)

    def _sk_visual_block_(self) -> Any:
        return diagram({name: getattr(self, name) for name in ("loss", "estimator")})

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "booster_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def _engine_and_estimator(self) -> tuple[Engine, Any]:
        self._check_loss()
        if self.estimator is None:
            engine = engine_named(DEFAULT)
            return engine, engine.default_estimator(self._kind)
        _, engine = engine_of(self.estimator)
        self._check_estimator()
        return engine, unfitted_copy(self.estimator)

    @property
    def _kind(self) -> Kind:
        return "classifier" if is_classifier(self) else "regressor"

    def _check_loss(self) -> None:
        if self.loss is not None:
            require_loss(self.loss)

    def _check_estimator(self) -> None:
        self._check_loss()
        if isinstance(self.estimator, type) or not self._takes(self.estimator):
            raise TypeError(
                f"estimator of {type(self).__name__} must be a {self._kind}, got {shown(self.estimator)}"
            )

    def _takes(self, estimator: Any) -> bool:
        """Return whether an engine's estimator is of the right kind."""
        return bool((is_classifier if self._kind == "classifier" else is_regressor)(estimator))
