"""The contract of every distribution: the negative log-density, with an output for each parameter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..contract import CurvatureKind, Loss
from ..contract.links import IDENTITY
from ..contract.noise import Noise
from ..validation import as_numbers, check_number
from .quadrature import scale_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LARGEST_LOG", "LARGEST_LOGIT", "Distribution", "columns", "log_spread", "mean_or_median"]

# For a spread fitted on the log link: 1/σ² is then at most exp(80), which leaves float32 a factor of 6,000.
LARGEST_LOG = 40.0
# Beyond it exp overflows in float32, and 1 - p is 0.
LARGEST_LOGIT = 35.0
# A gradient is at most this many square roots of its curvature, that is, a row this many standard deviations out:
# its square, which occurs for a spread, must fit into float32 together with the normalising constant.
LARGEST_Z = 1e15
# Fisher information is only valid locally. A step in a logarithm overshoots if the target is far off: for a target
# 20 times the mean, the step of the logarithm is 19, and 3 would be right. So no row by itself moves a logarithm,
# or a logit, by more than this. On simulated data of all families, held-out losses are the same or smaller, by 4%
# with Weibull's and, at a learning rate of 0.5, by 8% with the zero-inflated Poisson's.
LARGEST_STEP = 1.0


class Distribution(Loss):
    """A distribution of the target whose parameters are fitted to each row: `_pointwise` is -log p(y).

    A subclass sets `outputs`, a name and a link for each parameter, and defines `_pointwise` and `_derivatives`.
    Counts need `_frozen`, too; other distributions need it only for speed, where SciPy has them. If the start has
    a formula, it is `_initial_raw`. The curvature is the diagonal of the Fisher information, kind "expected":
    unlike the second derivative it is positive for every target. The engines get a larger one for shorter steps:
    it is divided by `scale_step`, and raised in rows that would move a logarithm or a logit by more than 1.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that every parameter but the first takes, above 0 and at most 1; in the
        first rounds of a training up to three times as much, at learning rates above 0.1 in a round as much as at
        0.1 (`gbm_objectives.curvature.Pace`). Trees that fit a spread freely make it 0 where they fit the mean
        exactly, and the likelihood of new rows falls; the measurements are in `Normal`.
    """

    curvature_kind: CurvatureKind = "expected"
    # The largest raw prediction of each output, in absolute value, that the formulas see: beyond it exp overflows,
    # or the differences in the formulas are mere rounding.
    _reach: ClassVar[float | tuple[float, ...]] = np.inf
    # Whether the mean is finite for all parameters.
    _has_mean: ClassVar[bool] = True
    # Whether a `Hurdle` takes it: the message for targets at an end of the domain names it.
    _can_have_values: ClassVar[bool] = True

    def __init__(self, scale_step: float = 0.1) -> None:
        self.scale_step = scale_step

    def check_params(self) -> None:
        """Raise if `scale_step` is out of range."""
        check_number(self, "scale_step", 0.0, 1.0, closed="right")

    def _frozen(self, parameters: np.ndarray) -> Any:
        """Return SciPy's frozen distribution for parameters (n_samples, n_outputs), or an object with its methods.

        By default the integral of the density that `_pointwise` says, for targets that may be any number, any
        above 0, or any between 0 and 1.
        """
        from .numeric import NumericDensity, near

        raw = np.asarray(self.link.forward(parameters.astype(np.float64)))
        rows = np.arange(len(raw))

        def log_density(y: np.ndarray) -> np.ndarray:
            of_rows = np.repeat(rows, y.shape[1])
            return -np.asarray(self._pointwise(y.ravel(), raw[of_rows])).reshape(y.shape)

        return NumericDensity(log_density, scale_of(self.domain), near(raw))

    def _check_domain(self, y: np.ndarray) -> None:
        try:
            super()._check_domain(y)
        except ValueError as error:
            outside = np.unique(y[~((y >= self.domain.low) & (y <= self.domain.high))]).tolist()
            if not self._can_have_values or not outside or not {0.0, 1.0}.issuperset(outside):
                raise
            at = "" if outside == [0.0] else f", at={tuple(map(int, outside))}"
            raise ValueError(
                f"{error}; values with probabilities of their own go into Hurdle({type(self).__name__}(...){at})"
            ) from None

    def _within_reach(self, raw_prediction: np.ndarray) -> np.ndarray:
        reach = np.array(self._reach)
        return np.clip(raw_prediction, -reach, reach)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        # Never in float32: densities are small differences of large numbers.
        gradient, curvature = self._of_engines(y_true.astype(np.float64), raw_prediction.astype(np.float64))
        limit = LARGEST_Z * np.sqrt(curvature)
        gradient = np.clip(gradient, -limit, limit)
        curvature[:, 1:] /= min(self.scale_step * self._pace.spread, 1.0)
        bent = [column for column, output in enumerate(self.outputs) if output.link != IDENTITY]
        curvature[:, bent] = np.maximum(curvature[:, bent], np.abs(gradient[:, bent]) / LARGEST_STEP)
        return gradient, curvature

    def _of_engines(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient, and the curvature that steps are made of."""
        return self._derivatives(y_true, raw_prediction)

    def _after(self, rounds: int) -> Self:
        pace = self._pace
        return self._with(_pace=replace(pace, travelled=pace.travelled + rounds * pace.learning_rate))

    @property
    def noise(self) -> Noise:
        """The distribution itself: there is no common scale left to fit."""
        return Noise(type(self).__name__, lambda response, scale: self._frozen(response))

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the parameters, (n_samples, n_outputs), in the order of `outputs`."""
        return self.link.inverse(self._within_reach(as_numbers(raw_prediction, "raw_prediction", ndim=(2,))))

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the mean of each row's distribution, (n_samples,); its median if it has no finite mean."""
        return mean_or_median(self._frozen(self.response(raw_prediction)))


def mean_or_median(frozen: Any) -> np.ndarray:
    """Return the mean of each row of a frozen distribution, or its median if the mean is not finite."""
    mean = np.asarray(frozen.mean())
    known = np.isfinite(mean)
    return mean if known.all() else np.where(known, mean, frozen.median())


def columns(*values: np.ndarray | float) -> np.ndarray:
    """Return arrays, and possibly numbers, as the columns of one array."""
    return np.stack(np.broadcast_arrays(*values), axis=-1)


def log_spread(spread: float, centre: float) -> float:
    """Return the logarithm of a target's spread, and raise if it is beyond what the formulas see.

    Labels are float32: a spread below their resolution, 0 for instance, is replaced by that resolution.
    """
    if not spread < np.exp(LARGEST_LOG) or 0.0 < spread < np.exp(-LARGEST_LOG):
        raise ValueError(
            f"the spread of the target must be between exp(-40) and exp(40), it is {spread:.3g}: give it in"
            " another unit"
        )
    return float(np.log(max(spread, np.finfo(np.float32).eps * abs(centre), np.exp(-LARGEST_LOG))))
