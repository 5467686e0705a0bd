"""Write the models that later versions must load: `python -m tests.make_fixtures`, once a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_diabetes, load_wine
from xgboost import XGBClassifier, XGBRegressor

import gbm_objectives
from gbm_objectives import (
    AbsoluteError,
    CategoricalCrossEntropy,
    GBMClassifier,
    GBMRanker,
    GBMRegressor,
    GBMSurvival,
    Huber,
    LambdaRank,
    MultiQuantile,
    MultiTarget,
    ProportionalOdds,
)
from gbm_objectives.distributions import Censored, LogNormal

FIXTURES = Path(__file__).parent / "fixtures"
# By a word in the name of a file.
CLASSES = {"regressor": GBMRegressor, "classifier": GBMClassifier, "survival": GBMSurvival, "ranker": GBMRanker}
LOSSES = {
    "regressor": Huber(20.0),
    "classifier": CategoricalCrossEntropy(3),
    "calibrated-regressor": MultiQuantile((0.1, 0.5, 0.9)),
    "targets-regressor": MultiTarget(AbsoluteError(), 2),
    "ordered-classifier": ProportionalOdds(4),
    "survival": Censored(LogNormal()),
    "ranker": LambdaRank(),
}
GRADES = ["poor", "fair", "good", "excellent"]


def class_of(name: str) -> Any:
    """Return the estimator's class of a model."""
    return CLASSES[name.rpartition("-")[2]]


def data_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the data that a model was fitted on."""
    X, y = load_diabetes(return_X_y=True)
    if "targets" in name:
        return X, np.column_stack([y, np.where(np.arange(len(y)) % 3, X[:, 2], np.nan)])
    if "ordered" in name:
        return X, np.array(GRADES)[np.digitize(y, [90.0, 140.0, 210.0])]
    if "survival" in name:
        return X, np.column_stack([y, np.where(np.arange(len(y)) % 4, y, np.inf)])
    if "ranker" in name:
        return X, np.digitize(y, [90.0, 140.0, 210.0])
    if "classifier" in name:
        X, y = load_wine(return_X_y=True)
        return X, np.array(["barolo", "grignolino", "barbera"])[y]
    return X, y


def answers(model: Any, X: np.ndarray) -> dict[str, Any]:
    """Return what a model says of rows: what it predicts, and what it knows beyond that."""
    found = {"raw": model.predict_raw(X), "prediction": model.predict(X)}
    if model.calibration_ is not None:
        found["interval"] = model.predict_interval(X, 0.8)
    if hasattr(model, "predict_proba"):
        found["probabilities"] = model.predict_proba(X)
    if isinstance(model, GBMSurvival):
        found["survival"] = model.predict_survival_function(X, [50.0, 150.0])
    return {name: np.asarray(values).tolist() for name, values in found.items()}


def fitted(engine: str, kind: str) -> Any:
    """Return a model of a few small trees."""
    X, y = data_of(kind)
    of_classes = kind.endswith("classifier")
    if engine == "lightgbm":
        estimator = (LGBMClassifier if of_classes else LGBMRegressor)(n_estimators=5, num_leaves=4, verbosity=-1)
    else:
        estimator = (XGBClassifier if of_classes else XGBRegressor)(n_estimators=5, max_depth=2)
    model = class_of(kind)(LOSSES[kind], estimator)
    if "ordered" in kind:
        model.set_params(classes=GRADES)
    if kind == "ranker":
        return model.fit(X, y, qid=np.arange(len(y)) % 20)
    if "calibrated" in kind:
        return model.fit(X[::2], y[::2]).calibrate(X[1::2], y[1::2])
    return model.fit(X, y)


def main() -> None:
    """Fit and write each model, and what it predicts."""
    folder = FIXTURES / gbm_objectives.__version__
    (folder / "predictions").mkdir(parents=True)  # a release's models are never written again
    for engine in ("lightgbm", "xgboost"):
        for kind in LOSSES:
            model, name = fitted(engine, kind), f"{engine}-{kind}.json"
            model.save_model(folder / name)
            content = {
                **answers(model, data_of(kind)[0][::20]),
                "loss": repr(model.loss_),
                "noise_scale": model.noise_scale_,
            }
            (folder / "predictions" / name).write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main()
