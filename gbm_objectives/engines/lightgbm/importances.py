"""How much each feature counts in LightGBM's trees; the twin of `xgboost.importances`."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from ...validation import shown

__all__ = ["importances"]

KINDS = ("split", "gain")


def importances(booster: lgb.Booster, kind: str | None, output: int | None) -> np.ndarray:
    """Return the importance of each feature in the trees of an output, or in all of them."""
    if kind not in KINDS:
        raise ValueError(f"importance_type must be one of {', '.join(map(repr, KINDS))}, got {shown(kind)}")
    total, n_outputs = np.zeros(booster.num_feature()), booster.num_model_per_iteration()
    for tree in booster.dump_model()["tree_info"]:  # up to the best round, as LightGBM's own
        if output not in (None, tree["tree_index"] % n_outputs):
            continue
        nodes = [tree["tree_structure"]]
        while nodes:
            node = nodes.pop()
            if "split_gain" in node:
                nodes += node["left_child"], node["right_child"]
                if node["split_gain"] > 0.0:
                    total[node["split_feature"]] += 1.0 if kind == "split" else node["split_gain"]
    return total
