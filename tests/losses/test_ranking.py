"""RankNet, ListNet and LambdaRank against their definitions, written with loops; and what gains may be."""

from __future__ import annotations

import re
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

from gbm_objectives import LambdaRank, ListNet, RankNet, check_loss
from gbm_objectives.losses.queries import CELLS, LEAST, blocks_of

RNG = np.random.default_rng(0)
GROUP = np.array([1, 5, 2, 37, 1, 12, 8, 40])
N = GROUP.sum()
ENDS = np.append(0, np.cumsum(GROUP))
Y = RNG.integers(0, 5, N).astype(float)
Y[ENDS[2] : ENDS[3]] = 2.0  # all equal
Y[ENDS[6] : ENDS[7]] = 0.0  # nothing relevant
RAW = RNG.normal(size=N)
TABLE = [0.0, 1.0, 1.0, 7.0, 20.0]


def square(relevance):
    return relevance**2


def steps(ranks):
    """Only the first three places count, all the same."""
    return (ranks <= 3).astype(float)


LOSSES = [
    RankNet(),
    ListNet(),
    ListNet("linear"),
    ListNet(square),
    LambdaRank(),
    LambdaRank(truncation=4),
    LambdaRank(norm=False),
    LambdaRank(gain=TABLE),
    LambdaRank(gain=square, discount=steps),
    LambdaRank(gain="linear", discount=lambda ranks: 1 / ranks, truncation=10**6),
]


def without_address(loss):
    """Name a loss alike in each of the processes that run tests."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(loss))


losses = pytest.mark.parametrize("loss", LOSSES, ids=without_address)


def gains_of(loss, y):
    if loss.gain in ("exp", "linear"):
        return 2**y - 1 if loss.gain == "exp" else y
    return loss.gain(y) if callable(loss.gain) else np.array(loss.gain)[y.astype(int)]


def ranknet(loss, y, f):
    value, gradient, hessian, n = 0.0, np.zeros(len(y)), np.zeros((len(y), len(y))), 0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] > y[j]:
                p = 1 / (1 + np.exp(f[i] - f[j]))
                value += np.log1p(np.exp(f[j] - f[i]))
                gradient[[i, j]] += [-p, p]
                hessian[np.ix_([i, j], [i, j])] += p * (1 - p) * np.array([[1, -1], [-1, 1]])
                n += 1
    n = max(n, 1)
    return value / n, gradient / n, 2 * np.diag(hessian) / n, hessian / n


def listnet(loss, y, f):
    worth = gains_of(loss, y)
    if not worth.any():
        return 0.0, np.zeros(len(y)), np.zeros(len(y)), np.zeros((len(y), len(y)))
    share, p = worth / worth.sum(), np.exp(f) / np.exp(f).sum()
    return -share @ np.log(p), p - share, np.maximum(p, np.abs(p - share)), np.diag(p) - np.outer(p, p)


def lambdarank(loss, y, f):
    """Burges (2010), with LightGBM's division and normalisation."""
    n, worth = len(y), gains_of(loss, y)
    ranks = np.arange(1.0, n + 1)
    discount = 1 / np.log2(1 + ranks) if loss.discount == "log2" else loss.discount(ranks)
    cut = np.where(ranks <= loss.truncation, discount, 0)
    ideal = np.sort(worth)[::-1] @ cut
    order = np.argsort(-f, kind="stable")
    value = 0.0 if ideal == 0 else 1 - worth[order] @ cut / ideal
    gradient, curvature, size = np.zeros(n), np.zeros(n), 0.0
    for a in range(min(loss.truncation, n)):
        for b in range(a + 1, n):
            i, j = (order[a], order[b]) if worth[order[a]] > worth[order[b]] else (order[b], order[a])
            if worth[i] == worth[j]:
                continue
            change = (worth[i] - worth[j]) * abs(discount[a] - discount[b]) / ideal
            if loss.norm and f.max() != f.min():
                change /= 0.01 + abs(f[i] - f[j])
            p = 1 / (1 + np.exp(f[i] - f[j]))
            gradient[[i, j]] += [-change * p, change * p]
            curvature[[i, j]] += change * p * (1 - p)
            size += 2 * change * p
    scale = np.log2(1 + size) / size if loss.norm and size > 0 else 1.0
    return value, scale * gradient, scale * curvature, None


SLOW = {RankNet: ranknet, ListNet: listnet, LambdaRank: lambdarank}


def slowly(loss, y, f, group):
    """Value of each query, gradient and curvature of each row."""
    ends = np.append(0, np.cumsum(group))
    parts = [SLOW[type(loss)](loss, y[a:b], f[a:b]) for a, b in pairwise(ends)]
    values, gradients, curvatures, _ = zip(*parts, strict=True)
    return np.array(values), np.concatenate(gradients), np.concatenate(curvatures)


@pytest.mark.slow
@losses
def test_it_is_what_its_definition_says(loss):
    for raw in (RAW, np.zeros(N), np.round(RAW), 30 * RAW):
        values, gradient, curvature = slowly(loss, Y, raw, GROUP)
        if isinstance(loss, LambdaRank) and (np.diff(np.sort(raw)) == 0).any():
            values = loss.pointwise(Y, raw, GROUP)  # of equal predictions, see tests of NDCG
        np.testing.assert_allclose(loss.pointwise(Y, raw, GROUP), values, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(loss.gradient(Y, raw, GROUP), gradient, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(loss.curvature(Y, raw, GROUP), curvature, rtol=1e-7, atol=1e-9)
        g, h = loss.gradient_hessian(Y, raw, group=GROUP)
        scale = 1.0 if isinstance(loss, LambdaRank) else h.sum() / curvature.sum()
        np.testing.assert_allclose(g, scale * gradient, rtol=2e-4, atol=2e-6 * np.abs(g).max())
        np.testing.assert_allclose(h, scale * curvature, rtol=2e-4, atol=2e-6 * h.max())


@pytest.mark.slow
@losses
def test_the_checks_of_losses(loss):
    check_loss(loss, Y, RAW, group=GROUP)


@pytest.mark.parametrize("loss", [RankNet(), ListNet()], ids=without_address)
def test_the_curvature_bounds_the_hessian(loss):
    for raw in (RAW, 10 * RAW):
        for a, b in pairwise(ENDS):
            *_, hessian = SLOW[type(loss)](loss, Y[a:b], raw[a:b])
            least = np.linalg.eigvalsh(np.diag(loss.curvature(Y[a:b], raw[a:b])) - hessian).min()
            assert least > -1e-12


@pytest.mark.parametrize("loss", [RankNet(), ListNet()], ids=without_address)
def test_the_mean_curvature_is_1_where_training_begins(loss):
    _, hessian = loss.gradient_hessian(Y, np.zeros(N), group=GROUP)
    assert hessian.mean() == pytest.approx(1.0, rel=1e-5)


@losses
def test_orders_of_queries_and_of_rows_do_not_matter(loss):
    queries = RNG.permutation(len(GROUP))
    rows = np.concatenate([ENDS[q] + RNG.permutation(GROUP[q]) for q in queries])
    np.testing.assert_allclose(
        loss.pointwise(Y[rows], RAW[rows], GROUP[queries]), loss.pointwise(Y, RAW, GROUP)[queries], atol=1e-12
    )
    for method in (loss.gradient, loss.curvature):
        np.testing.assert_allclose(
            method(Y[rows], RAW[rows], GROUP[queries]), method(Y, RAW, GROUP)[rows], rtol=1e-9, atol=1e-12
        )


@losses
def test_weights_multiply_rows_and_the_metric_has_their_mean(loss):
    weight = RNG.uniform(0, 2, N)
    weight[ENDS[3] : ENDS[4]] = 0.0
    g, h = loss.gradient_hessian(Y, RAW, weight, GROUP)
    bare = loss.gradient_hessian(Y, RAW, group=GROUP)
    np.testing.assert_allclose(g, bare[0] * weight, rtol=1e-6)
    np.testing.assert_allclose(h, bare[1] * weight, rtol=1e-6, atol=1e-15)
    of_queries = np.array([weight[a:b].mean() for a, b in pairwise(ENDS)])
    expected = np.average(loss.pointwise(Y, RAW, GROUP), weights=of_queries)
    assert loss.value(Y, RAW, weight, GROUP) == pytest.approx(expected, rel=1e-9)


@losses
def test_predictions_far_out_are_finite(loss):
    for raw in (1e6 * RAW, -1e6 + RAW, np.where(RAW > 0, 1e6, -1e6), 1e30 * RAW):
        pair = loss.gradient_hessian(Y, raw, group=GROUP)
        assert all(np.isfinite(part).all() for part in pair) and (pair[1] > 0).all()
        assert np.isfinite(loss.value(Y, raw, group=GROUP))
    # Predictions that are equal in float32, not in float64.
    close = 1e6 + 1e-3 * RAW
    got, expected = (loss.gradient_hessian(Y, raw, group=GROUP)[0] for raw in (close, close - 1e6))
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@losses
def test_queries_with_nothing_to_compare_add_nothing(loss):
    y = np.array([3.0, 2.0, 2.0, 0.0, 0.0])
    groups = [1, 2, 2] if not isinstance(loss, ListNet) else [1, 1, 1, 2]
    gradient, hessian = loss.gradient_hessian(y, RAW[:5], group=groups)
    assert not gradient.any() and not loss.pointwise(y, RAW[:5], groups).any()
    assert (hessian[3:] < 1e-15).all()


@losses
def test_many_queries_of_one_row(loss):
    n = 100_000
    y = RNG.integers(0, 5, n).astype(float)
    gradient, _ = loss.gradient_hessian(y, RNG.normal(size=n), group=np.ones(n, int))
    assert not gradient.any()


@pytest.mark.slow
@pytest.mark.parametrize("loss", [RankNet(), ListNet(), LambdaRank()], ids=without_address)
def test_a_long_query_needs_little_memory(loss):
    """All pairs of 6,000 rows would be 144 MB in float32; ten numbers a row are 0.5."""
    n = 6000
    y, raw = RNG.integers(0, 5, n).astype(float), RNG.normal(size=n)
    tracemalloc.start()
    loss.gradient_hessian(y, raw, group=[n])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6


def test_a_query_is_in_one_block_whole():
    sizes = np.concatenate([RNG.integers(1, 200, 500), [CELLS + 5, 1, 1]])
    ends = np.append(0, np.cumsum(sizes))
    some = RNG.random(len(sizes)) < 0.8
    some[500] = True
    blocks = blocks_of(ends, some)
    found = np.concatenate([block.queries for block in blocks])
    np.testing.assert_array_equal(np.sort(found), np.flatnonzero(some))
    for block in blocks:
        assert block.rows.size <= max(CELLS, block.sizes.max())
        assert block.rows.shape[1] == block.sizes.max()
        assert block.sizes.min() * 2**0.25 * 1.0001 >= block.sizes.max() or block.rows.size < 2 * LEAST
        for query, size, rows in zip(block.queries, block.sizes, block.rows, strict=True):
            np.testing.assert_array_equal(rows[:size], np.arange(ends[query], ends[query + 1]))
            assert (rows[size:] == ends[-1]).all() and size == sizes[query]


# ---- gains and discounts ----------------------------------------------------------------------------------


def refused(loss, y, match, error=ValueError):
    with pytest.raises(error, match=match):
        loss.pointwise(y, np.zeros(len(y)))
    with pytest.raises(error, match=match):
        loss.check_target(y)


def test_relevances():
    refused(LambdaRank(), [1.0, 0.0, -1.0], r"numbers not below 0, got -1.0 in row 2 \(1 such\)")
    refused(ListNet(), [1.0, np.nan], "numbers not below 0, got nan in row 1")
    refused(RankNet(), [1.0, np.inf], "finite numbers, got inf in row 1")
    refused(LambdaRank(gain=TABLE), [1.0, 5.0], r"integers 0 ... 4, which gain has a number for, got 5.0 in row 1")
    refused(LambdaRank(gain=TABLE), [1.0, 0.5], "got 0.5 in row 1")
    RankNet().pointwise([-1.5, 2.0], [0.0, 0.0])  # of which only the order counts
    LambdaRank(gain=square).pointwise([-1.5, 2.0], [0.0, 0.0])


def test_large_relevances():
    """2 ** 60 in float32 beside 2 ** 0: shares of the ideal, so nothing overflows; 2 ** 1024 is infinite."""
    for loss in (LambdaRank(), ListNet()):
        for y in ([60.0, 0.0, 1.0], [1000.0, 999.0, 1.0]):
            pair = loss.gradient_hessian(y, [0.0, 1.0, 2.0], group=[3])
            assert np.isfinite(pair).all() and pair[0][0] < 0
        refused(loss, [0.0, 2000.0], r"it is inf for the relevance 2000.0 in row 1 \(1 such\)")


@pytest.mark.parametrize(
    ("gain", "match"),
    [
        (lambda y: -y, r"must be finite and not below 0, it is -1.0 for the relevance 1.0 in row 1"),
        (lambda y: y / 0 if y[0] else np.full_like(y, np.nan), "it is nan for the relevance 0.0 in row 0"),
        (lambda y: y[:1], r"a number for each relevance, of \(2,\) it returns shape \(1,\)"),
        (lambda y: 3.0, r"it returns shape \(\)"),
        (lambda y: np.array(["a", "b"]), "must be numbers"),
    ],
)
def test_gains_that_are_none(gain, match):
    for loss in (LambdaRank(gain=gain), ListNet(gain)):
        refused(loss, [0.0, 1.0], f"gain of {type(loss).__name__} .*{match}|{match}")


@pytest.mark.parametrize(
    ("discount", "match"),
    [
        (lambda r: r, "it is 2.0 for rank 2"),
        (lambda r: -1 / r, "it is -1.0 for rank 1"),
        (lambda r: 2 - r, "it is -1.0 for rank 3"),
        (lambda r: 0 * r, "it is 0.0 for rank 1"),
        (lambda r: np.where(r > 1, np.nan, 1.0), "it is nan for rank 2"),
        (lambda r: 1.0, r"a number for each rank, of 3 ranks it returns \(\)"),
    ],
)
def test_discounts_that_are_none(discount, match):
    with pytest.raises(ValueError, match=match):
        LambdaRank(discount=discount).pointwise([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("loss", "error", "match"),
    [
        (LambdaRank(truncation=0), ValueError, "truncation of LambdaRank must be at least 1"),
        (LambdaRank(truncation=1.5), TypeError, "truncation of LambdaRank must be an integer"),
        (LambdaRank(norm="yes"), TypeError, "norm of LambdaRank must be True or False"),
        (LambdaRank(gain="log"), ValueError, "gain of LambdaRank must be one of 'exp', 'linear', got 'log'"),
        (ListNet(gain=3), TypeError, "gain of ListNet must be 'exp', 'linear', a function"),
        (
            LambdaRank(gain=[0, -1]),
            ValueError,
            "gain of LambdaRank must be finite and not below 0, got -1.0 in place",
        ),
        (LambdaRank(gain=[]), ValueError, "gain of LambdaRank is empty"),
        (LambdaRank(discount="log"), ValueError, "discount of LambdaRank must be one of 'log2', got 'log'"),
    ],
    ids=without_address,
)
def test_parameters(loss, error, match):
    with pytest.raises(error, match=match):
        loss.check_params()


def test_losses_are_values():
    one, other = (LambdaRank(gain=np.array(TABLE), discount=steps) for _ in range(2))
    assert one == other == clone(one) == LambdaRank(gain=TABLE, discount=steps) and hash(one) == hash(other)
    assert one != LambdaRank(gain=TABLE) and LambdaRank(gain=square) != LambdaRank(gain=steps)
