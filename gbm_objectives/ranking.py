"""Ranking beside the losses: how good an order is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .contract.calling import Metric, require_queries
from .contract.formulas import Scope
from .contract.rows import Rows, ends_of
from .losses.gains import Discount, Gain, Orders, check_discount, check_gain, relevances
from .validation import as_numbers, as_raw, as_weight, check_integer, hashable, shown

__all__ = ["NDCG"]


class NDCG(Metric):
    """Normalised discounted cumulative gain of orders by predictions, the mean over queries; higher is better.

    With the rows of a query in the order of their predictions, the highest first::

        NDCG = Σ discount(rank) gain(relevance) / the same sum in the best order    over the ranks 1 ... k

    Of rows with equal predictions every order counts the same (McSherry and Najork 2008), as in
    `sklearn.metrics.ndcg_score`: a constant is no better for a file that is sorted. The metrics "ndcg" of LightGBM
    and XGBoost take the order of the rows, with which a model that has not learnt anything yet may look good.
    A query without any gain has 1, as in LightGBM; in scikit-learn it has 0.

    It is a metric for both engines: `eval_metric` of estimators, ours and the engines', `feval` and
    `custom_metric` of native trainings. A query has the mean weight of its rows. (Only `XGBRanker` itself asks for
    each query alone, and weights them by their numbers of rows.)

    Parameters
    ----------
    k : int or None, default=10
        How many ranks count; None for all.
    gain : {"exp", "linear"}, callable or array-like, default="exp"
        The gain of a relevance, as in `LambdaRank`.
    discount : "log2" or callable, default="log2"
        The discount of a rank, as in `LambdaRank`.

    References
    ----------
    Järvelin and Kekäläinen (2002). *Cumulated gain-based evaluation of IR techniques*. ACM Transactions on
    Information Systems 20, 422-446.

    McSherry and Najork (2008). *Computing information retrieval performance measures efficiently in the presence
    of tied scores*. Advances in Information Retrieval, 414-421.

    Examples
    --------
    Two queries, the first one in the best order and the second one in the worst:

    >>> ndcg = NDCG(k=3)
    >>> round(ndcg.value([2, 1, 0, 1, 0], [0.9, 0.5, 0.1, 0.2, 0.8], group=[3, 2]), 4)  # (1 + 1 / log2(3)) / 2
    0.8155
    >>> ndcg.value([1, 0], [0.0, 0.0], group=[2]) == ndcg.value([0, 1], [0.0, 0.0], group=[2])  # no order at all
    True
    """

    higher_is_better = True
    scope: Scope = "query"
    columns: tuple[str, ...] = ()

    def __init__(self, k: int | None = 10, gain: Gain = "exp", discount: Discount = "log2") -> None:
        self.k, self.gain, self.discount = k, gain, discount
        if k is not None:
            check_integer(self, "k", 1)
        check_gain(self)
        check_discount(self)
        super().__init__(self)

    @property
    def name(self) -> str:
        """Its name among the results."""
        return "ndcg" if self.k is None else f"ndcg@{self.k}"

    def value(
        self,
        y_true: ArrayLike,
        raw_prediction: ArrayLike,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> float:
        """Return the weighted mean of NDCG over queries.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Relevances.
        raw_prediction : array-like of shape (n_samples,)
            Predictions, or anything in their order.
        sample_weight : array-like of shape (n_samples,), optional
            Weights; a query has the mean of those of its rows.
        group : array-like of shape (n_queries,), optional
            The number of rows of each query, one after the other; it must be given.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ValueError
            If `group` is missing, lengths do not fit, or a relevance or a weight is not valid.
        """
        y = as_numbers(y_true, "y_true")
        relevances(self.gain).check(y, "y_true of NDCG")
        raw = as_raw(raw_prediction, len(y), 1, self).astype(np.float64)
        ends = None if group is None else ends_of(group, len(y))
        require_queries(self, ends)
        rows = Rows(y, as_weight(sample_weight, len(y)), ends)
        return rows.mean(Orders.of(self, rows, self.k).shares(raw))

    def _facts(self) -> tuple[Any, ...]:
        return self.k, hashable(self.gain), self.discount, self.__name__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NDCG) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash((NDCG, self._facts()))

    def __repr__(self) -> str:
        given = {"k": self.k, "gain": self.gain, "discount": self.discount}
        default = {"k": 10, "gain": "exp", "discount": "log2"}
        changed = [f"{name}={shown(value)}" for name, value in given.items() if not _same(value, default[name])]
        return f"NDCG({', '.join(changed)})"


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)
