"""Losses that are right where one looks, and wrong elsewhere: at the end of training, on other targets, served."""

from __future__ import annotations

import numpy as np
from scipy import special

from gbm_objectives import Loss, Quantile, SquaredError
from gbm_objectives.contract.domain import COUNTS, NON_NEGATIVE
from gbm_objectives.contract.links import IDENTITY, LOG, Link, Output
from gbm_objectives.curvature import consistent_pair
from gbm_objectives.losses import ResidualLoss
from tests.testing.hidden_mistakes import RightPoisson


class PairOfTheMedian(Quantile):
    """The 0.9 quantile's loss and gradient, with a consistent pair that both sides of a target share."""

    def __init__(self, alpha=0.9, hessian="auto"):
        super().__init__(alpha, hessian)

    def _pair_of_residual(self, r, s, broad):
        return consistent_pair(r, s, broad)


class TooShort(ResidualLoss):
    """Squared error with a curvature a thousand times too large where targets are above predictions."""

    curvature_kind = "surrogate"

    def _of_residual(self, r):
        return 0.5 * np.square(r)

    def _derivatives_of_residual(self, r):
        return r, np.where(r < 0, 1000.0, 1.0).astype(r.dtype)


class WrongBeyondTwenty(SquaredError):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return np.where(y_true > 20, 0.5 * gradient, gradient), curvature

    def _block(self, y_true, raw_prediction, dtype):
        return self._derivatives(y_true, raw_prediction)

    def _gradient(self, y_true, raw_prediction):
        return self._derivatives(y_true, raw_prediction)[0]


class FlatBeyondTwenty(RightPoisson):
    """A curvature that is half of the second derivative for large counts."""

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient, np.where(y_true > 20, 0.5 * curvature, curvature)


class LogarithmOfZero(RightPoisson):
    """Poisson's deviance as it stands in books: 0 log 0 at y = 0."""

    def _pointwise(self, y_true, raw_prediction):
        return y_true * np.log(y_true / np.exp(raw_prediction)) - y_true + np.exp(raw_prediction)


class CurvatureOfZero(RightPoisson):
    curvature_kind = "surrogate"

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient, curvature + 1.0 / y_true


class Factorial(RightPoisson):
    """Poisson's likelihood with the factorial that overflows from 171 on."""

    domain = COUNTS

    def _pointwise(self, y_true, raw_prediction):
        return super()._pointwise(y_true, raw_prediction) + np.log(special.factorial(y_true))


class AnotherBase(RightPoisson):
    link = Link("log", LOG.forward, lambda raw_prediction: np.power(2.0, raw_prediction))


class SwappedOutputs(Loss):
    """A normal likelihood whose formulas take the outputs in the other order."""

    outputs = (Output("scale", LOG), Output("loc", IDENTITY))
    curvature_kind = "surrogate"

    def _pointwise(self, y_true, raw_prediction):
        mean, log_sigma = raw_prediction.T
        return log_sigma + 0.5 * np.square((y_true - mean) * np.exp(-log_sigma))

    def _derivatives(self, y_true, raw_prediction):
        mean, log_sigma = raw_prediction.T
        precision = np.exp(-2.0 * log_sigma)
        z2 = np.square(y_true - mean) * precision
        gradient = np.stack([(mean - y_true) * precision, 1.0 - z2], axis=1)
        return gradient, np.stack([precision, np.maximum(2.0 * z2, 2.0)], axis=1)


class RightOutputs(SwappedOutputs):
    outputs = (Output("loc", IDENTITY), Output("scale", LOG))


class StartsFromAThousand(SquaredError):
    """Takes the mean of the first thousand rows, which may be sorted."""

    def _initial_raw(self, y_true, sample_weight):
        weight = None if sample_weight is None else sample_weight[:1000]
        return np.average(y_true[:1000], weights=weight)


class SmoothPinball(ResidualLoss):
    """A right loss: the 0.9 quantile's, smoothed by a softplus. That of a row is least above its target."""

    curvature_kind = "surrogate"

    def __init__(self, alpha=0.9, width=0.2):
        self.alpha = alpha
        self.width = width

    def _of_residual(self, r):
        return (1.0 - self.alpha) * r + self.width * np.logaddexp(0.0, -r / self.width)

    def _derivatives_of_residual(self, r):
        q = special.expit(-r / self.width)
        return (1.0 - self.alpha) - q, np.full_like(r, 0.25 / self.width)


class NoMinusInfinity(RightPoisson):
    """A right loss of non-negative numbers, whose own start value is finite where all of them are 0."""

    domain = NON_NEGATIVE
