"""`check_loss` finds mistakes that a first look does not show, and raises no false alarm."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import CategoricalCrossEntropy, Huber, Quantile, SquaredError, check_loss
from tests.testing.hidden_mistakes import (
    Cancels,
    ChangesTheTargets,
    FlooredCurvature,
    KeepsState,
    NotANumberInBetween,
    RightPoisson,
    RoundsTheTarget,
    SortsTheTargets,
    WrongAmongMany,
    WrongFarOut,
    WrongInTheSecondBlock,
    WrongNoise,
)


class FarFromZero(SquaredError):
    """A loss need not be 0 at its target."""

    def _of_residual(self, r):
        return np.square(r) + 1e6


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (WrongFarOut(), r"far_gradient: the derivative of pointwise at raw predictions of ±30 is"),
        (FlooredCurvature(), r"(outliers: with outliers lightgbm|training: the training loss of .* rises)"),
        (KeepsState(), r"(calls: .* gives something else after a call|input: the Hessian of strided input)"),
        (SortsTheTargets(), r"calls: initial_raw changes its input"),
        (ChangesTheTargets(), r"calls: gradient_hessian changes its input"),
        (NotANumberInBetween(), r"far_out: the gradient at raw predictions of ±300 is nan"),
        (WrongAmongMany(), r"many_rows: the Hessian among 1,200 rows is"),
        (WrongInTheSecondBlock(), r"many_rows: the gradient among 33,000 rows is"),
        (Cancels(), r"precision: the gradient in float32 near raw predictions of"),
        (RoundsTheTarget(), r"precision: the gradient in float32 near raw predictions of 1e\+06 is"),
        (WrongNoise(), r"noise: the difference of log-densities of the noise is"),
    ],
    ids=lambda value: repr(value) if not isinstance(value, str) else "",
)
def test_hidden_mistakes(loss, reason):
    with pytest.raises(AssertionError, match=reason):
        check_loss(loss)


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss",
    [
        RightPoisson(),
        FarFromZero(),
        CategoricalCrossEntropy(10),
        CategoricalCrossEntropy(30),
        Quantile(0.001),
        Quantile(0.999),
        Huber(1e-3),
        Huber(1e3),
    ],
    ids=repr,
)
def test_no_false_alarms(loss):
    check_loss(loss)
