"""What the author of a loss imports: `Loss`, links, domains, noises and outputs; no family, no engine."""

from .calling import Metric
from .domain import (
    BINARY,
    COUNTS,
    NON_NEGATIVE,
    POSITIVE,
    REAL,
    UNIT_INTERVAL,
    Domain,
    class_labels,
    labels_or_distributions,
)
from .links import HALF_LOGIT, IDENTITY, LOG, LOG1P, LOGIT, SOFTMAX, Link, Output
from .loss import CurvatureKind, Loss, Scope
from .noise import BERNOULLI, CATEGORICAL, GAMMA, LAPLACE, NORMAL, POISSON, Noise
from .rows import Rows

__all__ = [
    "BERNOULLI",
    "BINARY",
    "CATEGORICAL",
    "COUNTS",
    "GAMMA",
    "HALF_LOGIT",
    "IDENTITY",
    "LAPLACE",
    "LOG",
    "LOG1P",
    "LOGIT",
    "NON_NEGATIVE",
    "NORMAL",
    "POISSON",
    "POSITIVE",
    "REAL",
    "SOFTMAX",
    "UNIT_INTERVAL",
    "CurvatureKind",
    "Domain",
    "Link",
    "Loss",
    "Metric",
    "Noise",
    "Output",
    "Rows",
    "Scope",
    "class_labels",
    "labels_or_distributions",
]
