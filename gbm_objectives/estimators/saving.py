"""One JSON file for a fitted estimator: the loss, the classes, the native model; read without running code.

A native model with a few characters changed may crash the engine that reads it. So a file has a checksum, which
reveals damage. It is not a signature: it does not make a file safe that comes from someone you do not trust.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import uuid
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from ..contract import Loss
from ..engines.parameters import require_loss
from ..engines.protocol import Kind, Trained
from ..engines.registry import engine_named, engine_of
from ..validation import brief, shown
from .saved_calibration import calibration_content, read_calibration, read_ties, ties_content
from .saved_loss import as_python, check_same, loss_content, loss_of

__all__ = ["load", "save"]

FORMAT = "gbm_objectives model"
# In version 1 the best iteration is counted as the engine counts it, and there is no checksum. Up to version 2
# there are only the parameters of the engine's estimator, without lists, tuples, dictionaries and arrays.
VERSION = 3


def save(model: Any, path: str | PathLike[str]) -> None:
    """Write a fitted estimator."""
    engine_name, engine = engine_of(model.estimator_)
    names = getattr(model, "feature_names_in_", None)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "class": type(model).__name__,
        "loss": loss_content(model.loss_),
        "summary": _array_content(model.loss_.summary),
        "unique_times": _array_content(getattr(model, "unique_times_", None)),  # of survival analysis
        "engine": engine_name,
        "ranker": isinstance(model.estimator_, type(engine.default_estimator("ranker"))),
        "params": _own_params(model),
        "estimator_params": _estimator_params(model.estimator_),
        "n_features_in": model.n_features_in_,
        "feature_names_in": None if names is None else names.tolist(),
        "target_names_in": _target_names(model),
        "classes": None,
        "best_iteration": model.best_iteration_,
        "evals_result": model.evals_result_,
        "noise_scale": model.noise_scale_,
        "outside_noise": model.outside_noise_,
        "validation_indices": _array_content(model.validation_indices_),
        "ties": ties_content(model.ties_),
        "calibration": calibration_content(model.calibration_),
        "model": engine.to_text(model.booster_),
    }
    if is_classifier(model):
        labels = model.classes_
        times = labels.dtype.kind in "mM"
        content["classes"] = {
            "dtype": "object" if labels.dtype == object else labels.dtype.str,
            "labels": labels.astype(np.int64).tolist() if times else labels.tolist(),
        }
    _write(json.dumps(sealed(content), default=as_python), Path(os.path.realpath(path)))


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a file with its checksum."""
    bare = {name: value for name, value in content.items() if name != "sha256"}
    text = json.dumps(bare, default=as_python, sort_keys=True)
    return {**bare, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _write(text: str, path: Path) -> None:
    """Write a temporary file next to it, then replace it: a full disk leaves the old one as it was."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("x", encoding="utf-8") as file:
            if path.exists():
                # The new file keeps the old one's permissions; a file that did not exist gets the default ones.
                beside.chmod(stat.S_IMODE(path.stat().st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _target_names(model: Any) -> list[str] | None:
    """Return the names of several targets, if they are strings; others say nothing."""
    names = model.target_names_in_
    return list(names) if names is not None and all(isinstance(one, str) for one in names) else None


def _array_content(array: Any) -> Any:
    """Return as lists what was learnt of the training rows, if it is an array of numbers."""
    numbers = isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.ndim > 0
    # What `_array` would refuse is left out, so that the file can be read.
    return array.tolist() if numbers and np.isfinite(array).all() else None


def _array(content: dict[str, Any], name: str) -> np.ndarray | None:
    """Return what `_array_content` wrote; None if it is missing, as in files of 0.2."""
    if content.get(name) is None:
        return None
    try:
        array = np.array(content[name], dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.ndim == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be an array of finite numbers, got {shown(content[name])}")
    return array


def _own_params(model: Any) -> dict[str, Any]:
    """Return the parameters of one of our estimators, or of a subclass, other than loss and estimator."""
    params = {}
    for name, value in model.get_params(deep=False).items():
        if name not in ("loss", "estimator"):
            try:
                params[name] = _param_content(value)
                json.dumps(params[name], default=as_python)
            except TypeError as error:
                if name == "classes":
                    params[name] = {"as": "classes_"}  # labels of a kind that a file holds there alone
                    continue
                if name in ("validation", "random_state"):
                    params.pop(name, None)
                    continue  # a splitter, a generator
                raise TypeError(f"{name} of {type(model).__name__}: {error}") from None
    return params


def _estimator_params(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an engine's estimator, except callbacks, random states and other objects.

    Those are not needed to predict.
    """
    params = {}
    for name, value in estimator.get_params().items():
        with suppress(TypeError):
            params[name] = _param_content(value)
    return params


def _param_content(value: Any) -> Any:
    """Return a parameter as JSON; what JSON would turn into a list or a string is stored with its kind."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, list):
        return [_param_content(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_param_content(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_param_content(key), _param_content(item)] for key, item in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        return {"array": value.tolist(), "dtype": value.dtype.str}
    return as_python(value)


def _param(content: Any) -> Any:
    """Return a parameter; the inverse of `_param_content`."""
    if isinstance(content, list):
        return [_param(item) for item in content]
    if not isinstance(content, dict):
        return content
    if "tuple" in content:
        return tuple(_param(content["tuple"]))
    if "array" in content:
        return np.array(content["array"], dtype=np.dtype(content["dtype"]))
    return {_param(key): _param(item) for key, item in content["dict"]}


def load(cls: Any, path: str | PathLike[str], loss: Loss | None) -> Any:
    """Read a fitted estimator of class `cls`."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a model file of gbm_objectives, or it is damaged: {brief(error)}"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is not a model file of gbm_objectives")
    if content.get("version") not in range(1, VERSION + 1):
        raise ValueError(f"{path} has version {shown(content.get('version'))}, this package reads 1 to {VERSION}")
    if content.get("class") != cls.__name__:
        raise ValueError(
            f"{path} holds a {brief(content.get('class'))}, load it with that class, not {cls.__name__}"
        )
    if content["version"] > 1 and content.get("sha256") != sealed(content)["sha256"]:
        raise ValueError(f"{path} is damaged: its checksum is not that of its content")
    if loss is None:
        loss = loss_of(content.get("loss"), path)
    else:
        require_loss(loss)
        check_same(loss, content.get("loss"), path)
    try:
        return _restored(cls, content, loss)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__} {brief(error)}") from None
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    except Exception as error:
        # The engines' own errors derive from Exception directly (LightGBM) or from ValueError (XGBoost).
        raise ValueError(f"the model in {path} is damaged: {brief(error)}") from None


def _restored(cls: Any, content: dict[str, Any], loss: Loss) -> Any:
    engine = engine_named(content["engine"])
    classes = _classes(cls, content["classes"])
    n_features = content["n_features_in"]
    if isinstance(n_features, bool) or not isinstance(n_features, int) or n_features < 1:
        raise ValueError(f"n_features_in must be an integer above 0, got {shown(n_features)}")
    # Files of 0.2 have no rankers.
    kind: Kind = "ranker" if content.get("ranker") else "regressor" if classes is None else "classifier"
    estimator = engine.default_estimator(kind)
    estimator.set_params(**{name: _param(value) for name, value in content["estimator_params"].items()})
    params = {
        name: classes if value == {"as": "classes_"} else _param(value)
        for name, value in content.get("params", {}).items()
    }
    # A subclass may create its loss itself.
    given = {"loss": loss, "estimator": estimator}
    model = cls(**{name: value for name, value in given.items() if name in cls._get_param_names()}, **params)
    model.loss_ = loss if (summary := _array(content, "summary")) is None else loss._with(summary=summary)
    if (times := _array(content, "unique_times")) is not None:
        model.unique_times_ = times
    model.loss_._check_summary()
    model._check_known()
    model.n_features_in_ = n_features
    if content["feature_names_in"] is not None:
        model.feature_names_in_ = np.array(content["feature_names_in"], dtype=object)
        if len(model.feature_names_in_) != n_features:
            raise ValueError(f"it has {len(model.feature_names_in_)} feature names for {n_features} features")
    if (targets := content.get("target_names_in")) is not None:  # missing in files of 0.2
        model.target_names_in_ = tuple(map(str, targets))
    if classes is not None:
        model.classes_ = classes
    model.booster_ = engine.from_text(content["model"])
    engine.check_model(model.booster_, loss, n_features)
    model.best_iteration_ = content["best_iteration"]
    if content["version"] == 1 and model.best_iteration_ is not None:
        model.best_iteration_ += 1 - engine.FIRST_ROUND
    model.evals_result_ = content["evals_result"]
    model.noise_scale_ = content["noise_scale"]
    model.outside_noise_ = str(content.get("outside_noise", ""))  # missing in files of 0.2
    if (rows := _array(content, "validation_indices")) is not None:
        model.validation_indices_ = rows.astype(np.intp)
    model.ties_ = read_ties(content.get("ties"))  # missing in files of 0.2
    model.calibration_ = read_calibration(content.get("calibration"), loss)
    trained = Trained(model.booster_, model.evals_result_, model.best_iteration_)
    model.estimator_ = engine.estimator_with_model(estimator, trained, classes, n_features)
    return model


def _classes(cls: Any, content: Any) -> np.ndarray | None:
    """Return the labels of a classifier."""
    if is_classifier(cls()) != (content is not None):
        raise ValueError(f"a {cls.__name__} {'has no' if content else 'needs'} classes")
    if content is None:
        return None
    labels = np.array(content["labels"], dtype=np.dtype(content["dtype"]))
    if labels.ndim != 1 or len(labels) < 2 or len(set(labels.tolist())) < len(labels):
        raise ValueError(f"classes must be two labels or more, each once, got {shown(labels.tolist())}")
    return labels
