"""Write the LightGBM models on which `model_text` is tested: `python -m tests.make_model_texts`.

Each is trained under a custom objective, from 0, and written as LightGBM does; one that is there is kept.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np

FOLDER = Path(__file__).parent / "fixtures" / "model_texts"
SMALL = {"num_leaves": 3, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1, "metric": "None"}
MODELS = {
    "plain": {},
    "classes": {"num_class": 3},
    "linear": {"linear_tree": True},
    "dart": {"boosting": "dart", "drop_rate": 0.9, "drop_seed": 0},
    "one_leaf": {"min_gain_to_split": 1e9},
}


def features() -> np.ndarray:
    """Return the rows that the models are trained on and tested with."""
    return np.round(np.random.default_rng(0).standard_normal((60, 2)), 3)


def squared_error(raw_prediction: np.ndarray, dataset: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian; of several outputs each aims at the target less its number."""
    target = dataset.get_label()
    if raw_prediction.ndim == 2:
        target = target[:, None] - np.arange(raw_prediction.shape[1])
    return raw_prediction - target, np.ones_like(raw_prediction)


def main() -> None:
    """Train and write each model."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    X = features()
    for name, params in MODELS.items():
        data = lgb.Dataset(X, X[:, 0] + np.square(X[:, 1]))
        booster = lgb.train({**SMALL, **params, "objective": squared_error}, data, 3)
        path = FOLDER / f"{name}.txt"
        if not path.exists():
            path.write_text(booster.model_to_string(), encoding="utf-8")


if __name__ == "__main__":
    main()
