"""Several quantiles at once are what each alone would be, in order."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from gbm_objectives import GBMRegressor, MultiQuantile, Quantile
from gbm_objectives.losses.multi_quantile import atoms
from tests.engine import XGBOOST

LEVELS = (0.05, 0.5, 0.97)
X, Y = load_diabetes(return_X_y=True)


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n)
    return (
        y,
        0.5 * rng.standard_normal((n, 1)) + np.sort(rng.standard_normal((n, 3)), axis=1),
        rng.integers(0, 3, n),
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_each_output_is_a_quantile_loss(weighted):
    y, raw, weight = rows(800)
    loss = MultiQuantile(LEVELS)
    columns = [(Quantile(alpha), raw[:, j]) for j, alpha in enumerate(LEVELS)]
    weight = weight.astype(float) if weighted else None
    assert loss.value(y, raw, weight) == pytest.approx(
        np.mean([mean_pinball_loss(y, f, alpha=one.alpha, sample_weight=weight) for one, f in columns])
    )
    gradient, hessian = loss.gradient_hessian(y, raw, weight)
    for j, (one, f) in enumerate(columns):
        np.testing.assert_allclose(3 * loss.gradient(y, raw)[:, j], one.gradient(y, f), atol=1e-12)
        own_gradient, own_hessian = one.gradient_hessian(y, f, weight)
        # The iteration of the widths begins elsewhere, and ends within a ten-thousandth of the same.
        np.testing.assert_allclose(gradient[:, j], own_gradient, rtol=2e-3, atol=1e-6)
        np.testing.assert_allclose(hessian[:, j], own_hessian, rtol=2e-3, atol=1e-6)
    np.testing.assert_array_equal(loss.initial_raw(y), [Quantile(alpha).initial_raw(y) for alpha in LEVELS])


def test_many_rows_are_sampled(engine):
    y, raw, _ = rows(30_000)
    gradient, hessian = MultiQuantile(LEVELS).gradient_hessian(y, raw)
    for j, alpha in enumerate(LEVELS):
        own = Quantile(alpha).gradient_hessian(y, raw[:, j])
        for got, expected in zip((gradient[:, j], hessian[:, j]), own, strict=True):
            # Of extreme levels few sampled rows tell the width of the rarer side.
            assert np.corrcoef(got, expected)[0, 1] > 0.85


def test_an_output_at_the_target_in_all_rows():
    y = np.arange(50.0)
    raw = np.stack([y, y + 1, np.full(50, 25.0)], axis=1)
    gradient, hessian = MultiQuantile(LEVELS).gradient_hessian(y, raw)
    assert np.isfinite(gradient).all() and (hessian > 0).all() and (gradient[:, 0] == 0).all()


@pytest.mark.parametrize("unit", [1.0, 1024.0])
def test_rare_rows_away_from_an_atom(unit):
    """Rows that the sample does not hold have widths in the unit of the target."""
    y = np.zeros(30_000)
    y[::3001] = 5.0 * unit
    raw = np.zeros((30_000, 3))
    loss = MultiQuantile(LEVELS)
    for last in (0.0, 2.0 * unit):
        raw[:, 2] = last
        gradient, hessian = loss.gradient_hessian(y, raw)
        away = slice(None, None, 3001)
        steps = -gradient[away, :2] / hessian[away, :2]
        assert np.isfinite(hessian).all() and (steps > 0.2 * unit).all() and (steps <= 5.01 * unit).all()


@pytest.mark.parametrize("zeros", [0.3, 0.6, 0.9])
def test_levels_that_start_at_what_most_targets_are(engine, zeros):
    x = np.random.default_rng(0).uniform(0, 1, (600, 2))
    y = np.where(x[:, 0] < zeros, 0.0, 2.0 + x[:, 1])
    # The middle one starts at 0, or at its neighbour's place; by itself it learns where the others are.
    model = engine.regressor(MultiQuantile((0.1, 0.5, 0.95)), n_estimators=60).fit(x, y)
    alone = engine.regressor(Quantile(0.5), n_estimators=60).fit(x, y)
    errors = [np.abs(f - y).mean() for f in (model.predict(x)[:, 1], alone.predict(x))]
    assert errors[0] < 1.5 * errors[1] + 0.02


def test_predictions_are_in_order_and_calibrated(engine):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (20_000, 2))
    y = x[:, 0] + np.exp(x[:, 1]) * rng.exponential(size=len(x))
    model = engine.regressor(MultiQuantile((0.1, 0.5, 0.9)), n_estimators=100).fit(x, y)
    quantiles = model.predict(x)
    assert quantiles.shape == (20_000, 3) and (np.diff(quantiles, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= quantiles).mean(axis=0), [0.1, 0.5, 0.9], atol=0.02)
    np.testing.assert_array_equal(model.predict_quantiles(x, (0.1, 0.5, 0.9)), quantiles)
    # Between levels and beyond them in order too.
    assert (np.diff(model.predict_quantiles(x[:99], np.linspace(0.01, 0.99, 50)), axis=1) >= -1e-9).all()
    raw = model.predict_raw(x)
    np.testing.assert_array_equal(np.sort(raw, axis=1), quantiles)
    native = engine.response(model.booster_, x)
    np.testing.assert_allclose(native, raw, rtol=1e-6)


def test_one_tree_for_all_levels_on_xgboost():
    model = GBMRegressor(
        MultiQuantile(LEVELS), XGBOOST.estimator(False, multi_strategy="multi_output_tree", n_estimators=50)
    ).fit(X, Y)
    apart = GBMRegressor(MultiQuantile(LEVELS), XGBOOST.estimator(False, n_estimators=50)).fit(X, Y)
    trees = [json.loads(one.booster_.save_raw("json"))["learner"]["gradient_booster"] for one in (model, apart)]
    assert len(trees[0]["model"]["trees"]) == len(trees[1]["model"]["trees"]) / 3 == 50
    loss = MultiQuantile(LEVELS)
    constant = loss.value(Y, np.tile(loss.initial_raw(Y), (len(Y), 1)))
    assert loss.value(Y, model.predict(X)) < 0.7 * constant


@pytest.mark.parametrize(
    ("alphas", "error", "message"),
    [
        ((0.5,), ValueError, r"alphas of MultiQuantile must be two or more in ascending order, got \(0.5,\)"),
        (0.5, ValueError, "must be two or more in ascending order, got 0.5"),
        ((0.9, 0.1), ValueError, "must be two or more in ascending order"),
        ((0.1, 0.1), ValueError, "must be two or more in ascending order"),
        ((0.1, 1.0), ValueError, "alphas of MultiQuantile must be above 0 and below 1, got 1.0$"),
        ("ab", TypeError, "alphas of MultiQuantile must be numbers, got 'ab'"),
        ((0.1, "x"), ValueError, "alphas of MultiQuantile must be numbers"),
        ((0.1, None), ValueError, "alphas of MultiQuantile must be"),
    ],
)
def test_bad_levels(engine, alphas, error, message):
    with pytest.raises(error, match=message):
        engine.regressor(MultiQuantile(alphas)).fit(X, Y)


def test_one_level_as_the_prediction(engine, tmp_path):
    loss = MultiQuantile(LEVELS, point=0.97)
    model, every = (engine.regressor(one).fit(X, Y) for one in (loss, MultiQuantile(LEVELS)))
    np.testing.assert_array_equal(model.predict(X), every.predict(X)[:, 2])
    np.testing.assert_array_equal(model.predict_raw(X), every.predict_raw(X))
    levels = (0.05, 0.3, 0.5, 0.97)
    np.testing.assert_array_equal(model.predict_quantiles(X, levels), every.predict_quantiles(X, levels))
    np.testing.assert_array_equal(model.predict_interval(X, 0.9), every.predict_interval(X, 0.9))
    assert next(model.staged_predict(X)).shape == Y.shape
    # R² of that level, as `Quantile` has it; metrics of the response get it too.
    assert model.score(X, Y) == pytest.approx(r2_score(Y, model.predict(X)))
    model.fit(X, Y, eval_set=[(X, Y)], eval_metric=mean_absolute_error)
    (history,) = model.evals_result_.values()
    assert history["mean_absolute_error"][-1] == pytest.approx(mean_absolute_error(Y, model.predict(X)))
    median = engine.regressor(MultiQuantile(LEVELS, point=0.5))
    scores = cross_val_score(median, X, Y, cv=3, scoring="neg_mean_absolute_error")
    assert -60 < scores.mean() < -40 and (cross_val_score(median, X, Y, cv=3) > 0.2).all()
    search = GridSearchCV(median, {"loss__point": [0.05, 0.5, 0.97]}, cv=3, scoring="neg_mean_absolute_error")
    assert search.fit(X, Y).best_params_ == {"loss__point": 0.5}
    model.calibrate(X, Y).save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    assert loaded.loss_.point == 0.97 and loaded.loss_ == loss
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.predict_interval(X), model.predict_interval(X))


@pytest.mark.parametrize(
    ("point", "error", "message"),
    [
        (0.6, ValueError, r"point of MultiQuantile must be one of its alphas \(0.05, 0.5, 0.97\), got 0.6"),
        (1.0, ValueError, "point of MultiQuantile must be above 0 and below 1, got 1.0"),
        ("0.5", TypeError, "point of MultiQuantile must be a number, got '0.5'"),
        ([0.5], TypeError, r"point of MultiQuantile must be a number, got \[0.5\]"),
    ],
)
def test_a_level_that_is_none(engine, point, error, message):
    with pytest.raises(error, match=message):
        engine.regressor(MultiQuantile(LEVELS, point=point)).fit(X, Y)


ATOMS = {
    "half zeros": lambda rng, mean: (rng.random(len(mean)) < 0.52) * mean * rng.gamma(2.0, 0.5, len(mean)),
    "80% zeros": lambda rng, mean: (rng.random(len(mean)) < 0.2) * mean * rng.gamma(2.0, 0.5, len(mean)),
    "counts": lambda rng, mean: rng.poisson(0.8 * mean).astype(float),
}


@pytest.mark.slow
@pytest.mark.parametrize("unit, origin", [(1.0, 0.0), (-1e3, 7.3)], ids=["as they are", "turned round"])
@pytest.mark.parametrize("name", ATOMS)
def test_an_interval_holds_the_values_that_many_targets_share(name, unit, origin, engine):
    """0.2.0: its ends rested on either side of them by chance, and it held .43 to .7."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(4000, 4))
    y = origin + unit * ATOMS[name](rng, np.exp(x[:, 0] + 0.5 * x[:, 1]))
    train, test = slice(0, 2000), slice(2000, 4000)
    params = {"max_depth": 3, "learning_rate": 0.1, "n_estimators": 60}
    loss = MultiQuantile((0.1, 0.5, 0.9))
    quantiles = engine.regressor(loss, **params).fit(x[train], y[train]).predict(x[test])
    assert 0.76 < np.mean((quantiles[:, 0] <= y[test]) & (y[test] <= quantiles[:, 2])) < 0.97
    # What it costs: less than a hundredth of the loss of separate models, which stay where they are.
    alone = [engine.regressor(Quantile(a), **params).fit(x[train], y[train]).predict(x[test]) for a in loss.alphas]
    assert loss.value(y[test], quantiles) < 1.015 * loss.value(y[test], np.stack(alone, axis=1))


def test_atoms_are_told_by_weight():
    rng = np.random.default_rng(0)
    y = np.concatenate([np.zeros(30), np.full(9, 2.0), rng.normal(size=500), [5.0, 5.0]])
    weight = np.ones(len(y))
    assert atoms(y, None).values.tolist() == [0.0]
    weight[30:39] = 2.0
    assert atoms(y, weight).values.tolist() == [0.0, 2.0]
    repeated = atoms(np.repeat(y, weight.astype(int)), None)
    assert repeated.values.tolist() == [0.0, 2.0]
    assert atoms(y, weight).distance == pytest.approx(repeated.distance)
    weight[:30] = 0.0
    assert atoms(y, weight).values.tolist() == [2.0]
    assert atoms(rng.normal(size=500), None) is None and atoms(np.zeros(50), None) is None


def test_score_names_the_way_to_predict_one_level(engine):
    model = engine.regressor(MultiQuantile(LEVELS)).fit(X, Y)
    with pytest.raises(ValueError, match=r"let it predict one of them, point=0\.5$"):
        model.score(X, Y)
