"""Calibration on Dask collections is that on the same rows in memory, whatever the model was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask.array as da
import dask.dataframe as dd
import pandas as pd
from lightgbm import DaskLGBMRegressor

from gbm_objectives import GBMRegressor, MultiQuantile
from gbm_objectives.distributions import Normal
from tests.cluster import parted

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
N = 900
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (N, 3))
Y = np.where(RNG.random(N) < 0.4, 0.0, np.exp(X[:, 0]) + 0.3 * RNG.standard_normal(N))
WEIGHT = RNG.integers(1, 4, N).astype(float)
GROUPS = np.where(X[:, 1] > 0, "right", "left")
SHIFT = np.linspace(-0.5, 0.5, N)


@pytest.mark.parametrize("loss", [Normal(), MultiQuantile((0.1, 0.9))], ids=repr)
def test_arrays(engine, client, loss):
    model = engine.regressor(loss, n_estimators=10).fit(X[:300], Y[:300])
    rows, y, weight, groups, shift = (parted(client, values, 200, 500) for values in (X, Y, WEIGHT, GROUPS, SHIFT))
    for lazy, here in (
        ({}, {}),
        ({"sample_weight": weight}, {"sample_weight": WEIGHT}),
        ({"window": 400, "offset": shift}, {"window": 400, "offset": SHIFT}),
        ({"half_life": 100.0}, {"half_life": 100.0}),
    ):
        expected = model.calibrate(X, Y, **here).predict_interval(X, 0.8)
        got = model.calibrate(rows, y, **lazy).predict_interval(X, 0.8)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)
    expected = model.calibrate(X, Y, WEIGHT, GROUPS).predict_interval(X, 0.8, GROUPS)
    got = model.calibrate(rows, y, weight, groups).predict_interval(rows, 0.8, groups=groups)
    np.testing.assert_allclose(got.compute(), expected, rtol=1e-6, atol=1e-9)
    model.calibrate(X[:400], Y[:400], WEIGHT[:400], GROUPS[:400])
    with_lazy_rows = parted(client, X[400:], 100), parted(client, Y[400:], 100)
    model.calibrate(*with_lazy_rows, WEIGHT[400:], GROUPS[400:], update=True)
    np.testing.assert_allclose(model.predict_interval(X, 0.8, GROUPS), expected, rtol=1e-6, atol=1e-9)


def test_frames_with_lengths_that_nobody_knows(engine, client):
    frame = pd.DataFrame(X, columns=list("abc"), index=np.arange(N)[::-1])
    frame["y"], frame["group"] = Y, GROUPS
    model = engine.regressor(Normal(), n_estimators=10).fit(frame[list("abc")], Y)
    rows = dd.from_pandas(frame, npartitions=4, sort=False)
    rows = rows[rows.y > 0]
    here = frame[frame.y > 0]
    for groups in (False, True):
        lazy, known = ({"groups": part.group} if groups else {} for part in (rows, here))
        expected = model.calibrate(here[list("abc")], here.y, **known).predict_interval(here[list("abc")], **known)
        got = model.calibrate(rows[list("abc")], rows.y, **lazy).predict_interval(here[list("abc")], **known)
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_classifier(engine, client):
    model = engine.classifier(n_estimators=10).fit(X[:300], GROUPS[:300])
    expected = model.calibrate(X, GROUPS).predict_set(X, 0.8)
    rows, labels = parted(client, X, 0, 400), parted(client, GROUPS, 0, 400)  # the first partition is empty
    np.testing.assert_array_equal(model.calibrate(rows, labels).predict_set(X, 0.8), expected)


def test_a_model_of_the_cluster(client):
    estimator = DaskLGBMRegressor(client=client, n_estimators=10, num_leaves=7, verbosity=-1)
    rows, y = parted(client, X, 450), parted(client, Y, 450)
    model = GBMRegressor(MultiQuantile((0.1, 0.9)), estimator).fit(
        rows, y, sample_weight=parted(client, WEIGHT, 450)
    )
    here = GBMRegressor(MultiQuantile((0.1, 0.9))).fit(X, Y, sample_weight=WEIGHT)
    assert model.ties_.values.tolist() == here.ties_.values.tolist() == [0.0]
    assert (model.ties_.zone, model.ties_.share) == pytest.approx((here.ties_.zone, here.ties_.share))
    own = model.predict_interval(rows, 0.8)
    np.testing.assert_array_equal(own.compute(), model.predict_interval(X, 0.8))
    assert (own.compute()[:, 0] == 0).mean() > 0.3
    model.calibrate(rows, y)
    inside = (model.predict_interval(X, 0.8) - Y[:, None]) * [-1, 1] >= 0
    assert inside.all(axis=1).mean() > 0.79


def test_what_does_not_fit_is_named(client):
    model = GBMRegressor(Normal()).fit(X, Y)
    rows = parted(client, X, 450)
    for arguments, message in (
        ((rows, parted(client, Y[:-1], 450)), "inconsistent numbers of samples"),
        ((rows, parted(client, np.where(np.arange(N) == 500, np.nan, Y), 450)), "got nan in row 500"),
        ((rows, parted(client, Y, 450), da.from_array(-WEIGHT)), "sample_weight must be finite and not"),
    ):
        with pytest.raises(ValueError, match=message):
            model.calibrate(*arguments)
    with pytest.raises(ValueError, match="offset must be in the partitions of X"):
        model.calibrate(rows, parted(client, Y, 450), offset=SHIFT)
    assert model.calibration_ is None
