"""The order of the rows of a query: what such losses have in common, RankNet and ListNet."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import REAL, Domain
from ..contract.links import IDENTITY
from ..contract.loss import Loss
from ..contract.rows import Rows
from .gains import Gain, check_gain, gains, relevances
from .queries import NO_ROW, Pairs, Queries, Shares

__all__ = ["ListNet", "OfGains", "RankNet"]

# As many factors of 1 to 2 have a finite product in float64.
FACTORS = 1000


class Ranking(Loss):
    """A loss of queries: it compares their rows, so constants cancel and training begins at 0."""

    link = IDENTITY
    scope = "query"

    @abstractmethod
    def _prepare(self, rows: Rows) -> Queries: ...

    @abstractmethod
    def _pair_of_queries(
        self, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of all rows, computed in `dtype`."""

    @property
    def normalised(self) -> bool:
        return False  # curvature vanishes where an order is found, and in queries with nothing to compare

    @property
    def _share(self) -> float:
        return 1.0 if self.prepared is None else float(self.prepared.scale)

    def _check_start(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        queries: Queries = self.prepared
        counting = queries.counting
        if weight is not None:
            counting = counting & (np.add.reduceat(weight, queries.ends[:-1]) > 0)
        if not counting.any():
            raise ValueError(
                f"some query must have rows of different relevance and a weight above 0: {self!r} compares the"
                f" rows of a query, and in {len(counting)} queries of {len(y_true)} rows there are none to compare"
            )

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        # As they are: predictions must not become equal before they are compared.
        return self._pair_of_queries(raw_prediction, dtype)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._pair_of_queries(raw_prediction, raw_prediction.dtype.type)


class OfGains(Ranking):
    """A loss of queries whose rows have gains."""

    gain: Gain

    def check_params(self) -> None:
        check_gain(self)

    @property
    def domain(self) -> Domain:
        return relevances(self.gain)

    def check_target(self, y_true: ArrayLike) -> None:
        """Raise a `ValueError` for a target outside the domain, or one whose gain is not a gain."""
        super().check_target(y_true)
        gains(self, self._target(y_true))


class RankNet(Ranking):
    """Logistic loss of the pairs of a query: whether the row of higher relevance is predicted to be the first one.

    Domain: finite numbers, of which only the order within a query counts. Link: identity; between queries, raw
    predictions are not comparable. With n pairs (i, j) in a query, i more relevant than j, and p the probability
    of the wrong order::

        loss       1/n Σ log(1 + exp(f_j - f_i))   over the pairs of a query; each query counts once
        p          1 / (1 + exp(f_i - f_j))
        gradient   1/n Σ ∓p                        over the pairs of a row: - where it is i, + where it is j
        curvature  1/n Σ 2 p (1 - p)               bound

    The Hessian has p (1 - p) at (i, i) and (j, j) and minus that at (i, j), so twice its diagonal dominates it:
    the two rows of a pair may move at the same time, and away from each other. A query without a pair, of one row
    or of equal relevance, has loss 0. The engines get both times the number that makes the mean curvature 1 where
    training begins.

    Time grows with the square of the length of a query, memory does not.

    References
    ----------
    Burges, Shaked, Renshaw, Lazier, Deeds, Hamilton and Hullender (2005). *Learning to rank using gradient
    descent*. Proceedings of the 22nd International Conference on Machine Learning, 89-96.

    Examples
    --------
    Two queries, of three rows and of two; in the first one all pairs are undecided:

    >>> loss = RankNet()
    >>> loss.pointwise([2, 1, 0, 1, 0], [0.0, 0.0, 0.0, 3.0, 1.0], group=[3, 2]).round(4).tolist()
    [0.6931, 0.1269]
    >>> loss.gradient([2, 1, 0, 1, 0], [0.0, 0.0, 0.0, 3.0, 1.0], group=[3, 2]).round(4).tolist()
    [-0.3333, 0.0, 0.3333, -0.1192, 0.1192]
    """

    domain = REAL
    curvature_kind = "bound"

    def _prepare(self, rows: Rows) -> Pairs:
        return Pairs.of(rows)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        pairs: Pairs = self.prepared
        loss = np.zeros(len(pairs.counts))
        for block, level in pairs.blocks:
            f = _at(raw_prediction, block.rows)
            total, factor = np.zeros_like(f), np.ones_like(f)
            for i in range(len(f) - 1):
                # log(1 + exp(d)) = max(d, 0) + log(1 + exp(-|d|)), and logarithms of products are cheaper.
                d, counts = f[i + 1 :] - f[i], np.minimum(level[i] - level[i + 1 :], 1)
                total[i + 1 :] += counts * np.maximum(d, 0.0)
                factor[i + 1 :] *= 1.0 + counts * np.exp(-np.abs(d))
                if i % FACTORS == FACTORS - 1:
                    total, factor = total + np.log(factor), np.ones_like(f)
            loss[block.queries] = (total + np.log(factor)).sum(axis=0) / pairs.counts[block.queries]
        return loss

    def _pair_of_queries(
        self, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        pairs: Pairs = self.prepared
        gradient, curvature = np.zeros((2, len(raw_prediction) + 1), dtype)
        for block, level in pairs.blocks:
            f, of_pair = _at(raw_prediction, block.rows).astype(dtype, copy=False), level.astype(dtype, copy=False)
            g, h = np.zeros((2, *f.shape), dtype)
            room = np.empty((2, *f.shape), dtype)
            with np.errstate(over="ignore"):
                for i in range(len(f) - 1):
                    p, square = room[:, i + 1 :]
                    np.exp(np.subtract(f[i], f[i + 1 :], out=p), out=p)
                    np.divide(1, np.add(p, 1, out=p), out=p)
                    # 1 for a pair, 0 for two rows of equal relevance.
                    p *= np.minimum(np.subtract(of_pair[i], of_pair[i + 1 :], out=square), 1, out=square)
                    np.subtract(p, np.multiply(p, p, out=square), out=square)
                    g[i] -= np.add.reduce(p, axis=0)
                    g[i + 1 :] += p
                    h[i] += np.add.reduce(square, axis=0)
                    h[i + 1 :] += square
            share = (1.0 / pairs.counts[block.queries]).astype(dtype)
            gradient[block.rows], curvature[block.rows] = g * share, h * (2 * share)
        return gradient[:-1], curvature[:-1]


class ListNet(OfGains):
    """Cross-entropy between the shares that rows have of the gains of their query, and the softmax of the query.

    Domain: numbers not below 0, or what `gain` takes. Link: identity; between queries, raw predictions are not
    comparable. With the shares t = gain / Σ gain and p = exp(f) / Σ exp(f), sums over the rows of a query::

        loss       -Σ t log p           of a query; each query counts once
        gradient   p - t
        curvature  max(p, |p - t|)      bound

    The Hessian is the diagonal matrix of p less a positive semidefinite one, so p dominates it. The other part,
    ``|p - t|``, keeps the step of a leaf from exceeding 1: a relevant row that is predicted far below the others
    has a p of nearly 0 and would make a step without bound. A query without any gain has loss 0. The engines get
    both times the number that makes the mean curvature 1 where training begins.

    Parameters
    ----------
    gain : {"exp", "linear"}, callable or array-like, default="exp"
        The gain of a relevance, not below 0: 2 ** relevance - 1, the relevance itself, a function of an array of
        relevances, or a number for each of the relevances 0, 1, ...

    References
    ----------
    Cao, Qin, Liu, Tsai and Li (2007). *Learning to rank: from pairwise approach to listwise approach*. Proceedings
    of the 24th International Conference on Machine Learning, 129-136.

    Bruch (2021). *An alternative cross entropy loss for learning-to-rank*. Proceedings of the Web Conference,
    118-126.

    Examples
    --------
    >>> loss = ListNet(gain="linear")
    >>> loss.pointwise([3, 1, 0], [0.0, 0.0, 0.0], group=[3]).round(4).tolist()  # log 3
    [1.0986]
    >>> loss.gradient([3, 1, 0], [0.0, 0.0, 0.0], group=[3]).round(4).tolist()  # 1/3 - 3/4, 1/3 - 1/4, 1/3
    [-0.4167, 0.0833, 0.3333]
    """

    curvature_kind = "bound"

    def __init__(self, gain: Gain = "exp") -> None:
        self.gain = gain

    def _prepare(self, rows: Rows) -> Shares:
        return Shares.of(self, rows)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        shares: Shares = self.prepared
        distance, _, total = shares.softmax(raw_prediction)
        losses = shares.share * (np.log(total)[shares.query] - distance)
        return np.asarray(np.add.reduceat(losses, shares.ends[:-1]))

    def _pair_of_queries(
        self, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        shares: Shares = self.prepared
        _, size, total = shares.softmax(raw_prediction, dtype)
        p = size
        p /= total.astype(dtype)[shares.query]
        p *= shares.counts
        gradient = p - shares.share.astype(dtype)
        return gradient, np.maximum(p, np.abs(gradient))


def _at(raw_prediction: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the predictions of rows, less the query's first one; where there is no row, far below."""
    f = np.append(raw_prediction, -np.inf)[rows]
    return np.maximum(f - f[0], NO_ROW)
