"""Calibration on rows in the order of time: windows, weights that halve, updates, and coverage under drift."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gbm_objectives import GBMRegressor, MultiQuantile, SquaredError
from gbm_objectives.distributions import Normal
from gbm_objectives.estimators.conformal import Calibration
from gbm_objectives.estimators.saving import sealed


def drifting(rng, n, drift="none"):
    """Rows in the order of time; over 1,000 of them the spread grows by a third, or the mean by half of it."""
    t, X = np.arange(n) / 1000, rng.uniform(-1, 1, (n, 3))
    spread = np.exp(0.3 * t) if drift == "spread" else 1.0
    mean = 2 * X[:, 0] + (0.5 * t if drift == "mean" else 0.0)
    return X, mean + spread * (0.5 + 0.5 * (X[:, 1] > 0)) * rng.standard_normal(n)


def held(model, X, y, coverage=0.9, **groups):
    low, high = model.predict_interval(X, coverage, **groups).T
    return (low <= y) & (y <= high)


def test_ranks_with_a_half_life_are_those_of_the_formula():
    """Weights 1/8, 1/4, 1/2, and 1 for the fresh row."""
    scores = np.array([1.0, 3.0, 2.0])
    calibration = Calibration(scores, scores, half_life=1.0)
    np.testing.assert_array_equal(calibration.recency, [0.125, 0.25, 0.5])
    # Sorted 1, 2, 3 the weights add up to 1/8, 5/8, 7/8; the coverage c needs c · 15/8.
    for coverage, score in ((1 / 15, 1.0), (1 / 15 + 1e-3, 2.0), (1 / 3, 2.0), (1 / 3 + 1e-3, 3.0), (7 / 15, 3.0)):
        assert calibration.reach(scores, coverage, None, 1)[0] == score
    with pytest.raises(
        ValueError, match=r"too few for a coverage of 0.5: .* 3, which with their weights count as 0.875"
    ):
        calibration.reach(scores, 0.5, None, 1)


def test_a_half_life_multiplies_weights():
    """Rows of weight 2 are two rows of the same age; a very long half-life changes nothing."""
    rng = np.random.default_rng(0)
    scores, weight = rng.standard_normal(400), rng.integers(0, 4, 400).astype(float)
    plain = Calibration(scores, scores, weight)
    long = Calibration(scores, scores, weight, half_life=1e12)
    for coverage in (0.3, 0.8, 0.95):
        assert plain.reach(scores, coverage, None, 1) == long.reach(scores, coverage, None, 1)
    # 100 times the same weights: 7 or 1, it is only how the rows compare that counts.
    even = [Calibration(scores, scores, w, half_life=50.0) for w in (None, np.full(400, 7.0))]
    assert even[0].reach(scores, 0.9, None, 1) == even[1].reach(scores, 0.9, None, 1)


@pytest.mark.parametrize("half_life", [20.0, 100.0])
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_exchangeable_rows_are_covered_as_promised(half_life, coverage):
    """At least so much, and at most the weight of one row, 1/(sum + 1), more."""
    rng = np.random.default_rng(1)
    n, trials = 300, 3000
    calibration = Calibration(np.zeros(n), np.zeros(n), half_life=half_life)
    got = []
    for _ in range(trials):
        scores = rng.standard_normal(n)
        got.append(rng.standard_normal() <= calibration.reach(scores, coverage, None, 1)[0])
    error = np.sqrt(coverage * (1 - coverage) / trials)
    assert -3 * error < np.mean(got) - coverage < 3 * error + 1 / (calibration.recency.sum() + 1)


def test_the_loss_of_coverage_is_within_its_bound():
    """Uniform scores up to s: the total variation from those up to 1 is 1 - s, exact and easy to sum."""
    rng = np.random.default_rng(2)
    n, trials, coverage = 200, 4000, 0.9
    ends = np.linspace(0.8, 1.0, n + 1)[:-1]
    for half_life in (10.0, 50.0, None):
        calibration = Calibration(np.zeros(n), np.zeros(n), half_life=half_life)
        recency = calibration.recency
        lost = 2 * (recency @ (1 - ends)) / (recency.sum() + 1)
        got = []
        for _ in range(trials):
            scores = ends * rng.random(n)
            got.append(rng.random() <= calibration.reach(scores, coverage, None, 1)[0])
        assert np.mean(got) > coverage - lost - 3 * np.sqrt(0.09 / trials)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [MultiQuantile((0.05, 0.5, 0.95)), Normal()], ids=repr)
@pytest.mark.parametrize("unit", [1.0, 1e6, 1e-6])
def test_coverage_under_drift(engine, loss, unit):
    """What docs/intervals.md shows: 90% intervals, calibrated anew every 50 rows, over 3,000 rows."""

    def shares(drift, **settings):
        X, y = drifting(np.random.default_rng(3), 5000, drift)
        y *= unit
        model = engine.regressor(loss).fit(X[:1000], y[:1000])
        model.calibrate(X[1000:2000], y[1000:2000], **settings)
        got = []
        for start in range(2000, 5000, 50):
            rows = slice(start, start + 50)
            got.append(held(model, X[rows], y[rows]).mean())
            model.calibrate(X[rows], y[rows], update=True)
        return np.mean(got), np.mean(got[-20:])

    for drift, left in (("spread", 0.79), ("mean", 0.72)):
        assert shares(drift)[1] < left
        for settings in ({"window": 300}, {"half_life": 150.0}):
            whole, end = shares(drift, **settings)
            assert 0.86 < whole < 0.91 and 0.85 < end < 0.92
    if unit == 1.0:
        for settings in ({}, {"window": 300}, {"half_life": 150.0}):
            assert shares("none", **settings)[0] == pytest.approx(0.9, abs=0.02)


def test_a_window_is_the_last_rows(engine):
    X, y = drifting(np.random.default_rng(4), 700)
    model = engine.regressor(Normal()).fit(X[:200], y[:200])
    weight, groups = 1.0 + (np.arange(500) % 3), np.arange(500) % 2
    X, y = X[200:], y[200:]
    expected = model.calibrate(X[-150:], y[-150:], weight[-150:], groups[-150:]).predict_interval(X, 0.8, groups)
    model.calibrate(X, y, weight, groups, window=150)
    assert len(model.calibration_.y) == 150 and model.calibration_.y.base is None
    np.testing.assert_array_equal(model.predict_interval(X, 0.8, groups), expected)
    model.calibrate(X, y, weight, groups, window=10_000)
    assert len(model.calibration_.y) == 500


@pytest.mark.parametrize("settings", [{}, {"window": 120}, {"half_life": 40.0}, {"window": 99, "half_life": 30}])
def test_updates_are_one_calibration_on_all_rows(engine, settings, tmp_path):
    X, y = drifting(np.random.default_rng(5), 500)
    model = engine.regressor(Normal()).fit(X[:200], y[:200])
    X, y, weight = X[200:], y[200:], 1.0 + (np.arange(300) % 2)
    weight[:90] = 1.0
    expected = model.calibrate(X, y, weight, **settings).predict_interval(X, 0.8)
    model.calibration_ = None
    model.calibrate(X[:60], y[:60], update=True, **settings)  # a first one, too
    model.calibrate(X[60:90], y[60:90], update=True)
    model.save_model(tmp_path / "model.json")
    model = GBMRegressor.load_model(tmp_path / "model.json")
    model.calibrate(X[90:], y[90:], weight[90:], update=True)
    np.testing.assert_array_equal(model.predict_interval(X, 0.8), expected)
    # New settings replace the old ones, and a calibration that is no update has none.
    assert model.calibrate(X[:5], y[:5], update=True, window=20).calibration_.window == 20
    assert len(model.calibration_.y) == 20
    assert model.calibrate(X, y).calibration_.half_life is None and model.calibration_.window is None


def test_sets_of_classes_in_time(engine):
    rng = np.random.default_rng(6)
    X = rng.uniform(-1, 1, (8500, 2))
    labels = np.where(X[:, 0] + rng.standard_normal(8500) > 0, "yes", "no")
    model = engine.classifier().fit(X[:500], labels[:500])
    fresh = labels[4500:]
    for settings in ({"window": 2000}, {"half_life": 1500.0}):
        sets = model.calibrate(X[500:4500], labels[500:4500], **settings).predict_set(X[4500:], 0.8)
        # Of 2,000 calibration rows and 4,000 new ones, three standard deviations.
        assert sets[np.arange(4000), (fresh == "yes").astype(int)].mean() == pytest.approx(0.8, abs=0.033)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"window": 0}, ValueError, "window must be at least 1, got 0"),
        ({"window": 2.5}, TypeError, "window must be an integer, got 2.5"),
        ({"window": True}, TypeError, "window must be an integer, got True"),
        ({"half_life": 0.0}, ValueError, "half_life must be above 0 and below inf, got 0"),
        ({"half_life": np.inf}, ValueError, "half_life must be above 0 and below inf, got inf"),
        ({"half_life": "7d"}, TypeError, "half_life must be a number, got '7d'"),
        ({"update": True, "groups": ["a"] * 60}, ValueError, "groups must be as in .* updated, none, got strings"),
    ],
)
def test_bad_arguments(engine, settings, error, message):
    X, y = drifting(np.random.default_rng(7), 60)
    model = engine.regressor(SquaredError()).fit(X, y).calibrate(X, y)
    before = model.calibration_
    with pytest.raises(error, match=message):
        model.calibrate(X, y, **settings)
    assert model.calibration_ is before
    model.calibrate(X, y, groups=np.arange(60) % 2)
    with pytest.raises(
        ValueError, match="groups must be as in the calibration that is updated, integers, got none"
    ):
        model.calibrate(X, y, update=True)


def test_a_window_or_half_life_may_leave_too_few_rows(engine):
    X, y = drifting(np.random.default_rng(8), 200)
    model = engine.regressor(SquaredError()).fit(X, y)
    message = "too few for a coverage of 0.9: at least 9 are needed, there are"
    for settings in ({"window": 8}, {"half_life": 5.0}, {"half_life": 1e-5}):
        with pytest.raises(ValueError, match=message):
            model.calibrate(X, y, **settings).predict_interval(X, 0.9)
    weight = (np.arange(200) < 100).astype(float)
    with pytest.raises(ValueError, match=f"{message} 0"):
        model.calibrate(X, y, weight, window=50).predict_interval(X, 0.9)
    assert np.isfinite(model.calibrate(X, y, half_life=7.0).predict_interval(X, 0.9)).all()


def test_damaged_settings_of_a_file(tmp_path):
    X, y = drifting(np.random.default_rng(9), 60)
    GBMRegressor(Normal()).fit(X, y).calibrate(X, y, window=50).save_model(tmp_path / "model.json")
    content = json.loads((tmp_path / "model.json").read_text())
    for change in ({"window": 0}, {"half_life": -1.0}, {"window": "a"}):
        bad = {**content, "calibration": {**content["calibration"], **change}}
        (tmp_path / "bad.json").write_text(json.dumps(sealed(bad)))
        with pytest.raises(ValueError, match="is damaged"):
            GBMRegressor.load_model(tmp_path / "bad.json")
    for name in ("window", "half_life"):
        del content["calibration"][name]
    (tmp_path / "old.json").write_text(json.dumps(sealed(content)))
    assert GBMRegressor.load_model(tmp_path / "old.json").calibration_.window is None
