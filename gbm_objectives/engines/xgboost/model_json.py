"""What XGBoost cannot do to a model, done to its JSON: cut it keeping its categories, move its start value."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xgboost as xgb

__all__ = [
    "BESIDE_OFFSET",
    "KeptCategories",
    "check_categories",
    "first_rounds",
    "trees_of",
    "with_start_in_trees",
]

Json = dict[str, Any]
# The attribute of models that were trained with an offset: continuing from one requires an offset again.
BESIDE_OFFSET = "trained_beside_base_margin"


def first_rounds(booster: xgb.Booster, rounds: int) -> xgb.Booster:
    """Return the model of the first rounds, with attributes and categories: XGBoost's slices lose both."""
    return _with_categories_of(booster[:rounds], booster)


def _with_categories_of(cut: xgb.Booster, whole: xgb.Booster) -> xgb.Booster:
    """Return a slice of a model with the model's attributes and categories."""
    if not whole.get_categories().empty():
        model = _as_json(cut)
        _trees(model)["cats"] = _trees(_as_json(whole))["cats"]
        cut = _from_json(model, json.loads(cut.save_config()))
    cut.set_attr(**whole.attributes())
    return cut


class KeptCategories(xgb.callback.TrainingCallback):
    """The last of the callbacks: it restores the categories of a model that another callback has sliced.

    `xgboost.callback.EarlyStopping(save_best=True)` slices it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._whole: xgb.Booster | None = None

    def before_training(self, model: xgb.Booster) -> xgb.Booster:
        """Remember the model, in which XGBoost grows the trees."""
        self._whole = model
        return model

    def after_training(self, model: xgb.Booster) -> xgb.Booster:
        """Return what the other callbacks made of the model, with its categories."""
        whole, self._whole = self._whole, None
        return model if whole is None or model is whole else _with_categories_of(model, whole)


def check_categories(booster: xgb.Booster, params: dict[str, Any], dtrain: xgb.DMatrix) -> None:
    """Raise if trees grown on a data set would interpret the codes of categories differently from the model."""
    if booster.get_categories().empty():
        return
    # A DMatrix exposes its categories only to pyarrow, which may be missing; a model without a split has them too.
    binning = {name: params[name] for name in ("max_bin", "tree_method", "device", "nthread") if name in params}
    stump = xgb.train({**binning, "disable_default_eval_metric": True}, dtrain, 1, obj=_no_gradient)
    given, known = (_trees(_as_json(model))["cats"]["enc"] for model in (stump, booster))
    # An array has none: its codes are taken to be the model's.
    if other := [i for i, (ours, theirs) in enumerate(zip(given, known, strict=False)) if ours != theirs]:
        column = other[0] if booster.feature_names is None else repr(booster.feature_names[other[0]])
        raise ValueError(
            f"dtrain: the categories of column {column} are not those of xgb_model, in its order: make the DMatrix"
            " with feature_types=xgb_model.get_categories()"
        )


def _no_gradient(raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros_like(raw_prediction), np.zeros_like(raw_prediction)


def with_start_in_trees(booster: xgb.Booster, start: float | np.ndarray, base_score: Any) -> xgb.Booster:
    """Return the model with its start value in the leaves of the first round.

    XGBoost lets a `base_margin` replace `base_score`: only what is in the trees is added to it.

    Parameters
    ----------
    booster : xgboost.Booster
        The model.
    start : float or ndarray of shape (n_outputs,)
        Its start value, a raw prediction.
    base_score : float or list of float
        What XGBoost gets in its place: the response to a raw prediction of 0.
    """
    starts = np.atleast_1d(np.asarray(start, dtype=np.float32))
    model, config = _as_json(booster), json.loads(booster.save_config())
    part = model["learner"]["gradient_booster"]
    if part["name"] == "gblinear":
        weights, k = part["model"]["weights"], len(starts)  # those of the intercepts are the last
        weights[-k:] = _sums(weights[-k:], starts)
    else:
        trees = _trees(model)
        if not trees["trees"]:
            return booster
        # DART's weights enclose its trees; from XGBoost 3.4 on they are stored next to them.
        factors = part.get("weight_drop") or trees.get("weight_drop") or [1.0] * len(trees["trees"])
        for output in sorted(set(trees["tree_info"])):
            first = trees["tree_info"].index(output)
            tree = trees["trees"][first]
            several = int(tree["tree_param"]["size_leaf_vector"]) > 1
            _shift(tree, (starts if several else starts[output]) / np.float32(factors[first]))
    text = "[" + ",".join(map(repr, np.atleast_1d(base_score).tolist())) + "]"
    for learner in (model["learner"], config["learner"]):
        learner["learner_model_param"]["base_score"] = text
    moved = _from_json(model, config)
    moved.set_attr(**{BESIDE_OFFSET: "true"})
    return moved


def _shift(tree: Json, by: Any) -> None:
    """Add a number to each leaf of a tree, or a vector where a leaf has several outputs."""
    if np.ndim(by):
        # Which of the two holds the leaves depends on XGBoost's version; the other one is ignored.
        for name in ("leaf_weights", "base_weights"):
            if name in tree:
                tree[name] = _sums(tree[name], np.resize(by, len(tree[name])))
    else:
        leaves = np.asarray(tree["left_children"]) == -1
        tree["split_conditions"] = _sums(tree["split_conditions"], np.where(leaves, by, 0.0))


def _sums(numbers: list[float], others: np.ndarray) -> list[float]:
    """Return sums in XGBoost's precision."""
    sums = np.asarray(numbers, dtype=np.float32) + others.astype(np.float32)
    found: list[float] = sums.astype(np.float64).tolist()
    return found


def trees_of(booster: xgb.Booster) -> tuple[list[Json], list[int]]:
    """Return the trees of a model, and the output of each.

    Raises
    ------
    ValueError
        If the model is linear.
    """
    model = _as_json(booster)
    if model["learner"]["gradient_booster"]["name"] == "gblinear":
        raise ValueError("a linear booster has no trees: its coefficients are coef_ of estimator_")
    trees = _trees(model)
    return trees["trees"], trees["tree_info"]


def _trees(model: Json) -> Json:
    """Return the part of a model that holds trees and categories."""
    part: Json = model["learner"]["gradient_booster"]
    inner: Json = part.get("gbtree", part)["model"]  # DART has a gbtree inside
    return inner


def _as_json(booster: xgb.Booster) -> Json:
    model: Json = json.loads(booster.save_raw("json"))
    return model


def _from_json(model: Json, config: Json) -> xgb.Booster:
    """Return a booster made of a model and of the parameters (threads, device) that a model does not hold."""
    booster = xgb.Booster()
    booster.load_model(bytearray(json.dumps(model).encode()))
    booster.load_config(json.dumps(config))
    return booster
