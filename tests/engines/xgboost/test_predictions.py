"""XGBoost predicts plain arrays where they are, all else by a DMatrix, and always the same."""

import numpy as np
import pytest
import xgboost as xgb
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris

from gbm_objectives import AbsoluteError, CategoricalCrossEntropy, GBMClassifier, GBMRegressor, MultiQuantile

X, Y = load_diabetes(return_X_y=True)


def by_matrix(model, X, **keywords):
    missing = model.estimator_.missing
    return model.booster_.predict(xgb.DMatrix(X, missing=missing), output_margin=True, **keywords)


@pytest.mark.parametrize(
    "given",
    [
        X,
        X[:1],
        X.astype(np.float32),
        np.asfortranarray(X),
        X[::-2, ::1],
        np.where(X > 0.05, np.nan, X),
    ],
    ids=["all", "one", "float32", "fortran", "strided", "missing"],
)
@pytest.mark.parametrize("missing", [np.nan, 0.0, np.int64(1)], ids=str)
def test_arrays(given, missing):
    features = np.where(np.abs(X) < 0.01, 0.0, X)
    model = GBMRegressor(AbsoluteError(), xgb.XGBRegressor(n_estimators=20, n_jobs=1, missing=missing))
    model.fit(features, Y)
    got = model.predict_raw(given)
    np.testing.assert_array_equal(got, by_matrix(model, given))
    assert got.dtype == np.float32 and got.shape == (len(given),)
    np.testing.assert_array_equal(
        model.predict(given, num_iteration=7), by_matrix(model, given, iteration_range=(0, 7))
    )


def test_several_outputs_and_sparse_rows():
    model = GBMRegressor(MultiQuantile((0.1, 0.9)), xgb.XGBRegressor(n_estimators=10, n_jobs=1)).fit(X, Y)
    np.testing.assert_array_equal(model.predict_raw(X), by_matrix(model, X))
    np.testing.assert_array_equal(model.predict_raw(sparse.csr_array(X)), by_matrix(model, sparse.csr_matrix(X)))
    features, labels = load_iris(return_X_y=True)
    classes = GBMClassifier(CategoricalCrossEntropy(3), xgb.XGBClassifier(n_estimators=5, n_jobs=1))
    classes.fit(features, labels)
    np.testing.assert_array_equal(classes.predict_raw(features[:1]), by_matrix(classes, features[:1]))


def test_boosters_of_other_kinds():
    for params in ({"booster": "gblinear"}, {"booster": "dart", "rate_drop": 0.5}):
        model = GBMRegressor(AbsoluteError(), xgb.XGBRegressor(n_estimators=10, n_jobs=1, **params)).fit(X, Y)
        np.testing.assert_allclose(model.predict_raw(X), by_matrix(model, X), rtol=1e-5)


def test_the_users_estimator_stays_as_it_is():
    """The model goes into a copy, which can be fitted again by itself."""
    own = xgb.XGBRegressor(n_estimators=5, n_jobs=1)
    before = own.get_params()
    model = GBMRegressor(AbsoluteError(), own).fit(X, Y)
    assert str(own.get_params()) == str(before) and not hasattr(own, "_Booster")
    assert model.estimator_ is not own and model.estimator_.objective == own.objective
    first = model.estimator_.predict(X)
    model.fit(X, 2 * Y)
    assert not np.array_equal(model.estimator_.predict(X), first)
    model.estimator_.fit(X, Y)


def test_infinite_features_are_refused_as_in_training():
    model = GBMRegressor(AbsoluteError(), xgb.XGBRegressor(n_estimators=5, n_jobs=1)).fit(X, Y)
    for value in (np.inf, -np.inf, 1e300):
        with pytest.raises(xgb.core.XGBoostError, match="contains `inf` or a value too large"):
            model.predict(np.where(X > 0.1, value, X))
