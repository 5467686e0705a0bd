"""`check_loss` looks where training ends, at large targets and at the ends of a domain, and among many rows."""

from __future__ import annotations

import pytest

from gbm_objectives import Loss, check_loss
from tests.testing.elsewhere import (
    AnotherBase,
    CurvatureOfZero,
    Factorial,
    FlatBeyondTwenty,
    LogarithmOfZero,
    PairOfTheMedian,
    RightOutputs,
    SmoothPinball,
    StartsFromAThousand,
    SwappedOutputs,
    TooShort,
    WrongBeyondTwenty,
)
from tests.testing.hidden_mistakes import PoissonOfTheLogarithm
from tests.testing.test_consistent_kind import Kinked


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (
            PairOfTheMedian(),
            r"regret: on skewed numbers in units of 1 lightgbm leaves 1\d\d\.\d% of what there is to gain:"
            r" gradient and curvature lead elsewhere than pointwise, to .* where the mean loss is least at",
        ),
        (TooShort(), r"regret: .* xgboost leaves .* after 600 rounds: steps are too short"),
        (WrongBeyondTwenty(), r"other_targets: of targets from -93 to .*: the derivative of pointwise is"),
        (FlatBeyondTwenty(), r"other_targets: of targets from .*: the derivative of gradient\(\) is"),
        (LogarithmOfZero(), r"ends: the loss is nan where the target is 0"),
        (CurvatureOfZero(), r"ends: the Hessian is inf where the target is 0"),
        (Factorial(), r"other_targets: of targets from 0 to 300: the loss is inf in row"),
        (AnotherBase(), r"inverse: the response of link log, forward and back, is"),
        (
            SwappedOutputs(),
            r"outputs: with targets ten times as large output 0, of link log, goes from .*: are the outputs in the"
            " order of the formulas' columns",
        ),
        (StartsFromAThousand(), r"start_of_many: the start value of 6,000 rows, .* that of 60 rows of the same"),
        (PoissonOfTheLogarithm(), r"link: for targets of .* is the link identity\?"),
    ],
    ids=lambda value: repr(value) if isinstance(value, Loss) else "",
)
def test_mistakes_that_show_elsewhere(loss, reason):
    with pytest.raises(AssertionError, match=reason):
        check_loss(loss)


def test_outputs_in_order_pass():
    check_loss(RightOutputs())


@pytest.mark.slow
@pytest.mark.parametrize("loss", [Kinked(), SmoothPinball()], ids=repr)
def test_a_size_in_the_unit_of_the_target_is_a_warning(loss):
    """Such a loss is right where targets are of that size; and a row's minimiser need not be its target."""
    with pytest.warns(
        UserWarning, match=r"in units of 1e\+06 \w+ leaves .* fixed in the unit of the target"
    ) as told:
        check_loss(loss)
    assert all("fixed in the unit" in str(warning.message) for warning in told)
