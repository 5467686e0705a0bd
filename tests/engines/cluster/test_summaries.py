"""On a cluster too, the metric of evaluation sets uses the summary of the training rows."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

pytest.importorskip("distributed")
from gbm_objectives import GBMRegressor
from tests.cluster import parted
from tests.contract.losses import OfUnitScale
from tests.engine import LIGHTGBM

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_metric_has_the_summary_of_the_training_rows(client, engine):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 100, (500, 3)) / 50.0
    y = np.sort(X[:, 0] + rng.gumbel(size=500))
    params = {**engine.quiet, "n_estimators": 4, "n_jobs": 1}
    local = GBMRegressor(OfUnitScale(), engine.bare_regressor(**params)).fit(X, y, eval_set=[(X, y)])
    (values,) = local.evals_result_.values()
    rows, target = parted(client, X, 250), parted(client, y, 250)
    keywords = {"evals": [(rows, target)], "num_boost_round": 4}
    train = import_module(f"gbm_objectives.engines.{engine.name}.dask").train
    _, result = train(client, engine.quiet, rows, target, loss=OfUnitScale(), **keywords)
    (on_cluster,) = result.values()
    # LightGBM sums in another order, and its trees differ.
    rtol = 0.02 if engine is LIGHTGBM else 1e-4
    np.testing.assert_allclose(on_cluster["of_unit_scale"], values["of_unit_scale"], rtol=rtol)
