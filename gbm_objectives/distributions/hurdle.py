"""Targets of which some have one of a few values, such as 0, and the others a distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..contract.domain import Domain
from ..contract.links import LOGIT, Output
from ..validation import shown
from .base import Distribution
from .wrapped import LITTLE, Truncated, Wrapped, of_counts

__all__ = ["Hurdle"]

# No row by itself moves the logit of a probability by more than this. Of 20,000 rows of which 1% were not 0, told
# apart by a feature, XGBoost's held-out loss at a rate of 0.3 went up to 0.6 without the limit, and was 0.044 with
# it; LightGBM stopped at "Check failed: left_count > 0". With 1 it is as steady, but slower. (At a scale_step of
# 0.1, as for other parameters, held-out losses of 500 and 3,000 rows were 0.01 to 0.1 higher.)
LONGEST_STEP = 4.0


class Hurdle(Wrapped):
    """A distribution of targets that may also be one of a few values, such as 0, each with its own probability.

    Rain, expenses, hours lost: many rows are 0, and the others have a distribution. Its outputs come first, with
    their own names and links; then one on the logit link for each value, "at_0": the probability of that value,
    given that it is none of those before. Domain: the values, and the distribution's own. With the probabilities
    p₁, p₂, …::

        loss       -log p₁ at the first value, -log (1 - p₁) p₂ at the second, …, and elsewhere
                   -log (1 - p₁)(1 - p₂)… plus the distribution's own
        gradient   of the distribution where the target is none of the values, 0 elsewhere; of each logit
                   p - 1 at its value, 0 at those before, p elsewhere
        curvature  the distribution's, times (1 - p₁)(1 - p₂)…; p (1 - p), times the part for those before
                   expected

    Against overlong steps the engines get a larger curvature where the target is none of the values: there the row
    counts whole in that of the distribution. The probabilities take full steps, as in `BinaryCrossEntropy`, but no
    row by itself moves a logit by more than 4. For counts the only value is 0, and the
    distribution is that of the counts above, given that they are above 0: zero-truncated. Start: maximum
    likelihood.

    Parameters
    ----------
    distribution : Distribution
        The distribution of all other targets, such as ``Gamma()``, ``LogNormal()``, ``Beta()``,
        ``NegativeBinomial()``, or one of your own; fitted by its likelihood.
    at : float or tuple of float, default=0.0
        The values. ``Hurdle(Beta(), at=(0, 1))`` is the zero-and-one-inflated beta distribution.

    References
    ----------
    Cragg (1971). *Some statistical models for limited dependent variables with application to the demand for
    durable goods*. Econometrica 39, 829-844.

    Mullahy (1986). *Specification and testing of some modified count data models*. Journal of Econometrics 33,
    341-365.

    Ospina and Ferrari (2010). *Inflated beta distributions*. Statistical Papers 51, 111-126.

    Examples
    --------
    >>> from gbm_objectives.distributions import Gamma
    >>> loss = Hurdle(Gamma())
    >>> [output.name for output in loss.outputs]
    ['mean', 'shape', 'at_0']
    >>> loss.pointwise([0.0, 1.0], np.zeros((2, 3))).round(4)  # log 2, 1 + log 2
    array([0.6931, 1.6931])
    >>> loss.predicted([[np.log(8.0), 0.0, 0.0]]).round(6)  # half of 8
    array([4.])
    """

    def __init__(self, distribution: Distribution, at: float | tuple[float, ...] = 0.0) -> None:
        super().__init__(distribution)
        self.at = at

    def check_params(self) -> None:
        """Raise if the distribution cannot have values beside it, or `at` is not valid."""
        super().check_params()
        values = np.asarray(self.at)
        if values.dtype.kind not in "biuf" or values.ndim > 1 or not values.size:
            raise TypeError(f"at of Hurdle must be a number or a tuple of numbers, got {shown(self.at)}")
        if not np.isfinite(values).all() or len(set(self._values)) < values.size:
            raise ValueError(f"at of Hurdle must be finite numbers, each once, got {shown(self.at)}")
        if self._of_counts and self._values != (0.0,):
            raise ValueError(f"at of Hurdle must be 0 for counts ({self.distribution!r}), got {shown(self.at)}")

    @property
    def _values(self) -> tuple[float, ...]:
        return tuple(float(value) for value in np.atleast_1d(self.at))

    @property
    def _of_counts(self) -> bool:
        return of_counts(self.distribution)

    @property
    def _law(self) -> Distribution:
        """The distribution of all other targets."""
        return Truncated(self.distribution) if self._of_counts else self.distribution

    @property
    def _added(self) -> tuple[Output, ...]:
        return tuple(Output(f"at_{value:.15g}", LOGIT) for value in np.atleast_1d(self.at))

    @property
    def domain(self) -> Domain:
        """The values, and what the distribution is defined for."""
        own = self.distribution.domain

        def holds(y: np.ndarray) -> np.ndarray:
            good: np.ndarray = np.asarray(self._at(y).any(axis=0))
            others = y[~good]
            # The target may be float32, whose range is smaller than float64's.
            fits = (others >= np.float64(own.low)) & (others <= np.float64(own.high))
            if own.holds is not None:
                fits[fits] = own.holds(others[fits])
            good[~good] = fits
            return good

        if self._of_counts:
            return own
        named = " or ".join(f"{value:.15g}" for value in np.atleast_1d(self.at))
        return Domain(f"{named}, or {own}", min(own.low, *self._values), max(own.high, *self._values), holds)

    def _at(self, y_true: np.ndarray) -> np.ndarray:
        """Return which targets are which value, (n_values, n_samples); engines keep targets as float32."""
        return np.array([(y_true == value) | (y_true == np.float32(value)) for value in self._values])

    def _inner(self, y_true: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows are none of the values, and targets with others in the place of the values."""
        others = np.asarray(~at.any(axis=0))
        usual = next(one for one in (0.5, -0.5, *range(1, 99)) if self._is_inside(one))
        return others, np.where(others, y_true, usual)

    def _is_inside(self, value: float) -> bool:
        return value not in self._values and self.distribution.domain.accepts(np.array([value]))

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        raw, logits = self._split(raw_prediction)
        at = self._at(y_true)
        others, y = self._inner(y_true, at)
        loss = np.where(others, self._law._pointwise(y, raw), 0.0)
        reached = np.ones(len(y), dtype=bool)
        for logit, here in zip(logits.T, at, strict=True):
            loss -= np.where(reached, special.log_expit(np.where(here, logit, -logit)), 0.0)
            reached &= ~here
        return loss

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature, share = self._parts(y_true, raw_prediction)
        curvature[:, : self.distribution.n_outputs] *= share[:, None]
        return gradient, curvature

    def _of_engines(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature, share = self._parts(y_true, raw_prediction)
        # A row that is none of the values counts whole, not by the probability that it is none. On average such
        # rows then count up to twice, but none steps over its target where the probability is wrong: with 1% of
        # rows not 0, told apart by a feature, XGBoost's loss rose to 1e13.
        share[~self._at(y_true).any(axis=0)] = 1.0
        curvature[:, : self.distribution.n_outputs] *= share[:, None]
        return gradient, curvature

    def _parts(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the gradient, the information of distribution and logits, and the distribution's probability."""
        raw, logits = self._split(raw_prediction)
        at = self._at(y_true)
        others, y = self._inner(y_true, at)
        of_law = self._law._derivatives(y, raw)
        gradient = np.where(others[:, None], of_law[0], 0.0)
        of_logits, share = self._of_logits(at, logits)
        curvature = np.broadcast_to(of_law[1], gradient.shape)
        return np.hstack([gradient, of_logits[0]]), np.hstack([curvature, of_logits[1]]), share

    def _of_logits(self, at: np.ndarray, logits: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Return gradients and curvatures of the logits, and the probability of none of the values."""
        gradient, curvature = np.empty((2, *logits.shape))
        share, reached = np.ones(len(logits)), np.ones(len(logits), dtype=bool)
        for column, (logit, here) in enumerate(zip(logits.T, at, strict=True)):
            p, rest = special.expit(logit), special.expit(-logit)
            gradient[:, column] = np.where(here, -rest, p) * reached
            curvature[:, column] = share * p * rest
            share, reached = share * rest, reached & ~here
        return (gradient, curvature), share

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature = super()._block(y_true, raw_prediction, dtype)
        k = self.distribution.n_outputs
        logits = self._split(raw_prediction.astype(np.float64))[1]
        own = self._of_logits(self._at(y_true), logits)[0][1]
        curvature[:, k:] = np.maximum(own, np.abs(gradient[:, k:]) / LONGEST_STEP)
        return gradient, curvature

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        weight = np.ones(len(y_true)) if sample_weight is None else sample_weight
        others = weight > 0
        logits = []
        for here in self._at(y_true):
            total = weight[others].sum()
            share = weight[others & here].sum() / total if total else 0.5
            logits.append(special.logit(np.clip(share, LITTLE, 1.0 - LITTLE)))
            others &= ~here
        if not others.any():
            return np.array([*np.zeros(self.distribution.n_outputs), *logits])  # nothing is known of others
        of_others = None if sample_weight is None else sample_weight[others]
        return np.array([*np.asarray(self._law._initial_raw(y_true[others], of_others)), *logits])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from .mixed import MixedCounts, MixedDensity

        k = self.distribution.n_outputs
        remaining, probabilities = np.ones(len(parameters)), []
        for share in parameters[:, k:].T:
            probabilities.append(remaining * share)
            remaining = remaining * (1.0 - share)
        order = np.argsort(self._values)
        kind = MixedCounts if self._of_counts else MixedDensity
        values = tuple(self._values[j] for j in order)
        return kind(self._law._frozen(parameters[:, :k]), values, np.array(probabilities)[order], remaining)
