"""Integrals over densities that are known by their logarithm alone: where the probability is, and nodes there.

A density may be anywhere, as narrow or as heavy-tailed as its parameters make it. So it is taken to the whole line
by the logarithm or the logit of the target, its peak is sought on a grid that is fine near the parameters and
coarse far away, then between the best point's neighbours, and so on. From the peak, each side has a width of its
own w, up to where the density has fallen to 1/e. With x = peak ± w sinh u, light tails end near u = 4, and those
of a power of x fall exponentially in u, so that the same Gauss-Legendre nodes in u serve all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from ..contract.domain import LARGEST, SMALLEST, Domain

__all__ = ["LARGEST_SHARE", "MOST_LOST", "SCALES", "Nodes", "nodes_of", "scale_of"]

# From the whole line to the target, and the logarithm of its slope.
SCALES: dict[str, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray], Callable[..., np.ndarray]]] = {
    "real": (lambda x: x, lambda y: y, np.zeros_like),
    "positive": (np.exp, np.log, lambda x: x),
    "probability": (special.expit, special.logit, lambda x: special.log_expit(x) + special.log_expit(-x)),
}
# The engines keep targets as float32, whose largest number below 1 this is.
LARGEST_SHARE = float(np.nextafter(np.float32(1.0), np.float32(0.0)))
# Distances from a parameter at which a peak is looked for, and from the peak at which the density has fallen.
DISTANCES = np.exp(np.arange(-40.0, 42.0))
WIDTHS = np.exp(np.arange(-60.0, 60.5, 0.5))
ZOOM = np.linspace(-1.0, 1.0, 33)
ZOOMS = 8  # each to a sixteenth: to 1e-10 of the distance between two points of the grid
# Ends of panels in u: beyond 4.5, only tails of powers are left.
PANELS = np.concatenate([np.arange(0.0, 4.5, 0.25), np.arange(4.5, 36.1, 1.5)])
N_NODES = 6
# A density may have so much of its probability where there are no floating-point numbers, such as above 1 - 1e-16;
# the rest is then all that targets can be. With more, nothing is said of the row.
MOST_LOST = 0.2


@dataclass(frozen=True)
class Nodes:
    """Nodes for integrals over the densities of some rows.

    Parameters
    ----------
    peak : ndarray of shape (n_rows,)
        The peak of each density, on the whole line.
    width : ndarray of shape (2, n_rows)
        The widths below and above.
    x : ndarray of shape (n_rows, n_nodes)
        The nodes, ascending.
    mass : ndarray of shape (n_rows, n_nodes)
        The probability at each of them.
    """

    peak: np.ndarray
    width: np.ndarray
    x: np.ndarray
    mass: np.ndarray

    @cached_property
    def below(self) -> np.ndarray:
        """The probability below each end of a panel, ascending, (n_rows, n_ends)."""
        return self._ends(self.mass)

    @cached_property
    def above(self) -> np.ndarray:
        """The probability above each end of a panel."""
        return self._ends(self.mass[:, ::-1])[:, ::-1]

    @staticmethod
    def _ends(mass: np.ndarray) -> np.ndarray:
        of_panels = mass.reshape(len(mass), -1, N_NODES).sum(axis=2)
        return np.concatenate([np.zeros((len(mass), 1)), np.cumsum(of_panels, axis=1)], axis=1)


def nodes_of(log_density: Callable[[np.ndarray], np.ndarray], scale: str, near: np.ndarray) -> Nodes:
    """Return nodes for each row's density, taken to the whole line.

    Parameters
    ----------
    log_density : callable
        From targets, (n_rows, n_points), to the logarithm of each row's density.
    scale : {"real", "positive", "probability"}
        What the targets are.
    near : ndarray of shape (n_rows, n_guesses)
        Where on the line a peak may be.

    Returns
    -------
    Nodes
        The nodes.
    """
    to_target, _, log_slope = SCALES[scale]

    def height(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            values = log_density(to_target(x)) + log_slope(x)
        return np.where(np.isnan(values) | (values == np.inf), -np.inf, values)

    offsets = np.concatenate([-DISTANCES[::-1], [0.0], DISTANCES])
    grid = np.sort((near[:, :, None] + offsets).reshape(len(near), -1), axis=1)
    rows = np.arange(len(near))
    for zoom in range(1 + ZOOMS):
        best = np.argmax(height(grid), axis=1)
        peak = grid[rows, best]
        low = peak - grid[rows, np.maximum(best - 1, 0)]
        high = grid[rows, np.minimum(best + 1, grid.shape[1] - 1)] - peak
        if zoom < ZOOMS:
            grid = peak[:, None] + np.where(ZOOM < 0.0, low[:, None], high[:, None]) * ZOOM
    top = height(peak[:, None])
    u, weight = _panels()
    parts = []
    widths = []
    for sign in (-1.0, 1.0):
        fallen = top - height(peak[:, None] + sign * WIDTHS) >= 1.0
        width = WIDTHS[np.where(fallen.any(axis=1), fallen.argmax(axis=1), len(WIDTHS) - 1)]
        x = peak[:, None] + sign * width[:, None] * np.sinh(u)
        with np.errstate(over="ignore"):
            mass = np.exp(height(x)) * weight * width[:, None] * np.cosh(u)
        widths.append(width)
        parts.append((x, np.where(np.isfinite(mass), mass, 0.0)))
    (x_low, mass_low), (x_high, mass_high) = parts
    return Nodes(
        peak,
        np.array(widths),
        np.concatenate([x_low[:, ::-1], x_high], axis=1),
        np.concatenate([mass_low[:, ::-1], mass_high], axis=1),
    )


def scale_of(domain: Domain) -> str:
    """Return the name of the scale of a domain: all numbers, those above 0 or those between 0 and 1."""
    if domain.accepts(np.array([0.5])):
        if domain.low == -LARGEST and domain.high == LARGEST:
            return "real"
        if 0.0 <= domain.low <= SMALLEST and domain.high in (LARGEST, 1.0, LARGEST_SHARE):
            return "positive" if domain.high == LARGEST else "probability"
    raise NotImplementedError(
        f"of targets that are {domain}, neither quantiles nor means are known: define _frozen, which returns"
        " SciPy's frozen distribution or an object with its methods"
    )


def _panels() -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Legendre nodes and weights in u, of all panels."""
    node, weight = np.polynomial.legendre.leggauss(N_NODES)
    half = 0.5 * np.diff(PANELS)[:, None]
    middle = 0.5 * (PANELS[1:] + PANELS[:-1])[:, None]
    return (middle + half * node).ravel(), (half * weight).ravel()
