"""How much each feature counts in XGBoost's trees; the twin of `lightgbm.importances`."""

from __future__ import annotations

import numpy as np
import xgboost as xgb

from ...validation import shown
from .model_json import trees_of

__all__ = ["importances"]

# Of each split, and whether the mean is meant instead of the sum.
KINDS = {
    "weight": (None, False),
    "gain": ("loss_changes", True),
    "cover": ("sum_hessian", True),
    "total_gain": ("loss_changes", False),
    "total_cover": ("sum_hessian", False),
}


def importances(booster: xgb.Booster, kind: str | None, output: int | None) -> np.ndarray:
    """Return the importance of each feature in the trees of an output, or in all of them."""
    kind = "gain" if kind is None else kind  # XGBoost's default
    if kind not in KINDS:
        raise ValueError(f"importance_type must be one of {', '.join(map(repr, KINDS))}, got {shown(kind)}")
    trees, outputs = trees_of(booster)
    if output is not None and any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees):
        raise ValueError("output must be left out: under multi_output_tree each tree is one of all outputs")
    of_split, is_mean = KINDS[kind]
    total, count = np.zeros((2, booster.num_features()))
    for tree, of in zip(trees, outputs, strict=True):
        if output in (None, of):
            splits = np.asarray(tree["left_children"]) != -1
            features = np.asarray(tree["split_indices"])[splits]
            count += np.bincount(features, minlength=len(count))
            if of_split is not None:
                total += np.bincount(features, np.asarray(tree[of_split])[splits], len(total))
    if of_split is None:
        return count
    return total / np.maximum(count, 1.0) if is_mean else total
