"""`offset=` of everything that predicts: a raw prediction that is added, as `init_score` of `fit` was."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy import stats

from gbm_objectives import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GBMClassifier,
    GBMRegressor,
    Huber,
    MultiQuantile,
    PoissonDeviance,
    SquaredError,
)
from gbm_objectives.distributions import NegativeBinomial, Normal
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
N = 400
X = RNG.uniform(-1, 1, (N, 3))
EXPOSURE = RNG.uniform(0.1, 10, N)
OFFSET = np.log(EXPOSURE)
COUNTS = RNG.poisson(EXPOSURE * np.exp(1 + X[:, 0])).astype(float)
SHIFT = np.linspace(-20.0, 20.0, N)
Y = SHIFT + X[:, 0] + 0.1 * RNG.standard_normal(N)
LABELS = np.digitize(X[:, 0] + 0.5 * RNG.standard_normal(N), [-0.3, 0.3])
TAKE_OFFSETS = {
    GBMRegressor: (
        "predict predict_raw staged_predict predict_distribution predict_params predict_quantiles predict_interval"
        " sample score log_likelihood crps calibrate outlier_weights"
    ),
    GBMClassifier: (
        "predict predict_raw staged_predict predict_distribution predict_proba predict_set decision_function"
        " sample score log_likelihood calibrate"
    ),
}


@pytest.mark.parametrize("kind", TAKE_OFFSETS)
def test_every_method_that_takes_features_takes_an_offset(kind):
    methods = {
        name: inspect.signature(method).parameters
        for name, method in inspect.getmembers(kind, callable)
        if not name.startswith("_") and name != "fit" and "X" in inspect.signature(method).parameters
    }
    assert sorted(methods) == sorted(TAKE_OFFSETS[kind].split())
    for parameters in methods.values():
        assert parameters["offset"].kind is inspect.Parameter.KEYWORD_ONLY and parameters["offset"].default is None


def test_counts(engine):
    """Expected values follow from the rate times the exposure."""
    model = engine.regressor(PoissonDeviance()).fit(X, COUNTS, init_score=OFFSET)
    rate, beside = model.predict(X), {"offset": OFFSET}
    expected = rate * EXPOSURE
    np.testing.assert_allclose(model.predict(X, **beside), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X, 5, **beside), model.predict(X, 5) * EXPOSURE, rtol=1e-5)
    np.testing.assert_allclose(model.predict_raw(X, **beside), np.log(expected), rtol=1e-4, atol=1e-5)
    *_, last = model.staged_predict(X, **beside)
    np.testing.assert_array_equal(last, model.predict(X, **beside))
    poisson = stats.poisson(model.predict(X, **beside).astype(float))
    np.testing.assert_allclose(model.predict_distribution(X, **beside).mean(), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict_params(X, **beside)["response"], expected, rtol=1e-5)
    np.testing.assert_array_equal(model.predict_interval(X, 0.8, **beside), np.transpose(poisson.interval(0.8)))
    np.testing.assert_array_equal(model.predict_quantiles(X, 0.9, **beside)[:, 0], poisson.ppf(0.9))
    assert model.log_likelihood(X, COUNTS, **beside) == pytest.approx(poisson.logpmf(COUNTS).sum(), rel=1e-5)
    assert model.score(X, COUNTS, **beside) > 0.8 > 0.2 > model.score(X, COUNTS)
    assert model.crps(X, COUNTS, **beside) < 0.5 * model.crps(X, COUNTS)
    draws = model.sample(X, 400, random_state=0, **beside)
    np.testing.assert_allclose(draws.mean(axis=1), expected, rtol=0.5, atol=0.5)


@pytest.mark.parametrize("loss", [MultiQuantile((0.05, 0.5, 0.95)), Normal(), SquaredError()], ids=repr)
def test_calibration(engine, loss):
    fit, late, new = np.arange(N) % 3 == 0, np.arange(N) % 3 == 1, np.arange(N) % 3 == 2
    model = engine.regressor(loss).fit(X[fit], Y[fit], init_score=SHIFT[fit])
    model.calibrate(X[late], Y[late], offset=SHIFT[late])
    low, high = model.predict_interval(X[new], 0.8, offset=SHIFT[new]).T
    # Of 133 rows and as many to calibrate; four standard deviations of a share are .2.
    assert abs(np.mean((low <= Y[new]) & (Y[new] <= high)) - 0.8) < 0.2
    assert np.mean(high - low) < 4.0  # the targets span 40


def test_outlier_weights(engine):
    model = engine.regressor(Huber(1.0)).fit(X, Y, init_score=SHIFT)
    assert model.outlier_weights(X, Y, offset=SHIFT).min() > 0.9 > 0.2 > model.outlier_weights(X, Y).mean()


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CategoricalCrossEntropy(3)], ids=repr)
def test_classes(engine, loss):
    k = loss.n_outputs
    labels = np.array(["a", "b", "c"])[LABELS if k == 3 else LABELS // 2]
    offset = 2 * RNG.standard_normal((N, k) if k > 1 else N)
    model = engine.classifier(loss).fit(X, labels, init_score=offset)
    raw = model.predict_raw(X).astype(float) + offset
    probability = model.predict_proba(X, offset=offset)
    expected = loss.response(raw)
    np.testing.assert_allclose(probability if k > 1 else probability[:, 1], expected, rtol=1e-5)
    predicted = model.classes_[probability.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X, offset=offset), predicted)
    assert model.score(X, labels, offset=offset) == pytest.approx(np.mean(predicted == labels))
    np.testing.assert_allclose(model.decision_function(X, offset=offset), raw, rtol=1e-5, atol=1e-6)
    likelihood = np.log(probability[np.arange(N), np.searchsorted(model.classes_, labels)]).sum()
    assert model.log_likelihood(X, labels, offset=offset) == pytest.approx(likelihood, rel=1e-4)
    model.calibrate(X, labels, offset=offset)
    sets = model.predict_set(X, 0.8, offset=offset)
    assert abs(sets[np.arange(N), np.searchsorted(model.classes_, labels)].mean() - 0.8) < 0.05
    draws = model.sample(X, 200, random_state=0, offset=offset)
    np.testing.assert_allclose((draws == model.classes_[-1]).mean(axis=1), probability[:, -1], atol=0.2)


def test_one_number_a_row_is_for_the_outputs_that_fit_gave_it_to(engine):
    for loss, takes in ((NegativeBinomial(), [1.0, 0.0]), (MultiQuantile((0.1, 0.9)), [1.0, 1.0])):
        model = engine.regressor(loss, n_estimators=5).fit(X, COUNTS, init_score=OFFSET)
        expected = model.predict_raw(X) + np.outer(OFFSET, takes)
        np.testing.assert_allclose(model.predict_raw(X, offset=OFFSET), expected, rtol=1e-6)
        np.testing.assert_allclose(model.predict_raw(X, offset=np.outer(OFFSET, takes)), expected, rtol=1e-6)


def test_what_is_no_offset_is_refused_by_name(engine):
    model = engine.regressor(PoissonDeviance(), n_estimators=2).fit(X, COUNTS)
    for method, rest in ((model.predict, ()), (model.score, (COUNTS,)), (model.crps, (COUNTS,))):
        with pytest.raises(ValueError, match=rf"^offset must have shape \({N},\), got \(3,\)"):
            method(X, *rest, offset=np.zeros(3))
        with pytest.raises(ValueError, match=r"^offset must be finite numbers, got -inf in row 0 \(1 such\)"):
            method(X, *rest, offset=np.where(np.arange(N) == 0, -np.inf, 0.0))


@pytest.mark.parametrize("name", ["eval_init_score", "base_margin_eval_set"])
def test_the_offset_of_a_single_evaluation_set_may_stand_alone(engine, name):
    def history(eval_set, offset):
        model = engine.regressor(PoissonDeviance(), n_estimators=3)
        return model.fit(X, COUNTS, init_score=OFFSET, eval_set=eval_set, **{name: offset}).evals_result_

    expected = history([(X, COUNTS)], [OFFSET])
    for eval_set in ((X, COUNTS), [(X, COUNTS)]):
        for offset in (OFFSET, OFFSET.tolist(), (OFFSET,), OFFSET[None]):
            assert history(eval_set, offset) == expected
    with pytest.raises(ValueError, match=rf"eval_init_score\[0\] must have shape \({N},\), got \(5,\)"):
        history((X, COUNTS), OFFSET[:5])
    with pytest.raises(ValueError, match="eval_init_score has 2 entries for 1 evaluation sets"):
        history((X, COUNTS), [OFFSET, OFFSET])
    both = LIGHTGBM.regressor(NegativeBinomial(), n_estimators=2)
    wide = np.column_stack([OFFSET, np.zeros(N)])
    both.fit(X, COUNTS, init_score=wide, eval_set=(X, COUNTS), **{name: wide})
