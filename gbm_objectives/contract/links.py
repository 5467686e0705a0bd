"""Links: from the response scale to the raw prediction and back; and the outputs of losses that have several.

Training needs only the loss. A *saved* model needs the link too, or the stock engine would serve raw scores: the
engines map these links to the built-in objectives that share them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import special

__all__ = ["HALF_LOGIT", "IDENTITY", "LOG", "LOG1P", "LOGIT", "SOFTMAX", "Link", "Output", "joint_link"]

# The logit or logarithm of a share of 0 is infinite (a class that never occurs, a target with a single label).
# Rarer events are indistinguishable from none: no data set has as many rows.
EPSILON = 1e-12


@dataclass(frozen=True)
class Link:
    """A link function and its inverse.

    Two links are equal if their inverses are the same function, whatever their names: the inverse is what a saved
    model is served with.

    Parameters
    ----------
    name : str
        Name of the link, for display.
    forward : callable
        From the response scale to the raw prediction, element by element (softmax: row by row); must be finite at
        the ends of the domain too.
    inverse : callable
        From the raw prediction to the response scale.

    Examples
    --------
    >>> from gbm_objectives.contract.links import LOGIT
    >>> float(LOGIT.inverse(LOGIT.forward(0.25)))
    0.25
    >>> Link("log", np.log2, np.exp2) == LOG
    False
    """

    name: str = field(compare=False)
    forward: Callable[..., np.ndarray] = field(compare=False)
    inverse: Callable[..., np.ndarray]

    def __repr__(self) -> str:
        return f"<Link {self.name}>"


@dataclass(frozen=True)
class Output:
    """One of several raw predictions of a row.

    Parameters
    ----------
    name : str
        Its name, like that of a column.
    link : Link
        Its link.
    takes_offset : bool, default=False
        Whether an offset of one number per row is added to it; to the first output it always is.
    """

    name: str
    link: Link
    takes_offset: bool = False


def _same(values: np.ndarray) -> np.ndarray:
    return np.asarray(values)


def _logit(probability: np.ndarray) -> np.ndarray:
    return np.asarray(special.logit(np.clip(probability, EPSILON, 1 - EPSILON)))


def _softmax(raw_prediction: np.ndarray) -> np.ndarray:
    return np.asarray(special.softmax(raw_prediction, axis=-1))


def _log_probability(probability: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(probability, EPSILON)))


def _log(mean: np.ndarray) -> np.ndarray:
    # With a mean of 0 (no event at all) training would start at minus infinity.
    return np.asarray(np.log(np.maximum(mean, float(np.finfo(np.float32).tiny))))


def _half_logit(probability: np.ndarray) -> np.ndarray:
    return 0.5 * _logit(probability)


def _twice_expit(raw_prediction: np.ndarray) -> np.ndarray:
    return np.asarray(special.expit(2.0 * np.asarray(raw_prediction)))


IDENTITY = Link("identity", _same, _same)
LOGIT = Link("logit", _logit, special.expit)
SOFTMAX = Link("softmax", _log_probability, _softmax)
LOG = Link("log", _log, np.exp)
LOG1P = Link("log1p", np.log1p, np.expm1)
# AdaBoost's link: half of the log-odds.
HALF_LOGIT = Link("half logit", _half_logit, _twice_expit)


@dataclass(frozen=True)
class _Columns:
    """A function of each column. A class, since two functions made alike are not equal, as links must be."""

    functions: tuple[Callable[..., np.ndarray], ...]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        columns = np.moveaxis(np.asarray(values), -1, 0)
        return np.stack([of(column) for of, column in zip(self.functions, columns, strict=True)], axis=-1)


def joint_link(outputs: tuple[Output, ...]) -> Link:
    """Return the link of rows (n_samples, n_outputs): the one shared by all outputs, or each column's own.

    Examples
    --------
    >>> link = joint_link((Output("loc", IDENTITY), Output("scale", LOG)))
    >>> link, link.inverse([[3.0, 0.0]]).tolist()
    (<Link identity, log>, [[3.0, 1.0]])
    """
    links = [output.link for output in outputs]
    if all(link == links[0] for link in links):
        return links[0]

    forward, inverse = (_Columns(tuple(getattr(one, way) for one in links)) for way in ("forward", "inverse"))
    return Link(", ".join(link.name for link in links), forward, inverse)
