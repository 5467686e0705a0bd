"""A distribution from the formula of its log-density."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ..contract.domain import POSITIVE, REAL, Domain
from ..contract.links import IDENTITY, LOG, LOGIT, Link, Output, joint_link
from ..formula.functions import NUMPY, functions
from ..formula.syntax import FUNCTION_NAMES, parsed
from ..validation import check_choice, shown
from .base import LARGEST_LOG, LARGEST_LOGIT, Distribution
from .beta import Beta
from .information import Family, information

__all__ = ["FormulaDistribution"]

LINKS = {link.name: link for link in (IDENTITY, LOG, LOGIT)}
DOMAINS: dict[str, Domain] = {"real": REAL, "positive": POSITIVE, "probability": Beta.domain}
# Up to which a density may miss an integral of 1, and the mean of its score 0, in standard deviations. What a
# person forgets, a factor of √(2 π) or of a scale, is more; the integral of a density with kinks is right to 1e-6.
TOLERANCE = 1e-3


class FormulaDistribution(Distribution):
    """A distribution from the formula of its log-density in y, the target, and parameters of each row.

    SymPy differentiates the formula by the raw predictions and compiles it to NumPy; the Fisher information is the
    mean of the squared gradient, and the distribution function, quantiles and mean are integrals too, by
    quadrature. When training begins, the density must integrate to 1.

    Parameters
    ----------
    log_density : str
        The logarithm of the density, a formula as in `FormulaLoss`, ``pi`` included, for instance
        ``"-log(2*scale) - abs(y - loc)/scale"``.
    parameters : dict of str to {"identity", "log", "logit"}
        The parameters, two or more, each with the link from its values to raw predictions: "log" for positive
        ones. The first takes full steps and offsets.
    domain_name : {"real", "positive", "probability"}, default="real"
        What targets may be: all numbers, those above 0, or those between 0 and 1 without the ends.
    scale_step : float, default=0.1
        The fraction of a full Newton step that all parameters but the first take, above 0 and at most 1; see
        `Normal`.

    Raises
    ------
    ValueError
        When training begins: if the text is not such a formula, does not hold y or a parameter, if a link or the
        domain is none of these, if the density does not integrate to 1, with the number, or if its ends depend on
        a parameter.
    ModuleNotFoundError
        If SymPy is not installed: ``pip install gbm_objectives[formula]``.

    References
    ----------
    Meurer et al. (2017). *SymPy: symbolic computing in Python*. PeerJ Computer Science 3:e103.

    Examples
    --------
    >>> gumbel = "-log(scale) - (y - loc)/scale - exp(-(y - loc)/scale)"
    >>> loss = FormulaDistribution(gumbel, {"loc": "identity", "scale": "log"})
    >>> loss.pointwise([0.0], [[0.0, 0.0]])
    array([1.])
    >>> loss.curvature([0.0], [[0.0, 0.0]]).round(4).tolist()  # of scale: π²/6 + (1 - γ)², over scale_step
    [[1.0, 18.2368]]
    >>> loss.predicted([[0.0, 0.0]]).round(4)  # Euler's constant
    array([0.5772])
    """

    def __init__(
        self,
        log_density: str,
        parameters: Mapping[str, str],
        domain_name: str = "real",
        scale_step: float = 0.1,
    ) -> None:
        super().__init__(scale_step)
        self.log_density = log_density
        self.parameters = parameters
        self.domain_name = domain_name

    def check_params(self) -> None:
        """Raise if the formula is no density, or a parameter is not valid."""
        super().check_params()
        check_choice(self, "domain_name", DOMAINS)
        if not isinstance(self.parameters, Mapping):
            raise TypeError(
                "parameters of FormulaDistribution must be a dict from names to links, got"
                f" {shown(self.parameters)}"
            )
        for name, link in self.parameters.items():
            if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name[0] == "_":
                raise ValueError(f"a parameter of FormulaDistribution must have a name, got {name!r}")
            if name in ("y", *FUNCTION_NAMES):
                raise ValueError(f"a parameter of FormulaDistribution must have a name of its own, got {name!r}")
            if not isinstance(link, str) or link not in LINKS:
                offered = ", ".join(map(repr, LINKS))
                raise ValueError(
                    f"parameters[{name!r}] of FormulaDistribution must be one of {offered}, got {shown(link)}"
                )
        if len(self.parameters) < 2:
            raise ValueError(
                "parameters of FormulaDistribution must be two or more, got"
                f" {shown(dict(self.parameters))}: with one, FormulaLoss takes minus the formula"
            )
        _check(self._family)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The parameters."""
        return tuple(Output(name, LINKS.get(link, IDENTITY)) for name, link in self.parameters.items())

    @property
    def link(self) -> Link:
        """Those of the outputs."""
        return joint_link(self.outputs)

    @property
    def domain(self) -> Domain:
        """The domain of that name."""
        return DOMAINS.get(self.domain_name, REAL)

    # Of other distributions it is one for the class; here it depends on the links.
    @property
    def _reach(self) -> tuple[float, ...]:  # type: ignore[override]  # an attribute elsewhere
        largest = {"identity": np.inf, "log": LARGEST_LOG, "logit": LARGEST_LOGIT}
        return tuple(largest[link] for link in self.parameters.values())

    @property
    def _family(self) -> Family:
        return _family(self.log_density, tuple(self.parameters.items()), self.domain_name)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        raw = self._within_reach(raw_prediction)
        # A density may vanish far out: that row's loss is infinite, which is refused where training begins.
        with np.errstate(over="ignore", divide="ignore"):
            return -np.asarray(np.broadcast_to(self._family.log_density(y_true, *raw.T), y_true.shape))

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return -self._family.scores(y_true, self._within_reach(raw_prediction))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient = self._gradient(y_true, raw_prediction)
        expected = information(self._family, self._within_reach(raw_prediction))
        # Where the probability is too close to an end of the domain for a quadrature, the row's own squared score,
        # of which the information is the mean.
        with np.errstate(over="ignore"):
            own = np.maximum(np.square(gradient), np.finfo(np.float32).tiny)
        return gradient, np.where(np.isfinite(expected), expected, own)


@lru_cache(maxsize=64)
def _family(log_density: str, parameters: tuple[tuple[str, str], ...], domain_name: str) -> Family:
    """Differentiate and compile a formula, once."""
    import sympy

    names = [name for name, _ in parameters]
    density = parsed(log_density, ("y", *names), "y, the target, nor one of the parameters")
    real = {name: sympy.Symbol(name, real=True) for name in ("y", *names)}
    for name in real:
        if not density.has(real[name]):
            raise ValueError(f"log_density must depend on {name!r}, got {log_density!r}")
    of_link = {"identity": lambda f: f, "log": sympy.exp, "logit": functions().Expit}
    in_raw = density.subs({real[name]: of_link[link](real[name]) for name, link in parameters})
    slopes = [in_raw.diff(real[name]) for name in names]
    # `dummify`, since a parameter may have the name of a NumPy function.
    value, gradient = (
        sympy.lambdify(list(real.values()), each, [NUMPY, "scipy", "numpy"], cse=True, dummify=True)
        for each in (in_raw, slopes)
    )
    return Family(value, gradient, domain_name, tuple(link for _, link in parameters))


@lru_cache(maxsize=64)
def _check(family: Family) -> None:
    """Raise unless the density integrates to 1, wherever its parameters are."""
    k = len(family.links)
    raw = np.concatenate([np.zeros((1, k)), np.eye(k), -np.eye(k)])
    nodes = family.nodes(raw)
    mass = nodes.mass.sum(axis=1)
    values = [LINKS[link].inverse(column) for link, column in zip(family.links, raw.T, strict=True)]
    for row in np.flatnonzero(~(np.abs(mass - 1.0) <= TOLERANCE)):
        hint = (
            "is it the logarithm of the density, with every factor that depends on y or a parameter, is the domain"
            " right, and does the density end where it should?"
        )
        if np.allclose(mass, mass[row], 1e-3) and mass[row] > 0.0:
            hint = f"subtract {np.log(mass[row]):.6g} from log_density"
        where = ", ".join(f"{value[row]:.4g}" for value in values)
        raise ValueError(
            f"the density of FormulaDistribution must integrate to 1, it integrates to {mass[row]:.6g} for"
            f" parameters of {where}: {hint}"
        )
    with np.errstate(all="ignore"):
        scores = family.scores_at(nodes.x, raw)
        mean = np.einsum("rn,krn->rk", nodes.mass, np.where(nodes.mass > 0.0, scores, 0.0))
    size = np.sqrt(information(family, raw))
    for row, column in np.argwhere(~(np.abs(mean) <= 10.0 * TOLERANCE * size)):
        raise ValueError(
            "the gradient of FormulaDistribution's log-density must have a mean of 0, by parameter"
            f" {column} it is {mean[row, column]:.4g}: do the ends of the density depend on the parameter?"
        )
