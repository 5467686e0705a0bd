"""Losses whose mistake shows only far out, among many rows, in a second call, in float32, or in their noise."""

from __future__ import annotations

import numpy as np

from gbm_objectives import Loss, SquaredError
from gbm_objectives.contract.domain import NON_NEGATIVE
from gbm_objectives.contract.links import IDENTITY, LOG
from gbm_objectives.contract.noise import LAPLACE
from tests.testing.mistakes import Logistic, RightLogCosh


class WrongFarOut(RightLogCosh):
    def _derivatives_of_residual(self, r):
        gradient, curvature = super()._derivatives_of_residual(r)
        return np.where(np.abs(r) > 15, 0.5 * gradient, gradient), curvature


class FlooredCurvature(RightLogCosh):
    """The second derivative, kept above 0: next to nothing where the gradient is 1."""

    curvature_kind = "surrogate"

    def _derivatives_of_residual(self, r):
        return np.tanh(r), np.maximum(1 / np.square(np.cosh(np.clip(r, -80, 80))), 1e-16)


class KeepsState(Logistic):
    calls = 0

    def _derivatives(self, y_true, raw_prediction):
        type(self).calls += 1
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient, curvature * (1 + self.calls % 2)


class SortsTheTargets(Logistic):
    def initial_raw(self, y_true, sample_weight=None):
        y_true.sort()
        return super().initial_raw(y_true, sample_weight)


class ChangesTheTargets(RightLogCosh):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        result = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        y_true *= 1.5
        return result


class NotANumberInBetween(Logistic):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        size = np.abs(raw_prediction)
        return np.where((size > 100) & (size < 900), np.nan, gradient), curvature


class WrongAmongMany(Logistic):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        if len(curvature) > 1000:
            curvature[::2] *= 2
        return gradient, curvature


class WrongInTheSecondBlock(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        gradient, hessian = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        gradient[32_768:] = 0
        return gradient, hessian


class PoissonOfTheLogarithm(Loss):
    """A Poisson loss that declares the wrong link."""

    link, domain, curvature_kind = IDENTITY, NON_NEGATIVE, "exact"

    def _pointwise(self, y_true, raw_prediction):
        return np.exp(raw_prediction) - y_true * raw_prediction

    def _derivatives(self, y_true, raw_prediction):
        return np.exp(raw_prediction) - y_true, np.exp(raw_prediction)


class RightPoisson(PoissonOfTheLogarithm):
    link = LOG


class Cancels(RightPoisson):
    def _derivatives(self, y_true, raw_prediction):
        mean = np.exp(raw_prediction)
        return (1e5 * mean - y_true) - 1e5 * mean + mean, mean


class RoundsTheTarget(Loss):
    """Squared error, with targets in float32 before the difference."""

    curvature_kind = "exact"

    def _pointwise(self, y_true, raw_prediction):
        return np.square(raw_prediction - y_true)

    def _derivatives(self, y_true, raw_prediction):
        return 2 * (raw_prediction.astype(np.float32) - y_true.astype(np.float32)), 2.0

    def _gradient(self, y_true, raw_prediction):
        return 2 * (raw_prediction - y_true)


class WrongNoise(SquaredError):
    noise = LAPLACE
