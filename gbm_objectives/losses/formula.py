"""A loss from its formula, and the curvature that suits it."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..validation import check_between
from .base import CurvatureKind, Loss
from .counts import AHEAD
from .domain import BINARY, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Domain
from .formula_derivatives import Derived, derivatives_of
from .formula_syntax import FUNCTION_NAMES
from .links import IDENTITY, LOG, LOG1P, LOGIT, Link
from .quantile import two_sided_pair
from .residual import LEAST_WEIGHT, residual, weighted_quantile, widths_of

__all__ = ["FormulaLoss"]

LINKS = {link.name: link for link in (IDENTITY, LOG, LOGIT, LOG1P)}
DOMAINS: dict[str, Domain] = {
    "real": REAL,
    "non-negative": NON_NEGATIVE,
    "positive": POSITIVE,
    "probability": UNIT_INTERVAL,
    "binary": BINARY,
}
# Residuals at which a formula is looked at: from far below any noise to far beyond it.
SIZES = np.geomspace(1e-6, 1e4, 101)


@dataclass(frozen=True)
class Shape:
    """What the engines get of a formula: which curvature, and of one in f - y alone what is known of it."""

    kind: CurvatureKind
    of_residual: bool = False
    below: float = 0.0
    above: float = 0.0
    linear: bool = False  # on both sides of the kink: a quantile's loss
    largest: float = 1.0  # of ψ(r)/r
    ahead: float = 0.0  # how far along a step the second derivative is taken


class FormulaLoss(Loss):
    """A loss from its formula in f, the raw prediction, and y, the target.

    SymPy differentiates the formula twice and compiles it to NumPy. The curvature is the second derivative where
    that is positive and no step overshoots. Otherwise it is a safe one, and `curvature_kind` says which: of a
    function of f - y with a kink where f = y the consistent pair of `AbsoluteError`, of another one that grows
    slower than its square ψ(r)/r, as of `Huber`; of anything else a surrogate, the size of the second derivative
    and of the gradient; of one that grows in f on the log link, whatever the target, the second derivative a step
    ahead, as of `PoissonDeviance`. `derivation` shows what was found.

    Nothing in the text is evaluated: Python's parser makes a tree of it, of which numbers, names, ``+ - * / **``,
    comparisons, ``a if condition else b`` and the functions of `formula_syntax` are taken, and all else is
    refused.

    Parameters
    ----------
    formula : str
        The loss of a row, for instance ``"log(cosh(f - y))"``.
    parameters : dict of str to float, optional
        Values of further names in the formula.
    link : {"identity", "log", "logit", "log1p"}, default="identity"
        From the response to f.
    domain : {"real", "non-negative", "positive", "probability", "binary"}, default="real"
        What targets may be. "binary" is a loss of class labels.

    Raises
    ------
    ValueError
        When training begins: if the text is no such formula, a parameter is missing or no number, or link or
        domain is none of these.
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
        link: str = "identity",
        domain: str = "real",
    ) -> None:
        self.formula = formula
        self.parameters = parameters
        self.link = link  # type: ignore[assignment]  # `_name_parts` makes a Link of it
        self.domain = domain  # type: ignore[assignment]  # likewise
        self._name_parts()

    def _name_parts(self) -> None:
        """Put link and domain in the place of their names, which `get_params` gives back."""
        self.link = LINKS.get(self.link, self.link)  # type: ignore[call-overload]  # a name, or a Link already
        self.domain = DOMAINS.get(self.domain, self.domain)  # type: ignore[call-overload]  # likewise

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters as they were given."""
        names = {id(part): name for part, name in [(v, k) for d in (LINKS, DOMAINS) for k, v in d.items()]}
        params: dict[str, Any] = super().get_params(deep)
        return {**params, **{name: names.get(id(params[name]), params[name]) for name in ("link", "domain")}}

    def set_params(self, **params: Any) -> FormulaLoss:
        """Set hyper-parameters."""
        super().set_params(**params)
        self._name_parts()
        return self

    def check_params(self) -> None:
        """Raise if formula, parameters, link or domain are not valid."""
        for name, known, kind in (("link", LINKS, Link), ("domain", DOMAINS, Domain)):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(
                    f"{name} of FormulaLoss must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
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
    def classifies(self) -> bool:  # type: ignore[override]  # here it depends on a hyper-parameter
        """Whether targets are class labels."""
        return self.domain is BINARY

    @property
    def curvature_kind(self) -> CurvatureKind:  # type: ignore[override]  # likewise
        """What the curvature promises; see `Loss`."""
        return self._shape().kind

    @property
    def _largest_step(self) -> float | None:
        return self._shape().ahead or None

    @property
    def derivation(self) -> str:
        """The gradient, the second derivative, and what the engines get for a curvature, in words."""
        derived, shape = self._parts(), self._shape()
        taken = {
            "exact": "the second derivative"
            + (", which is positive" if derived.proven else ", positive where sampled"),
            "majorizer": "gradient/(f - y), with which no step raises the loss",
            "consistent": f"a consistent pair, of slopes {-shape.below:.3g} and {shape.above:.3g} at the kink",
            "surrogate": f"the second derivative at f + {shape.ahead}, up to where it grows"
            if shape.ahead
            else "the size of the second derivative, not positive everywhere, and of the gradient",
        }[shape.kind]
        gradient, second = derived.texts
        return f"gradient {gradient}; second derivative {second}; curvature: {taken}"

    def __reduce__(self) -> Any:
        # By the names of link and domain, which hold functions.
        return _restored, (type(self), self.get_params())

    def _parts(self) -> Derived:
        return derivatives_of(self.formula, tuple(sorted(self.parameters or {})))

    def _call(self, function: Callable[..., Any], y: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Return a compiled part of the formula, computed in float64, in f's precision and shape."""
        parameters = self.parameters or {}
        values = [float(parameters[name]) for name in sorted(parameters)]
        y64, f64 = y.astype(np.float64, copy=False), f.astype(np.float64, copy=False)
        with np.errstate(all="ignore"):
            result = np.array(np.broadcast_to(np.asarray(function(y64, f64, *values), dtype=np.float64), f.shape))
            # Where exponentials overflow into infinity less or over infinity, the value next to there.
            for limit in (300.0, 100.0, 30.0):
                if not (bad := np.isnan(result)).any():
                    break
                result[bad] = np.broadcast_to(function(y64, np.clip(f64, -limit, limit), *values), f.shape)[bad]
            return result.astype(f.dtype, copy=False)

    def _shape(self) -> Shape:
        parameters = tuple(sorted((self.parameters or {}).items()))
        return _shape_of(self.formula, parameters, self.link.name, self.domain)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
        shape = self._shape()
        if shape.linear:
            return weighted_quantile(y_true, shape.below / (shape.below + shape.above), sample_weight)
        return super()._initial_raw(y_true, sample_weight)

    # ---- the formulas -------------------------------------------------------------------------------------

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._call(self._parts().value, y_true, raw_prediction)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._call(self._parts().gradient, y_true, raw_prediction)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = self._of_all_rows(y_true, raw_prediction, None)
        return self._block(y_true, raw_prediction, known, raw_prediction.dtype.type)

    def _of_all_rows(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Any:
        return widths_of(y_true, raw_prediction, weight) if self._shape().kind == "consistent" else None

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, known: Any, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        derived, shape = self._parts(), self._shape()
        if shape.of_residual:
            # A function of the residual alone: its target may be 0. The difference first, as in `ResidualLoss`.
            r = residual(y_true, raw_prediction, dtype)
            if shape.kind == "consistent":
                return two_sided_pair(r, known.of_rows(r, raw_prediction, y_true), shape.above, shape.below)
            y_true, raw_prediction = np.zeros_like(r), r
        else:
            working = np.result_type(y_true, raw_prediction) if self.has_unit else dtype
            y_true, raw_prediction = y_true.astype(working, copy=False), raw_prediction.astype(working, copy=False)
        gradient = self._call(derived.gradient, y_true, raw_prediction)
        if shape.kind == "exact" or shape.ahead:
            step = raw_prediction.dtype.type(shape.ahead)
            return gradient, self._call(derived.second, y_true, raw_prediction + step)
        if shape.kind == "majorizer":
            # At 0 the ratio is 0/0: of the smallest residual that is none in float32 it has its limit.
            r = np.where(raw_prediction == 0, raw_prediction.dtype.type(1e-20), raw_prediction)
            ratio = self._call(derived.gradient, y_true, r) / r
            return gradient, np.maximum(ratio, LEAST_WEIGHT * raw_prediction.dtype.type(shape.largest))
        second = np.abs(self._call(derived.second, y_true, raw_prediction))
        # In the unit of the target a gradient is no curvature: over the residual it is one.
        size = np.maximum(np.abs(raw_prediction - y_true), 1e-6) if self.has_unit else 1
        return gradient, second + np.abs(gradient) / size


def _restored(cls: type[FormulaLoss], params: dict[str, Any]) -> FormulaLoss:
    return cls(**params)


@lru_cache(maxsize=256)
def _shape_of(formula: str, parameters: tuple[tuple[str, float], ...], link: str, domain: Domain) -> Shape:
    """Decide which curvature a formula has, from numbers."""
    derived = derivatives_of(formula, tuple(name for name, _ in parameters))
    values = [float(value) for _, value in parameters]

    def at(function: Callable[..., Any], y: np.ndarray, f: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(function(y, f, *values), dtype=float), f.shape)

    if link == "identity" and _of_residual(derived, at):
        r = np.concatenate([-SIZES[::-1], SIZES])
        gradient, second = at(derived.gradient, np.zeros_like(r), r), at(derived.second, np.zeros_like(r), r)
        _check_of_residual(at, derived, r, gradient)
        beside = at(derived.gradient, np.zeros(2), np.array([-1e-12, 1e-12]))
        if beside[0] < -1e-9 and beside[1] > 1e-9:
            linear = np.allclose(gradient, np.where(r > 0, beside[1], beside[0]), rtol=1e-9)
            return Shape("consistent", True, -float(beside[0]), float(beside[1]), bool(linear))
        # A step of a row alone goes to its target, not beyond.
        if (second > 0).all() and (np.abs(gradient) <= (1 + 1e-9) * second * np.abs(r)).all():
            return Shape("exact", True)
        ratio = gradient / r
        if not np.isfinite(ratio).all():
            return Shape("surrogate", True)
        below, above = np.diff(ratio[: len(SIZES)]), np.diff(ratio[len(SIZES) :])
        falls = (below >= -1e-6 * ratio.max()).all() and (above <= 1e-6 * ratio.max()).all()
        if (ratio >= 0).all() and falls and ratio.max() > 0:
            return Shape("majorizer", True, largest=float(ratio.max()))
        return Shape("surrogate", True)
    rng = np.random.default_rng(0)
    f = np.concatenate([np.linspace(-8, 8, 161), 3 * rng.standard_normal(240)])
    targets = {REAL: f[::-1], NON_NEGATIVE: np.abs(f[::-1]), POSITIVE: np.abs(f[::-1]) + 0.01}
    y = targets.get(domain, rng.random(len(f)) if domain is UNIT_INTERVAL else (rng.random(len(f)) > 0.5) * 1.0)
    if not (at(derived.second, y, f) > 0).all():
        return Shape("surrogate")
    # As of `PoissonDeviance`: whatever the target, the second derivative grows along a step upwards.
    if link == "log" and not derived.of_target and (np.diff(at(derived.second, y, np.sort(f))) >= 0).all():
        return Shape("surrogate", ahead=AHEAD)
    return Shape("exact")


def _check_of_residual(
    at: Callable[..., np.ndarray], derived: Derived, r: np.ndarray, gradient: np.ndarray
) -> None:
    """Raise if a function of the residual is none that can be trained."""
    # Farther out exponentials overflow, where `FormulaLoss` takes values next to there.
    near = r[np.abs(r) <= 10.0]
    if (none := near[np.isnan(at(derived.value, np.zeros_like(near), near))]).size:
        raise ValueError(f"formula must have a value for any f and y, it has none at f - y = {none[0]:.3g}")
    left, right = at(derived.value, np.zeros(2), np.array([-1e-12, 1e-12]))
    if abs(right - left) > 1e-6:
        raise ValueError(f"formula must not jump: at f = y it goes from {left:.3g} to {right:.3g}")
    if not gradient.any():
        raise ValueError("formula must change with f - y, its gradient is 0 everywhere")


def _of_residual(derived: Derived, at: Callable[..., np.ndarray]) -> bool:
    """Return whether a formula is one of f - y alone: whether both may be moved together."""
    rng = np.random.default_rng(1)
    y, f = 3.0 * rng.standard_normal((2, 200))
    return all(
        np.allclose(at(derived.value, y, f), at(derived.value, y + c, f + c), rtol=1e-9, equal_nan=True)
        for c in (-2.5, 1.0)
    )
