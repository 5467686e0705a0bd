"""Every loss, with targets to try it on: the one list that all property tests run through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from gbm_objectives import (
    AbsoluteError,
    AbsolutePercentageError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CategoricalFocal,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Fair,
    Focal,
    FormulaLoss,
    GammaDeviance,
    Hinge,
    Huber,
    LogCosh,
    Loss,
    MultiQuantile,
    PoissonDeviance,
    ProportionalOdds,
    PseudoHuber,
    Quantile,
    SigmoidSquaredError,
    SquaredError,
    SquaredHinge,
    SquaredLogError,
    Tukey,
    TweedieDeviance,
    WeightedCrossEntropy,
    Welsch,
)
from gbm_objectives.distributions import (
    Beta,
    FormulaDistribution,
    Gamma,
    Hurdle,
    Laplace,
    Logistic,
    LogLogistic,
    LogNormal,
    NegativeBinomial,
    Normal,
    StudentT,
    Weibull,
    ZeroInflated,
    ZeroInflatedPoisson,
)


@dataclass(frozen=True)
class Case:
    """A loss, the kind of its target, and where its derivatives jump."""

    loss: Loss
    # "real", "apart" (real, away from 0), "positive", "zeros" (or positive), "count", "share" (between 0 and 1),
    # "probability", "binary", "label", "distribution"
    target: str

    @property
    def is_number(self) -> bool:
        return self.target in ("real", "apart", "positive", "zeros", "count", "share")

    @property
    def id(self) -> str:
        return repr(self.loss) + ("" if self.target in ("real", "binary", "label") else f"-{self.target}")

    def targets(self, rng: np.random.Generator, n: int) -> np.ndarray:
        k = max(self.loss.n_outputs, self.loss.n_classes)
        return {
            "real": lambda: 3.0 * rng.standard_normal(n),
            "apart": lambda: rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 6.0, n),
            "positive": lambda: rng.gamma(2.0, 1.5, n) + 0.01,
            "zeros": lambda: np.where(np.arange(n) % 3 == 0, 0.0, rng.gamma(2.0, 1.5, n) + 0.01),
            "share": lambda: rng.uniform(0.02, 0.98, n),
            "count": lambda: rng.poisson(1.5, n).astype(float),
            "probability": lambda: rng.random(n),
            "binary": lambda: np.resize([0.0, 1.0, 1.0], n),
            "label": lambda: np.resize(np.arange(k), n),
            "distribution": lambda: rng.dirichlet(np.ones(k), n),
        }[self.target]()

    def raw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        k = self.loss.n_outputs
        # A spread of e⁹ or e⁻⁹ beside a target of 3 would leave float32 no digits.
        size = 1.0 if self.loss.outputs or self.loss.link.name == "log" else 3.0
        return size * rng.standard_normal(n if k == 1 else (n, k))

    def distance_to_kink(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Distance of each raw prediction from the nearest point where a derivative jumps."""
        if isinstance(self.loss, Laplace):
            return np.abs(raw[:, 0] - y)
        if isinstance(self.loss, MultiQuantile):
            return np.abs(raw - y[:, None]).min(axis=1)
        if isinstance(self.loss, (AbsoluteError, AbsolutePercentageError, Expectile, Fair, Quantile)):
            return np.abs(raw - y)
        if isinstance(self.loss, (EpsilonInsensitive, Tukey)):
            return np.abs(np.abs(raw - y) - (self.loss.epsilon if hasattr(self.loss, "epsilon") else self.loss.c))
        if isinstance(self.loss, Huber):
            return np.abs(np.abs(raw - y) - self.loss.delta)
        if isinstance(self.loss, (Hinge, SquaredHinge)):
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
    Case(Normal(score="crps"), "real"),
    Case(Laplace(), "real"),
    Case(StudentT(), "real"),
    Case(LogNormal(), "positive"),
    Case(Logistic(), "real"),
    Case(LogLogistic(), "positive"),
    Case(Gamma(), "positive"),
    Case(Weibull(), "positive"),
    Case(NegativeBinomial(), "count"),
    Case(ZeroInflatedPoisson(), "count"),
    Case(Beta(), "share"),
    Case(Hurdle(Gamma()), "zeros"),
    Case(Hurdle(Beta(), at=(0.0, 1.0)), "share"),
    Case(Hurdle(NegativeBinomial()), "count"),
    Case(ZeroInflated(NegativeBinomial()), "count"),
    Case(
        FormulaDistribution(
            "log(2/(pi*sqrt(3))) - log(scale) - 2*log(1 + ((y - loc)/scale)**2/3)",
            {"loc": "identity", "scale": "log"},
        ),
        "real",
    ),
    Case(MultiQuantile(alphas=(0.1, 0.5, 0.9)), "real"),
    Case(PseudoHuber(), "real"),
    Case(LogCosh(scale=2.0), "real"),
    Case(Fair(c=0.5), "real"),
    Case(Expectile(alpha=0.2), "real"),
    Case(SquaredLogError(), "count"),
    Case(AbsolutePercentageError(), "apart"),
    Case(EpsilonInsensitive(epsilon=0.5), "real"),
    Case(Cauchy(scale=2.0), "real"),
    Case(Welsch(scale=4.0), "real"),
    Case(Tukey(c=9.0), "real"),
    Case(PoissonDeviance(), "count"),
    Case(GammaDeviance(), "positive"),
    Case(TweedieDeviance(), "count"),
    Case(TweedieDeviance(power=1.0), "count"),
    Case(TweedieDeviance(power=2.0), "positive"),
    Case(WeightedCrossEntropy(positive_weight=3.0), "binary"),
    Case(Focal(), "binary"),
    Case(Focal(gamma=0.5, alpha=0.3), "binary"),
    Case(SquaredHinge(), "binary"),
    Case(Exponential(), "probability"),
    Case(Exponential(), "binary"),
    Case(CategoricalFocal(n_classes=3), "label"),
    Case(CategoricalFocal(n_classes=4), "distribution"),
    Case(FormulaLoss("sqrt(1 + (f - y)**2) - 1"), "real"),
    Case(BinaryCrossEntropy(smoothing=0.1), "binary"),
    Case(CategoricalCrossEntropy(n_classes=3, smoothing=0.1), "label"),
    Case(ProportionalOdds(n_classes=3), "label"),
    Case(ProportionalOdds(n_classes=4, hessian="exact"), "label"),
]


def real_data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Features and target of a real data set that scikit-learn ships."""
    if case.is_number:
        X, y = load_diabetes(return_X_y=True)
        # So that delta=1 is inside the range of the residuals.
        of_target = {"count": np.round(y / 10), "share": y / 400, "zeros": np.where(y < 100, 0.0, y / 10)}
        return X, of_target.get(case.target, y / 10)
    if case.loss.n_classes > 2:
        X, y = load_wine(return_X_y=True)
        return X, y
    X, y = load_breast_cancer(return_X_y=True)
    return X, y


# One case per loss for the slower tests that train; wine has three classes. Redescending losses are tried with a
# unit that leaves no row out.
TRAINABLE = [
    case
    for case in CASES
    if case.target != "probability"
    and (case.loss.n_outputs in (1, 3) or case.loss.outputs)
    and getattr(case.loss, "hessian", "auto") == "auto"
    and not getattr(case.loss, "smoothing", 0)
    and getattr(case.loss, "power", 1.5) == 1.5
]
