"""Targets of which many are equal: ends of intervals are these values, and users are told of better losses."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from gbm_objectives import AbsoluteError, GBMRegressor, MultiQuantile, PoissonDeviance, SquaredError
from gbm_objectives.distributions import Laplace, NegativeBinomial, Normal, StudentT, ZeroInflatedPoisson
from gbm_objectives.estimators.conformal import Calibration, Quantiles, interval, one_sided
from gbm_objectives.estimators.saving import sealed
from gbm_objectives.estimators.ties import MARGIN, Ties, ties
from tests.engine import LIGHTGBM, XGBOOST

TOLD = pytest.mark.filterwarnings("ignore:.* of the training targets are:UserWarning")
LOSS = MultiQuantile((0.1, 0.5, 0.9))
UNITS = pytest.mark.parametrize("unit", [1.0, 1e6, 1e-6])


def zeros(rng, n, share=0.6):
    """That share of zeros, and positive numbers."""
    X = rng.uniform(-1, 1, (n, 3))
    return X, np.where(rng.random(n) < share, 0.0, np.exp(X[:, 1] + 0.5 * rng.standard_normal(n)))


def counts(rng, n, mean=0.5):
    X = rng.uniform(-1, 1, (n, 3))
    return X, rng.poisson(mean * np.exp(0.5 * X[:, 0])).astype(float)


def held(model, X, y, coverage=0.8, **groups):
    low, high = model.predict_interval(X, coverage, **groups).T
    return np.mean((low <= y) & (y <= high))


def test_ends_in_a_zone_are_the_value():
    known = Ties(np.array([-1.0, 0.0, 1.0]), 0.1, 0.5, 0.0)
    ends = np.array([[-1.2, -1.05], [-0.101, -0.1], [0.07, 0.49], [0.9, 1.3]])
    np.testing.assert_array_equal(known.snapped(ends), [[-1.2, -1.0], [-0.101, 0.0], [0.0, 0.49], [1.0, 1.3]])


def test_scores_are_those_of_nested_intervals():
    """An end leaves a target inside as long as it is not beyond the ends for it; up to the margin for rounding."""
    rng = np.random.default_rng(0)
    known = Ties(np.array([0.0, 1.0, 3.0]), 0.2, 0.5, 0.0)
    y = np.concatenate([known.values.repeat(200), rng.uniform(-1, 4, 3000)])
    ends = y + rng.uniform(-0.5, 0.5, len(y))
    inside = known.snapped(ends) <= y
    margin = 3 * MARGIN * known.zone
    assert inside[ends <= known.lowest_end(y)].all()
    assert not inside[ends > known.lowest_end(y) + margin].any()
    inside = y <= known.snapped(ends)
    assert inside[ends >= known.highest_end(y)].all()
    assert not inside[ends < known.highest_end(y) - margin].any()


def test_what_is_learnt_of_targets():
    rng = np.random.default_rng(1)
    y = np.concatenate([np.zeros(500), np.full(100, 2.0), rng.uniform(1, 5, 400)])
    known = ties(y, None)
    assert known.values.tolist() == [0.0, 2.0] and (known.share, known.most) == (0.5, 0.0)
    # As many others are so near, it is less than twice the distance at which outputs settle.
    near = np.sort(np.abs(y[600:] - 2.0))
    assert 0 < known.zone < 0.06 * np.abs(y).mean() and known.zone == pytest.approx(near[10])
    weight = rng.integers(0, 4, 1000).astype(float)
    weighted, repeated = ties(y, weight), ties(np.repeat(y, weight.astype(int)), None)
    np.testing.assert_array_equal(weighted.values, repeated.values)
    assert (weighted.zone, weighted.share) == pytest.approx((repeated.zone, repeated.share))
    for nothing in (rng.standard_normal(500), np.zeros(50)):
        assert ties(nothing, None) is None


def test_zones_are_small_beside_outliers_and_neighbours():
    rng = np.random.default_rng(2)
    y = np.concatenate([np.zeros(200), rng.lognormal(size=800)])
    y[-1] = 1e12
    known = ties(y, None)
    assert np.mean((y != 0) & (y <= known.zone)) <= 0.011
    close = np.concatenate([np.repeat([0.0, 1e-3], 400), rng.uniform(1, 2, 200)])
    assert ties(close, None).zone < 5e-4


@TOLD
@UNITS
@pytest.mark.parametrize(("data", "least"), [(zeros, 0.81), (counts, 0.79)], ids=["zeros", "counts"])
def test_own_ends_are_values_that_occur(engine, data, least, unit):
    """300 rows: 80% intervals contained .70 to .84 of new targets before, now .80 to .86."""
    rng = np.random.default_rng(3)
    X, y = data(rng, 4300)
    y *= unit
    model = engine.regressor(LOSS, learning_rate=0.1).fit(X[:300], y[:300])
    ends = model.predict_interval(X[300:], 0.8)
    assert np.isin(ends[:, 0], y).mean() > 0.75
    after = held(model, X[300:], y[300:])
    zone = model.ties_.zone
    away = np.abs(ends[:, :, None] - model.ties_.values).min(axis=2)
    assert ((away == 0) | (away > zone)).all()
    model.ties_ = None
    bare = model.predict_interval(X[300:], 0.8)
    assert np.abs(bare - ends).max() <= zone * (1 + 1e-9)
    assert after > least and after > held(model, X[300:], y[300:]) + 0.01


@TOLD
@UNITS
@pytest.mark.parametrize(
    "loss",
    [LOSS, SquaredError(), AbsoluteError(), Normal(), StudentT(), Laplace()],
    ids=repr,
)
def test_calibrated_intervals_hold_at_least_what_they_promise(engine, loss, unit):
    rng = np.random.default_rng(4)
    for data in (zeros, counts):
        X, y = data(rng, 6000)
        y *= unit
        model = engine.regressor(loss).fit(X[:400], y[:400])
        got = []
        for _ in range(12):
            rows = rng.choice(np.arange(400, 6000), 1600, replace=False)
            known, new = rows[:400], rows[400:]
            got.append(held(model.calibrate(X[known], y[known]), X[new], y[new]))
        # Each has a standard error of .021.
        assert np.mean(got) > 0.785


@TOLD
def test_calibrated_ends_stand_at_zero(engine):
    """With 85% of zeros the best 60% interval is the zero alone; a hair off it in some rows it contained 60%."""
    X, y = zeros(np.random.default_rng(5), 6000, 0.85)
    loss = MultiQuantile((0.2, 0.5, 0.8))
    model = engine.regressor(loss, learning_rate=0.1).fit(X[:1500], y[:1500]).calibrate(X[1500:3000], y[1500:3000])
    ends = model.predict_interval(X[3000:], 0.6)
    assert (ends[:, 0] == 0).mean() > 0.95 and (ends[:, 1] == 0).mean() > 0.5
    assert held(model, X[3000:], y[3000:], 0.6) > 0.83
    low, high = model.predict_quantiles(X[3000:], [0.2, 0.8]).T
    assert ((low <= 0) & (high >= 0)).mean() > 0.97


@TOLD
def test_in_groups_and_by_weight(engine):
    X, y = zeros(np.random.default_rng(6), 6000)
    model = engine.regressor(LOSS).fit(X[:500], y[:500])
    groups, weight = np.where(X[:, 1] > 0, "large", "small"), np.where(X[:, 1] > 0, 3.0, 1.0)
    known, new = slice(500, 2500), slice(2500, None)
    model.calibrate(X[known], y[known], sample_weight=weight[known], groups=groups[known])
    for name in ("large", "small"):
        rows = np.flatnonzero(groups == name)
        rows = rows[rows >= 2500]
        assert held(model, X[rows], y[rows], groups=groups[rows]) > 0.78
    model.calibrate(X[known], y[known], sample_weight=weight[known])
    low, high = model.predict_interval(X[new], 0.8).T
    assert np.average((low <= y[new]) & (y[new] <= high), weights=weight[new]) > 0.78


@pytest.mark.parametrize("unit", [1.0, 0.1, 1e6, 3e-7])
def test_rounding_leaves_no_equal_target_out(unit):
    """Each of 90 values is too rare for a zone; an end in the last place beside one loses 1% of the rows."""
    rng = np.random.default_rng(7)
    y = rng.integers(10, 100, 3000) * unit / 7
    raw = rng.choice([0.3, 1.7, 31.0], 3000) * unit
    model = Quantiles(lambda raw, levels: raw[:, None] + 0.1 * unit * levels, lambda raw: 0.37 * np.ones(len(raw)))
    calibration = Calibration(raw, y)
    for coverage in (0.6, 0.8, 0.9):
        low, high = interval(calibration, model, raw, coverage, None).T
        assert np.mean((low <= y) & (y <= high)) >= coverage
        low, high = one_sided(calibration, model, raw, np.array([1 - coverage, coverage]), None).T
        assert np.mean(y <= high) >= coverage <= np.mean(y >= low)


def test_counts_of_distributions_stay_integers(engine):
    X, y = counts(np.random.default_rng(8), 1500)
    for loss in (PoissonDeviance(), NegativeBinomial(), ZeroInflatedPoisson()):
        model = engine.regressor(loss).fit(X[:500], y[:500])
        assert model.ties_ is not None
        model.predict_interval(X, 0.8)
        ends = model.calibrate(X[500:], y[500:]).predict_interval(X, 0.8)
        assert (ends == np.round(ends)).all()


@pytest.mark.parametrize("loss", [LOSS, Normal(), SquaredError()], ids=repr)
def test_users_are_told_once_after_each_fit(engine, loss):
    X, y = zeros(np.random.default_rng(9), 600)
    model = engine.regressor(loss).fit(X, y)
    model.predict(X)
    message = r"of the training targets are 0, .* gives no probability: .* NegativeBinomial for counts, and Hurdle"
    with pytest.warns(UserWarning, match=message) as told:
        model.predict_interval(X)
    assert [one.filename for one in told] == [__file__]
    model.calibrate(X, y).predict_interval(X)
    with pytest.warns(UserWarning, match=r"\d\d% of the training targets are 0, ") as told:
        model.fit(X, y).calibrate(X, y)
    assert [one.filename for one in told] == [__file__]


def test_nobody_is_told_where_there_is_nothing_to_tell(engine):
    rng = np.random.default_rng(10)
    X, y = zeros(rng, 600, 0.08)
    model = engine.regressor(Normal()).fit(X, y).calibrate(X, y)
    assert model.ties_.values.tolist() == [0.0]
    assert engine.regressor(Normal()).fit(X, rng.standard_normal(600)).ties_ is None


def test_a_mixture_with_the_value_is_not_warned_of(monkeypatch):
    X, y = zeros(np.random.default_rng(11), 600)
    model = LIGHTGBM.regressor(Normal()).fit(X, y)
    own = model._distribution

    class WithZeros:
        def __init__(self, raw):
            self.continuous = own(raw)

        def cdf(self, y):
            return 0.6 * (y >= 0) + 0.4 * self.continuous.cdf(y)

    monkeypatch.setattr(model, "_distribution", WithZeros)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model._warn_of_ties(lambda: model.predict_raw(X), 1)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="Hurdle"):
        model._warn_of_ties(lambda: model.predict_raw(X), 1)


@TOLD
def test_saved_and_loaded(engine, tmp_path):
    X, y = zeros(np.random.default_rng(12), 600)
    for loss in (LOSS, Normal()):
        model = engine.regressor(loss).fit(X[:300], y[:300])
        for fitted in (model, model.calibrate(X[300:], y[300:])):
            fitted.save_model(tmp_path / "model.json")
            loaded = GBMRegressor.load_model(tmp_path / "model.json")
            np.testing.assert_array_equal(loaded.predict_interval(X, 0.8), model.predict_interval(X, 0.8))
            assert loaded.ties_.zone == model.ties_.zone
    content = json.loads((tmp_path / "model.json").read_text())
    without = {name: value for name, value in content.items() if name != "ties"}
    (tmp_path / "old.json").write_text(json.dumps(sealed(without)))
    assert GBMRegressor.load_model(tmp_path / "old.json").ties_ is None
    for change in ({"values": [1.0, 0.0]}, {"zone": -1.0}, {"zone": None}, {"values": []}, {"most": 7.0}):
        content["ties"] = {**json.loads((tmp_path / "model.json").read_text())["ties"], **change}
        (tmp_path / "bad.json").write_text(json.dumps(sealed(content)))
        with pytest.raises(ValueError, match="is damaged"):
            GBMRegressor.load_model(tmp_path / "bad.json")


def test_rows_of_weight_zero_are_not_looked_at():
    X, y = zeros(np.random.default_rng(13), 600)
    model = XGBOOST.regressor(Normal()).fit(X, y, sample_weight=(y > 0).astype(float))
    assert model.ties_ is None
