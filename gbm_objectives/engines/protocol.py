"""What every engine offers the estimators: a module with these functions, listed in `registry`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from ..contract import Loss
from ..validation import shown

__all__ = [
    "ClusterFitInputs",
    "DaskEngine",
    "Engine",
    "FitInputs",
    "Kind",
    "Trained",
    "classes_times",
    "positives_times",
]

# What a scikit-learn estimator is for.
Kind = Literal["classifier", "regressor", "ranker"]


@dataclass
class FitInputs:
    """What a scikit-learn `fit` hands to an engine: arrays or data frames, targets encoded as numbers."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    eval_sets: list[tuple[Any, np.ndarray, np.ndarray | None]] = field(default_factory=list)
    eval_names: Sequence[str] | None = None
    eval_metric: Any = None
    callbacks: Any = None
    model: Any = None  # to continue from
    offset: np.ndarray | None = None  # raw predictions that training adds to
    eval_offsets: list[np.ndarray | None] | None = None
    repeats: Sequence[bool] = ()  # whether an evaluation set is the training set, with its weights and offset
    group: np.ndarray | None = None  # the number of rows of each query
    eval_group: list[np.ndarray | None] | None = None
    aside: bool = False  # whether the evaluation set is rows put aside, with their weights
    n_iter_no_change: int | None = None  # rounds without improvement to stop after; None: as the estimator says
    options: dict[str, Any] = field(default_factory=dict)  # specific to this engine


def positives_times(data: FitInputs, factor: float, name: str) -> FitInputs:
    """Return the training with the weights of the rows of class 1 multiplied, as `classes_times` does.

    Raises
    ------
    ValueError
        If the target is not a binary label, or the factor is not above 0; `name` is the parameter that sets it.
    """
    if not np.isin(data.y, (0.0, 1.0)).all() or data.y.ndim != 1:
        raise ValueError(f"{name} of estimator is for labels of two classes: use sample_weight")
    if not 0.0 < factor < np.inf:
        raise ValueError(f"{name} of estimator must be above 0 and finite, got {shown(factor)}")
    return classes_times(data, np.array([1.0, factor]))


def classes_times(data: FitInputs, factors: np.ndarray) -> FitInputs:
    """Return the training with the weights of the rows of each class multiplied by the factor of the class.

    In evaluation sets, too, unless they were given weights of their own. If these counted otherwise, their loss
    would fall on as long as training makes the frequent class more likely, and early stopping would never stop.
    """

    def times(y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        by_row = factors[y.astype(np.intp)]
        return by_row if weight is None else by_row * weight

    sets = [
        (X, y, weight if y.ndim > 1 or not (weight is None or data.aside) else times(y, weight))
        for X, y, weight in data.eval_sets
    ]
    return replace(data, sample_weight=times(data.y, data.sample_weight), eval_sets=sets)


@dataclass
class ClusterFitInputs:
    """What a `fit` on a cluster hands to an engine."""

    client: Any
    # Name of the target in messages, and (X, y, sample_weight) as Dask collections: the training set, then
    # evaluation sets.
    sets: list[tuple[str, tuple[Any, Any, Any]]]
    eval_names: Sequence[str] | None = None
    eval_metric: Any = None
    callbacks: Any = None
    repeats: Sequence[bool] = ()  # whether an evaluation set is the training set, with its weights
    options: dict[str, Any] = field(default_factory=dict)  # specific to this engine


@dataclass
class Trained:
    """What an engine hands back."""

    booster: Any
    evals_result: dict[str, dict[str, list[float]]]
    best_iteration: int | None  # the best number of rounds, counted from 1 whatever the engine does
    sample_weight: np.ndarray | None = None  # of the rows, where the estimator's parameters change those given


class Engine(Protocol):
    """A gradient boosting library behind the estimators."""

    @property
    def FIRST_ROUND(self) -> int:
        """The number of the first round, as the engine itself counts."""

    @property
    def QUIET(self) -> dict[str, Any]:
        """Parameters of its estimators with which it prints nothing."""

    def default_estimator(self, kind: Kind) -> Any:
        """Return its scikit-learn estimator of a kind with its own defaults."""

    def stops_early(self, estimator: Any, callbacks: Any) -> bool:
        """Return whether the estimator's parameters or callbacks ask for early stopping."""

    def train_estimator(self, estimator: Any, loss: Loss, data: FitInputs) -> Trained:
        """Train a complete model with the estimator's parameters."""

    def predict_raw(self, booster: Any, X: Any, estimator: Any, n_rounds: int | None = None) -> np.ndarray:
        """Return the raw prediction of `n_rounds` rounds; by default of all, up to the best one if any."""

    def n_rounds(self, booster: Any) -> int:
        """Return the number of rounds that a native model holds."""

    def importances(self, booster: Any, kind: str | None, output: int | None) -> np.ndarray:
        """Return the importance of each feature in the trees of an output, or in all of them."""

    def estimator_with_model(
        self, estimator: Any, trained: Trained, classes: np.ndarray | None, n_features: int
    ) -> Any:
        """Put the model into an estimator, a copy of the user's, and return it."""

    def check_model(self, booster: Any, loss: Loss, n_features: int) -> None:
        """Raise a `ValueError` unless a model has the loss's outputs and link, and `n_features` features."""

    def to_text(self, booster: Any) -> str:
        """Return the native model as text."""

    def from_text(self, text: str) -> Any:
        """Return the native model that a text holds."""


class DaskEngine(Protocol):
    """What trains an engine's models on a Dask cluster."""

    def local_estimator(self, estimator: Any, classifier: bool) -> Any:
        """Return the single-machine estimator with the parameters of a Dask estimator."""

    def class_factors(self, estimator: Any, n_negative: int, n_positive: int) -> tuple[float, float]:
        """Return the factors by which an estimator's parameters multiply the weights of labels 0 and 1."""

    def train_estimator(self, estimator: Any, loss: Loss, data: ClusterFitInputs) -> tuple[Trained, Loss]:
        """Train a complete model with a local estimator's parameters; also return the loss without "auto"."""
