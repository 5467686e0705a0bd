"""`check_loss` passes every loss of the catalogue, and catches each planted mistake for its own reason."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import gbm_objectives
from gbm_objectives import CategoricalCrossEntropy, Loss, check_loss
from gbm_objectives.links import LOG, LOGIT
from gbm_objectives.losses import ResidualLoss
from tests.catalogue import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_loss_passes(case):
    rng = np.random.default_rng(0)
    check_loss(case.loss, case.targets(rng, 60), case.raw(rng, 60))


@pytest.mark.parametrize("loss", dict.fromkeys(case.loss for case in CASES), ids=repr)
def test_it_finds_targets_by_itself(loss):
    check_loss(loss)


@pytest.mark.parametrize(
    ("name", "first_line"),
    [
        ("Poisson", "import numpy as np\nfrom gbm_objectives import Loss\n"),
        ("LogCosh", "import numpy as np\nfrom scipy.optimize import minimize_scalar\n"),
    ],
)
def test_the_readmes_own_losses_pass(name, first_line, monkeypatch):
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(" + re.escape(first_line) + r".*?)```", readme, re.DOTALL)[1]
    scope = {"__name__": __name__}
    exec(code, scope)
    # Where pickle finds the class.
    monkeypatch.setattr(sys.modules[__name__], name, scope[name], raising=False)
    check_loss(scope[name]())


class Fair(ResidualLoss):
    """c² (|r|/c - log(1 + |r|/c)), gradient r/(1 + |r|/c), here with the r in place of its absolute value."""

    curvature_kind = "majorizer"

    def _of_residual(self, r):
        return np.abs(r) - np.log1p(np.abs(r))

    def _derivatives_of_residual(self, r, s, constant):
        return r / (1 + r), 1 / (1 + np.abs(r))

    def initial_raw(self, y_true, sample_weight=None):
        from scipy.optimize import minimize_scalar

        y, weight = self._checked_target(y_true, sample_weight)
        best = minimize_scalar(
            lambda c: np.average(self._of_residual(c - y), weights=weight), bracket=(y.min(), y.max()), tol=1e-10
        )
        return float(best.x)


class Logistic(Loss):
    """A correct logistic loss, to plant mistakes in."""

    link = LOGIT
    domain = "0 or 1"
    _bounds = (0.0, 1.0)
    curvature_kind = "exact"

    def _in_domain(self, y_true):
        return (y_true == 0) | (y_true == 1)

    def _pointwise(self, y_true, raw_prediction):
        return np.logaddexp(0.0, raw_prediction) - y_true * raw_prediction

    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        p = special.expit(raw_prediction.astype(dtype))
        return p - y_true.astype(dtype), np.maximum(p * (1 - p), dtype(1e-16))

    def initial_raw(self, y_true, sample_weight=None):
        y, weight = self._checked_target(y_true, sample_weight)
        return float(self.link.forward(np.average(y, weights=weight)))


class NoCurvatureForPositives(Logistic):
    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        gradient, hessian = super()._derivatives(y_true, raw_prediction, scale, dtype)
        return gradient, hessian * (1 - y_true.astype(dtype))


class Tweedie(Loss):
    """mean^(2-p)/(2-p) - y mean^(1-p)/(1-p) with p = 1.5."""

    link = LOG
    domain = "numbers not below 0"
    _bounds = (0.0, np.finfo(float).max)
    curvature_kind = "exact"

    def _pointwise(self, y_true, raw_prediction):
        return 2 * np.exp(0.5 * raw_prediction) + 2 * y_true * np.exp(-0.5 * raw_prediction)

    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        f, y = raw_prediction.astype(dtype), y_true.astype(dtype)
        up, down = np.exp(dtype(0.5) * f), np.exp(dtype(-0.5) * f)
        return up - y * down, dtype(0.5) * (up + y * down)

    def initial_raw(self, y_true, sample_weight=None):
        y, weight = self._checked_target(y_true, sample_weight)
        return float(self.link.forward(np.average(y, weights=weight)))


class SwappedExponents(Tweedie):
    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        gradient, hessian = super()._derivatives(y_true, -raw_prediction, scale, dtype)
        return -gradient, hessian


class DropsWeights(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        return super().gradient_hessian(y_true, raw_prediction)


class DropsWeightsOfTheHessian(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        gradient, _ = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        return gradient, super().gradient_hessian(y_true, raw_prediction)[1]


class AveragesTheWeightsOfTheHessian(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        gradient, _ = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        mean = np.float32(1.0 if sample_weight is None else np.mean(sample_weight))
        return gradient, mean * super().gradient_hessian(y_true, raw_prediction)[1]


class Ascends(Logistic):
    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        gradient, hessian = super()._derivatives(y_true, raw_prediction, scale, dtype)
        return -gradient, hessian


class Cauchy(ResidualLoss):
    """log(1 + r²), with its second derivative, negative beyond 1."""

    curvature_kind = "exact"

    def _of_residual(self, r):
        return np.log1p(np.square(r))

    def _derivatives_of_residual(self, r, s, constant):
        return 2 * r / (1 + r * r), 2 * (1 - r * r) / np.square(1 + r * r)

    def initial_raw(self, y_true, sample_weight=None):
        y, weight = self._checked_target(y_true, sample_weight)
        values = [np.average(self._of_residual(c - y), weights=weight) for c in y]
        return float(y[np.argmin(values)])


class TooFlat(Fair):
    """Fair with the right gradient and its second derivative, called a majoriser."""

    def _derivatives_of_residual(self, r, s, constant):
        return r / (1 + np.abs(r)), 1 / np.square(1 + np.abs(r))


class StartsOnTheResponseScale(Logistic):
    def initial_raw(self, y_true, sample_weight=None):
        y, weight = self._checked_target(y_true, sample_weight)
        return float(np.average(y, weights=weight))


class StartsUnweighted(Logistic):
    def initial_raw(self, y_true, sample_weight=None):
        return super().initial_raw(y_true)


class Overflows(Logistic):
    def _pointwise(self, y_true, raw_prediction):
        return np.log(1 + np.exp(raw_prediction)) - y_true * raw_prediction


class VanishingCurvature(Logistic):
    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        p = 1 / (1 + np.exp(-raw_prediction.astype(dtype)))
        gradient = p - y_true.astype(dtype)
        return gradient / p * p, p * (1 - p)


class ChangesItsInput(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        result = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        if raw_prediction.flags.writeable:
            raw_prediction -= 1.0
        return result


class Remembers(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        self.last = y_true
        return super().gradient_hessian(y_true, raw_prediction, sample_weight)


class DoublesItsParameter(Logistic):
    def __init__(self, alpha=0.5):
        self.alpha = 2 * alpha


class WeightedTwice(Logistic):
    def value(self, y_true, raw_prediction, sample_weight=None):
        mean = super().value(y_true, raw_prediction, sample_weight)
        return mean if sample_weight is None else mean * float(np.sum(sample_weight))


class DiagonalIsNoBound(CategoricalCrossEntropy):
    """The Hessian's diagonal alone does not dominate it."""

    def _derivatives(self, y_true, raw_prediction, scale, dtype):
        gradient, hessian = super()._derivatives(y_true, raw_prediction, scale, dtype)
        return gradient, dtype(0.5) * hessian


class LogCosh(ResidualLoss):
    """log cosh r, with gradient/r for its curvature: 0/0 at the target."""

    curvature_kind = "majorizer"
    _unit_mean_curvature = True

    def _of_residual(self, r):
        return np.logaddexp(r, -r) - np.log(2.0)

    def _derivatives_of_residual(self, r, s, constant):
        return constant * np.tanh(r), constant * np.tanh(r) / r

    def initial_raw(self, y_true, sample_weight=None):
        from scipy.optimize import minimize_scalar

        y, weight = self._checked_target(y_true, sample_weight)
        best = minimize_scalar(
            lambda c: np.average(self._of_residual(c - y), weights=weight), bracket=(y.min(), y.max()), tol=1e-10
        )
        return float(best.x)


class RightLogCosh(LogCosh):
    def _derivatives_of_residual(self, r, s, constant):
        size = np.maximum(np.abs(r), r.dtype.type(1e-3))  # tanh(r)/r is 1 to seven digits there
        return (constant * np.tanh(r)).astype(r.dtype), (constant * np.tanh(size) / size).astype(r.dtype)


class IgnoresTheConstant(RightLogCosh):
    def _derivatives_of_residual(self, r, s, constant):
        return super()._derivatives_of_residual(r, s, 1.0)


class SecondDerivative(RightLogCosh):
    curvature_kind = "exact"
    _unit_mean_curvature = False

    def _derivatives_of_residual(self, r, s, constant):
        return np.tanh(r), 1 / np.square(np.cosh(r.astype(float)))


class Mistyped(Logistic):
    curvature_kind = "Exact"


class MeanLoss(Logistic):
    def _pointwise(self, y_true, raw_prediction):
        return np.mean(super()._pointwise(y_true, raw_prediction))


class Float64(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        gradient, hessian = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        return gradient.astype(float), hessian


@pytest.mark.parametrize("loss", [Logistic(), Tweedie(), RightLogCosh()], ids=repr)
def test_the_right_originals_pass(loss):
    check_loss(loss)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (Fair(), r"gradient: the derivative of pointwise is .*, got"),
        (NoCurvatureForPositives(), r"curvature: it must be positive and finite, it is 0\.0"),
        (SwappedExponents(), r"gradient: the derivative of pointwise is"),
        (DropsWeights(), r"weights: the weighted gradient is"),
        (DropsWeightsOfTheHessian(), r"weights: the Hessian under doubled weights is"),
        (AveragesTheWeightsOfTheHessian(), r"weights: the Hessian of rows of weight 0 is not 0, but up to 0\.\d"),
        (Ascends(), r"gradient: the derivative of pointwise is .* \(60 of 60 rows, -1 times that in every row\)"),
        (Cauchy(), r"curvature: it must be positive and finite, it is -0"),
        (TooFlat(), r"curvature: no majoriser: a step of .* above the parabola"),
        (StartsOnTheResponseScale(), r"initial_raw: the start value .* has loss"),
        (StartsUnweighted(), r"initial_raw: the weighted start value .* has loss"),
        (Overflows(), r"far_out: the loss at raw predictions of ±1000 is (inf|nan)"),
        (VanishingCurvature(), r"far_out: the gradient at raw predictions of ±1000 is nan"),
        (ChangesItsInput(), r"input: the loss changes its input"),
        (Remembers(), r"value_object: it must hold its hyper-parameters and nothing else"),
        (DoublesItsParameter(), r"value_object: clone fails"),
        (WeightedTwice(), r"pointwise: weighted value is"),
        (DiagonalIsNoBound(4), r"curvature: it does not dominate the Hessian: the least eigenvalue"),
        (LogCosh(), r"at_the_target: raises ValueError: the curvature of LogCosh\(\) must be positive and finite"),
        (SecondDerivative(), r"newton_step: the curvature vanishes: .* at a gradient of"),
        (IgnoresTheConstant(), r"weights: the harmonic mean of the Hessian is .*, not 1: multiply"),
        (Mistyped(), r"curvature: curvature_kind must be one of exact, .* got 'Exact'"),
        (MeanLoss(), r"pointwise: the loss of each row is wanted, an array of shape \(60,\), got shape \(\)"),
        (Float64(), r"input: the gradient is float64, float32 expected"),
    ],
    ids=lambda value: repr(value) if isinstance(value, Loss) else "",
)
def test_each_wrong_loss_is_caught_for_its_own_reason(loss, reason):
    with pytest.raises(AssertionError, match=reason):
        check_loss(loss)


def test_it_lists_all_that_is_wrong():
    class Twice(StartsOnTheResponseScale, Ascends):
        pass

    with pytest.raises(AssertionError) as caught:
        check_loss(Twice())
    lines = str(caught.value).splitlines()
    assert f"has {len(lines) - 1} problem(s)" in lines[0]
    assert {line.split(":")[0] for line in lines[1:]} >= {"- gradient", "- initial_raw", "- value_object"}


def test_bad_arguments():
    with pytest.raises(TypeError, match=r"loss must be a Loss .*; write it with parentheses"):
        check_loss(gbm_objectives.Huber)
    with pytest.raises(ValueError, match="delta of Huber"):
        check_loss(gbm_objectives.Huber(delta=-1.0))
    with pytest.raises(ValueError, match="at least 10 rows, got 3"):
        check_loss(gbm_objectives.Huber(), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="finite numbers, got nan"):
        check_loss(gbm_objectives.Huber(), np.full(20, np.nan))
    with pytest.raises(ValueError, match="raw_prediction has 5 rows, the target has 20"):
        check_loss(gbm_objectives.Huber(), np.arange(20.0), np.zeros(5))

    class Odd(Logistic):
        _bounds = (7.0, 7.5)

    with pytest.raises(ValueError, match="y_true is needed: Odd"):
        check_loss(Odd())
