"""LambdaRank: pairs of rows weighted by what NDCG would gain, with gains and discounts of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contract.rows import Rows
from ..validation import check_integer, shown
from .gains import Discount, Gain, Orders, check_discount, discounts
from .queries import NO_ROW, Block, Queries, blocks_of
from .ranking import OfGains

__all__ = ["LambdaRank"]


@dataclass(frozen=True)
class Lists(Queries):
    """What LambdaRank needs of a data set.

    Parameters
    ----------
    ends, counting, scale
        As in `Queries`.
    orders : Orders
        Gains, and what an order of each query gets.
    discounts : ndarray of shape (longest,)
        The discount of each rank, not cut at the truncation.
    blocks : list of (Block, ndarray of shape (n_queries, longest))
        The queries that count, and the gains of their rows as parts of the most that an order gets.
    """

    orders: Orders
    discounts: np.ndarray
    blocks: list[tuple[Block, np.ndarray]]


class LambdaRank(OfGains):
    """Pairs of a query, each weighted by what exchanging its rows would change of DCG, as LightGBM's lambdarank.

    Domain: numbers not below 0, or what `gain` takes. Link: identity; between queries, raw predictions are not
    comparable. The loss is 1 - NDCG, of the first `truncation` ranks, and has no useful derivative: it changes
    where two rows change places, by a step. So `gradient` is no derivative of it, but LambdaRank's lambdas. With
    the rows of a query in the order of their predictions, i any of the first `truncation` and j any after it of
    less or more gain, d = f_i - f_j and p the probability of the wrong order::

        loss       1 - NDCG                           NDCG = Σ discount · gain / Z, Z this sum in the best order
        Δ          |gain of i - gain of j| (discount of i - discount of j) / Z / (0.01 + d)
        p          1 / (1 + exp(±d))                  + if i has more gain, - if j has
        gradient   c Σ ∓Δ p                           over the pairs of a row: - if it has more gain, + if less
        curvature  c Σ Δ p (1 - p)                    surrogate
        c          log2(1 + S) / S                    S = 2 Σ Δ p over the pairs of the query

    Only the first `truncation` ranks count in both sums. The discounts in Δ are not cut there, so Δ is not the
    change of this NDCG where j is behind them: of what i has to lose, only the difference of discounts counts.

    Without `norm`, c is 1 and Δ is not divided, as in the paper; LightGBM divides, except where all predictions of
    a query are equal. Rows with equal predictions have the order of the data set, as there. (In NDCG, every order
    of them counts the same; where no row has a gain, it is 1.) The engines get both as they are, so
    `min_sum_hessian` and `lambda` mean what they mean for ``objective="lambdarank"``, and LightGBM grows its own
    trees with the same parameters, up to its table of p with steps of 5e-5 in d.

    Parameters
    ----------
    truncation : int, default=30
        How many ranks count, `lambdarank_truncation_level` of LightGBM; a few more than those that people look at.
        Pairs without a row among them are left out.
    gain : {"exp", "linear"}, callable or array-like, default="exp"
        The gain of a relevance, not below 0: 2 ** relevance - 1, the relevance itself, a function of an array of
        relevances, or a number for each of the relevances 0, 1, ...
    discount : "log2" or callable, default="log2"
        The discount of a rank: 1 / log2(1 + rank), or a function of an array of the ranks 1, 2, ..., above 0 for
        the first one and never rising.
    norm : bool, default=True
        Whether Δ is divided and the lambdas of a query are scaled, `lambdarank_norm` of LightGBM.

    References
    ----------
    Burges, Ragno and Le (2006). *Learning to rank with nonsmooth cost functions*. Advances in Neural Information
    Processing Systems 19, 193-200.

    Burges (2010). *From RankNet to LambdaRank to LambdaMART: an overview*. Microsoft Research MSR-TR-2010-82.

    Examples
    --------
    >>> loss = LambdaRank()
    >>> loss.pointwise([2, 1, 0], [3.0, 2.0, 1.0], group=[3]).tolist()  # the best order
    [0.0]
    >>> loss.gradient([2, 1, 0], [1.0, 2.0, 3.0], group=[3]).round(2).tolist()  # the worst one
    [-0.26, -0.02, 0.29]

    A gain of one's own, where the second grade is worth ten of the first:

    >>> LambdaRank(gain=[0, 1, 10]).pointwise([2, 1, 0], [2.0, 3.0, 1.0], group=[3]).round(4).tolist()
    [0.3124]
    """

    curvature_kind = "surrogate"

    def __init__(
        self, truncation: int = 30, gain: Gain = "exp", discount: Discount = "log2", norm: bool = True
    ) -> None:
        self.truncation = truncation
        self.gain = gain
        self.discount = discount
        self.norm = norm

    def check_params(self) -> None:
        super().check_params()
        check_integer(self, "truncation", 1)
        check_discount(self)
        if not isinstance(self.norm, (bool, np.bool_)):
            raise TypeError(f"norm of LambdaRank must be True or False, got {shown(self.norm)}")

    @property
    def _gradient_is_slope(self) -> bool:
        return False

    def _prepare(self, rows: Rows) -> Lists:
        orders = Orders.of(self, rows, self.truncation)
        starts = orders.ends[:-1]
        counting = np.minimum.reduceat(orders.gains, starts) < np.maximum.reduceat(orders.gains, starts)
        parts = np.append(orders.gains / np.where(orders.ideal > 0, orders.ideal, 1.0)[orders.query], 0.0)
        blocks = [(block, parts[block.rows]) for block in blocks_of(orders.ends, counting)]
        of_ranks = discounts(self, int(np.diff(orders.ends).max()))
        if len(of_ranks) > self.truncation and of_ranks[0] == of_ranks[-1]:
            raise ValueError(
                "discount of LambdaRank must fall somewhere, or nothing pulls: where the first k ranks count alike"
                " and no others, it is np.where(ranks <= k, 1.0, 0.0)"
            )
        return Lists(orders.ends, counting, 1.0, orders, of_ranks, blocks)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.asarray(1.0 - self.prepared.orders.shares(raw_prediction))

    def _pair_of_queries(
        self, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        lists: Lists = self.prepared
        discount = lists.discounts.astype(dtype)
        gradient, curvature = np.zeros((2, len(raw_prediction) + 1), dtype)
        padded = np.append(raw_prediction, -np.inf)
        for block, parts in lists.blocks:
            f = padded[block.rows]
            order = np.argsort(-f, axis=1, kind="stable")
            f, worth, rows = (np.take_along_axis(one, order, 1).T for one in (f, parts, block.rows))
            # float32 has all digits of differences, and no infinite ones.
            f = np.maximum(f - f[0], NO_ROW).astype(dtype, order="C")
            differs = f[block.sizes - 1, np.arange(len(block.sizes))] < 0
            gradient[rows], curvature[rows] = self._lambdas(f, worth.astype(dtype, order="C"), discount, differs)
        return gradient[:-1], curvature[:-1]

    def _lambdas(
        self, f: np.ndarray, worth: np.ndarray, discount: np.ndarray, differs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of queries side by side, rows down in the order of predictions `f`.

        Parameters
        ----------
        f, worth : ndarray of shape (longest, n_queries)
            Predictions, the largest 0, and gains as parts of the ideal.
        discount : ndarray of shape (at least longest,)
            Discounts of ranks.
        differs : ndarray of bool of shape (n_queries,)
            Whether not all predictions of the query are equal.
        """
        g, h = np.zeros((2, *f.shape), f.dtype)
        size = np.zeros(f.shape[1], f.dtype)
        room = np.empty((3, *f.shape), f.dtype)
        near = np.where(differs, 0.01, 1.0).astype(f.dtype)  # equal predictions are not divided
        with np.errstate(over="ignore"):
            for i in range(min(self.truncation, len(f) - 1)):
                odds, change, part = room[:, i + 1 :]
                np.subtract(f[i], f[i + 1 :], out=odds)
                # What i gains over j, below 0 if j should be before it.
                np.subtract(worth[i], worth[i + 1 :], out=change)
                change *= (discount[i] - discount[i + 1 : len(f)])[:, None]
                if self.norm:
                    change /= np.add(odds, near, out=part)
                np.add(np.exp(odds, out=odds), 1, out=odds)
                # With q = 1 / odds, the probability that j is better: of a pair in the right order |change| q
                # pulls apart, of one in the wrong order |change| (1 - q).
                np.divide(np.abs(change, out=part), odds, out=part)
                change = np.add(np.minimum(change, 0, out=change), part, out=change)
                np.subtract(part, np.divide(part, odds, out=odds), out=part)
                g[i] -= np.add.reduce(change, axis=0)
                g[i + 1 :] += change
                h[i] += np.add.reduce(part, axis=0)
                h[i + 1 :] += part
                if self.norm:
                    size += np.add.reduce(np.abs(change, out=change), axis=0)
        if self.norm:
            size *= 2
            # Not log2(1 + size), which is 0 in float32 where a query is nearly in order.
            scale = np.divide(np.log1p(size), size, out=np.ones_like(size), where=size > 0)
            scale *= size.dtype.type(1.0 / np.log(2.0))
            g *= scale
            h *= scale
        return g, h
