"""`check_loss`: is a loss what it claims to be? Everything that can be checked numerically, for any loss."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..contract import Loss
from ..contract.links import LOGIT, SOFTMAX
from ..distributions import Distribution
from ..engines.parameters import require_loss
from ..sampling import SAMPLE_ROWS
from .behaviour import BEHAVIOUR
from .contract import FIRST, SECOND
from .distributions import DISTRIBUTIONS
from .formulas import FORMULAS
from .hazards import HAZARDS
from .joint import JOINT
from .oracle import ORACLE
from .targets import TARGETS
from .trial import Trial

__all__ = ["check_loss"]

ROWS = 60
PACKAGE = Path(__file__).parent.parent


def check_loss(
    loss: Loss,
    y_true: ArrayLike | None = None,
    raw_prediction: ArrayLike | None = None,
    group: ArrayLike | None = None,
) -> None:
    """Check a loss numerically, as scikit-learn's `check_estimator` checks an estimator.

    It checks the gradient against 4th-order differences of the loss, and the curvature against what
    `curvature_kind` says about it, also where targets are large or at an end of the domain; weights, the start
    value of few rows and of many, overflow far out, precision and memory layout of the input, the link and its
    inverse, the order of `outputs`, `pickle`, `clone` and `repr`, and that a loss which `classifies` tells labels
    apart. If all of this is right, it checks where training ends on each engine that is installed: on a feature
    with a few levels the best model is known, and little of what there is to gain over the best constant may be
    left. For a loss that is not convex this is required only where its values fall all the way.

    Of a distribution it checks that the loss is the whole logarithm of a density, which integrates to 1 where its
    frozen distribution says so, that the gradient's mean over draws is 0, and that the curvature is the mean of
    its square.

    For a loss with `columns` only the formulas are checked, on the targets given. For one whose rows belong
    together, one row is moved at a time, and queries must not see each other.

    Parameters
    ----------
    loss : Loss
        The loss to check.
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Targets to check it on, at least 10; by default numbers, probabilities or labels that the loss accepts.
    raw_prediction : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Raw predictions; by default normal ones of standard deviation 2, or 1 for `outputs` that are not classes.
    group : array-like of shape (n_queries,), optional
        The number of rows of each query, for losses of scope "query"; by default a third of the rows in each.

    Raises
    ------
    AssertionError
        A single error that lists everything that is wrong, with numbers.
    TypeError
        If `loss` is not a `Loss` of this package.
    ValueError
        If `y_true` or `raw_prediction` do not fit the loss.

    Warns
    -----
    UserWarning
        If the link is one of probabilities and `classifies` is not set: `GBMClassifier` refuses such a loss. If
        targets in units of 1e-6 or 1e6 are learnt too slowly: some size is fixed in the unit of the target.

    Examples
    --------
    >>> from gbm_objectives import Huber, check_loss
    >>> check_loss(Huber(delta=0.5))
    """
    _check_parameters(loss)
    require_loss(loss)
    y, raw = _sample(loss, y_true, raw_prediction)
    loss = loss.resolved(y)
    if group is None and loss.scope == "query":
        group = [len(part) for part in np.array_split(y, 3)]
    if group is not None:
        loss.pointwise(y, raw, group)  # raises if they do not fit
    if loss.scope == "summary" and not loss._smooths_by_summary:
        loss = loss.on(y, raw)  # one summary for all checks: each set of rows would have another one
    trial = Trial(loss, y, raw, None if group is None else np.asarray(group))
    # If formulas are wrong, where training ends says nothing new.
    rounds: Sequence[Sequence[Callable[[Trial], Iterator[str]]]]
    rounds = FIRST, (*SECOND, *FORMULAS, *BEHAVIOUR, *HAZARDS, *TARGETS, *DISTRIBUTIONS), ORACLE
    if loss.joint:
        rounds = (JOINT,)
    elif loss.columns:
        rounds = FIRST, (*SECOND, *FORMULAS)
    problems = next(filter(None, (_found(checks, trial) for checks in rounds)), [])
    if loss.link in (LOGIT, SOFTMAX) and not loss.classifies:
        warnings.warn(
            f"{loss!r} has the link of probabilities, but GBMClassifier takes it only if its class sets"
            " classifies = True: the sign of a raw prediction, or the largest of several, then tells labels apart",
            UserWarning,
            stacklevel=2,
        )
    if problems:
        raise AssertionError(f"{loss!r} has {len(problems)} problem(s):\n- " + "\n- ".join(problems))
    for remark in trial.remarks:
        warnings.warn(f"{loss!r}: {remark}", UserWarning, stacklevel=2)


def _check_parameters(loss: Loss) -> None:
    """Raise if the constructor does not keep its parameters: everything else relies on them."""
    try:
        loss.get_params()
    except AttributeError as error:
        raise AssertionError(
            f"{type(loss).__name__} must keep each parameter of its constructor under its name: {error}"
        ) from None
    except TypeError:
        pass  # a class, which `require_loss` reports


def _found(checks: Sequence[Callable[[Trial], Iterator[str]]], trial: Trial) -> list[str]:
    """Return what the checks find; an error raised by the loss is a finding, and the other checks still count."""
    problems: dict[str, str] = {}
    for check in checks:
        name = check.__name__.strip("_")
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                for problem in check(trial):
                    problems.setdefault(problem, name)
        except Exception as error:
            # The same error in several checks is one mistake.
            problems.setdefault(f"raises {type(error).__name__}: {error}{_where(error)}", name)
    return [f"{name}: {problem}" for problem, name in problems.items()]


def _where(error: Exception) -> str:
    """Return file and line of the last frame that is not this package's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(str(PACKAGE))]
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""


def _sample(
    loss: Loss, y_true: ArrayLike | None, raw_prediction: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and raw predictions: those given, after checks, or others that the loss accepts."""
    rng = np.random.default_rng(0)
    k = loss.n_outputs
    if y_true is None and isinstance(loss, Distribution) and not loss.columns:
        # Its own draws: a density may fall so fast that any other targets are absurd.
        raw = rng.standard_normal((ROWS, k)) if raw_prediction is None else np.asarray(raw_prediction)
        drawn = np.asarray(loss._frozen(loss.response(raw)).rvs(size=len(raw), random_state=0), dtype=np.float64)
        drawn = np.where(np.isfinite(drawn), drawn, np.nanmedian(drawn))  # a row may be beyond all numbers
        y_true, raw_prediction = np.clip(drawn, loss.domain.low, loss.domain.high), raw
    if y_true is None:
        # Every class must occur: the start value of a missing one is at infinity.
        classes = max(k, loss.n_classes, 2)
        labels = np.resize(np.arange(float(classes)), max(ROWS, 4 * classes))
        if loss.columns:
            raise ValueError(f"y_true is needed, with the columns {', '.join(loss.columns)} of {loss!r}")
        candidates = [] if loss.outputs or classes == 2 else [labels]
        candidates += [
            2.0 * rng.standard_normal(ROWS),
            rng.gamma(1.0, 2.0, ROWS),
            rng.uniform(0.01, 0.99, ROWS),
            np.resize([0.0, 1.0, 1.0], ROWS),
            rng.dirichlet(np.ones(k), ROWS),
        ]
        y = next((np.asarray(target) for target in candidates if loss.domain.accepts(np.asarray(target))), None)
        if y is None:
            raise ValueError(f"y_true is needed: {loss!r} accepts none of the usual targets")
    else:
        y = np.asarray(y_true, dtype=np.float64)
        loss.check_target(y)
        if len(y) > SAMPLE_ROWS and raw_prediction is None and not loss.joint:
            # Of more rows a loss looks at a sample, so that two calls would not agree.
            y = y[np.sort(rng.choice(len(y), SAMPLE_ROWS, replace=False))]
        if len(y) < 10:
            raise ValueError(f"y_true must have at least 10 rows, got {len(y)}")
    if raw_prediction is None:
        return y, (1.0 if loss.outputs else 2.0) * rng.standard_normal(len(y) if k == 1 else (len(y), k))
    raw = np.asarray(raw_prediction, dtype=np.float64)
    loss.resolved(y).pointwise(y, raw)  # raises if shapes do not fit
    return y, raw
