"""`check_loss` knows what "consistent" promises: a loss of one's own passes, each planted mistake is told."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import Hinge, Quantile, check_loss
from gbm_objectives.curvature import consistent_pair
from gbm_objectives.losses import ResidualLoss


class Kinked(ResidualLoss):
    """Absolute error with a width of 1/2."""

    curvature_kind = "consistent"

    def _of_residual(self, r):
        return np.abs(r)

    def _gradient_of_residual(self, r):
        return np.sign(r)

    def _derivatives_of_residual(self, r):
        return consistent_pair(r, np.array(0.5, dtype=r.dtype))


class Uphill(Kinked):
    def _derivatives_of_residual(self, r):
        gradient, curvature = super()._derivatives_of_residual(r)
        return -gradient, curvature


class Overshoots(Kinked):
    def _derivatives_of_residual(self, r):
        gradient, curvature = super()._derivatives_of_residual(r)
        return gradient, curvature / 4


class Smoothed(Kinked):
    """Hands the engines' gradient out as its own."""

    def _gradient_of_residual(self, r):
        return self._derivatives_of_residual(r)[0]


def test_a_correct_one_passes():
    with pytest.warns(UserWarning, match="as if a size were fixed in the unit of the target"):
        check_loss(Kinked())


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Uphill(), r"curvature: the engines' gradient has the other sign than gradient\(\) in row \d+"),
        (Overshoots(), r"curvature: a full Newton step of row \d+ alone takes its loss from [\d.]+ to [\d.]+"),
        (Smoothed(), r"gradient: the derivative of pointwise is -?1 in row \d+, got"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_mistakes_are_told(loss, message):
    with pytest.raises(AssertionError, match=message):
        check_loss(loss)


@pytest.mark.parametrize("loss", [Quantile(0.9, hessian="exact"), Hinge("exact")], ids=repr)
def test_a_kind_that_a_loss_does_not_have(loss):
    with pytest.raises(
        ValueError, match=r"hessian of .* must be one of 'auto', 'majorizer', 'constant', got 'exact'"
    ):
        _ = loss.curvature_kind
