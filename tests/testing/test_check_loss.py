"""`check_loss` passes every loss of the catalogue, and catches each planted mistake for its own reason."""

from __future__ import annotations

import numpy as np
import pytest

import gbm_objectives
from gbm_objectives import AbsoluteError, Loss, check_loss
from gbm_objectives.contract.domain import Domain
from gbm_objectives.distributions import Normal
from tests import own_losses
from tests.catalogue import CASES
from tests.testing.mistakes import (
    Ascends,
    AveragesTheWeightsOfTheHessian,
    Cauchy,
    ChangesItsInput,
    DiagonalIsNoBound,
    DoublesItsParameter,
    DropsWeights,
    DropsWeightsOfTheHessian,
    ExpectedOfNothing,
    ExpectedPoisson,
    Fair,
    FlippedLabels,
    Float64,
    Focal,
    FocalCalledExact,
    LogCosh,
    Logistic,
    MeanLoss,
    NegativeSurrogate,
    NoClassifier,
    NoCurvatureForPositives,
    Overflows,
    Remembers,
    RightLogCosh,
    SecondDerivative,
    StartsOnTheResponseScale,
    StartsUnweighted,
    SwappedExponents,
    TooFlat,
    Tweedie,
    VanishingCurvature,
    WeightedTwice,
    WrongExpectation,
    WrongSpread,
)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_loss_passes(case):
    rng = np.random.default_rng(0)
    check_loss(case.loss, case.targets(rng, 60), case.raw(rng, 60))


# Which targets it finds depends on the domain, the columns, and whether there are classes.
OF_EACH_KIND = {(repr(c.loss.domain), c.loss.columns, c.loss.n_outputs > 1): c.loss for c in reversed(CASES)}


@pytest.mark.slow
@pytest.mark.parametrize("loss", OF_EACH_KIND.values(), ids=repr)
def test_it_finds_targets_by_itself(loss):
    check_loss(loss)


@pytest.mark.parametrize("name", ["LogCosh", "Poisson", "Focal"])
def test_the_readmes_own_losses_pass(name):
    check_loss(getattr(own_losses, name)())


@pytest.mark.parametrize(
    "loss", [Logistic(), Tweedie(), RightLogCosh(), Focal(), ExpectedPoisson(), Normal()], ids=repr
)
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
        (TooFlat(), r"curvature: no majorizer: a step of .* above the parabola"),
        (StartsOnTheResponseScale(), r"initial_raw: the start value .* has loss"),
        (StartsUnweighted(), r"initial_raw: the weighted start value .* has loss"),
        (Overflows(), r"far_out: the loss at raw predictions of ±1000 is (inf|nan)"),
        (VanishingCurvature(), r"far_out: the gradient at raw predictions of ±1000 is nan"),
        (ChangesItsInput(), r"calls: gradient_hessian changes its input"),
        (Remembers(), r"value_object: it must hold its hyper-parameters and nothing else"),
        (DoublesItsParameter(), r"value_object: clone fails"),
        (WeightedTwice(), r"pointwise: weighted value is"),
        (DiagonalIsNoBound(4), r"curvature: it does not dominate the Hessian: the least eigenvalue"),
        (
            LogCosh(),
            r"at_the_target: raises ValueError: the curvature of LogCosh\(\) must be positive and of a size",
        ),
        (SecondDerivative(), r"newton_step: the curvature vanishes: .* at a gradient of"),
        (FocalCalledExact(), r"curvature: the derivative of gradient\(\) is"),
        (NegativeSurrogate(), r"curvature: it must be positive and finite, it is -0\.\d+ in row"),
        (
            FlippedLabels(),
            r"classes: classifies is True, but label 0 has a loss of 4\.018",
        ),
        (
            WrongExpectation(),
            r"curvature: the mean second derivative over targets drawn from the noise is 0\.[78]\d* ± ",
        ),
        (WrongSpread(), r"curvature: the mean second derivative of output 1 .* is (1\.9|2\.0)\d* ± 0\.0"),
        (ExpectedOfNothing(), r"curvature: an expected curvature needs noise"),
        (MeanLoss(), r"formulas: _pointwise must return the loss of each row, of shape \(60,\), got shape \(\)"),
        (Float64(), r"input: the gradient is float64, float32 expected"),
    ],
    ids=lambda value: repr(value) if isinstance(value, Loss) else "",
)
def test_each_wrong_loss_is_caught_for_its_own_reason(loss, reason):
    with pytest.raises(AssertionError, match=reason):
        check_loss(loss)


def test_it_says_what_a_classifier_needs():
    with pytest.warns(UserWarning, match=r"NoClassifier\(\) has the link of probabilities, .* classifies = True"):
        check_loss(NoClassifier())


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
        domain = Domain("numbers between 7 and 7.5", 7.0, 7.5)

    with pytest.raises(ValueError, match="y_true is needed: Odd"):
        check_loss(Odd())


@pytest.mark.parametrize(
    ("derivatives", "message"),
    [
        (
            lambda self, y_true, raw_prediction: raw_prediction,
            r"must return two arrays, .*, got an array of shape \(60,\)",
        ),
        (
            lambda self, y_true, raw_prediction: (raw_prediction[:5], 1.0),
            r"a gradient of shape \(60,\), got \(5,\)",
        ),
        (
            lambda self, y_true, raw_prediction: (raw_prediction, np.ones(5)),
            r"a curvature of shape \(60,\) or a number",
        ),
        (
            lambda self, y_true, raw_prediction: self.slope,
            r"no attribute 'slope' \(test_check_loss\.py, line \d+\)",
        ),
    ],
)
def test_formulas_of_another_form_are_told_once(derivatives, message):
    wrong = type("Wrong", (Logistic,), {"_derivatives": derivatives})
    with pytest.raises(AssertionError, match=message) as caught:
        check_loss(wrong())
    assert len(str(caught.value).splitlines()) <= 3


def test_a_parameter_that_is_not_kept():
    class Forgets(Logistic):
        def __init__(self, delta=1.0):
            self.d = delta

    with pytest.raises(AssertionError, match="Forgets must keep each parameter of its constructor under its name"):
        check_loss(Forgets())


def test_many_targets_are_no_problem():
    """Of more rows than a sample holds, two calls looked at different ones: eight problems of a right loss."""
    check_loss(AbsoluteError(), np.random.default_rng(0).gamma(1.0, 100.0, 6000))
