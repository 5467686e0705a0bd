"""A loss from its formula."""

from __future__ import annotations

import keyword
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..contract.domain import BINARY, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Domain
from ..contract.links import IDENTITY, LOG, LOG1P, LOGIT, Link
from ..contract.loss import CurvatureKind, Loss, Scope
from ..losses.quantile import two_sided_pair
from ..losses.residual import residual, weighted_quantile, widths_of
from ..validation import check_between, check_choice
from .checks import check_on
from .pair import Known, Rows, known_of, pair
from .shape import Shape, shape_of
from .syntax import FUNCTION_NAMES

__all__ = ["FormulaLoss"]

LINKS = {link.name: link for link in (IDENTITY, LOG, LOGIT, LOG1P)}
DOMAINS: dict[str, Domain] = {
    "real": REAL,
    "non-negative": NON_NEGATIVE,
    "positive": POSITIVE,
    "probability": UNIT_INTERVAL,
    "binary": BINARY,
}
TAKEN = {
    "exact": "the second derivative",
    "majorizer": "the slope over the distance from the minimum, with which no step raises the loss",
    "consistent": "a consistent pair for each kink, and for what is smooth the second derivative or more",
    "surrogate": "the second derivative, or the secant to the row's lowest loss where that is more",
}


class FormulaLoss(Loss):
    """A loss from its formula in f, the raw prediction, and y, the target.

    SymPy differentiates the formula twice and compiles it to NumPy. Each row's loss must have one minimum in f,
    and the engines get

    - for a kink, a place where the slope jumps upwards, the consistent pair of `AbsoluteError` or `Quantile` for
      the slopes on its sides; what counts as a kink is decided in the unit of the data, so that
      ``sqrt(1 + (f - y)**2)`` is one for targets of the order of a million;
    - for the smooth rest, its gradient, and as curvature the second derivative or, where that is less, the secant
      to the row's lowest loss: no row by itself oversteps.

    `curvature_kind` says what that amounts to: "exact" if it is the second derivative everywhere, "majorizer" for
    even functions whose slope grows less than their distance from the minimum, "consistent" with kinks,
    "surrogate" otherwise. `derivation` says it in words.

    Nothing in the text is evaluated: Python's parser makes a tree of it, in which numbers, names, ``+ - * / **``,
    comparisons, ``a if condition else b`` and the functions of `formula_syntax` are accepted, and everything else
    is refused.

    Parameters
    ----------
    formula : str
        The loss of a row, for instance ``"log(cosh(f - y))"``.
    parameters : dict of str to float, optional
        Values of further names in the formula; without one, ``pi`` is π.
    link_name : {"identity", "log", "logit", "log1p"}, default="identity"
        From the response to f.
    domain_name : {"real", "non-negative", "positive", "probability", "binary"}, default="real"
        What targets may be. "binary" makes it a loss of class labels.
    **renamed
        `link` and `domain`, the names of both until version 0.2.

    Raises
    ------
    ValueError
        When training begins: if the text is not such a formula or too large, if a parameter is missing or not a
        number, or link or domain is none of these; if the formula has several minima in f, a jump, an unbounded
        slope, or a kink at a place that cannot be found; or if on these targets most rows would have no slope to
        learn from.
    ModuleNotFoundError
        If SymPy is not installed: ``pip install gbm_objectives[formula]``.

    References
    ----------
    Meurer et al. (2017). *SymPy: symbolic computing in Python*. PeerJ Computer Science 3:e103.

    Examples
    --------
    >>> loss = FormulaLoss("sqrt(1 + ((f - y)/c)**2)", {"c": 2.0})
    >>> loss.curvature_kind
    'majorizer'
    >>> loss.gradient([0.0], [2.0]).round(4).tolist()
    [0.3536]
    """

    def __init__(
        self,
        formula: str = "(f - y)**2",
        parameters: Mapping[str, float] | None = None,
        link_name: str = "identity",
        domain_name: str = "real",
        **renamed: str,
    ) -> None:
        self.formula = formula
        self.parameters = parameters
        self.link_name = link_name
        self.domain_name = domain_name
        for name, value in renamed.items():
            if name not in ("link", "domain"):
                raise TypeError(f"FormulaLoss() got an unexpected keyword argument {name!r}")
            warnings.warn(f"{name} of FormulaLoss is now called {name}_name", FutureWarning, stacklevel=2)
            setattr(self, f"{name}_name", value)

    @property
    def link(self) -> Link:
        """The link of that name."""
        return LINKS.get(self.link_name, IDENTITY)  # `check_params` refuses other names

    @property
    def domain(self) -> Domain:
        """The domain of that name."""
        return DOMAINS.get(self.domain_name, REAL)

    def check_params(self) -> None:
        """Raise if formula, parameters, link or domain are not valid."""
        check_choice(self, "link_name", LINKS)
        check_choice(self, "domain_name", DOMAINS)
        for name, value in (self.parameters or {}).items():
            if (
                not isinstance(name, str)
                or not name.isidentifier()
                or keyword.iskeyword(name)
                or name in ("f", "y", *FUNCTION_NAMES)
            ):
                raise ValueError(f"a parameter of FormulaLoss must have a name of its own, got {name!r}")
            if name.startswith("_"):
                raise ValueError(f"a parameter of FormulaLoss must not begin with _, got {name!r}")
            check_between(value, f"{name} of FormulaLoss", -1e38, 1e38)
        self._shape()

    @property
    def classifies(self) -> bool:
        """Whether targets are class labels that the sign of f tells apart: at 0 both classes pull away."""
        if self.domain is not BINARY or self.link not in (IDENTITY, LOGIT):
            return False
        at_zero = self._shape().numbers.gradient(np.array([0.0, 1.0]), np.zeros(2))
        return bool(at_zero[0] > 0 > at_zero[1])

    @property
    def curvature_kind(self) -> CurvatureKind:
        """What the curvature promises; see `Loss`."""
        return self._shape().kind

    _smooths_by_summary = True

    @property
    def scope(self) -> Scope:
        """What a row's pair depends on; see `Loss`."""
        return "row" if self._shape().steps_are_exact else "summary"

    @property
    def normalised(self) -> bool:
        """Whether the engines get a mean curvature of 1: a formula's factor has meaning only for probabilities."""
        return self.link != LOGIT

    @property
    def derivation(self) -> str:
        """The gradient, the second derivative, and the curvature that the engines get, in words."""
        shape = self._shape()
        gradient, second = shape.numbers.derived.texts
        taken = TAKEN[shape.kind]
        if shape.slopes is not None:
            taken = f"a consistent pair, of slopes {-shape.slopes[0]:.3g} and {shape.slopes[1]:.3g} at the kink"
        return f"gradient {gradient}; second derivative {second}; curvature: {taken}"

    def _check_start(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        check_on(
            self._shape().numbers, self._rows(y_true, raw_prediction), weight, of_target=self.link == IDENTITY
        )

    def _shape(self) -> Shape:
        parameters = tuple(sorted((self.parameters or {}).items()))
        return shape_of(self.formula, parameters, self.link, self.domain)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
        shape = self._shape()
        if shape.slopes is not None:
            below, above = shape.slopes
            return shape.centre + weighted_quantile(y_true, below / (below + above), sample_weight)
        return super()._initial_raw(y_true, sample_weight)

    # ---- the formulas -------------------------------------------------------------------------------------

    def _rows(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> Rows:
        """Return rows as the formula's numbers take them, in float64, which costs little next to the formula."""
        if self._shape().numbers.derived.of_residual:
            # Subtract before converting, as in `ResidualLoss`.
            return Rows(0.0, residual(y_true, raw_prediction, np.float64), raw_prediction, y_true)
        y, raw = y_true.astype(np.float64, copy=False), raw_prediction.astype(np.float64, copy=False)
        return Rows(y, raw, raw_prediction, 0.0)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        rows = self._rows(y_true, raw_prediction)
        return self._shape().numbers.value(rows.y, rows.f)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        rows = self._rows(y_true, raw_prediction)
        return self._shape().numbers.gradient(rows.y, rows.f)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.on(y_true, raw_prediction)._block(y_true, raw_prediction, raw_prediction.dtype.type)

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Any:
        shape = self._shape()
        if shape.slopes is not None:
            return widths_of(y_true + shape.centre, raw_prediction, weight, self._pace)
        return known_of(shape.numbers, self._rows(y_true, raw_prediction), weight, self._pace)

    def _after(self, rounds: int) -> FormulaLoss:
        # The pair is that of one round's rows, and not known by their array: LightGBM has one for all rounds.
        kept = isinstance(self.summary, Known) and self.summary.pair is not None
        return self._with(summary=replace(self.summary, pair=None)) if kept else self

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        shape = self._shape()
        if shape.slopes is not None:
            # As in `Quantile`: there is nothing but the kink, so the formula need not be evaluated.
            below, above = shape.slopes
            target = y_true + shape.centre
            r = residual(target, raw_prediction, dtype)
            s, broad = self.summary.of_rows(r, raw_prediction, target)
            return two_sided_pair(r, s, broad, above, below)
        if shape.steps_are_exact:
            rows = self._rows(y_true, raw_prediction)
            return shape.numbers.gradient(rows.y, rows.f), shape.numbers.second(rows.y, rows.f)
        if self.summary.pair is not None and self.summary.pair[0] is raw_prediction:
            ready: tuple[np.ndarray, np.ndarray] = self.summary.pair[1:]
            return ready
        return pair(shape.numbers, self._rows(y_true, raw_prediction), self.summary)
