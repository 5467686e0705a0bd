"""Estimators fitted on a Dask cluster.

The result is the same model as on one machine, in memory: `_fit` of the base class asks this module to train it,
and everything else knows nothing of a cluster. Dask is imported where it is used: it is an extra.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.class_weight import compute_class_weight

from ..contract import Loss
from ..contract.noise import Noise
from ..contract.rows import are_numbered, check_order, in_columns, names_of, without_rows
from ..engines.data_sets import require_rows_alone
from ..engines.protocol import ClusterFitInputs, DaskEngine
from ..engines.registry import engine_of
from ..sampling import SAMPLE_ROWS, sample_rows
from ..validation import shown
from .class_order import categories_in_order
from .fit_inputs import (
    EVAL_OFFSET_NAMES,
    EVAL_WEIGHT_NAMES,
    INSTEAD_OF_WEIGHTS,
    MODEL_NAMES,
    OFFSET_NAMES,
    counted_labels,
    eval_pairs,
    one_of,
)
from .fitted import keep
from .lazy import is_collection, without_client
from .trainee import Trainee
from .validation_rows import check_validation, puts_aside

__all__ = ["fit_on_cluster"]

QUERY_NAMES = ("group", "qid", "eval_group", "eval_qid")


def fit_on_cluster(
    model: Trainee,
    engine: DaskEngine,
    X: Any,
    y: Any,
    sample_weight: Any,
    eval_set: Any,
    fit_params: dict[str, Any],
) -> None:
    """Fit one of our estimators to rows that are spread over a cluster; see `BaseGBM.fit`."""
    from ..engines.cluster.partitions import persisted

    if puts_aside(model):
        raise TypeError("validation_fraction is not supported on a cluster: give an eval_set")
    if model.n_iter_no_change is not None:
        raise TypeError("n_iter_no_change is not supported on a cluster: give the engine's own parameter")
    check_validation(model, fit_params.pop("groups", None), [])
    if model._knows_loss():
        model._choose_loss()
        model.target_names_in_ = names_of(y)
        require_rows_alone(model.loss_)
    for name in (*OFFSET_NAMES, *EVAL_OFFSET_NAMES, *MODEL_NAMES, *QUERY_NAMES):
        if fit_params.get(name) is not None:
            hint = "; for exposure use rates and weights" if name in (*OFFSET_NAMES, *EVAL_OFFSET_NAMES) else ""
            raise TypeError(f"{name} is not supported on a cluster{hint}")
    local = engine.local_estimator(model.estimator, is_classifier(model))
    _, of_one_machine = engine_of(local)
    named = _collections(
        model, X, y, sample_weight, eval_pairs(eval_set, fit_params), one_of(fit_params, EVAL_WEIGHT_NAMES)
    )
    for name, (features, target, _) in named:
        _check_features(model, features, name)
        if model._knows_loss() and are_numbered(model.loss_.columns):
            check_order(model.target_names_in_, names_of(target), "of y")
    repeats = [
        features is named[0][1][0] and target is named[0][1][1] and (weight is None or weight is named[0][1][2])
        for _, (features, target, weight) in named[1:]
    ]
    client = _client_of(model.estimator)
    named = [(name, persisted(client, *rows)) for name, rows in named]
    counts = _prepare(model, client, named[0][1][1])
    by_class = _by_class(model, engine, local, counts)
    sets = []
    for i, (name, (features, target, weight)) in enumerate(named):
        # As on one machine, class weights act where there are no weights of an evaluation set.
        factors = by_class if i == 0 or weight is None else None
        sets.append((name, (features, *_encoded(model, client, name, target, weight, factors))))
    data = ClusterFitInputs(
        client,
        sets,
        fit_params.pop("eval_names", None),
        fit_params.pop("eval_metric", None),
        fit_params.pop("callbacks", None),
        repeats,
        fit_params,
    )
    if data.eval_names is not None and len(data.eval_names) != len(sets) - 1:
        raise ValueError(f"eval_names has {len(data.eval_names)} entries for {len(sets) - 1} evaluation sets")
    trained, model.loss_ = engine.train_estimator(local, model.loss_, data)
    own, last = sets[0][1], sets[-1][1]
    keep(
        model,
        of_one_machine,
        local,
        trained,
        lambda: _resolved(model, client, *own),
        lambda: _mean_loss(model, client, *last),
        lambda noise: _outside(noise, client, own[1]),
        lambda: _some_targets(client, *own[1:]),
    )
    model._look_at(_some_targets(client, *own[1:])[0])


def _some_targets(client: Any, y: Any, weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return targets, and weights, of equally many rows of each partition; of all rows if they are few."""
    from dask.delayed import delayed

    from ..engines.cluster.partitions import partitions

    parts = partitions(y)
    weights = [None] * len(parts) if weight is None else partitions(weight)
    most = max(1, SAMPLE_ROWS // len(parts))
    tasks = [delayed(_some)(most, *part) for part in zip(parts, weights, strict=True)]
    some = [part for part in client.gather(client.compute(tasks)) if part is not None]
    return np.concatenate([y for y, *_ in some]), np.concatenate([weight for _, weight, _ in some])


def _some(most: int, y: np.ndarray, weight: Any) -> tuple[np.ndarray, np.ndarray, slice | np.ndarray] | None:
    """Return targets and weights of rows that represent all of a partition, if it has any, and which they are."""
    if not len(y):
        return None
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    rows = sample_rows(len(y), weight, most=most)
    return y[rows], weight[rows] * (len(y) / len(y[rows])), rows


def _client_of(estimator: Any) -> Any:
    """Return the client that a Dask estimator was given, or the current one."""
    from distributed import get_client

    # XGBoost's estimator looks for the current one itself when it is asked for its client.
    client = getattr(estimator, "_client", None) or estimator.get_params().get("client")
    if client is not None:
        return client
    try:
        return get_client()
    except ValueError:
        raise ValueError(
            "a Dask estimator needs a client: make a distributed.Client, or give it client="
        ) from None


def _collections(
    model: Trainee, X: Any, y: Any, sample_weight: Any, pairs: Any, weights: Any
) -> list[tuple[str, tuple[Any, Any, Any]]]:
    """Return the rows to train on and the evaluation sets, each with the name of its target for messages."""
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    from ..engines.cluster.partitions import check_collections

    sets = [("y", (X, y, sample_weight))]
    if pairs is not None:
        alone = isinstance(pairs, tuple) and len(pairs) == 2 and is_collection(pairs[0])
        pairs = [pairs] if alone else list(pairs)
        weights = [weights] if alone and is_collection(weights) else weights
        if weights is not None and len(weights) != len(pairs):
            raise ValueError(f"eval_sample_weight has {len(weights)} entries for {len(pairs)} evaluation sets")
        for i, pair in enumerate(pairs):
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise ValueError(f"eval_set[{i}] must be a pair (X, y)")
            sets.append((f"eval_set[{i}]", (*pair, None if weights is None else weights[i])))
    columns = model.loss_.columns if model._knows_loss() else ()
    # The same collection stays the same one: a set may be the training set.
    targets = {id(target): model._collected(target) for _, (_, target, _) in sets}
    sets = [(name, (features, targets[id(target)], weight)) for name, (features, target, weight) in sets]
    for name, given in sets:
        check_collections(name, *given, columns)
    return sets


def _check_features(model: Trainee, X: Any, name: str) -> None:
    """Let scikit-learn check the number and names of the features."""
    try:
        model._features(X._meta if hasattr(X, "_meta_nonempty") else np.zeros((1, X.shape[1])), reset=name == "y")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _prepare(model: Trainee, client: Any, y: Any) -> np.ndarray | None:
    """Set a model's `loss_` (and `classes_`), and return how often each class occurs."""
    from dask.delayed import delayed

    from ..engines.cluster.partitions import first_message, partitions

    if model._knows_loss():
        return None
    found = client.gather(client.compute([delayed(_labels)(part) for part in partitions(y)]))
    first_message("y", [message for *_, message in found])
    labels: Any = np.concatenate([labels for labels, *_ in found if len(labels)])
    # As it is on one machine, where all labels are at hand.
    if (in_order := categories_in_order(y)) is not None:
        import pandas as pd

        labels = pd.Categorical(labels, in_order, ordered=True)
    codes = model._prepare(labels).astype(np.intp)
    times = np.concatenate([times for _, times, _ in found if len(times)])
    return np.bincount(codes, times, len(model.classes_)).astype(np.int64)


def _labels(y: Any) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the labels of a partition, how often each occurs, and what is wrong with them."""
    try:
        return *counted_labels(np.asarray(y)), ""
    except ValueError as error:
        return np.empty(0), np.empty(0), str(error)


def _by_class(model: Trainee, engine: DaskEngine, estimator: Any, counts: np.ndarray | None) -> np.ndarray | None:
    """Return the factors for the weights of each class's rows; None if they stay unchanged."""
    if counts is None or len(counts) != 2:
        # Asked with unequal counts, so that a parameter that balances them shows.
        if engine.class_factors(estimator, 1, 2) != (1.0, 1.0):
            raise ValueError(
                "scale_pos_weight and is_unbalance of estimator are for labels of two classes: use sample_weight"
            )
        factors = np.ones(0 if counts is None else len(counts))
    else:
        factors = np.array(engine.class_factors(estimator, *counts.tolist()))
        if not (np.isfinite(factors).all() and (factors > 0).all()):
            raise ValueError(f"scale_pos_weight of estimator must be above 0 and finite, got {shown(factors[1])}")
    class_weight = getattr(model, "class_weight", None)
    if class_weight is None:
        class_weight = getattr(estimator, "class_weight", None)
    if counts is None and class_weight is not None:
        raise ValueError(f"class_weight must be left out where a row has several labels: {INSTEAD_OF_WEIGHTS}")
    if counts is not None and class_weight is not None:
        if isinstance(class_weight, str) and class_weight == "balanced":
            # Classes without rows do not count, as on one machine.
            factors = factors * counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
        else:
            factors = factors * compute_class_weight(class_weight, classes=model.classes_, y=model.classes_)
    return None if (factors == 1.0).all() else factors


def _encoded(
    model: Trainee, client: Any, name: str, y: Any, weight: Any, by_class: np.ndarray | None
) -> tuple[Any, Any]:
    """Return the target as numbers, and the weights, lazily, after checking each partition."""
    from dask.delayed import delayed

    from ..engines.cluster.partitions import first_message, partitions, vector

    bare, parts = delayed(without_client(model)), partitions(y)
    weights: Sequence[Any] = [None] * len(parts) if weight is None else partitions(weight)
    if len(weights) != len(parts):
        raise ValueError(f"{name}: the target has {len(parts)} partitions, its weights {len(weights)}")
    tries = [delayed(_try_encode)(bare, part, w) for part, w in zip(parts, weights, strict=True)]
    first_message(name, client.gather(client.compute(tries)))
    codes = [delayed(_encode)(bare, part) for part in parts]
    if by_class is not None:
        weighed = [delayed(_weighed)(by_class, code, w) for code, w in zip(codes, weights, strict=True)]
        weight = vector(client, weighed)
    return vector(client, codes, model.loss_.columns), weight


def _try_encode(model: Trainee, y: Any, weight: Any) -> str:
    """Return what is wrong with the targets of a partition, or with the shape of their weights."""
    if weight is not None and weight.shape != (len(y),):
        return f"sample_weight has shape {weight.shape}, the target has {len(y)} rows"
    try:
        _encode(model, y)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _encode(model: Trainee, y: Any) -> np.ndarray:
    columns = model.loss_.columns
    codes: np.ndarray = model._encode(np.asarray(in_columns(y, columns, "y"))) if len(y) else without_rows(columns)
    return codes


def _weighed(by_class: np.ndarray, codes: np.ndarray, weight: Any) -> np.ndarray:
    factors: np.ndarray = by_class[codes.astype(np.intp)]
    return factors if weight is None else factors * np.asarray(weight)


def _mean_loss(model: Trainee, client: Any, X: Any, y: Any, weight: Any) -> float:
    """Return the weighted mean loss of the rows of all partitions."""
    from dask.delayed import delayed

    from ..engines.cluster.partitions import partitions

    parts = partitions(X)
    weights = [None] * len(parts) if weight is None else partitions(weight)
    bare = delayed(without_client(model))
    rows = zip(parts, partitions(y), weights, strict=True)
    sums = client.gather(client.compute([delayed(_sums)(bare, *part) for part in rows]))
    total, share = np.sum(sums, axis=0)
    return float(total / share)


def _resolved(model: Trainee, client: Any, X: Any, y: Any, weight: Any) -> Loss:
    """Return the loss with each "auto" as a number, from the residuals of equally many rows of each partition."""
    from dask.delayed import delayed

    from ..engines.cluster.partitions import partitions

    parts = partitions(X)
    weights = [None] * len(parts) if weight is None else partitions(weight)
    bare, most = delayed(without_client(model)), max(1, SAMPLE_ROWS // len(parts))
    rows = zip(parts, partitions(y), weights, strict=True)
    samples = client.gather(client.compute([delayed(_sample)(bare, most, *part) for part in rows]))
    y, raw, weight = (np.concatenate(parts) for parts in zip(*filter(None, samples), strict=True))
    return model.loss_._resolved_at(y, raw, weight)


def _sample(
    model: Trainee, most: int, X: Any, y: np.ndarray, weight: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return targets, raw predictions and weights of rows that represent all of a partition, if it has any."""
    if (some := _some(most, y, weight)) is None:
        return None
    y, weight, rows = some
    return y, model._raw(X)[rows], weight


def _outside(noise: Noise, client: Any, y: Any) -> str:
    """Describe the first target that the noise cannot draw; an empty string if there is none."""
    from dask.delayed import delayed

    from ..engines.cluster.partitions import partitions

    if noise.support is None:
        return ""
    found = client.gather(client.compute([delayed(noise.offender)(part) for part in partitions(y)]))
    return next((f"{offender} of partition {i}" for i, offender in enumerate(found) if offender), "")


def _sums(model: Trainee, X: Any, y: np.ndarray, weight: Any) -> tuple[float, float]:
    if not len(y):
        return 0.0, 0.0
    losses = model.loss_.pointwise(y, model._raw(X))
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    return float(weight @ losses), float(weight.sum(dtype=np.float64))
