"""What distributions made of another one share, and a distribution of counts without its zeros."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ..contract.domain import Domain
from ..contract.links import Link, Output, joint_link
from ..contract.start import descent
from ..validation import as_numbers, shown
from .base import LARGEST_LOGIT, Distribution, mean_or_median
from .censored import Censored

__all__ = ["LEAST_LEFT", "LITTLE", "Truncated", "Wrapped", "of_counts"]

# The least share of a value: that of one that does not occur is 0, whose logit is infinite.
LITTLE = 1e-7
# The least part of a distribution's information that is left when it loses its zeros: the difference of nearly
# equal numbers where almost all counts are 0.
LEAST_LEFT = 1e-3


class Wrapped(Distribution):
    """A distribution with one more output, or several: its parameters are its own and that of the distribution."""

    _can_have_values = False
    _example: ClassVar[str] = "Gamma()"

    def __init__(self, distribution: Distribution) -> None:
        self.distribution = distribution

    def check_params(self) -> None:
        """Raise if the distribution is not one that this can be made of, or a parameter is out of range."""
        law, name = self.distribution, type(self).__name__
        if not isinstance(law, Distribution):
            raise TypeError(
                f"distribution of {name} must be one of gbm_objectives.distributions, such as"
                f" {self._example}, got {shown(law)}"
            )
        if isinstance(law, (Wrapped, Censored)):
            raise TypeError(f"distribution of {name} must be a plain one, such as {self._example}, got {law!r}")
        law.check_params()
        if not law.noise.likelihood:
            raise ValueError(f"distribution of {name} must be fitted by its likelihood, got {law!r}")

    # A parameter of distributions, which is an attribute; nothing sets that of this one.
    @property
    def scale_step(self) -> float:  # type: ignore[override]  # an attribute elsewhere
        """That of the distribution."""
        return self.distribution.scale_step

    @property
    def _added(self) -> tuple[Output, ...]:
        raise NotImplementedError

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Those of the distribution, then one for each value with a probability of its own."""
        return (*self.distribution.outputs, *self._added)

    @property
    def link(self) -> Link:
        """Those of the outputs."""
        return joint_link(self.outputs)

    @property
    def name(self) -> str:
        """Name of the loss: the name of its metric."""
        return f"{super().name}_{self.distribution.name}"

    def _split(self, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw predictions of the distribution, and the logits of the values."""
        k = self.distribution.n_outputs
        return raw_prediction[:, :k], np.clip(raw_prediction[:, k:], -LARGEST_LOGIT, LARGEST_LOGIT)

    def response(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the parameters, (n_samples, n_outputs), in the order of `outputs`."""
        of_law, logits = self._split(as_numbers(raw_prediction, "raw_prediction", ndim=(2,)))
        return np.column_stack([self.distribution.response(of_law), special.expit(logits)])

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the mean of each row's distribution, or its median if the distribution may have none."""
        raw = as_numbers(raw_prediction, "raw_prediction", ndim=(2,)).astype(np.float64)
        frozen = self._frozen(self.response(raw))
        return mean_or_median(frozen) if self.distribution._has_mean else np.asarray(frozen.median())


class Truncated(Distribution):
    """A distribution of counts, given that they are above 0; part of `Hurdle`."""

    def __init__(self, distribution: Distribution) -> None:
        self.distribution = distribution

    # A parameter of distributions, which is an attribute; nothing sets that of this one.
    @property
    def scale_step(self) -> float:  # type: ignore[override]  # an attribute elsewhere
        """That of the distribution."""
        return self.distribution.scale_step

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Those of the distribution."""
        return self.distribution.outputs

    @property
    def link(self) -> Link:
        """That of the distribution."""
        return self.distribution.link

    @property
    def domain(self) -> Domain:
        """That of the distribution."""
        return self.distribution.domain

    def _at_zero(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return loss and gradient at 0."""
        law, zeros = self.distribution, np.zeros(len(raw))
        # A loss of 0 would leave no probability for any count.
        loss = np.maximum(law._pointwise(zeros, raw), np.finfo(np.float64).tiny)
        return loss, law._derivatives(zeros, raw)[0]

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        at_zero, _ = self._at_zero(raw_prediction)
        return np.asarray(self.distribution._pointwise(y_true, raw_prediction) + np.log(-np.expm1(-at_zero)))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, information = self.distribution._derivatives(y_true, raw_prediction)
        at_zero, slope = self._at_zero(raw_prediction)
        kept = -np.expm1(-at_zero)[:, None]
        odds = np.exp(-at_zero)[:, None] / kept
        # The gradient's mean over all counts is 0, thus over those kept minus that of the zeros; the information
        # is its variance.
        whole = information / kept
        return gradient + odds * slope, np.maximum(whole - odds / kept * np.square(slope), LEAST_LEFT * whole)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        near = np.asarray(self.distribution._initial_raw(y_true, sample_weight))
        best = descent(self, y_true, sample_weight, None, near, np.ones(len(near)))
        # If all counts are 1, the likelihood rises without end as the mean goes to 0.
        while self._at_zero(best[None])[0][0] < LITTLE and not np.allclose(best, near, atol=1e-6):
            best = 0.5 * (best + near)
        return best

    def _frozen(self, parameters: np.ndarray) -> Any:
        from .mixed import Positive

        return Positive(self.distribution._frozen(parameters))


def of_counts(law: Distribution) -> bool:
    """Return whether a distribution is one of counts."""
    return law.domain.accepts(np.array([0.0, 1.0, 2.0])) and not law.domain.accepts(np.array([0.5]))
