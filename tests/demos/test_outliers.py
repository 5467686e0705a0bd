"""The demo of outliers: the redescending losses are nearer to the curve than absolute error and Huber's loss."""

from __future__ import annotations

import numpy as np


def test_demo(run_demo):
    demo = run_demo("outliers")
    table = {line.split()[0]: line.split()[1:] for line in demo.printed.splitlines() if line.split()[:1]}
    for column, engine in enumerate(("lightgbm", "xgboost")):
        rmse = {name: float(table[name][column]) for name in demo.names["STYLES"]}
        assert max(rmse["Cauchy"], rmse["Welsch"], rmse["Tukey"]) < min(rmse["MAE"], rmse["Huber"])
        assert (demo.folder / f"outliers_{engine}.png").stat().st_size > 20_000
        # The weights tell outliers from noise.
        weights, outlier = demo.names["weights"][engine], demo.names["outlier"]
        assert weights[outlier].max() < 0.5 < np.quantile(weights[~outlier], 0.01)
