"""Every parameter that XGBoost's models know, with a value to try it with."""

from __future__ import annotations

BASE = {"nthread": 1, "max_depth": 4}
SUBSAMPLE = {"subsample": 0.5}
DART = {"booster": "dart", "rate_drop": 0.3}
LINEAR = {"booster": "gblinear"}
COORDINATES = {**LINEAR, "updater": "coord_descent"}

# A value with which a parameter changes the model, and what it needs beside it.
CHANGES = {
    "alpha": (5.0, {}),
    "booster": ("gblinear", {}),
    "colsample_bylevel": (0.5, {}),
    "colsample_bynode": (0.5, {}),
    "colsample_bytree": (0.5, {}),
    "default_direction": ("left", {"tree_method": "exact"}),
    "eta": (0.1, {}),
    "feature_selector": ("greedy", COORDINATES),
    "gamma": (50.0, {}),
    "grow_policy": ("lossguide", {"max_leaves": 6}),
    "interaction_constraints": ("[[0, 1], [2, 3, 4, 5]]", {}),
    "lambda": (50.0, {}),
    "learning_rate": (0.1, {}),
    "max_bin": (4, {}),
    "max_cat_threshold": (2, {}),
    "max_cat_to_onehot": (20, {}),
    "max_delta_step": (0.05, {}),  # of larger ones some splits tie, and rounding decides
    "max_depth": (2, {}),
    "max_leaves": (4, {}),
    "min_child_weight": (40.0, {}),
    "min_split_loss": (50.0, {}),
    "monotone_constraints": ("(1,0,-1,0,0,0)", {}),
    "normalize_type": ("forest", DART),
    "num_parallel_tree": (3, SUBSAMPLE),
    "one_drop": (True, {"booster": "dart"}),
    "random_state": (3, SUBSAMPLE),
    "rate_drop": (0.5, {"booster": "dart"}),
    "reg_alpha": (5.0, {}),
    "reg_lambda": (50.0, {}),
    "sample_type": ("weighted", DART),
    "seed": (3, SUBSAMPLE),
    "seed_per_iteration": (True, SUBSAMPLE),
    "skip_drop": (0.9, DART),
    "subsample": (0.5, {}),
    "tolerance": (10.0, LINEAR),
    "top_k": (1, {**COORDINATES, "feature_selector": "thrifty"}),
    "tree_method": ("exact", {"max_bin": 4}),
    "updater": ("grow_colmaker", {"max_bin": 4}),
}
# What belongs to the objective.
REFUSED = {
    "base_score": 3.0,
    "huber_slope": 0.5,
    "objective": "reg:absoluteerror",
    "quantile_alpha": 0.5,
    "scale_pos_weight": 2.0,
}
# What belongs to other objectives and outputs, to metrics, to hardware, to memory and time, and changes no model.
IDLE = {
    "aft_loss_distribution": "normal",
    "boost_from_average": 1,
    "cache_opt": True,
    "device": "cpu",
    "disable_default_eval_metric": False,
    "eval_metric": "mae",
    "expectile_alpha": 0.5,
    "extmem_single_page": False,
    "fail_on_invalid_gpu_id": True,
    "max_cached_hist_node": 1,
    "max_row_perbatch": 5,
    "multi_strategy": "multi_output_tree",
    "n_jobs": 2,
    "nthread": 2,
    "num_class": 1,
    "num_feature": 6,
    "num_target": 1,
    "opt_dense_col": 0.5,
    "process_type": "default",
    "refresh_leaf": False,
    "sketch_ratio": 2.0,
    "sampling_method": "uniform",
    "sparse_threshold": 0.9,
    "tweedie_variance_power": 1.3,
    "validate_parameters": False,
    "verbosity": 0,
}
# What XGBoost's own estimators fail with: they make data sets that these cannot take.
NATIVE_ONLY = ("sparse_threshold", "updater")
# What a model keeps for itself; and XGBoost's check of itself, with which 3.4 fails under its own objective, too.
OWN = {"metrics", "name", "num_trees", "rng_state", "specified_updater", "updater_seq", "debug_synchronize"}
