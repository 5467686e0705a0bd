"""Rows that are spread over workers give what one machine gives, for every loss and every partitioning."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from gbm_objectives import AbsoluteError, Huber, Tukey
from gbm_objectives.contract.rows import Rows
from gbm_objectives.engines.cluster.collective import Places, gathered
from gbm_objectives.engines.cluster.training import SharedTraining
from gbm_objectives.engines.data_sets import Member
from tests.catalogue import CASES
from tests.engine import own_value

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


class Threads:
    """Workers that are threads of this process."""

    class Worker:
        def __init__(self, threads, rank):
            self.threads, self.rank, self.size = threads, rank, threads.size

        def _reduce(self, values, how):
            self.threads.given[self.rank] = np.asarray(values, dtype=float)
            self.threads.barrier.wait()
            result = how(np.stack(self.threads.given), axis=0)
            self.threads.barrier.wait()
            return result

        def sum(self, values):
            return self._reduce(values, np.sum)

    def __init__(self, size):
        self.size, self.given = size, [None] * size
        self.barrier = Barrier(size, timeout=20)

    def run(self, function, parts):
        with ThreadPoolExecutor(self.size) as pool:
            calls = [pool.submit(function, self.Worker(self, rank), rows) for rank, rows in enumerate(parts)]
            return [call.result() for call in calls]


def shared(loss, worker, y, weight, places=None):
    """Return the training of a worker that has some rows, and their data set."""
    training, data = SharedTraining(loss, worker, places), object()
    training.members.append(Member(data, "own", Rows(y, weight)))
    return training, data


def partitions(n):
    """Random, sorted, a worker with one row, an empty one."""
    order = np.random.default_rng(1).permutation(n)
    return {
        "random": np.array_split(order, 3),
        "90/10": np.split(np.arange(n), [int(0.9 * n)]),
        "one row": [order[:1], order[1:]],
        "empty": [order[:0], order, order[:0]],
    }


@cases
@pytest.mark.parametrize("how", ["random", "90/10", "one row", "empty"])
@pytest.mark.parametrize("weighted", [False, True])
def test_derivatives_and_value(case, how, weighted):
    rng = np.random.default_rng(0)
    n, loss = 700, case.loss
    y, raw = case.targets(rng, n), case.raw(rng, n)
    loss = loss.resolved(y)
    weight = rng.integers(0, 3, n).astype(float) if weighted else None
    parts = partitions(n)[how]

    def work(worker, rows):
        own = None if weight is None else weight[rows]
        training, data = shared(loss, worker, y[rows], own)
        return *training.gradient_hessian(raw[rows], data), training.value(raw[rows], data)

    results = Threads(len(parts)).run(work, parts)
    for got, expected in zip(zip(*results, strict=True), loss.gradient_hessian(y, raw, weight), strict=False):
        for rows, part in zip(parts, got, strict=True):
            # Sums in another order: the widths differ in their last digits, a gradient by one of float32.
            np.testing.assert_allclose(part, expected[rows], rtol=1e-5, atol=1e-6 * np.abs(expected).max())
    for *_, value in results:
        assert value == pytest.approx(own_value(loss, y, raw, weight), rel=1e-12)


@pytest.mark.parametrize("loss", [Huber("auto"), Tukey("auto")], ids=repr)
def test_auto_has_one_scale_on_all_workers(loss):
    rng = np.random.default_rng(0)
    y, raw = np.sort(rng.standard_cauchy(700)), rng.standard_normal(700)
    parts = partitions(700)["90/10"]

    def work(worker, rows):
        training, data = shared(loss, worker, y[rows], None)
        return *training.gradient_hessian(raw[rows], data), training.value(raw[rows], data)

    expected = *loss.gradient_hessian(y, raw), loss.value(y, raw)
    for rows, (gradient, hessian, value) in zip(parts, Threads(len(parts)).run(work, parts), strict=True):
        np.testing.assert_allclose(gradient, expected[0][rows], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(hessian, expected[1][rows], rtol=1e-5)
        assert value == pytest.approx(expected[2])


@cases
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_with_places_are_exact(case, weighted):
    """Of more rows than a sample holds too, where each worker knows which of all rows it has."""
    rng = np.random.default_rng(0)
    n, loss = 9000, case.loss
    y, raw = case.targets(rng, n), case.raw(rng, n)
    loss = loss.resolved(y)
    weight = rng.integers(0, 3, n).astype(float) if weighted else None
    order = rng.permutation(n)
    parts = np.split(order, [1, 1, 7000])

    def work(worker, rows):
        own = None if weight is None else weight[rows]
        training, data = shared(loss, worker, y[rows], own, Places(rows, n))
        return training.gradient_hessian(raw[rows], data)

    results = Threads(len(parts)).run(work, parts)
    for got, expected in zip(zip(*results, strict=True), loss.gradient_hessian(y, raw, weight), strict=True):
        for rows, part in zip(parts, got, strict=True):
            np.testing.assert_allclose(part, expected[rows], rtol=1e-6, atol=1e-7 * np.abs(expected).max())


def test_samples_of_many_rows_are_the_same_everywhere():
    rng = np.random.default_rng(0)
    y, raw, weight = rng.standard_normal((3, 30_000))
    parts = np.split(np.arange(30_000), [20_000, 20_001])

    def work(worker, rows):
        return gathered(worker, Rows(y[rows], weight[rows]), raw[rows], 0.3, 1000)

    first, *others = Threads(3).run(work, parts)
    assert len(first[0]) == 666 + 1 + 333
    for other in others:
        for a, b in zip(first, other, strict=True):
            np.testing.assert_array_equal(a, b)
    at = np.searchsorted(np.sort(y), first[0])
    np.testing.assert_array_equal(np.sort(y)[at], first[0])


def test_weights_that_single_out_a_few_of_many_rows():
    rng = np.random.default_rng(0)
    y, raw = rng.standard_normal((2, 20_000))
    weight = np.zeros(20_000)
    weight[::4001] = 2.0
    few = np.flatnonzero(weight)
    expected = AbsoluteError().gradient_hessian(y[few], raw[few], weight[few])

    def work(worker, rows):
        training, data = shared(AbsoluteError(), worker, y[rows], weight[rows])
        return training.gradient_hessian(raw[rows], data)

    halves = np.split(np.arange(20_000), 2)
    for rows, got in zip(halves, Threads(2).run(work, halves), strict=True):
        for one, whole in zip(got, expected, strict=True):
            np.testing.assert_allclose(one[weight[rows] > 0], whole[np.isin(few, rows)], rtol=1e-5)
            assert (one[weight[rows] == 0] == 0).all()


def test_no_rows_at_all():
    empty = np.empty(0)
    assert Threads(2).run(lambda worker, _: gathered(worker, Rows(empty), empty), [0, 1]) == [None, None]
