"""What driver, start and metric need from a loss: one protocol of facts and formulas."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from ..curvature import Pace
from .domain import Domain
from .links import Link, Output

__all__ = ["CurvatureKind", "Formulas", "Scale", "Scope"]

CurvatureKind = Literal[
    "exact", "gauss-newton", "bound", "majorizer", "consistent", "expected", "surrogate", "constant"
]
# What must be seen to compute the numbers of a row: that row alone; a summary of all rows; its query; all rows.
Scope = Literal["row", "summary", "query", "all"]


class Scale(NamedTuple):
    """What multiplies gradient and curvature of each output, and the least curvature after that."""

    factor: Any
    least: Any


class Formulas(Protocol):
    """The facts and formulas of a loss; `Loss` tells what each of them is."""

    @property
    def link(self) -> Link: ...

    @property
    def outputs(self) -> tuple[Output, ...]: ...

    @property
    def domain(self) -> Domain: ...

    @property
    def curvature_kind(self) -> CurvatureKind: ...

    @property
    def _pace(self) -> Pace: ...

    @property
    def _in_training(self) -> bool: ...

    @property
    def _scale(self) -> Scale | None: ...

    @property
    def _counts_far_rows(self) -> bool: ...

    @property
    def joint(self) -> bool: ...

    @property
    def n_outputs(self) -> int: ...

    @property
    def normalised(self) -> bool: ...

    @property
    def _share(self) -> float: ...

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray: ...

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray: ...

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def _gradient_block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> np.ndarray: ...

    def _check_domain(self, y: np.ndarray) -> None: ...
