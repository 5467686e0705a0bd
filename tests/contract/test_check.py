"""`check_loss` knows columns, queries and losses of all rows, and tells mistakes in them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from gbm_objectives import check_loss
from gbm_objectives.contract import Domain, Loss
from tests.contract.losses import COSTS, CostOfError, OfUnitScale, PairLoss, Proportional


class AllThresholds(Loss):
    """Labels 0, 1, 2 of one raw prediction, logistic on both thresholds."""

    classifies, curvature_kind = True, "exact"
    domain = Domain("labels 0, 1, 2", 0.0, 2.0, holds=lambda y: y == np.round(y))
    n_classes = 3

    def labels(self, raw_prediction):
        return (raw_prediction > -1).astype(int) + (raw_prediction > 1)

    def _sides(self, y_true, raw_prediction):
        return [np.where(y_true > k, -1.0, 1.0) * (raw_prediction - at) for k, at in enumerate((-1.0, 1.0))]

    def _pointwise(self, y_true, raw_prediction):
        return sum(np.logaddexp(0, side) for side in self._sides(y_true, raw_prediction))

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = np.zeros_like(raw_prediction), np.zeros_like(raw_prediction)
        for k, side in enumerate(self._sides(y_true, raw_prediction)):
            p = expit(side)
            gradient += np.where(y_true > k, -1.0, 1.0) * p
            curvature += p * expit(-side)
        return gradient, curvature


def test_right_ones_pass():
    check_loss(CostOfError(), COSTS[:60])
    check_loss(PairLoss())
    check_loss(PairLoss(), np.arange(12.0), group=[5, 7])
    check_loss(OfUnitScale())
    check_loss(AllThresholds(), np.resize([0.0, 1.0, 2.0], 60))
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
