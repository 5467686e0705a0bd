"""Links: from the response scale to the raw prediction and back, in each engine's words.

Training needs only the loss. A *saved* model needs the link too, or the stock engine would serve raw
scores; so each link carries the name of the built-in objective that has it, in both engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

__all__ = ["IDENTITY", "LOG", "LOGIT", "SOFTMAX", "Link"]

# Engines hold float32: closer to 0 or 1 than this a probability is not told from 0 or 1 itself, and its
# logit or logarithm is infinite (a class that never occurs, a target with a single label).
EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Link:
    """A link function, its inverse, and the built-in objectives that share it.

    Parameters
    ----------
    name : str
        Name of the link.
    forward : callable
        From the response scale to the raw prediction, element by element (softmax: row by row).
    inverse : callable
        From the raw prediction to the response scale.
    lightgbm, xgboost : str
        The built-in objective with this inverse link, as the engine's saved model spells it;
        ``{n_outputs}`` stands for the number of classes.

    Examples
    --------
    >>> from gbm_objectives.links import LOGIT
    >>> float(LOGIT.inverse(LOGIT.forward(0.25)))
    0.25
    """

    name: str
    forward: Callable[..., np.ndarray]
    inverse: Callable[..., np.ndarray]
    lightgbm: str
    xgboost: str

    def __repr__(self) -> str:
        return f"<Link {self.name}>"


def _same(values: np.ndarray) -> np.ndarray:
    return np.asarray(values)


def _logit(probability: np.ndarray) -> np.ndarray:
    return np.asarray(special.logit(np.clip(probability, EPSILON, 1 - EPSILON)))


def _softmax(raw_prediction: np.ndarray) -> np.ndarray:
    return np.asarray(special.softmax(raw_prediction, axis=-1))


def _log_probability(probability: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(probability, EPSILON)))


def _log(mean: np.ndarray) -> np.ndarray:
    # A mean of 0 (no event at all) would start at minus infinity.
    return np.asarray(np.log(np.maximum(mean, float(np.finfo(np.float32).tiny))))


IDENTITY = Link("identity", _same, _same, "regression", "reg:squarederror")
LOGIT = Link("logit", _logit, special.expit, "binary sigmoid:1", "binary:logistic")
SOFTMAX = Link("softmax", _log_probability, _softmax, "multiclass num_class:{n_outputs}", "multi:softprob")
# Not "count:poisson": it brings max_delta_step=0.7 along, which would bend the training.
LOG = Link("log", _log, np.exp, "poisson", "reg:gamma")
