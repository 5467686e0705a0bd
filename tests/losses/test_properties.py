"""Properties of the whole catalogue on data that hypothesis makes up: any size, any scale, ties, weights of 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gbm_objectives import CategoricalCrossEntropy
from gbm_objectives.contract.start import constant_rows
from gbm_objectives.distributions import StudentT
from tests.catalogue import CASES
from tests.engine import own_value

pytestmark = pytest.mark.slow
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
examples = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def rows(draw, case):
    """Targets, raw predictions and weights of a case: a few rows, of one magnitude, with repeated values."""
    n = draw(st.integers(1, 12))
    k = case.loss.n_outputs
    size = 10.0 ** draw(st.integers(-6, 6)) if case.target == "real" else 1.0
    steps = st.integers(-40, 40).map(lambda i: i / 8)  # so that targets are met and kinks hit
    # Only outputs on the identity link have the unit of the target.
    sizes = [size if output.link.name == "identity" else 1.0 for output in case.loss.outputs] or size
    raw = draw(arrays(np.float64, n if k == 1 else (n, k), elements=steps)) * sizes
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    y = draw(arrays(np.float64, n, elements=steps)) * size if case.target == "real" else case.targets(rng, n)
    weight = draw(arrays(np.float64, n, elements=st.integers(0, 3)))
    weight[draw(st.integers(0, n - 1))] = 1.0
    return y, raw, weight


@cases
@examples
@given(data=st.data())
def test_descent(case, data):
    """A loss that is no density is not negative, and a short step against the gradient does not raise it."""
    y, raw, _ = data.draw(rows(case))
    before, gradient, curvature = (
        f(y, raw) for f in (case.loss.pointwise, case.loss.gradient, case.loss.curvature)
    )
    assert (case.loss.outputs or (before >= 0).all()) and np.isfinite(before).all()
    assert (curvature > 0).all() and np.isfinite(curvature).all()
    size = max(1.0, np.abs(before).max(), np.abs(gradient / curvature).max())
    after = case.loss.pointwise(y, raw - 1e-6 * gradient / curvature)
    # At a kink a step along the middle of the subdifferential raises the loss, by the step at most.
    assert (after <= before + 1e-6 * size).all()


@cases
@examples
@given(data=st.data())
def test_what_the_engines_get(case, data):
    """Finite float32 of the right shape, nothing from rows without weight, and order does not matter."""
    y, raw, weight = data.draw(rows(case))
    gradient, hessian = case.loss.gradient_hessian(y, raw, weight)
    assert gradient.dtype == hessian.dtype == np.float32 and gradient.shape == hessian.shape == raw.shape
    assert np.isfinite(gradient).all() and np.isfinite(hessian).all()
    assert not gradient[weight == 0].any() and not hessian[weight == 0].any()
    assert (hessian[weight > 0] > 0).all()
    # Rows without weight may be left out.
    kept = weight > 0
    for whole, part in zip(
        (gradient, hessian), case.loss.gradient_hessian(y[kept], raw[kept], weight[kept]), strict=True
    ):
        np.testing.assert_allclose(whole[kept], part, rtol=1e-4, atol=1e-7 * np.abs(part).max())
    backwards = case.loss.gradient_hessian(y[::-1], raw[::-1], weight[::-1])
    for forward, back in zip((gradient, hessian), backwards, strict=True):
        np.testing.assert_allclose(back[::-1], forward, rtol=1e-4, atol=1e-7 * np.abs(forward).max())


@cases
@examples
@given(data=st.data())
def test_start_value_is_no_worse_than_any_constant(case, data):
    y, raw, weight = data.draw(rows(case))
    # A spread of 0 has no largest likelihood.
    assume(not case.loss.outputs or np.ptp(y[weight > 0]) > 0)
    # Nor has a t distribution where most targets are one value: the likelihood rises without end.
    if isinstance(case.loss, StudentT):
        assume(max(weight[y == value].sum() for value in y) < 0.7 * weight.sum())
    n = len(y)
    start = case.loss.initial_raw(y, weight)
    best = own_value(case.loss, y, constant_rows(start, n), weight)
    for row in raw:
        other = own_value(case.loss, y, constant_rows(row, n), weight)
        # A probability is kept a float32's resolution away from 0 and 1.
        assert best <= other + 1e-6 * max(1.0, abs(other))


@cases
@examples
@given(data=st.data())
def test_weighted_value_is_the_mean_over_repeated_rows(case, data):
    y, raw, weight = data.draw(rows(case))
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    values = own_value(case.loss, y, raw, weight), own_value(case.loss, y[repeated], raw[repeated])
    assert values[0] == pytest.approx(values[1], rel=1e-9)


@examples
@given(data=st.data(), shift=st.floats(-100, 100))
def test_softmax_is_blind_to_a_constant_per_row(data, shift):
    case = next(c for c in CASES if isinstance(c.loss, CategoricalCrossEntropy) and c.target == "label")
    y, raw, _ = data.draw(rows(case))
    np.testing.assert_allclose(case.loss.pointwise(y, raw + shift), case.loss.pointwise(y, raw), atol=1e-9)
    np.testing.assert_allclose(case.loss.gradient(y, raw + shift), case.loss.gradient(y, raw), atol=1e-9)
