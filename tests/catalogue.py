"""Every loss, with targets to try it on: the one list that all property tests run through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Hinge,
    Huber,
    Loss,
    Quantile,
    SigmoidSquaredError,
    SquaredError,
)
from gbm_objectives.distributions import Normal


@dataclass(frozen=True)
class Case:
    """A loss, the kind of its target, and where its derivatives jump."""

    loss: Loss
    target: str  # "real", "probability", "binary", "label", "distribution"

    @property
    def id(self) -> str:
        return repr(self.loss) + ("" if self.target in ("real", "binary", "label") else f"-{self.target}")

    def targets(self, rng: np.random.Generator, n: int) -> np.ndarray:
        k = self.loss.n_outputs
        return {
            "real": lambda: 3.0 * rng.standard_normal(n),
            "probability": lambda: rng.random(n),
            "binary": lambda: np.resize([0.0, 1.0, 1.0], n),
            "label": lambda: np.resize(np.arange(k), n),
            "distribution": lambda: rng.dirichlet(np.ones(k), n),
        }[self.target]()

    def raw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        k = self.loss.n_outputs
        # A spread of e⁹ or e⁻⁹ beside a target of 3 would leave float32 no digits.
        size = 1.0 if self.loss.outputs else 3.0
        return size * rng.standard_normal(n if k == 1 else (n, k))

    def distance_to_kink(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Distance of each raw prediction from the nearest point where a derivative jumps."""
        if isinstance(self.loss, (AbsoluteError, Quantile)):
            return np.abs(raw - y)
        if isinstance(self.loss, Huber):
            return np.abs(np.abs(raw - y) - self.loss.delta)
        if isinstance(self.loss, Hinge):
            return np.abs(np.abs(raw) - 1.0)
        return np.full(len(y), np.inf)


CASES = [
    Case(SquaredError(), "real"),
    Case(AbsoluteError(), "real"),
    Case(Huber(), "real"),
    Case(Huber(delta=0.1), "real"),
    Case(Quantile(alpha=0.1), "real"),
    Case(Quantile(alpha=0.9), "real"),
    Case(BinaryCrossEntropy(), "binary"),
    Case(BinaryCrossEntropy(), "probability"),
    Case(SigmoidSquaredError(), "binary"),
    Case(SigmoidSquaredError(), "probability"),
    Case(SigmoidSquaredError(hessian="majorizer"), "binary"),
    Case(CategoricalCrossEntropy(n_classes=3), "label"),
    Case(CategoricalCrossEntropy(n_classes=4), "distribution"),
    Case(Hinge(), "binary"),
    Case(Quantile(alpha=0.97, hessian="majorizer"), "real"),
    Case(AbsoluteError(hessian="constant"), "real"),
    Case(BinaryCrossEntropy(hessian="majorizer"), "probability"),
    Case(BinaryCrossEntropy(hessian="constant"), "binary"),
    Case(CategoricalCrossEntropy(n_classes=3, hessian="majorizer"), "label"),
    Case(Hinge(hessian="constant"), "binary"),
    Case(Normal(), "real"),
]


def real_data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Features and target of a real data set that scikit-learn ships."""
    if case.target == "real":
        X, y = load_diabetes(return_X_y=True)
        return X, y / 10  # so that delta=1 is inside the range of the residuals
    if case.loss.n_outputs > 1:
        X, y = load_wine(return_X_y=True)
        return X, y
    X, y = load_breast_cancer(return_X_y=True)
    return X, y


# One case per loss for the slower tests that train; wine has three classes.
TRAINABLE = [
    case
    for case in CASES
    if case.target != "probability"
    and (case.loss.n_outputs in (1, 3) or case.loss.outputs)
    and getattr(case.loss, "hessian", "auto") == "auto"
]
