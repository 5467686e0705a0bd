"""A model declares a built-in objective for what its link does, not for what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import Loss, PoissonDeviance
from gbm_objectives.contract.links import IDENTITY, LOG, LOGIT, Link
from gbm_objectives.contract.start import constant_rows


class Inverse:
    """A function with parameters, as a data class is: it does not hash."""

    def __init__(self, base):
        self.base = base

    def __eq__(self, other):
        return isinstance(other, Inverse) and self.base == other.base

    def __call__(self, raw_prediction):
        return self.base ** np.asarray(raw_prediction)


class LinkedSquare(Loss):
    """(m - y)² where m is 2 to the power of the raw prediction, with the link named as told."""

    curvature_kind = "gauss-newton"

    def __init__(self, link=LOG):
        self.link = link

    def _pointwise(self, y_true, raw_prediction):
        return np.square(np.exp2(raw_prediction) - y_true)

    def _derivatives(self, y_true, raw_prediction):
        mean = np.exp2(raw_prediction)
        slope = mean * np.log(2.0)
        return 2.0 * (mean - y_true) * slope, 2.0 * np.square(slope)


@pytest.fixture
def positive():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2))
    return X, np.exp(1.0 + X[:, 0])


@pytest.mark.parametrize("name", ["log", "logit", "identity", "half logit", "softmax"])
@pytest.mark.parametrize("inverse", [np.exp2, Inverse(2.0)], ids=["function", "unhashable"])
def test_a_link_that_only_has_the_name_of_ours(engine, positive, name, inverse):
    X, y = positive
    loss = LinkedSquare(Link(name, np.log2, inverse))
    booster = engine.train(loss, X, y)
    # No objective of either engine takes powers of 2: raw predictions are served, as docs/engines.md says.
    np.testing.assert_array_equal(engine.response(booster, X), engine.raw(booster, X))
    assert np.corrcoef(loss.response(engine.raw(booster, X)), y)[0, 1] > 0.9
    one = engine.train(loss, X, y, rounds=1, params={engine.rate: 1e-9})
    start = constant_rows(loss.initial_raw(y), len(y))
    np.testing.assert_allclose(engine.raw(one, X), start, rtol=1e-5)


def test_a_link_with_the_function_of_ours_under_another_name(engine, positive):
    X, y = positive

    class Poisson(PoissonDeviance):
        link = Link("natural logarithm", np.log, np.exp)

    booster = engine.train(Poisson(), X, y)
    np.testing.assert_allclose(engine.response(booster, X), np.exp(engine.raw(booster, X)), rtol=1e-5)
    np.testing.assert_array_equal(engine.raw(booster, X), engine.raw(engine.train(PoissonDeviance(), X, y), X))


def test_links_are_equal_by_their_inverse():
    assert Link("anything", np.log, np.exp) == LOG
    assert Link("identity", np.log2, np.exp2) != IDENTITY
    assert Link("logit", LOGIT.forward, np.exp2) != LOGIT
