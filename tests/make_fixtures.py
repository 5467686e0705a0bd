"""Write the models that later versions must load: `python -m tests.make_fixtures`, once a release."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_diabetes, load_wine
from xgboost import XGBClassifier, XGBRegressor

import gbm_objectives
from gbm_objectives import CategoricalCrossEntropy, GBMClassifier, GBMRegressor, Huber

FIXTURES = Path(__file__).parent / "fixtures"
MODELS = {
    "lightgbm-regressor": (GBMRegressor, Huber(20.0), LGBMRegressor(n_estimators=5, num_leaves=5, verbosity=-1)),
    "xgboost-regressor": (GBMRegressor, Huber(20.0), XGBRegressor(n_estimators=5, max_depth=2)),
    "lightgbm-classifier": (
        GBMClassifier,
        CategoricalCrossEntropy(3),
        LGBMClassifier(n_estimators=5, num_leaves=4, verbosity=-1),
    ),
    "xgboost-classifier": (GBMClassifier, CategoricalCrossEntropy(3), XGBClassifier(n_estimators=5, max_depth=2)),
}


def data_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the data that a model was fitted on."""
    if "regressor" in name:
        return load_diabetes(return_X_y=True)
    X, y = load_wine(return_X_y=True)
    return X, np.array(["barolo", "grignolino", "barbera"])[y]


def main() -> None:
    """Fit and write each model, and what it predicts."""
    folder = FIXTURES / gbm_objectives.__version__
    (folder / "predictions").mkdir(parents=True)  # a release's models are never written again
    for name, (cls, loss, estimator) in MODELS.items():
        X, y = data_of(name)
        model = cls(loss, estimator).fit(X, y)
        model.save_model(folder / f"{name}.json")
        content = {
            "raw": model.predict_raw(X[::20]).tolist(),
            "prediction": model.predict(X[::20]).tolist(),
            "loss": repr(model.loss_),
            "noise_scale": model.noise_scale_,
        }
        (folder / "predictions" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main()
