"""Calibrated intervals, quantiles and sets hold what they promise; by group, by weight, after saving."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Expectile,
    GBMClassifier,
    GBMRegressor,
    Hinge,
    MultiQuantile,
    PoissonDeviance,
    Quantile,
    SquaredError,
)
from gbm_objectives.distributions import Gamma, Normal, ZeroInflatedPoisson
from gbm_objectives.estimators.saving import sealed

LOSSES = [
    MultiQuantile((0.05, 0.5, 0.95)),
    MultiQuantile((0.25, 0.75)),
    Normal(scale_step=1.0),
    Gamma(),
    SquaredError(),
    AbsoluteError(),
    Quantile(0.9),
]


def data(rng, n):
    """Heteroscedastic, skewed, positive."""
    X = rng.uniform(-1, 1, (n, 3))
    return X, np.exp(X[:, 0] + (0.2 + 0.6 * (X[:, 1] > 0)) * rng.standard_normal(n))


def fitted(engine, loss, seed=0, n=300):
    # An over-fitted model, whose own intervals are far too narrow.
    X, y = data(np.random.default_rng(seed), n)
    return engine.regressor(loss, n_estimators=60).fit(X, y)


def inside(model, X, y, coverage, **groups):
    low, high = model.predict_interval(X, coverage, **groups).T
    assert (low <= high).all()
    return (low <= y) & (y <= high)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_intervals_cover(engine, loss):
    """Over 40 calibration sets of 200 rows the mean share is .9 to .905, with a standard error of .0035."""
    model = fitted(engine, loss)
    rng = np.random.default_rng(1)
    X, y = data(rng, 20_000)
    shares = {0.5: [], 0.9: []}
    for _ in range(40):
        rows = rng.choice(len(y), 1200, replace=False)
        known, fresh = rows[:200], rows[200:]
        model.calibrate(X[known], y[known])
        for coverage, got in shares.items():
            got.append(inside(model, X[fresh], y[fresh], coverage).mean())
    for coverage, got in shares.items():
        assert coverage - 0.015 < np.mean(got) < coverage + 0.02
    # Before, they did not.
    own = fitted(engine, loss)
    if isinstance(loss, Normal):
        assert inside(own, X, y, 0.9).mean() < 0.88


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_quantiles_have_their_level_alone_and_together(engine, loss):
    model = fitted(engine, loss)
    rng = np.random.default_rng(2)
    levels = [0.9, 0.05, 0.5, 0.95]
    below = []
    X, y = data(rng, 12_000)
    for start in range(0, 12_000, 600):
        known, fresh = slice(start, start + 300), slice(start + 300, start + 600)
        quantiles = model.calibrate(X[known], y[known]).predict_quantiles(X[fresh], levels)
        below.append((y[fresh, None] <= quantiles).mean(axis=0))
        alone = np.column_stack([model.predict_quantiles(X[fresh], level) for level in levels])
        np.testing.assert_array_equal(quantiles, alone)
    np.testing.assert_allclose(np.mean(below, axis=0), levels, atol=0.02)


def test_coverage_holds_in_each_group(engine):
    rng = np.random.default_rng(3)
    model = fitted(engine, SquaredError(), n=2000)
    (X, y), (X_new, y_new) = data(rng, 3000), data(rng, 20_000)
    names = np.array(["quiet", "loud"])
    groups, new = (names[(part[:, 1] > 0).astype(int)] for part in (X, X_new))
    loud = new == "loud"
    model.calibrate(X, y)
    whole = inside(model, X_new, y_new, 0.9)
    assert whole[~loud].mean() > 0.95 and whole[loud].mean() < 0.85
    model.calibrate(X, y, groups=groups)
    each = inside(model, X_new, y_new, 0.9, groups=new)
    assert each[~loud].mean() == pytest.approx(0.9, abs=0.025) and each[loud].mean() == pytest.approx(
        0.9, abs=0.025
    )
    quantiles = model.predict_quantiles(X_new, 0.95, groups=new)[:, 0]
    assert (y_new <= quantiles)[loud].mean() == pytest.approx(0.95, abs=0.025)


def test_weights_are_repeated_rows(engine):
    rng = np.random.default_rng(4)
    model = fitted(engine, Normal())
    X, y = data(rng, 3000)
    weight = rng.integers(0, 4, 3000)
    model.calibrate(X, y, sample_weight=weight)
    weighted = model.predict_interval(X, 0.8)
    repeated = model.calibrate(np.repeat(X, weight, axis=0), np.repeat(y, weight)).predict_interval(X, 0.8)
    # The one fresh row weighs as much as a row does, here and there.
    np.testing.assert_allclose(weighted, repeated, rtol=0.01, atol=0.01)
    model.calibrate(X, y, sample_weight=np.full(3000, 7.0))
    same = model.predict_interval(X, 0.8)
    np.testing.assert_array_equal(same, model.calibrate(X, y).predict_interval(X, 0.8))


def test_counts(engine):
    rng = np.random.default_rng(5)
    X = rng.uniform(-1, 1, (6000, 2))
    y = rng.poisson(np.exp(X[:, 0])).astype(float)
    for loss in (PoissonDeviance(), ZeroInflatedPoisson()):
        model = engine.regressor(loss).fit(X[:500], y[:500]).calibrate(X[500:1000], y[500:1000])
        assert inside(model, X[1000:], y[1000:], 0.9).mean() > 0.88


@pytest.mark.parametrize("classes", [2, 4])
def test_sets_of_classes_cover(engine, classes):
    rng = np.random.default_rng(6)

    def draw(n):
        X = rng.uniform(-1, 1, (n, 2))
        scores = 2 * np.column_stack([X[:, 0] * k + X[:, 1] * (k % 2) for k in range(classes)])
        return X, np.array(list("abcd"))[np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)]

    model = engine.classifier().fit(*draw(400))
    shares, sizes = [], []
    X_new, y_new = draw(4000)
    at = np.searchsorted(model.classes_, y_new)
    for _ in range(20):
        sets = model.calibrate(*draw(200)).predict_set(X_new, 0.8)
        assert sets.shape == (4000, classes) and sets.dtype == bool
        shares.append(sets[np.arange(4000), at].mean())
        sizes.append(sets.sum(axis=1).mean())
    assert np.mean(shares) == pytest.approx(0.8, abs=0.02)
    assert 0.8 < np.mean(sizes) < 0.8 * classes
    # A row's set does not depend on the rows beside it.
    np.testing.assert_array_equal(model.predict_set(X_new[::-1], 0.8)[::-1], sets)
    np.testing.assert_array_equal(model.predict_set(X_new[7:8], 0.8), sets[7:8])
    # Likelier classes go first.
    p = model.predict_proba(X_new)
    chosen = np.where(sets, p, np.inf).min(axis=1) >= np.where(sets, -np.inf, p).max(axis=1)
    assert chosen.all()


def test_saving_and_fitting_again(engine, tmp_path):
    rng = np.random.default_rng(7)
    X, y = data(rng, 400)
    groups = (X[:, 1] > 0).astype(int)
    for loss, names in (
        (MultiQuantile((0.1, 0.9)), groups),
        (Normal(), np.array(["a", "b"])[groups]),
        (Gamma(), None),
    ):
        model = engine.regressor(loss).fit(X, y).calibrate(X, y, sample_weight=np.ones(400), groups=names)
        model.save_model(tmp_path / "model.json")
        loaded = GBMRegressor.load_model(tmp_path / "model.json")
        expected = model.predict_interval(X, 0.8, groups=names)
        np.testing.assert_array_equal(loaded.predict_interval(X, 0.8, groups=names), expected)
        assert loaded.calibration_.groups is None or loaded.calibration_.groups.dtype.kind in "iU"
        assert loaded.fit(X, y).calibration_ is None
    labels = np.where(X[:, 0] > 0, "yes", "no")
    model = engine.classifier().fit(X, labels).calibrate(X, labels)
    model.save_model(tmp_path / "model.json")
    loaded = GBMClassifier.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict_set(X), model.predict_set(X))


def test_too_few_rows_are_told(engine):
    X, y = data(np.random.default_rng(8), 300)
    model = fitted(engine, Normal()).calibrate(X[:8], y[:8])
    with pytest.raises(
        ValueError, match=r"rows are too few for a coverage of 0\.9: at least 9 are needed, there are 8"
    ):
        model.predict_interval(X, 0.9)
    assert np.isfinite(model.predict_interval(X, 0.88)).all()
    assert np.isfinite(model.calibrate(X[:9], y[:9]).predict_interval(X, 0.9)).all()
    with pytest.raises(ValueError, match=r"coverage of 0\.95: at least 19 are needed"):
        model.predict_quantiles(X, [0.5, 0.05])
    groups = np.repeat([0, 1], [295, 5])
    model.calibrate(X, y, groups=groups)
    with pytest.raises(
        ValueError, match=r"rows of the group 1 are too few for a coverage of 0\.9: at least 9 .* are 5"
    ):
        model.predict_interval(X, 0.9, groups=groups)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, X, y: m.calibrate(X, y[:5]), "inconsistent numbers of samples"),
        (lambda m, X, y: m.calibrate(X, np.full(len(y), np.nan)), "got nan in row 0"),
        (
            lambda m, X, y: m.calibrate(X, y, sample_weight=-np.ones(len(y))),
            "sample_weight must be finite and not",
        ),
        (
            lambda m, X, y: m.calibrate(X, y, groups=y),
            "groups must be integers or strings, all of them, got float",
        ),
        (lambda m, X, y: m.calibrate(X, y, groups=["a", 1] * 25), "all of them, got int, str"),
        (lambda m, X, y: m.calibrate(X, y, groups=[None] * 50), "all of them, got NoneType"),
        (lambda m, X, y: m.calibrate(X, y, groups=[1]), "groups must have a label for each of 50 rows"),
        (lambda m, X, y: m.predict_interval(X, groups=[1] * 50), "groups must be left out: the model is not"),
        (
            lambda m, X, y: m.calibrate(X, y).predict_interval(X, 0.8, groups=[1] * 50),
            "groups must be left out: cal",
        ),
        (lambda m, X, y: m.calibrate(X, y, groups=[1] * 50).predict_interval(X), "groups must be given"),
        (
            lambda m, X, y: m.calibrate(X, y, groups=[1] * 50).predict_interval(X, 0.8, groups=[2] * 50),
            "the group 2 was not among those of calibrate",
        ),
    ],
)
def test_bad_arguments(engine, call, message):
    X, y = data(np.random.default_rng(9), 50)
    with pytest.raises(ValueError, match=message):
        call(fitted(engine, Normal()), X, y)


def test_what_can_not_be_calibrated_says_so(engine):
    X, y = data(np.random.default_rng(10), 200)
    with pytest.raises(ValueError, match="has no noise"):
        engine.regressor(Expectile(0.3)).fit(X, y).calibrate(X, y)
    model = engine.classifier(Hinge()).fit(X, y > 1)
    assert not hasattr(model, "predict_set")
    with pytest.raises(AttributeError, match="has no probabilities"):
        model.calibrate(X, y > 1)
    with pytest.raises(ValueError, match=r"call calibrate\(X, y\)"):
        engine.classifier().fit(X, y > 1).predict_set(X)
    with pytest.raises(ValueError, match="needs labels, not target distributions"):
        engine.classifier(CategoricalCrossEntropy(2)).fit(X, y > 1).calibrate(X, np.full((200, 2), 0.5))
    assert BinaryCrossEntropy().classifies


@pytest.mark.parametrize("loss", [Gamma(), SquaredError()], ids=repr)
def test_intervals_stay_where_targets_can_be(engine, loss):
    X, y = data(np.random.default_rng(11), 600)
    model = engine.regressor(loss).fit(X[:300], y[:300]).calibrate(X[300:], y[300:])
    low = np.minimum(model.predict_interval(X, 0.99)[:, 0], model.predict_quantiles(X, 0.01)[:, 0])
    assert (low >= 0).all() == (loss == Gamma())


@pytest.mark.parametrize(
    "groups", [np.array([True, False]), ["a", "b"], np.array(["x", "y"], dtype=object), [3, 4]]
)
def test_labels_of_groups(engine, groups):
    pd = pytest.importorskip("pandas")
    X, y = data(np.random.default_rng(12), 200)
    labels = np.asarray(groups)[(X[:, 1] > 0).astype(int)]
    model = fitted(engine, Normal())
    expected = model.calibrate(X, y, groups=labels).predict_interval(X, groups=labels)
    for same in (labels.tolist(), pd.Series(labels), pd.Series(labels).astype("category")):
        np.testing.assert_array_equal(
            model.calibrate(X, y, groups=same).predict_interval(X, groups=same), expected
        )


def test_odd_weights(engine):
    X, y = data(np.random.default_rng(13), 200)
    model = fitted(engine, Normal())
    expected = model.calibrate(X, y).predict_interval(X)
    np.testing.assert_allclose(
        model.calibrate(X, y, sample_weight=np.full(200, 1e308)).predict_interval(X), expected
    )
    groups = (np.arange(200) < 100).astype(int)
    model.calibrate(X, y, sample_weight=1.0 - groups, groups=groups)
    with pytest.raises(ValueError, match="the group 1 was not among those of calibrate"):
        model.predict_interval(X, groups=groups)


def test_what_the_caller_changes_later_does_not_matter(engine):
    X, y = data(np.random.default_rng(14), 200)
    model, target, weight = fitted(engine, Normal()), y.copy(), np.ones(200)
    expected = model.calibrate(X, target, sample_weight=weight).predict_interval(X)
    target[:], weight[:50] = 100.0, 0.0
    np.testing.assert_array_equal(model.predict_interval(X), expected)


def test_a_failed_fit_keeps_the_calibration(engine):
    X, y = data(np.random.default_rng(15), 200)
    model = fitted(engine, Normal()).calibrate(X, y)
    expected = model.predict_interval(X)
    with pytest.raises(ValueError):
        model.fit(X, np.full(200, np.nan))
    np.testing.assert_array_equal(model.predict_interval(X), expected)


@pytest.mark.parametrize(
    "change",
    [{"y": [np.nan] * 60}, {"weight": [-1.0] * 60}, {"groups": [0.5] * 60}, {"y": [1.0]}, {"raw": [[1.0]]}],
)
def test_damaged_calibrations(engine, tmp_path, change):
    X, y = data(np.random.default_rng(16), 60)
    model = engine.regressor(Normal()).fit(X, y).calibrate(X, y)
    model.save_model(tmp_path / "model.json")
    content = json.loads((tmp_path / "model.json").read_text())
    content["calibration"].update(change)
    (tmp_path / "model.json").write_text(json.dumps(sealed(content)))
    with pytest.raises(ValueError, match="is damaged"):
        GBMRegressor.load_model(tmp_path / "model.json")


def test_levels_may_be_an_array(engine, tmp_path):
    X, y = data(np.random.default_rng(17), 60)
    loss = MultiQuantile(np.array([0.1, 0.9]))
    engine.regressor(loss).fit(X, y).save_model(tmp_path / "model.json")
    for given in (None, loss):
        assert GBMRegressor.load_model(tmp_path / "model.json", given).loss_ == MultiQuantile((0.1, 0.9))
