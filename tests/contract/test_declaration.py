"""Wrong declarations fail when the class is made, and domains, links and outputs are values."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from gbm_objectives import Loss, SquaredError
from gbm_objectives.contract.domain import BINARY, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL
from gbm_objectives.contract.links import IDENTITY, LOG, LOGIT, SOFTMAX, Link, Output, joint_link
from gbm_objectives.losses import KinkedLoss, ResidualLoss

FORMULAS = {
    "curvature_kind": "exact",
    "_pointwise": lambda self, y_true, raw_prediction: raw_prediction,
    "_derivatives": lambda self, y_true, raw_prediction: (raw_prediction, 1.0),
}


def declare(base=Loss, **attributes):
    return type("Mine", (base,), {**FORMULAS, **attributes})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"curvature_kind": None}, "curvature_kind must be one of exact, .*surrogate, constant, got None"),
        ({"curvature_kind": "Exact"}, "curvature_kind must be one of .*, got 'Exact'"),
        ({"link": "log"}, "link must be a Link of gbm_objectives.contract, got 'log'"),
        ({"domain": (0, 1)}, r"domain must be a Domain of gbm_objectives.contract, got \(0, 1\)"),
        ({"outputs": [Output("a", LOG)]}, r"outputs must be a tuple of Output\(name, link\)"),
        ({"outputs": (LOG, LOG)}, r"outputs must be a tuple of Output\(name, link\)"),
        ({"outputs": (Output("a", LOG),)}, r"two or more, each with a name of its own, got \['a'\]"),
        ({"outputs": (Output("a", LOG), Output("a", LOG))}, r"name of its own, got \['a', 'a'\]"),
        (
            {"_derivatives": lambda self, y_true, raw_prediction, scale, dtype: None},
            r"_derivatives must take \(self, y_true, raw_prediction\), it takes \(self, .*, scale, dtype\)",
        ),
        ({"classifies": "yes"}, "classifies must be True or False, got 'yes'"),
        ({"noise": "normal"}, "noise must be a Noise of gbm_objectives.contract, got 'normal'"),
        (
            {"n_outputs": 2},
            "n_outputs must be a property; non-class outputs are named in outputs, got 2",
        ),
        ({"metric": 3}, "metric must be a property"),
        ({"gradient": lambda self, y, raw: raw}, "gradient is made of _derivatives, which is the one to write"),
        ({"dommain": REAL}, "dommain is no part of the contract, did you mean domain"),
        ({"_inital_raw": lambda self, y, w: 0.0}, "did you mean _initial_raw"),
        ({"link": SOFTMAX}, "the softmax link needs the property n_outputs, the number of classes"),
        (
            {"link": LOG, "outputs": (Output("a", LOG), Output("b", IDENTITY))},
            "link must be left out: each of the out",
        ),
        ({"outputs": property(lambda self: ())}, "outputs is a property, so link must be given too"),
        (
            {"_pointwise": lambda self, raw_prediction, y_true: raw_prediction},
            r"_pointwise must take \(self, y_true, raw_prediction\), it takes \(self, raw_prediction, y_true\)",
        ),
        ({"_pointwise": lambda self, r: r}, r"_pointwise must take \(self, y_true, raw_prediction\)"),
        ({"_initial_raw": lambda self, y: 0.0}, r"_initial_raw must take \(self, y_true, sample_weight\)"),
    ],
)
def test_mistakes(attributes, message):
    with pytest.raises(TypeError, match=rf"^Mine.*{message}"):
        declare(**attributes)


def test_a_kind_that_is_left_out():
    formulas = {"_of_residual": np.square, "_derivatives_of_residual": lambda self, r: (2 * r, 2.0)}
    with pytest.raises(TypeError, match=r"^Mine: curvature_kind must be one of"):
        type("Mine", (ResidualLoss,), formulas)
    # A base of others is not complete: its kind may come later.
    base = type("Base", (ResidualLoss,), {"_of_residual": lambda self, r: np.square(r)})
    mine = type(
        "Mine", (base,), {**formulas, "_of_residual": lambda self, r: np.square(r), "curvature_kind": "exact"}
    )
    assert mine().value([0.0], [2.0]) == 4.0


def test_what_may_be_declared():
    assert declare()().domain is REAL
    extra = declare(_pointwise=lambda self, y_true, raw_prediction, more=None: raw_prediction)
    assert extra().name == "mine"
    two = declare(outputs=(Output("a", IDENTITY), Output("b", LOG)))()
    assert (two.n_outputs, two.link.name, two.has_unit) == (2, "identity, log", True)
    assert declare(outputs=(Output("a", LOG), Output("b", LOG))).link is LOG
    assert type("Other", (SquaredError,), {})().curvature_kind == "exact"


def test_joint_links_are_inverses():
    link = joint_link((Output("a", IDENTITY), Output("b", LOG), Output("c", LOGIT)))
    raw = np.random.default_rng(0).standard_normal((7, 3))
    np.testing.assert_allclose(link.forward(link.inverse(raw)), raw)
    np.testing.assert_allclose(link.inverse(raw[0]), link.inverse(raw)[0])


@dataclass
class Times:
    """A function that cannot be hashed, since instances are compared by value and may change."""

    factor: float

    def __call__(self, x):
        return self.factor * np.asarray(x)


def test_joint_links_are_equal_if_their_parts_are():
    def outputs(factor):
        return Output("a", Link("times", Times(factor), Times(1 / factor))), Output("b", LOG)

    assert joint_link(outputs(2.0)) == joint_link(outputs(2.0)) != joint_link(outputs(4.0))
    assert declare(outputs=outputs(2.0))().link.inverse([[4.0, 0.0]]).tolist() == [[2.0, 1.0]]
    joint = joint_link((Output("a", IDENTITY), Output("b", LOG)))
    assert pickle.loads(pickle.dumps(joint)) == joint


@pytest.mark.parametrize(
    ("domain", "good", "bad"),
    [
        (REAL, [-1e30, 0.0, 1e30], np.inf),
        (NON_NEGATIVE, [0.0, 3.0], -1e-30),
        (POSITIVE, [1e-40, 3.0], 0.0),
        (UNIT_INTERVAL, [0.0, 0.5, 1.0], 1.0000001),
        (BINARY, [0.0, 1.0], 0.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_domains(domain, good, bad, dtype):
    domain.check(np.array(good, dtype=dtype), "y")
    for offender in (bad, np.nan):
        with pytest.raises(ValueError, match=rf"y must be .*, got .* in row {len(good)} \(1 such\)"):
            domain.check(np.array([*good, offender], dtype=dtype), "y")


def test_a_constructor_of_its_own_need_not_know_of_the_hessian():
    class Tilted(KinkedLoss):
        def __init__(self, below=2.0):
            self.below = below

        def _of_residual(self, r):
            return np.where(r > 0, r, -self.below * r)

        def _gradient_of_residual(self, r):
            return np.where(r > 0, 1.0, -self.below)

    loss = Tilted(below=3.0)
    assert (loss.curvature_kind, loss.hessian, loss.get_params()) == ("consistent", "auto", {"below": 3.0})
    assert loss.value([0.0, 0.0], [1.0, -1.0]) == 2.0


class Plain(Loss):
    curvature_kind = "exact"

    def _pointwise(self, y_true, raw_prediction):
        return np.square(raw_prediction - y_true)

    def _derivatives(self, y_true, raw_prediction):
        return 2 * (raw_prediction - y_true), np.full_like(raw_prediction, 2)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"scope": "summary"}, 'scope = "summary" needs the method _summary'),
        ({"_summary": lambda self, y_true, raw_prediction, weight: 1.0}, "_summary is asked for only with scope"),
        ({"_prepare": lambda self, rows: rows}, "_prepare is asked for only with scope = 'query' or 'all'"),
        ({"n_classes": property(lambda self: 3)}, "n_classes needs labels"),
        ({"scopes": "query"}, "scopes is not part of the contract, did you mean scope"),
        ({"scope": "rows"}, "scope must be one of row, summary, query, all, got 'rows'"),
        ({"columns": ("a", "a")}, "columns must be a tuple of two different names or more"),
        ({"columns": ("a",)}, "columns must be a tuple of two different names or more"),
    ],
)
def test_what_goes_together(attributes, message):
    with pytest.raises(TypeError, match=message):
        type("Mistaken", (Plain,), attributes)


def test_what_families_and_trainings_have_taken():
    with pytest.raises(TypeError, match="_summary is taken by ResidualLoss: subclass Loss"):
        type("Mistaken", (ResidualLoss,), {"_summary": lambda self, y_true, raw_prediction, weight: 1.0})
    with pytest.raises(TypeError, match="scope is taken by ResidualLoss"):
        type("Mistaken", (SquaredError,), {"scope": "query"})
    for name in ("summary", "prepared", "value", "name"):
        namespace = {}
        exec(f"def __init__(self, {name}=1.0): pass", namespace)
        with pytest.raises(TypeError, match=f"must not have the name of .*, got '{name}'"):
            type("Mistaken", (Plain,), {"__init__": namespace["__init__"]})
