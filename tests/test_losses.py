"""Properties that every loss of the catalogue must have, checked against its own `pointwise`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import clone

import gbm_objectives
from gbm_objectives import CategoricalCrossEntropy, Loss, Quantile
from tests.catalogue import CASES, Case

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
N = 60


def differences(function, raw: np.ndarray, step: float) -> np.ndarray:
    """4th-order central differences of `function` along each column of `raw`; columns come last."""
    columns = []
    for j in range(1 if raw.ndim == 1 else raw.shape[1]):
        unit = np.ones_like(raw) if raw.ndim == 1 else np.eye(raw.shape[1])[j]
        f = {m: function(raw + m * step * unit) for m in (-2, -1, 1, 2)}
        columns.append((f[-2] - 8 * f[-1] + 8 * f[1] - f[2]) / (12 * step))
    return columns[0] if raw.ndim == 1 else np.stack(columns, axis=-1)


def smooth_rows(case: Case, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, raw = case.targets(rng, N), case.raw(rng, N)
    keep = case.distance_to_kink(y, raw) > 0.01
    assert keep.sum() > N / 2
    return y[keep], raw[keep]


def test_catalogue_is_complete():
    public = {getattr(gbm_objectives, name) for name in gbm_objectives.__all__}
    losses = {c for c in public if isinstance(c, type) and issubclass(c, Loss) and c is not Loss}
    assert losses == {type(case.loss) for case in CASES}


@cases
def test_gradient_is_the_derivative_of_pointwise(case):
    y, raw = smooth_rows(case)
    expected = differences(lambda f: case.loss.pointwise(y, f), raw, step=1e-3)
    np.testing.assert_allclose(case.loss.gradient(y, raw), expected, rtol=1e-6, atol=1e-9)


@cases
def test_curvature_is_what_the_loss_says(case):
    loss, (y, raw) = case.loss, smooth_rows(case)
    curvature = loss.curvature(y, raw)
    assert curvature.shape == raw.shape
    assert (curvature > 0).all() and np.isfinite(curvature).all()
    if loss.curvature_kind == "constant":
        np.testing.assert_array_equal(curvature, 1)
        return
    if loss.curvature_kind == "exact":
        expected = differences(lambda f: loss.gradient(y, f), raw, step=1e-3)
        np.testing.assert_allclose(curvature, expected, rtol=1e-6, atol=1e-9)
    elif loss.curvature_kind == "bound":
        hessian = differences(lambda f: loss.gradient(y, f), raw, step=1e-3)
        gap = curvature[:, :, None] * np.eye(loss.n_outputs) - hessian
        assert np.linalg.eigvalsh((gap + gap.transpose(0, 2, 1)) / 2).min() > -1e-9
    else:
        slack = loss.curvature_slack(y, raw)
        assert (slack > 0).any() == (loss.curvature_kind == "relaxed")
        value, slope = loss.pointwise(y, raw), loss.gradient(y, raw)
        rng = np.random.default_rng(0)
        for step in np.linspace(-50, 50, 2001):
            # Every direction, where there are several outputs.
            d = step if raw.ndim == 1 else step * rng.standard_normal(raw.shape)
            parabola = value + (slope * d + 0.5 * curvature * d**2).reshape(len(y), -1).sum(axis=1)
            assert (loss.pointwise(y, raw + d) <= parabola + slack + 1e-9).all()


@cases
def test_slack_is_no_larger_than_needed(case):
    loss, (y, raw) = case.loss, smooth_rows(case)
    if loss.curvature_kind != "relaxed":
        return
    value, slope, curvature = loss.pointwise(y, raw), loss.gradient(y, raw), loss.curvature(y, raw)
    worst = np.max(
        [
            loss.pointwise(y, raw + d) - value - slope * d - 0.5 * curvature * d**2
            for d in np.linspace(-200, 200, 20_001)
        ],
        axis=0,
    )
    np.testing.assert_allclose(worst, loss.curvature_slack(y, raw), rtol=0.01, atol=1e-3)


@cases
def test_engines_get_the_gradient_times_weight_up_to_one_constant(case):
    rng = np.random.default_rng(1)
    y, raw, weight = case.targets(rng, N), case.raw(rng, N), rng.uniform(0.5, 2, N)
    for w in (None, weight):
        grad, hess = case.loss.gradient_hessian(y, raw, w)
        assert grad.dtype == hess.dtype == np.float32
        assert grad.shape == hess.shape == raw.shape
        column = 1.0 if w is None else w.reshape((-1,) + (1,) * (raw.ndim - 1))
        expected = case.loss.gradient(y, raw) * column
        constant = np.sum(grad * expected) / np.sum(expected**2)
        assert constant > 0
        np.testing.assert_allclose(grad, constant * expected, rtol=1e-4, atol=1e-6)
        if w is None:  # a weighted curvature adapts to the weighted residuals
            np.testing.assert_allclose(hess, constant * case.loss.curvature(y, raw), rtol=1e-4, atol=1e-6)


@cases
def test_doubled_weights_double_gradient_and_curvature(case):
    rng = np.random.default_rng(2)
    y, raw, weight = case.targets(rng, N), case.raw(rng, N), rng.uniform(0.5, 2, N)
    for once, twice in zip(
        case.loss.gradient_hessian(y, raw, weight), case.loss.gradient_hessian(y, raw, 2 * weight), strict=True
    ):
        np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)


@cases
def test_weight_two_equals_a_duplicated_row(case):
    rng = np.random.default_rng(3)
    y, raw = case.targets(rng, N), case.raw(rng, N)
    counts = rng.integers(0, 3, N)
    rows = np.repeat(np.arange(N), counts)
    weighted = case.loss.gradient_hessian(y, raw, counts.astype(float))
    repeated = case.loss.gradient_hessian(y[rows], raw[rows])
    for w, r in zip(weighted, repeated, strict=True):
        summed = np.zeros_like(w)
        np.add.at(summed, rows, r)
        np.testing.assert_allclose(w, summed, rtol=1e-4, atol=1e-6)
    assert case.loss.value(y, raw, counts) == pytest.approx(case.loss.value(y[rows], raw[rows]))
    np.testing.assert_allclose(
        case.loss.initial_raw(y, counts), case.loss.initial_raw(y[rows]), rtol=1e-9, atol=1e-9
    )


@cases
@pytest.mark.parametrize("weighted", [False, True])
def test_initial_raw_minimises_value(case, weighted):
    rng = np.random.default_rng(4)
    y = case.targets(rng, 2 * N + 1)
    weight = rng.uniform(0.1, 3, len(y)) if weighted else None
    start = case.loss.initial_raw(y, weight)
    assert np.shape(start) == (() if case.loss.n_outputs == 1 else (case.loss.n_outputs,))

    def value(constant):
        raw = np.full(len(y), float(constant[0])) if np.ndim(start) == 0 else np.tile(constant, (len(y), 1))
        return case.loss.value(y, raw, weight)

    best = minimize(
        value, np.atleast_1d(start) + 0.1, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    assert value(np.atleast_1d(start)) <= best.fun + 1e-7


@cases
@pytest.mark.parametrize("size", [1e3, 1e20])
def test_finite_far_out(case, size):
    y = case.targets(np.random.default_rng(5), N)
    signs = np.resize([1.0, -1.0, -1.0, 1.0, 1.0], N * case.loss.n_outputs)
    raw = size * signs.reshape(case.raw(np.random.default_rng(0), N).shape)
    grad, hess = case.loss.gradient_hessian(y, raw)
    assert np.isfinite(grad).all() and np.isfinite(hess).all()
    assert (hess >= 0).all()
    assert np.isfinite(case.loss.pointwise(y, raw)).all()


@cases
def test_float32_strided_and_fortran_input_agree(case):
    rng = np.random.default_rng(6)
    y, raw = case.targets(rng, N), case.raw(rng, N).astype(np.float32)
    expected = case.loss.gradient_hessian(y, raw)
    wide = np.repeat(raw, 2, axis=0)[::2]
    wide.flags.writeable = False
    for variant in (raw.astype(np.float64), wide, np.asfortranarray(raw)):
        for e, g in zip(expected, case.loss.gradient_hessian(y, variant), strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-6)
    grad, hess = case.loss.gradient_hessian(y, np.asfortranarray(raw))
    assert grad.flags.f_contiguous and hess.flags.f_contiguous


@cases
def test_many_blocks_agree_with_float64(case):
    rng = np.random.default_rng(7)
    n = 40_000  # more than two blocks
    y, raw = case.targets(rng, n), case.raw(rng, n)
    grad, hess = case.loss.gradient_hessian(y, raw)
    gradient, curvature = case.loss.gradient(y, raw), case.loss.curvature(y, raw)
    constant = np.sum(grad * gradient) / np.sum(gradient**2)
    np.testing.assert_allclose(grad, constant * gradient, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(hess, constant * curvature, rtol=1e-3, atol=1e-5)


@cases
def test_is_a_value_object(case):
    loss = case.loss
    for copy in (pickle.loads(pickle.dumps(loss)), clone(loss), eval(repr(loss), vars(gbm_objectives))):
        assert copy == loss and hash(copy) == hash(loss) and copy is not loss
        assert copy.metric == loss.metric
    assert vars(loss) == loss.get_params()  # no state beside the hyper-parameters
    assert loss != "loss"


def test_losses_with_other_parameters_differ():
    renamed = Quantile(0.1).metric
    renamed.__name__ = "low"
    assert renamed != Quantile(0.1).metric
    assert Quantile(0.1) != Quantile(0.2)
    assert Quantile(0.5) != gbm_objectives.AbsoluteError()
    assert Quantile(0.1).set_params(alpha=0.2) == Quantile(0.2)


@cases
def test_response_is_the_inverse_link(case):
    raw = case.raw(np.random.default_rng(8), N)
    response = case.loss.response(raw)
    assert response.shape == raw.shape
    if case.loss.link.name != "identity":
        assert (response > 0).all() and (response < 1).all()
        back = case.loss.link.forward(response)
        shift = back - raw  # softmax is blind to a constant per row
        np.testing.assert_allclose(shift - shift[..., :1] if raw.ndim == 2 else shift, 0, atol=1e-4)


def test_hard_labels_are_distributions_with_one_class():
    loss, rng = CategoricalCrossEntropy(3), np.random.default_rng(9)
    labels, raw = rng.integers(0, 3, N), rng.standard_normal((N, 3))
    rows = np.eye(3)[labels]
    np.testing.assert_allclose(loss.pointwise(labels, raw), loss.pointwise(rows, raw))
    for hard, soft in zip(loss.gradient_hessian(labels, raw), loss.gradient_hessian(rows, raw), strict=True):
        np.testing.assert_array_equal(hard, soft)
    np.testing.assert_allclose(loss.initial_raw(labels), loss.initial_raw(rows))
