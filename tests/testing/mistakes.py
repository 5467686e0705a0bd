"""Correct losses, and losses with one planted mistake each that `check_loss` must tell."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from gbm_objectives import CategoricalCrossEntropy, Loss
from gbm_objectives.contract.domain import BINARY, NON_NEGATIVE
from gbm_objectives.contract.links import LOG, LOGIT
from gbm_objectives.contract.noise import Noise
from gbm_objectives.distributions import Normal
from gbm_objectives.losses import ResidualLoss


class Fair(ResidualLoss):
    """c² (|r|/c - log(1 + |r|/c)), gradient r/(1 + |r|/c), here with the r in place of its absolute value."""

    curvature_kind = "majorizer"

    def _of_residual(self, r):
        return np.abs(r) - np.log1p(np.abs(r))

    def _derivatives_of_residual(self, r):
        return r / (1 + r), 1 / (1 + np.abs(r))


class TooFlat(Fair):
    """Fair with the right gradient and its second derivative, called a majorizer."""

    def _derivatives_of_residual(self, r):
        return r / (1 + np.abs(r)), 1 / np.square(1 + np.abs(r))


class Logistic(Loss):
    """A correct logistic loss, to plant mistakes in."""

    link, domain, curvature_kind, classifies = LOGIT, BINARY, "exact", True

    def _pointwise(self, y_true, raw_prediction):
        return np.logaddexp(0.0, raw_prediction) - y_true * raw_prediction

    def _derivatives(self, y_true, raw_prediction):
        p = special.expit(raw_prediction)
        return p - y_true, p * special.expit(-raw_prediction)


class NoCurvatureForPositives(Logistic):
    def _derivatives(self, y_true, raw_prediction):
        gradient, hessian = super()._derivatives(y_true, raw_prediction)
        return gradient, hessian * (1 - y_true)


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
    def _derivatives(self, y_true, raw_prediction):
        gradient, hessian = super()._derivatives(y_true, raw_prediction)
        return -gradient, hessian


class StartsOnTheResponseScale(Logistic):
    def _initial_raw(self, y_true, sample_weight):
        return np.average(y_true, weights=sample_weight)


class StartsUnweighted(Logistic):
    def _initial_raw(self, y_true, sample_weight):
        return super()._initial_raw(y_true, None)


class Overflows(Logistic):
    def _pointwise(self, y_true, raw_prediction):
        return np.log(1 + np.exp(raw_prediction)) - y_true * raw_prediction


class VanishingCurvature(Logistic):
    def _derivatives(self, y_true, raw_prediction):
        p = 1 / (1 + np.exp(-raw_prediction))
        gradient = p - y_true
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


class MeanLoss(Logistic):
    def _pointwise(self, y_true, raw_prediction):
        return np.mean(super()._pointwise(y_true, raw_prediction))


class Float64(Logistic):
    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        gradient, hessian = super().gradient_hessian(y_true, raw_prediction, sample_weight)
        return gradient.astype(float), hessian


class FlippedLabels(Logistic):
    """A correct loss of the other label, in which a raw prediction's sign tells labels apart the wrong way."""

    def _pointwise(self, y_true, raw_prediction):
        return super()._pointwise(1 - y_true, raw_prediction)

    def _derivatives(self, y_true, raw_prediction):
        return super()._derivatives(1 - y_true, raw_prediction)


class NoClassifier(Logistic):
    """Correct, but no classifier takes it."""

    classifies = False


class Focal(Logistic):
    """A correct focal loss with gamma = 2 (Lin et al. 2017), whose second derivative is negative in places."""

    curvature_kind = "surrogate"

    def _pointwise(self, y_true, raw_prediction):
        f = (2 * y_true - 1) * raw_prediction
        return special.expit(-f) ** 2 * np.logaddexp(0, -f)

    def _derivatives(self, y_true, raw_prediction):
        sign = 2 * y_true - 1
        f = sign * raw_prediction
        p, q = special.expit(f), special.expit(-f)
        return sign * q**2 * (2 * p * special.log_expit(f) - q), q**2 * p * (3 * q + p)


class FocalCalledExact(Focal):
    curvature_kind = "exact"


class NegativeSurrogate(Focal):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient, curvature - 0.05


class ExpectedPoisson(Loss):
    """A correct Poisson loss: the second derivative, the mean, is its own expectation."""

    link, domain, curvature_kind = LOG, NON_NEGATIVE, "expected"
    noise = Noise("Poisson", lambda response, scale: stats.poisson(response))

    def _pointwise(self, y_true, raw_prediction):
        return np.exp(raw_prediction) - y_true * raw_prediction

    def _derivatives(self, y_true, raw_prediction):
        return np.exp(raw_prediction) - y_true, np.exp(raw_prediction)


class WrongExpectation(ExpectedPoisson):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        return gradient, 1.25 * curvature


class ExpectedOfNothing(ExpectedPoisson):
    noise = None


class WrongSpread(Normal):
    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        curvature[:, 1] = 1.0
        return gradient, curvature


class Tweedie(Loss):
    """mean^(2-p)/(2-p) - y mean^(1-p)/(1-p) with p = 1.5."""

    link, domain, curvature_kind = LOG, NON_NEGATIVE, "exact"

    def _pointwise(self, y_true, raw_prediction):
        return 2 * np.exp(0.5 * raw_prediction) + 2 * y_true * np.exp(-0.5 * raw_prediction)

    def _derivatives(self, y_true, raw_prediction):
        up, down = np.exp(0.5 * raw_prediction), np.exp(-0.5 * raw_prediction)
        return up - y_true * down, 0.5 * (up + y_true * down)


class SwappedExponents(Tweedie):
    def _derivatives(self, y_true, raw_prediction):
        gradient, hessian = super()._derivatives(y_true, -raw_prediction)
        return -gradient, hessian


class Cauchy(ResidualLoss):
    """log(1 + r²), with its second derivative, negative beyond 1."""

    curvature_kind = "exact"

    def _of_residual(self, r):
        return np.log1p(np.square(r))

    def _derivatives_of_residual(self, r):
        return 2 * r / (1 + r * r), 2 * (1 - r * r) / np.square(1 + r * r)


class DiagonalIsNoBound(CategoricalCrossEntropy):
    """The Hessian's diagonal alone does not dominate it."""

    def _derivatives(self, y_true, raw_prediction):
        gradient, hessian = super()._derivatives(y_true, raw_prediction)
        return gradient, 0.5 * hessian


class LogCosh(ResidualLoss):
    """log cosh r, with gradient/r for its curvature: 0/0 at the target."""

    curvature_kind = "majorizer"

    def _of_residual(self, r):
        return np.logaddexp(r, -r) - np.log(2.0)

    def _derivatives_of_residual(self, r):
        return np.tanh(r), np.tanh(r) / r


class RightLogCosh(LogCosh):
    def _derivatives_of_residual(self, r):
        size = np.maximum(np.abs(r), 1e-3)  # tanh(r)/r is 1 to seven digits there
        return np.tanh(r), np.tanh(size) / size


class SecondDerivative(RightLogCosh):
    curvature_kind = "exact"

    def _derivatives_of_residual(self, r):
        return np.tanh(r), 1 / np.square(np.cosh(r.astype(float)))
