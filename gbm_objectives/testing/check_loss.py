"""`check_loss`: is a loss what it says? Everything that can be checked by numbers, of our losses and of yours."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from ..engines.common import require_loss
from ..losses import Loss
from ..losses.links import LOGIT, SOFTMAX
from .behaviour import BEHAVIOUR
from .formulas import FORMULAS
from .trial import Trial

__all__ = ["check_loss"]

ROWS = 60


def check_loss(loss: Loss, y_true: ArrayLike | None = None, raw_prediction: ArrayLike | None = None) -> None:
    """Check a loss by numbers, as scikit-learn's `check_estimator` checks an estimator.

    The gradient against 4th-order differences of the loss, the curvature against what `curvature_kind` says of it,
    weights, the start value, overflow far out, precision and memory layout of the input, `pickle`, `clone` and
    `repr`, that a loss which `classifies` tells labels apart, and a short training on each engine that is
    installed.

    Parameters
    ----------
    loss : Loss
        The loss to check.
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Targets to check it on, at least 10; numbers, probabilities or labels that the loss accepts otherwise.
    raw_prediction : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Raw predictions; normal ones of standard deviation 2 otherwise.

    Raises
    ------
    AssertionError
        One error that lists all that is wrong, with numbers.
    TypeError
        If `loss` is no loss of this package's kind.
    ValueError
        If `y_true` or `raw_prediction` do not fit the loss.

    Warns
    -----
    UserWarning
        If the link is that of probabilities and `classifies` is not set: `GBMClassifier` refuses such a loss.

    Examples
    --------
    >>> from gbm_objectives import Huber, check_loss
    >>> check_loss(Huber(delta=0.5))
    """
    require_loss(loss)
    y, raw = _sample(loss, y_true, raw_prediction)
    trial = Trial(loss, y, raw)
    problems = []
    for check in (*FORMULAS, *BEHAVIOUR):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                problems += [f"{check.__name__.strip('_')}: {problem}" for problem in check(trial)]
        except Exception as error:  # an error of the loss is a finding, and the other checks still count
            problems.append(f"{check.__name__.strip('_')}: raises {type(error).__name__}: {error}")
    if loss.link in (LOGIT, SOFTMAX) and not loss.classifies:
        warnings.warn(
            f"{loss!r} has the link of probabilities, but GBMClassifier takes it only if its class sets"
            " classifies = True: the sign of a raw prediction, or the largest of several, then tells labels apart",
            UserWarning,
            stacklevel=2,
        )
    if problems:
        raise AssertionError(f"{loss!r} has {len(problems)} problem(s):\n- " + "\n- ".join(problems))


def _sample(
    loss: Loss, y_true: ArrayLike | None, raw_prediction: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and raw predictions: those given, checked, or others that the loss accepts."""
    rng = np.random.default_rng(0)
    k = loss.n_outputs
    if y_true is None:
        candidates = [
            2.0 * rng.standard_normal(ROWS),
            rng.gamma(1.0, 2.0, ROWS),
            rng.uniform(0.01, 0.99, ROWS),
            np.resize([0.0, 1.0, 1.0], ROWS),
            np.resize(np.arange(float(max(k, 2))), ROWS),
            rng.dirichlet(np.ones(k), ROWS),
        ]
        y = next((np.asarray(target) for target in candidates if _accepts(loss, target)), None)
        if y is None:
            raise ValueError(f"y_true is needed: {loss!r} accepts none of the usual targets")
    else:
        y = np.asarray(y_true, dtype=np.float64)
        loss.check_target(y)
        if len(y) < 10:
            raise ValueError(f"y_true must have at least 10 rows, got {len(y)}")
    if raw_prediction is None:
        return y, 2.0 * rng.standard_normal(len(y) if k == 1 else (len(y), k))
    raw = np.asarray(raw_prediction, dtype=np.float64)
    loss.pointwise(y, raw)  # raises if shapes do not fit
    return y, raw


def _accepts(loss: Loss, target: np.ndarray) -> bool:
    try:
        loss.check_target(target)
    except ValueError:
        return False
    return True
