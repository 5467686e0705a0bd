"""Proportional odds against their definition, in exact arithmetic; thresholds against another optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from scipy.optimize import minimize

from gbm_objectives import BinaryCrossEntropy, GBMRegressor, ProportionalOdds, check_loss
from gbm_objectives.contract.driver import BLOCK_ROWS
from gbm_objectives.losses.thresholds import SHARE_OF_NONE, thresholds
from tests.engine import ENGINES, LIGHTGBM, XGBOOST

THETA = np.array([-2.0, -0.5, 0.3, 2.5])
KNOWN = ProportionalOdds(5)._with(summary=THETA)


def rows(rng, n, spread=1.0):
    """Draw raw predictions, classes of five under the thresholds above, and weights, some of them 0."""
    raw = spread * rng.normal(size=n)
    y = np.searchsorted(THETA, raw + rng.logistic(size=n)).astype(float)
    return y, raw, np.where(rng.random(n) < 0.2, 0.0, rng.uniform(0.2, 3.0, n))


def by_definition(y, f, theta=THETA):
    """-log P(y) as a difference of two probabilities, in numbers of 60 digits."""
    mp = pytest.importorskip("mpmath")
    with mp.workdps(60):
        below = [mp.mpf(0), *(1 / (1 + mp.exp(mp.mpf(f) - mp.mpf(t))) for t in theta), mp.mpf(1)]
        return float(-mp.log(below[int(y) + 1] - below[int(y)]))


@pytest.mark.parametrize("spread", [1.0, 10.0, 100.0])
def test_the_loss_is_that_of_the_definition(spread):
    y, raw, _ = rows(np.random.default_rng(0), 40, spread)
    # With 60 digits the difference of probabilities near 1 is right up to here.
    raw = np.clip(raw, -100, 100)
    np.testing.assert_allclose(
        KNOWN.pointwise(y, raw), [by_definition(*row) for row in zip(y, raw, strict=True)], rtol=1e-13
    )


@pytest.mark.parametrize("loss", [ProportionalOdds(5), ProportionalOdds(5, hessian="exact")], ids=repr)
def test_derivatives_are_those_of_the_loss(loss):
    """Exact curvature is the second derivative; the other one is as large where that is at its row's side."""
    loss = loss._with(summary=THETA)
    y, raw, _ = rows(np.random.default_rng(1), 300, 4.0)
    step = 1e-4
    up, down = loss.pointwise(y, raw + step), loss.pointwise(y, raw - step)
    np.testing.assert_allclose(loss.gradient(y, raw), (up - down) / (2 * step), atol=1e-7)
    second = (loss.gradient(y, raw + step) - loss.gradient(y, raw - step)) / (2 * step)
    curvature = loss.curvature(y, raw)
    assert (curvature > second - 1e-8).all()
    inside = (raw > np.append(-np.inf, THETA)[y.astype(int)]) & (raw < np.append(THETA, np.inf)[y.astype(int)])
    exact = inside | (loss.hessian == "exact")
    np.testing.assert_allclose(curvature[exact], second[exact], atol=1e-7)
    assert 0.3 < inside.mean() < 0.9


def test_no_row_steps_by_more_than_two():
    y, raw, _ = rows(np.random.default_rng(2), 2000, 30.0)
    y = y[::-1].copy()  # far from the raw predictions
    for dtype in (np.float32, np.float64):
        gradient, curvature = KNOWN._derivatives(y.astype(dtype), raw.astype(dtype))
        assert gradient.dtype == curvature.dtype == dtype
        assert (np.abs(gradient) <= 2 * (1 + 1e-6) * curvature).all()
    exact = KNOWN._with(hessian="exact")
    assert (np.abs(exact.gradient(y, raw)) / exact.curvature(y, raw)).max() > 1e10


@pytest.mark.parametrize(("n_classes", "hessian"), [(2, "auto"), (3, "exact"), (6, "auto")])
def test_checks_of_any_loss(n_classes, hessian):
    check_loss(ProportionalOdds(n_classes, hessian=hessian))


def test_probabilities():
    raw = np.concatenate([np.linspace(-40, 40, 81), [-1e6, -800.0, 800.0, 1e6]])
    p = KNOWN.response(raw)
    assert p.shape == (85, 5) and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-14)
    # Of the upper tail as precise as of the lower one, where a difference of sums would be 0.
    assert p[80, 0] == pytest.approx(np.exp(-2.0 - 40.0), rel=1e-12)
    assert p[0, 4] == pytest.approx(np.exp(-40.0 - 2.5), rel=1e-12)
    y = np.resize(np.arange(5), 81)
    np.testing.assert_allclose(-np.log(p[np.arange(81), y]), KNOWN.pointwise(y, raw[:81]), atol=1e-15)
    assert KNOWN.response(np.float32([0.5])).dtype == np.float64
    np.testing.assert_array_equal(KNOWN.response([-np.inf, np.inf]), np.eye(5)[[0, 4]])


def test_far_out_all_is_finite():
    raw = np.array([-1e6, 1e6])
    for y in range(5):
        values = KNOWN.pointwise([y, y], raw), *KNOWN.gradient_hessian([y, y], raw)
        assert all(np.isfinite(value).all() for value in values)
    found = ProportionalOdds(3).on([0, 1, 2, 0], [-1e6, 1e6, 1e6, 1e6]).summary
    assert np.isfinite(found).all() and np.diff(found) > 0


def test_points():
    """Median, mean and mode of the class are those of the probabilities."""
    raw = np.linspace(-6, 6.01, 400)  # none of them is a threshold
    p = KNOWN.response(raw)
    losses = {point: KNOWN._with(point=point).labels(raw) for point in ("median", "mean", "mode")}
    np.testing.assert_array_equal(losses["median"], (p.cumsum(axis=1) < 0.5).sum(axis=1))
    np.testing.assert_array_equal(losses["mean"], np.rint(p @ np.arange(5)))
    np.testing.assert_array_equal(losses["mode"], p.argmax(axis=1))
    assert len({tuple(labels) for labels in losses.values()}) == 3
    # Each has the least expected cost of its kind.
    far = np.abs(np.arange(5)[:, None] - np.arange(5))
    np.testing.assert_array_equal(losses["median"], (p @ far).argmin(axis=1))
    np.testing.assert_array_equal(losses["mean"], (p @ far**2).argmin(axis=1))


# ---- thresholds ----------------------------------------------------------------------------------------------


def negative_log_likelihood(theta, y, raw, weight):
    ends = np.concatenate([[-np.inf], theta, [np.inf]])
    p = special.expit(ends[y + 1] - raw) - special.expit(ends[y] - raw)
    return -np.sum(weight * np.log(np.maximum(p, 1e-300)))


@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0, 10.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_gaps_of_thresholds_are_those_of_largest_likelihood(spread, weighted):
    """Against BFGS; where they all are is that of the labels alone, as it is where raw predictions are equal."""
    y, raw, weight = rows(np.random.default_rng(3), 400, spread)
    y, w = y.astype(int), weight if weighted else np.ones(400)
    found = thresholds(y, raw, weight if weighted else None, 5)
    start = np.quantile(raw, np.cumsum(np.bincount(y, w))[:-1] / w.sum()) + np.arange(4)
    best = minimize(negative_log_likelihood, start, (y, raw, w), method="BFGS", options={"gtol": 1e-6}).x
    np.testing.assert_allclose(np.diff(found), np.diff(best), rtol=1e-3, atol=1e-4)
    share = np.cumsum(np.bincount(y, w))[:-1] / w.sum()
    information, logits = share * (1 - share), special.logit(share)
    assert information @ found == pytest.approx(information @ logits, abs=1e-9)
    if spread == 0.0:
        np.testing.assert_allclose(found, logits, rtol=1e-6)
    # From those of the round before, it is about the same.
    near = thresholds(y, raw, weight if weighted else None, 5, thresholds(y, 0.9 * raw, w, 5))
    np.testing.assert_allclose(near, found, atol=2e-4)


def test_of_two_classes_the_threshold_is_that_of_the_labels():
    y, raw = np.resize([0, 1, 1, 1], 80), np.random.default_rng(4).normal(size=80)
    assert thresholds(y, raw, None, 2).tolist() == pytest.approx([-np.log(3.0)])


def test_weights_of_thresholds():
    """A weight of 2 is the row twice, one of 0 is no row, and a factor of all changes nothing."""
    y, raw, _ = rows(np.random.default_rng(5), 100)
    y, times = y.astype(int), np.random.default_rng(6).integers(0, 4, 100)
    found = thresholds(y, raw, times.astype(float), 5)
    repeated = np.repeat(np.arange(100), times)
    np.testing.assert_allclose(found, thresholds(y[repeated], raw[repeated], None, 5), rtol=1e-7)
    kept = times > 0
    np.testing.assert_array_equal(found, thresholds(y[kept], raw[kept], times[kept].astype(float), 5))
    for factor in (1e-8, 1e8):
        np.testing.assert_allclose(thresholds(y, raw, factor * times, 5), found, rtol=1e-9)
    # Beside weights of 1e8 those of 1e-8 are none, and the rows still have finite losses.
    for heavy in ((2,), (1, 2), (0, 3)):
        odd = thresholds(y, raw, np.where(np.isin(y, heavy), 1e8, 1e-8), 5)
        assert np.isfinite(odd).all() and (np.diff(odd) > 0).all()
        kept = np.isin(y, heavy)
        np.testing.assert_allclose(odd, thresholds(y[kept], raw[kept], None, 5), rtol=1e-9)


@pytest.mark.parametrize(
    "present", [(1, 2, 3), (0, 2, 4), (0, 1, 4), (3, 4), (2,), (0,), (4,)], ids=lambda present: str(present)
)
def test_classes_without_rows(present):
    """They are rare, never impossible, and do not move the others."""
    y = np.resize(present, 200)
    raw = np.random.default_rng(7).normal(size=200)
    loss = ProportionalOdds(5).on(y, raw)
    assert np.isfinite(loss.summary).all() and (np.diff(loss.summary) > 0).all()
    p = loss.response(raw)
    absent = [k for k in range(5) if k not in present]
    assert 0 < p[:, absent].max() <= 2 * SHARE_OF_NONE
    assert np.isfinite(loss.pointwise(np.resize(np.arange(5), 200), raw)).all()
    if len(present) > 1:
        alone = ProportionalOdds(len(present)).on(np.searchsorted(present, y), raw)
        np.testing.assert_allclose(p[:, present], alone.response(raw), atol=2e-3)


def test_many_rows_are_cut_into_blocks():
    n = BLOCK_ROWS + 1000
    y, raw, weight = rows(np.random.default_rng(8), n)
    found = thresholds(y.astype(int), raw, weight, 5)
    np.testing.assert_allclose(found - found.mean(), THETA - THETA.mean(), atol=0.05)
    # In float32, as engines keep raw predictions.
    np.testing.assert_allclose(thresholds(y.astype(int), raw.astype(np.float32), weight, 5), found, atol=1e-5)


# ---- two classes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_two_classes_are_the_cross_entropy_of_one_probability(weighted):
    """Raw predictions differ by a constant, the start value, which is the threshold; all else is the same."""
    rng = np.random.default_rng(9)
    X = rng.normal(size=(600, 4))
    y = (X[:, 0] + X[:, 1] + rng.logistic(size=600) > 1.0).astype(float)
    weight = rng.uniform(0.2, 3.0, 600) if weighted else None
    for engine in ENGINES:
        binary = engine.train(BinaryCrossEntropy(), X, y, weight)
        ordinal = engine.train(ProportionalOdds(2, hessian="exact"), X, y, weight)
        raw = engine.raw(ordinal, X)
        loss = ProportionalOdds(2).on(y, raw, weight)
        assert loss.summary[0] == pytest.approx(-BinaryCrossEntropy().initial_raw(y, weight), rel=1e-12)
        np.testing.assert_allclose(raw - loss.summary, engine.raw(binary, X), atol=1e-5)
        np.testing.assert_allclose(loss.response(raw)[:, 1], special.expit(engine.raw(binary, X)), atol=1e-6)


# ---- input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [5.0, -1.0, 1.5])
def test_a_class_out_of_range_is_named_before_training(engine, wrong):
    X = np.random.default_rng(10).normal(size=(20, 2))
    y = np.resize(np.arange(5.0), 20)
    y[7] = wrong
    with pytest.raises(ValueError, match=rf"must be integer labels 0 \.\.\. 4, got {wrong} in row 7"):
        engine.train(ProportionalOdds(5), X, y)
    with pytest.raises(ValueError, match=rf"got {wrong} in row 7"):
        ProportionalOdds(5).value(y, np.zeros(20))
    with pytest.raises(ValueError, match=rf"got {wrong} in row 7"):
        ProportionalOdds(5).on(y, np.zeros(20))
    with pytest.raises(ValueError, match="got nan in row 7"):
        ProportionalOdds(5).check_target(np.where(y == wrong, np.nan, y))


def test_bad_parameters():
    for loss, error, message in (
        (ProportionalOdds(1), ValueError, "n_classes of ProportionalOdds must be at least 2, got 1"),
        (ProportionalOdds(2.0), TypeError, r"n_classes of ProportionalOdds must be an integer, got 2\.0"),
        (ProportionalOdds(True), TypeError, "n_classes of ProportionalOdds must be an integer, got True"),
        (ProportionalOdds(3, "average"), ValueError, "point of ProportionalOdds must be one of 'median', 'mean'"),
        (ProportionalOdds(3, hessian="constant"), ValueError, "hessian of ProportionalOdds must be one of"),
    ):
        with pytest.raises(error, match=message):
            loss.check_params()


def test_without_thresholds_there_are_no_probabilities():
    for call in (ProportionalOdds(3).response, ProportionalOdds(3).labels, ProportionalOdds(3).predicted):
        with pytest.raises(ValueError, match=r"needs the thresholds of its training rows.*loss\.on\(y, raw"):
            call([0.0])
    with pytest.raises(ValueError, match="tells 3 classes apart"):
        GBMRegressor(ProportionalOdds(3)).fit([[0.0], [1.0], [2.0]], [0, 1, 2])


@pytest.mark.parametrize("wrong", [[1.0], [1.0, 2.0, 3.0], [2.0, 1.0], [1.0, 1.0], [[1.0, 2.0]]], ids=str)
def test_thresholds_of_a_file_are_checked(wrong):
    loss = ProportionalOdds(3)._with(summary=np.array(wrong))
    with pytest.raises(ValueError, match=r"thresholds of .* must be 2 increasing numbers"):
        loss._check_summary()
    ProportionalOdds(3)._with(summary=np.array([1.0, 2.0]))._check_summary()
    ProportionalOdds(3)._check_summary()


def test_at_the_engines_own_doors():
    """They know no training: thresholds are those of the rows at hand, in every call, and judge no others."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(500, 3))
    y = np.searchsorted(THETA, 2 * X[:, 0] + rng.logistic(size=500)).astype(float)
    import lightgbm as lgb

    data = LIGHTGBM.data(X, y)
    params = {**LIGHTGBM.params, "objective": ProportionalOdds(5)}
    raw = lgb.train(params, data, 30).predict(X)
    with pytest.raises(ValueError, match=r"needs the thresholds of its.*and the metric in our train"):
        lgb.train(params, data, 30, valid_sets=[data], feval=ProportionalOdds(5).metric)
    with pytest.raises(ValueError, match="needs the thresholds of its training rows"):
        ProportionalOdds(5).value(y, raw)
    ours = LIGHTGBM.raw(LIGHTGBM.train(ProportionalOdds(5), X, y, rounds=30), X)
    np.testing.assert_allclose(raw, ours, atol=1e-3)


@pytest.mark.parametrize("metric", ["logloss", "error", "rmse", "mlogloss", "auc"])
def test_xgboosts_metrics_by_name_would_be_of_raw_predictions(metric):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), np.arange(50) % 3
    model = XGBOOST.classifier(ProportionalOdds(3))
    with pytest.raises(ValueError, match=f"eval_metric '{metric}' would be computed on raw predictions"):
        model.fit(X, y, eval_set=[(X, y)], eval_metric=metric)
