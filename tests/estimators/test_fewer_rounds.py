"""`num_iteration=` of everything that predicts."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from gbm_objectives import GBMClassifier, GBMRegressor, GBMSurvival, MultiQuantile
from gbm_objectives.distributions import Gamma, Normal

RNG = np.random.default_rng(0)
X, X_KNOWN = RNG.uniform(-1, 1, (400, 3)), RNG.uniform(-1, 1, (300, 3))
Y, Y_KNOWN = (np.exp(x[:, 0] + 0.4 * RNG.standard_normal(len(x))) for x in (X, X_KNOWN))
QUANTILES = MultiQuantile((0.05, 0.25, 0.5, 0.75, 0.95))

KINDS = {
    GBMRegressor: "predict predict_raw predict_distribution predict_params predict_quantiles predict_interval"
    " sample",
    GBMClassifier: "predict predict_raw predict_distribution predict_proba predict_set decision_function sample",
    GBMSurvival: "predict predict_raw predict_distribution predict_params predict_quantiles predict_interval"
    " sample"
    " predict_survival_function predict_cumulative_hazard_function",
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_predicts_takes_a_number_of_rounds(kind):
    methods = {
        name: inspect.signature(method).parameters
        for name, method in inspect.getmembers(kind, callable)
        if name.startswith("predict") or name in ("decision_function", "sample")
    }
    assert sorted(methods) == sorted(KINDS[kind].split())
    for name, parameters in methods.items():
        second = name in ("predict", "predict_raw", "predict_proba")
        expected = inspect.Parameter.POSITIONAL_OR_KEYWORD if second else inspect.Parameter.KEYWORD_ONLY
        assert parameters["num_iteration"].kind is expected and parameters["num_iteration"].default is None
        assert not second or list(parameters).index("num_iteration") == 2


def test_fewer_rounds_of_a_regressor(engine):
    for loss in (QUANTILES, Gamma(), Normal()):
        model = engine.regressor(loss).fit(X, Y)
        shorter = engine.regressor(loss, n_estimators=7).fit(X, Y)
        for name, rest in (
            ("predict_params", ()),
            ("predict_quantiles", ([0.1, 0.5],)),
            ("predict_interval", (0.8,)),
            ("sample", (3, 0)),
        ):
            if name != "predict_params" or loss.noise is not None:
                got, expected = getattr(model, name)(X, *rest, num_iteration=7), getattr(shorter, name)(X, *rest)
                if got.dtype.names:
                    got, expected = (np.array(one.tolist()) for one in (got, expected))
                np.testing.assert_allclose(got, expected, rtol=1e-4)
        got, expected = model.predict_distribution(X, num_iteration=7), shorter.predict_distribution(X)
        np.testing.assert_allclose(got.sf(1.5), expected.sf(1.5), rtol=1e-3, atol=1e-6)
        for name, rest in (("predict_distribution", ()), ("predict_quantiles", (0.5,)), ("sample", ())):
            with pytest.raises(ValueError, match="num_iteration must be 1 to 40, the rounds of the model, got 41"):
                getattr(model, name)(X, *rest, num_iteration=41)


def test_fewer_rounds_of_a_classifier(engine):
    labels = np.digitize(Y, [0.7, 1.5])
    model, shorter = engine.classifier().fit(X, labels), engine.classifier(n_estimators=7).fit(X, labels)
    for name in ("predict", "predict_proba", "decision_function", "predict_raw"):
        got, expected = getattr(model, name)(X, num_iteration=7), getattr(shorter, name)(X)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    got = model.predict_distribution(X, num_iteration=7).mean()
    np.testing.assert_allclose(got, shorter.predict_proba(X), rtol=1e-4)
    draws = model.sample(X[:4], 3000, 0, num_iteration=7)
    np.testing.assert_allclose((draws == 0).mean(axis=1), shorter.predict_proba(X[:4])[:, 0], atol=0.05)
    model.calibrate(X, labels)
    np.testing.assert_array_equal(model.predict_set(X, 0.8, num_iteration=40), model.predict_set(X, 0.8))
    with pytest.raises(ValueError, match=r"^num_iteration must be 40, or left out, after calibrate"):
        model.predict_set(X, 0.8, num_iteration=7)


def test_fewer_rounds_of_survival(engine):
    y = np.column_stack([Y, np.where(Y < 3, Y, np.inf)])
    model = GBMSurvival(estimator=engine.estimator(False)).fit(X, y)
    shorter = GBMSurvival(estimator=engine.estimator(False, n_estimators=7)).fit(X, y)
    for name in ("predict_survival_function", "predict_cumulative_hazard_function"):
        got = getattr(model, name)(X, [0.5, 1.5], num_iteration=7)
        np.testing.assert_allclose(got, getattr(shorter, name)(X, [0.5, 1.5]), rtol=1e-4)
    got = model.predict_distribution(X, num_iteration=7).sf(1.5)
    np.testing.assert_allclose(got, model.predict_survival_function(X, [1.5], num_iteration=7)[:, 0], rtol=1e-6)


def test_a_calibrated_model_predicts_with_the_rounds_that_it_was_calibrated_with(engine):
    stopping = engine.early_stopping(3)
    model = engine.regressor(Normal(), **{**stopping, "n_estimators": 200, "learning_rate": 0.3})
    model.fit(X, Y, eval_set=[(X_KNOWN, Y_KNOWN)]).calibrate(X_KNOWN, Y_KNOWN)
    best = model.best_iteration_
    assert best < 200
    for name, rest in (("predict_interval", ()), ("predict_quantiles", (0.5,)), ("sample", (2, 0))):
        method = getattr(model, name)
        np.testing.assert_array_equal(method(X, *rest, num_iteration=best), method(X, *rest))
        with pytest.raises(
            ValueError, match=rf"^num_iteration must be {best}, or left out, after calibrate.*got 2:"
        ):
            method(X, *rest, num_iteration=2)
    with pytest.raises(ValueError, match="after calibrate"):
        model.predict_distribution(X, num_iteration=2)
    # What calibration does not touch has all of them.
    assert model.predict(X, 2).shape == (400,) and model.predict_params(X, num_iteration=2).shape == (400,)


@pytest.mark.parametrize("rows", ["array", "frame"])
def test_fewer_rounds_of_collections(engine, rows):
    da, dd, pd = (pytest.importorskip(name) for name in ("dask.array", "dask.dataframe", "pandas"))
    given = da.from_array(X, chunks=(100, 3))
    in_memory = X
    if rows == "frame":
        in_memory = pd.DataFrame(X, columns=list("abc"))
        given = dd.from_pandas(in_memory, npartitions=3)
    model = engine.regressor(Normal()).fit(in_memory, Y)
    for name, rest in (("predict_quantiles", ([0.1, 0.9],)), ("predict_interval", (0.8,)), ("predict_raw", ())):
        method = getattr(model, name)
        got = np.asarray(method(given, *rest, num_iteration=5).compute(scheduler="sync"))
        np.testing.assert_array_equal(got, method(in_memory, *rest, num_iteration=5))
    got = model.predict_params(given, num_iteration=5).compute(scheduler="sync")
    np.testing.assert_array_equal(got["scale"], model.predict_params(in_memory, num_iteration=5)["scale"])
