"""Properties of every loss of the catalogue beside those that `check_loss` checks, see tests/testing."""

from __future__ import annotations

import pickle
from inspect import isabstract, isclass

import numpy as np
import pytest
from sklearn.base import clone

import gbm_objectives
from gbm_objectives import (
    CategoricalCrossEntropy,
    CategoricalFocal,
    Loss,
    ProportionalOdds,
    Quantile,
    distributions,
)
from gbm_objectives.contract.start import constant_rows
from tests.catalogue import CASES, Case
from tests.engine import own_value

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
N = 60


def smooth_rows(case: Case, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, raw = case.targets(rng, N), case.raw(rng, N)
    keep = case.distance_to_kink(y, raw) > 0.01
    assert keep.sum() > N / 2
    return y[keep], raw[keep]


def test_catalogue_is_complete():
    public = [getattr(home, name) for home in (gbm_objectives, distributions) for name in home.__all__]
    losses = {c for c in public if isclass(c) and issubclass(c, Loss) and not isabstract(c)}
    # What is true of a row and its one target is asked of the catalogue; other losses have tests of their own.
    others = {c for c in losses if c.scope in ("query", "all") or c.columns}
    assert losses - others == {type(case.loss) for case in CASES}


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
    assert own_value(case.loss, y, raw, counts) == pytest.approx(own_value(case.loss, y[rows], raw[rows]))
    # Not every loss has one minimum only.
    starts = [constant_rows(case.loss.initial_raw(*data), N) for data in ((y, counts), (y[rows],))]
    values = [own_value(case.loss, y, start, counts) for start in starts]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


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
    # Where the engines get the gradient of a smoothed loss, not gradient().
    gradient, curvature = case.loss._float64_derivatives(y, raw)[0], case.loss.curvature(y, raw)
    constant = np.sum(grad * gradient, axis=0) / np.sum(gradient**2, axis=0)
    np.testing.assert_allclose(grad, constant * gradient, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(hess, constant * curvature, rtol=1e-3, atol=1e-5)


@cases
def test_is_a_value_object(case):
    loss = case.loss
    for copy in (
        pickle.loads(pickle.dumps(loss)),
        clone(loss),
        eval(repr(loss), {**vars(gbm_objectives), **vars(distributions)}),
    ):
        assert copy == loss and hash(copy) == hash(loss) and copy is not loss
        assert copy.metric == loss.metric
    assert vars(loss).keys() == loss.get_params(deep=False).keys()  # no state beside the hyper-parameters
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
    if isinstance(case.loss, ProportionalOdds):
        return  # it is the probabilities of all classes, see test_ordinal
    raw = case.raw(np.random.default_rng(8), N)
    response = case.loss.response(raw)
    assert response.shape == raw.shape
    if case.loss.link.name != "identity":
        assert not case.loss.classifies or ((response > 0).all() and (response < 1).all())
        back = case.loss.link.forward(response)
        shift = back - raw
        # Softmax is blind to a constant per row.
        blind = case.loss.link.name == "softmax"
        np.testing.assert_allclose(shift - shift[..., :1] if blind else shift, 0, atol=1e-4)


@pytest.mark.parametrize("loss", [CategoricalCrossEntropy(3), CategoricalFocal(3, gamma=1.5)], ids=repr)
def test_hard_labels_are_distributions_with_one_class(loss):
    rng = np.random.default_rng(9)
    labels, raw = rng.integers(0, 3, N), rng.standard_normal((N, 3))
    rows = np.eye(3)[labels]
    np.testing.assert_allclose(loss.pointwise(labels, raw), loss.pointwise(rows, raw))
    for hard, soft in zip(loss.gradient_hessian(labels, raw), loss.gradient_hessian(rows, raw), strict=True):
        np.testing.assert_allclose(hard, soft, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(loss.initial_raw(labels), loss.initial_raw(rows), atol=1e-6)


@pytest.mark.parametrize("loss", [CategoricalCrossEntropy(3), CategoricalFocal(3, gamma=1.5)], ids=repr)
def test_the_loss_of_a_distribution_is_the_mean_of_its_labels(loss):
    rng = np.random.default_rng(9)
    shares, raw = rng.dirichlet(np.ones(3), N), rng.standard_normal((N, 3))
    for of in (loss.pointwise, loss.gradient):
        by_label = np.stack([of(np.full(N, label), raw) for label in range(3)])
        expected = np.einsum("kn...,nk->n...", by_label, shares)
        np.testing.assert_allclose(of(shares, raw), expected, rtol=1e-10, atol=1e-12)
