"""`check_loss` knows columns, queries and losses of all rows, and tells mistakes in them."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import check_loss
from tests.contract.losses import COSTS, CostOfError, PairLoss, Proportional


def test_right_ones_pass():
    check_loss(CostOfError(), COSTS[:60])
    check_loss(PairLoss())
    check_loss(PairLoss(), np.arange(12.0), group=[5, 7])
    check_loss(Proportional(), np.random.default_rng(0).exponential(size=40))


class WrongCost(CostOfError):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient / y_true[:, 1], curvature


class ForgetsItsSize(PairLoss):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient * len(raw_prediction), curvature


class OneNumberARow(PairLoss):
    def _pointwise(self, y_true, raw_prediction):
        return np.square(raw_prediction)


class LooksAround(PairLoss):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient - 1e-9 * raw_prediction.sum(), curvature


@pytest.mark.parametrize(
    ("loss", "y", "found"),
    [
        (WrongCost(), COSTS[:60], "gradient"),
        (ForgetsItsSize(), None, "the gradient is"),
        (OneNumberARow(), None, r"the loss of each query, of shape \(3,\), got shape \(60,\)"),
        (LooksAround(), None, "in other queries"),
    ],
)
def test_mistakes_are_told(loss, y, found):
    with pytest.raises(AssertionError, match=found):
        check_loss(loss, y)


def test_targets_of_columns_must_be_given():
    with pytest.raises(ValueError, match="y_true is needed, with the columns y, cost"):
        check_loss(CostOfError())
    with pytest.raises(ValueError, match="group must sum to the number of rows"):
        check_loss(PairLoss(), np.arange(12.0), group=[5, 5])
