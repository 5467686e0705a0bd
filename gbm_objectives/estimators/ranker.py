"""The estimator of ranking."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.utils import column_or_1d

from ..engines.protocol import Kind
from ..losses import LambdaRank
from ..ranking import NDCG
from ..validation import as_numbers
from .fit_inputs import columns_of
from .lazy import lazily
from .queries import numbers_of, weight_of
from .raw import RawGBM

__all__ = ["GBMRanker"]


class GBMRanker(RawGBM):
    """Ranker that trains LightGBM or XGBoost under a loss of queries.

    Parameters
    ----------
    loss : Loss, default=LambdaRank()
        A loss that compares the rows of a query: `LambdaRank`, `RankNet`, `ListNet`, or one of your own of scope
        "query".
    estimator : LGBMRanker, XGBRanker, LGBMRegressor or XGBRegressor, default=LGBMRanker()
        An unfitted estimator with the engine's parameters; its objective is left out.
    validation_fraction, validation, n_iter_no_change, random_state
        Queries put aside for early stopping, as in `GBMRegressor`: the share, or the number, is one of queries.

    Attributes
    ----------
    booster_, estimator_, loss_, best_iteration_, evals_result_, validation_indices_, feature_importances_, \
n_features_in_, feature_names_in_
        As in `GBMRegressor`.

    Notes
    -----
    `fit` needs to know the queries: `group`, the number of rows of each, one after the other, or `qid`, the query
    of each row, in any order; of evaluation sets `eval_group` or `eval_qid`. With `qid` the model is that of the
    rows sorted by it. `sample_weight` has a number for each query, in the order of `group` or of sorted labels, or
    one for each row, of which a query has the mean.

    With scikit-learn's metadata routing enabled, `qid` is routed to `fit` and `score` without further ado::

        cross_val_score(GBMRanker(), X, y, cv=GroupKFold(), params={"qid": qid, "groups": qid})

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRanker
    >>> from gbm_objectives import GBMRanker, LambdaRank
    >>> rng = np.random.default_rng(0)
    >>> X, qid = rng.normal(size=(600, 3)), rng.integers(0, 40, 600)  # rows of 40 queries, in any order
    >>> relevance = np.clip(np.round(X[:, 0] + rng.normal(size=600)), 0, 3)
    >>> model = GBMRanker(LambdaRank(gain="linear"), LGBMRanker(n_estimators=20, verbosity=-1))
    >>> model.fit(X, relevance, qid=qid).predict(X).shape  # higher is better, within a query
    (600,)
    >>> 0.8 < model.score(X, relevance, qid=qid) <= 1.0  # mean NDCG
    True
    """

    # What scikit-learn routes by default where metadata routing is enabled: the folds' groups are not for `fit`.
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"qid": True, "groups": False}
    __metadata_request__score: ClassVar[dict[str, bool]] = {"qid": True}

    @property
    def _kind(self) -> Kind:
        return "ranker"

    def _takes(self, estimator: Any) -> bool:
        return not is_classifier(estimator)

    def _choose_loss(self) -> None:
        self.loss_ = LambdaRank() if self.loss is None else clone(self.loss)
        if self.loss_.scope != "query":
            raise ValueError(
                f"loss of GBMRanker must compare the rows of a query, as LambdaRank, RankNet and ListNet do, got"
                f" {self.loss_!r}; a class of your own says so with scope = 'query'"
            )

    def _encode(self, y: Any) -> np.ndarray:
        if self.loss_.columns:
            return columns_of(self, y)
        return as_numbers(column_or_1d(y, warn=True), "y").astype(np.float64, copy=False)

    @lazily
    def predict(self, X: Any, num_iteration: int | None = None, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Return a number for each row that is higher where it should come earlier among the rows of its query.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Raw predictions. Those of different queries are not comparable.
        """
        return self._predicted(self._raw(X, num_iteration, offset))

    def _predicted(self, raw: np.ndarray) -> np.ndarray:
        return self.loss_.predicted(raw)

    def score(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        group: ArrayLike | None = None,
        qid: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the mean NDCG of the predicted orders, of all ranks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Relevances.
        sample_weight : array-like of shape (n_queries,) or (n_samples,), optional
            Weights, as in `fit`.
        group, qid : array-like, optional
            The number of rows of each query, or the query of each row; one of them is needed.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        float
            `gbm_objectives.ranking.NDCG` with ``k=None``, and with the gain and the discount of the loss if it has
            them.

        Raises
        ------
        ValueError
            If queries are missing or do not fit the rows, or a relevance or a weight is not valid.
        """
        target, raw = self._scored(X, y, offset)
        if target.ndim > 1 or raw.ndim > 1:
            raise ValueError(
                f"score orders rows by one number and needs one relevance, {self.loss_!r} has more: in a search"
                " give scoring="
            )
        query: Any = numbers_of(self.loss_, group, qid, len(target))
        weight = weight_of(sample_weight, query, len(target))
        rows, (_, sizes) = np.argsort(query, kind="stable"), np.unique(query, return_counts=True)
        worth = {name: getattr(self.loss_, name) for name in ("gain", "discount") if hasattr(self.loss_, name)}
        return NDCG(None, **worth).value(target[rows], raw[rows], None if weight is None else weight[rows], sizes)
