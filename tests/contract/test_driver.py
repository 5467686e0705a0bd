"""What speed rests on, without timing it: blocks, the sample of rows, memory order."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import AbsoluteError, EpsilonInsensitive, FormulaLoss, Huber, LogCosh, Quantile
from gbm_objectives.contract import driver
from gbm_objectives.distributions import FormulaDistribution
from gbm_objectives.formula.rows import HALVINGS, Numbers
from gbm_objectives.losses.widths import residual_widths
from gbm_objectives.sampling import SAMPLE_ROWS, sample_rows
from tests.catalogue import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("order", ["C", "F"])
def test_results_do_not_depend_on_the_block_size(case, order, monkeypatch):
    n, rng = 2 * SAMPLE_ROWS, np.random.default_rng(0)
    y, raw, weight = case.targets(rng, n), np.asarray(case.raw(rng, n), order=order), rng.uniform(0.5, 2, n)
    results = []
    for rows in (n * case.loss.n_outputs, 1000, 37):
        monkeypatch.setattr(driver, "BLOCK_ROWS", rows)
        results.append(case.loss.gradient_hessian(y.astype(np.float32), raw, weight))
    for gradient, hessian in results[1:]:
        np.testing.assert_array_equal(gradient, results[0][0])
        # The information of a formula is read from a table, which is as wide as a block's parameters.
        rtol = 3e-7 if isinstance(case.loss, FormulaDistribution) else 0.0
        np.testing.assert_allclose(hessian, results[0][1], rtol=rtol, atol=0.0)
    assert all(array.flags.f_contiguous == raw.flags.f_contiguous for array in results[0])


def test_of_many_rows_a_sample_tells_the_scale():
    rng = np.random.default_rng(0)
    n = 20 * SAMPLE_ROWS
    residual, weight = rng.standard_t(2, n), rng.uniform(0, 2, n)
    rows = sample_rows(n)
    assert len(np.unique(rows)) == SAMPLE_ROWS and rows.max() < n
    # Periodic data: no residue class is left out or preferred.
    for period in (7, 20, 24, 128):
        counts = np.bincount(rows % period, minlength=period)
        assert counts.min() > 0.5 * SAMPLE_ROWS / period and counts.max() < 1.5 * SAMPLE_ROWS / period
    raw = np.zeros(n)
    whole = residual_widths(raw, -residual, weight).table
    assert residual_widths(raw[rows], -residual[rows], weight[rows]).table == pytest.approx(whole, rel=0.1)
    few = np.zeros(n)
    few[[3, 5, n - 1]] = 1.0  # weights that no row of the sample may have
    np.testing.assert_array_equal(sample_rows(n, few), [3, 5, n - 1])


@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.9), Huber(0.3), EpsilonInsensitive(0.3)], ids=repr)
def test_many_rows_train_as_few_do(loss):
    # The same rows many times over: their mean curvature is still 1, their scale nearly the same.
    rng = np.random.default_rng(0)
    y, raw = rng.integers(0, 2, 1000).astype(float), rng.standard_normal(1000)
    times = 2 + SAMPLE_ROWS // 1000
    few = loss.gradient_hessian(y, raw)
    many = loss.gradient_hessian(np.tile(y, times), np.tile(raw, times))
    assert 1 / np.mean(1 / many[1].astype(float)) == pytest.approx(1, rel=0.02)
    np.testing.assert_allclose(many[0][:1000], few[0], rtol=0.1)
    np.testing.assert_allclose(many[1][:1000], few[1], rtol=0.1)


def test_an_offender_in_a_later_block_is_found():
    y = np.zeros(100_000)
    y[-1] = np.nan
    raw = np.arange(100_000.0)  # not at the start, where all targets are looked at
    with pytest.raises(ValueError, match=r"finite numbers, got nan in row 99999"):
        AbsoluteError().gradient_hessian(y, raw)


def test_of_few_rows_a_robust_loss_is_evaluated_once(monkeypatch):
    # The look for a loss that is all but a kink cost a third of a callback of 300 rows.
    calls, plain = [], LogCosh._weight_of_residual
    monkeypatch.setattr(LogCosh, "_weight_of_residual", lambda self, u: calls.append(u.size) or plain(self, u))
    raw = np.linspace(-2.0, 2.0, 300)
    LogCosh().gradient_hessian(np.zeros(300), raw)
    assert calls == [300]


@pytest.mark.parametrize("formula", ["(f - y)**2 + abs(f - y)", "log(cosh(f - y))"])
@pytest.mark.parametrize("n", [300, 20 * SAMPLE_ROWS])
def test_a_formula_is_evaluated_once_for_each_row_and_for_samples(formula, n, monkeypatch):
    pytest.importorskip("sympy")
    loss = FormulaLoss(formula)
    loss.check_params()  # looks at the formula itself, once
    sizes = {"gradient": [], "second": []}
    for name, seen in sizes.items():
        plain = getattr(Numbers, name)
        count = lambda self, y, f, plain=plain, seen=seen: seen.append(np.size(f)) or plain(self, y, f)  # noqa: E731
        monkeypatch.setattr(Numbers, name, count)
    loss.gradient_hessian(np.zeros(n), np.random.default_rng(0).standard_normal(n))
    # Few rows are their own sample. Of many, samples tell the layers, the widths, and the mean curvature; the
    # lowest loss is the same for all rows, and takes a few numbers.
    samples = 0 if n <= SAMPLE_ROWS else 3 * SAMPLE_ROWS
    assert n <= sum(sizes["second"]) <= n + samples
    assert n <= sum(sizes["gradient"]) <= n + samples + 50


def test_the_lowest_loss_of_a_row_is_searched_for_by_halves(monkeypatch):
    pytest.importorskip("sympy")
    numbers = FormulaLoss("exp(f) - y*f", domain_name="non-negative", link_name="log")._shape().numbers
    y, f = np.array([1e-3, 1.0, 20.0, 1e3]), np.array([2.0, -3.0, 3.1, 0.0])
    calls, plain = [], Numbers.gradient
    monkeypatch.setattr(Numbers, "gradient", lambda *rows: calls.append(rows) or plain(*rows))
    distance = numbers.search(y, f, np.exp(f) - y, 100.0)
    # The lowest loss is at log(y). One of 22 powers of 2 is found in 5 steps; 6 more leave a 64th of it.
    np.testing.assert_allclose(distance, np.abs(np.log(y) - f), rtol=2.0**-6)
    assert len(calls) == 5 + HALVINGS
    assert np.isinf(numbers.search(y[:1], f[:1], np.exp(f[:1]) - y[:1], 1.0)).all()  # it is 8.9 away
