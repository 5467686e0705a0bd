"""Every parameter of the engines' own `fit`: the model that it gives there, or refused by name."""

from __future__ import annotations

from inspect import signature

import lightgbm as lgb
import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMModel, LGBMRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier, XGBRegressor

from gbm_objectives import GBMRegressor, SquaredError
from tests.engine import LIGHTGBM, XGBOOST

# The engines' own fit warn of eval_set and of feature_weights, LightGBM's predict of columns without names.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated", "ignore:X does not have valid feature names")

X, X_VAL, Y, Y_VAL = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
X, X_VAL = np.round(X, 2), np.round(X_VAL, 2)
WEIGHT, WEIGHT_VAL = np.linspace(0.2, 3.0, len(Y)), np.linspace(3.0, 0.2, len(Y_VAL))
# Beside these the best constant is 0. Ours starts at it, the engines start at 0.
OFFSET, OFFSET_VAL = (100 * part[:, 2] + (Y - 100 * X[:, 2]).mean() for part in (X, X_VAL))
SETS = [(X_VAL, Y_VAL), (X_VAL[::-1], Y_VAL)]
NAMES = [f"x{i}" for i in range(X.shape[1])]
SMALL = {"n_estimators": 10, "n_jobs": 1}

# Keywords that show what a parameter does.
ON_LIGHTGBM = {
    "sample_weight": {"sample_weight": WEIGHT},
    "init_score": {"init_score": OFFSET},
    "eval_set": {"eval_set": SETS},
    "eval_names": {"eval_set": SETS, "eval_names": ["a", "b"]},
    "eval_sample_weight": {"eval_set": SETS, "eval_sample_weight": [WEIGHT_VAL, WEIGHT_VAL]},
    "eval_init_score": {
        "init_score": OFFSET,
        "eval_set": SETS,
        "eval_init_score": [OFFSET_VAL, OFFSET_VAL],
    },
    "eval_metric": {"eval_set": SETS, "eval_metric": "l1"},
    "feature_name": {"feature_name": NAMES},
    "categorical_feature": {"categorical_feature": [1]},
    "callbacks": {"callbacks": [lgb.reset_parameter(learning_rate=lambda i: 0.1 + 0.02 * i)]},
    "init_model": {},
    "eval_X": {"eval_X": tuple(x for x, _ in SETS), "eval_y": tuple(y for _, y in SETS)},
    "eval_y": {"eval_X": tuple(x for x, _ in SETS), "eval_y": tuple(y for _, y in SETS)},
}
ON_XGBOOST = {
    "sample_weight": {"sample_weight": WEIGHT},
    "base_margin": {"base_margin": OFFSET},
    "eval_set": {"eval_set": SETS},
    "verbose": {"eval_set": SETS, "verbose": False},
    "xgb_model": {},
    "sample_weight_eval_set": {"eval_set": SETS, "sample_weight_eval_set": [WEIGHT_VAL, WEIGHT_VAL]},
    "base_margin_eval_set": {
        "base_margin": OFFSET,
        "eval_set": SETS,
        "base_margin_eval_set": [OFFSET_VAL, OFFSET_VAL],
    },
    "feature_weights": {"feature_weights": np.linspace(0.01, 1, X.shape[1])},
}
REFUSED = {"group": [100, len(Y) - 100], "eval_group": [[len(Y_VAL)]], "eval_class_weight": [{0: 1.0, 1: 2.0}]}
FITS = {LIGHTGBM: ON_LIGHTGBM, XGBOOST: ON_XGBOOST}


def test_every_parameter_is_listed():
    for wrapper in (LGBMRegressor, LGBMClassifier, LGBMModel):
        assert not set(signature(wrapper.fit).parameters) - {"self", "X", "y", *ON_LIGHTGBM, *REFUSED}
    for wrapper in (XGBRegressor, XGBClassifier):
        assert not set(signature(wrapper.fit).parameters) - {"self", "X", "y", *ON_XGBOOST}


CASES = [
    pytest.param(engine, name, id=f"{engine.name}-{name}")
    for engine, fits in FITS.items()
    for name in fits
    if name in signature(engine.bare_regressor.fit).parameters  # LightGBM has some since 4.7
]


@pytest.mark.parametrize(("engine", "name"), CASES)
def test_it_does_what_it_does_in_the_engines_own(engine, name):
    params = {**SMALL, **engine.quiet}
    if name == "feature_weights":
        params |= {"colsample_bynode": 0.3}
    bare, plain = (engine.bare_regressor(**params) for _ in range(2))
    ours = GBMRegressor(SquaredError(), engine.bare_regressor(**params))
    keywords = FITS[engine][name]
    if name == engine.init_model:
        before = engine.bare_regressor(**params).fit(X, Y)
        stock = bare.fit(X, Y, **{name: before})
        ours.fit(X, Y, **{name: ours.fit(X, Y).booster_})
    else:
        stock = bare.fit(X, Y, **keywords)
        ours.fit(X, Y, **keywords)
    if "base_margin" in keywords:
        expected, got = stock.predict(X, base_margin=OFFSET), ours.predict(X) + OFFSET
    else:
        expected, got = stock.predict(X), ours.predict(X)
    np.testing.assert_allclose(got, expected, rtol=1e-4)
    if "eval_set" in keywords or "eval_X" in keywords:
        evaluated = stock.evals_result() if engine is XGBOOST else stock.evals_result_
        assert list(ours.evals_result_) == list(evaluated)
        for own, theirs in zip(ours.evals_result_.values(), evaluated.values(), strict=True):
            values = np.square(theirs["rmse"]) if engine is XGBOOST else theirs["l2"]
            np.testing.assert_allclose(own["squared_error"], values, rtol=1e-4)
            np.testing.assert_allclose(own.get("l1", 0.0), theirs.get("l1", 0.0), rtol=1e-4)
    elif name == "feature_name":
        assert ours.booster_.feature_name() == stock.booster_.feature_name() == NAMES
    else:
        assert np.abs(expected - plain.fit(X, Y).predict(X)).max() > 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_compares_rows_or_weighs_classes_is_refused(engine, name):
    sets = {"eval_set": [(X, Y)]} if name == "eval_group" else {}
    unknown = name == "eval_class_weight"
    message = (
        "unexpected keyword argument" if unknown else "must be left out: .* does not compare the rows of a query"
    )
    with pytest.raises(TypeError if unknown else ValueError, match=message):
        engine.regressor().fit(X, Y, **sets, **{name: REFUSED[name]})


def test_an_offset_of_the_training_is_named(engine):
    with pytest.raises(TypeError, match="unexpected keyword argument 'offset'"):
        engine.regressor().fit(X, Y, offset=Y)
