"""Calibration of a fitted estimator on rows that it was not trained on; the arithmetic is in `conformal`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..engines.data_sets import check_labels
from ..sampling import SAMPLE_ROWS
from ..validation import as_weight, check_between, shown
from .conformal import Calibration
from .lazy import gathered, is_collection
from .likelihood import LikelihoodGBM
from .ties import MOST_UNTOLD, draws_counts, knows, warn_of

__all__ = ["CalibratingGBM"]


class CalibratingGBM(LikelihoodGBM):
    """The calibration of `GBMRegressor` and `GBMClassifier`."""

    def calibrate(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        offset: Any = None,
        window: int | None = None,
        half_life: float | None = None,
        update: bool = False,
    ) -> Any:
        """Calibrate intervals, quantiles and sets on rows that the model was not trained on (split-conformal).

        Afterwards `predict_interval` and `predict_quantiles`, or `predict_set` of a classifier, attain their
        stated coverage for rows that are exchangeable with these, whatever the model: on average over rows and
        calibration sets, not for each row. An evaluation set that chose the number of rounds is not fresh, and may
        lead to a slightly lower coverage. The distributions of a regressor are made of its calibrated quantiles:
        `predict_distribution`, and with it `sample`, `crps` and plots. `predict`, `predict_params`,
        `predict_proba` and `log_likelihood` stay the model's own. `fit` discards the calibration; `save_model`
        keeps it.

        Where the data drift, old rows mislead: give the rows in the order of time, with `window` or `half_life`,
        and `update` the calibration as targets become known. For independent rows, coverage is then lower than
        stated by at most 2 Σrd/(Σr + 1), where r is 1 for the rows in the window, or halves with age, and d is the
        distance in total variation between the distributions of that row and the fresh one (Barber et al. 2023).

        The rows may be Dask collections. They are predicted where they are; predictions, targets, weights and
        groups of all rows are then gathered, 8 bytes each: 16 MB for a million rows and a loss with one output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Targets, or labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weights: how often each row occurs, up to a factor. The rows count as their effective number,
            (Σw)²/Σw².
        groups : array-like of shape (n_samples,), optional
            A label for each row: coverage then holds in each group ("Mondrian"), and the methods above need the
            groups of their rows.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.
        window : int, optional
            Only so many rows count, the last ones; if there are fewer, all.
        half_life : float, optional
            A row that is so many rows older than another counts half as much. The fresh row counts 1, the last
            calibration row ``0.5 ** (1 / half_life)``, and all of them as much as 1.44 `half_life` rows at most.
            It multiplies `sample_weight`.
        update : bool, default=False
            Whether the rows of earlier calls still count, as older than these. `window` and `half_life` then are
            those of the call before, unless given. Weights of all calls are in one unit; without, rows weigh 1.

        Returns
        -------
        self
            This estimator.

        Raises
        ------
        ValueError
            If a target, weight, group, `window` or `half_life` is not valid, if lengths do not fit, if the loss
            has neither quantiles nor a likelihood, if its noise cannot draw a target given here or in `fit`, or if
            only either the earlier rows or these have groups.

        Warns
        -----
        UserWarning
            Once after each `fit`, if more than a tenth of the training targets have one value, to which the loss
            gives no probability.

        References
        ----------
        Barber, Candès, Ramdas and Tibshirani (2023). *Conformal prediction beyond exchangeability*. Annals of
        Statistics 51, 816-845.
        """
        check_is_fitted(self)
        self._check_calibrates()
        self._check_one_column("calibrate")
        if window is not None and (isinstance(window, bool) or not isinstance(window, (int, np.integer))):
            raise TypeError(f"window must be an integer, got {shown(window)}")
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1, got {window}")
        if half_life is not None:
            check_between(half_life, "half_life", 0.0, np.inf)
        raw = None
        if is_collection(X):
            raw, y, sample_weight, groups = gathered(self.predict_raw(X, offset=offset), y, sample_weight, groups)
        else:
            y, sample_weight, groups, offset = gathered(y, sample_weight, groups, offset)
        target = self._encode(y)
        check_labels(self.loss_, target)
        self._check_drawn(target)
        if target.ndim > 1 or (hasattr(self, "classes_") and (target != np.floor(target)).any()):
            raise ValueError("calibrate needs labels, not target distributions")
        raw = (self._raw(X, offset=offset) if raw is None else raw).astype(np.float64)
        check_consistent_length(raw, target)
        weight = as_weight(sample_weight, len(target))
        weight = None if weight is None else weight.copy()
        rows = Calibration(raw, np.array(target), weight, self._groups(groups, len(target)), window, half_life)
        if update and self.calibration_ is not None:
            rows = rows.after(self.calibration_)
        self._warn_of_ties(lambda: raw, stacklevel=3)
        self.calibration_ = rows.recent()
        return self

    def _warn_of_ties(self, raw: Callable[[], np.ndarray], stacklevel: int) -> None:
        """Warn, once after each `fit`, if many targets have one value that no distribution here knows."""
        known, loss = self.ties_, self.loss_
        if self._told_of_ties or known is None or known.share <= MOST_UNTOLD or draws_counts(loss):
            return
        if loss.noise is None or not knows(self._distribution(raw()[:SAMPLE_ROWS].astype(np.float64)), known):
            self._told_of_ties = True
            warn_of(known, loss, stacklevel)

    def _check_calibrates(self) -> None:
        """Raise unless there is something to calibrate."""
        self._noise()

    def _check_one_column(self, method: str) -> None:
        """Raise if a target is not one number, which a score or a calibration compares with the prediction."""
        if self.loss_.columns:
            raise ValueError(
                f"{method} compares one number with the prediction; under {self.loss_!r} the target has columns"
                f" {', '.join(self.loss_.columns)}"
            )

    @staticmethod
    def _groups(groups: ArrayLike | None, n_rows: int) -> np.ndarray | None:
        """Return labels of groups as an array (n_rows,) of integers or strings."""
        if groups is None:
            return None
        array = np.asarray(groups) if hasattr(groups, "dtype") else np.array(groups, dtype=object)
        if array.ndim != 1 or len(array) != n_rows:
            raise ValueError(f"groups must have a label for each of {n_rows} rows, got shape {array.shape}")
        if array.dtype.kind in "biu":
            return array.astype(np.int64)
        labels = array.tolist()
        if all(isinstance(label, str) for label in labels):
            return np.array(labels, dtype=str)
        if array.dtype == object and all(isinstance(label, (int, np.integer)) for label in labels):
            return array.astype(np.int64)
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(f"groups must be integers or strings, all of them, got {kinds}")
