"""The Laplace distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract.links import IDENTITY, LOG, Output
from ..losses.residual import weighted_quantile
from .base import LARGEST_LOG, log_spread
from .location_scale import LocationScale
from .standard import LAPLACE

__all__ = ["Laplace"]


class Laplace(LocationScale):
    """Laplace distribution of the target with a median μ and a mean deviation b for each row.

    Domain: finite numbers. Outputs: "loc", μ on the identity link, and "scale", b on the log link. With
    z = (y_true - μ)/b::

        loss       log(2 b) + |z|
        gradient   -sign(z)/b, 1 - |z|
        curvature  1/b², 1            expected; the second over `scale_step`

    Start: median of the target, and the mean deviation from it.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that b takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Kotz, Kozubowski and Podgórski (2001). *The Laplace Distribution and Generalizations*, section 2.6.

    Examples
    --------
    >>> loss = Laplace()
    >>> loss.pointwise([0.0], [[0.0, 0.0]])  # log 2
    array([0.69314718])
    >>> loss.initial_raw([-1.0, 0.0, 4.0]).round(4).tolist()  # log(5/3)
    [0.0, 0.5108]
    """

    standard = LAPLACE
    outputs = (Output("loc", IDENTITY), Output("scale", LOG))
    _reach = (np.inf, LARGEST_LOG)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        median = weighted_quantile(y_true, 0.5, sample_weight)
        deviation = float(np.average(np.abs(y_true - median), weights=sample_weight))
        return np.array([median, log_spread(deviation, median)])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.laplace(parameters[:, 0], parameters[:, 1])
