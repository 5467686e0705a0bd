"""The demo of outliers: the redescending losses are nearer to the curve than absolute error and Huber's loss."""

from __future__ import annotations

import numpy as np
import pytest

from demos import outliers, sinc


@pytest.mark.filterwarnings("ignore:[^`]*`booster=gblinear` is deprecated:UserWarning")  # XGBoost 3.4
def test_demo(tmp_path, capsys):
    outliers.main(["--output", str(tmp_path)])
    printed = capsys.readouterr().out
    table = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.split()[:1]}
    for engine in (0, 1):
        rmse = {name: float(table[name][engine]) for name in outliers.COLOR}
        assert max(rmse["Cauchy"], rmse["Welsch"], rmse["Tukey"]) < min(rmse["MAE"], rmse["Huber"])
    for engine in ("lightgbm", "xgboost"):
        assert (tmp_path / f"outliers_{engine}.png").stat().st_size > 20_000
    with pytest.raises(SystemExit):
        outliers.main(["--share", "0.6"])


@pytest.mark.filterwarnings("ignore:[^`]*`booster=gblinear` is deprecated:UserWarning")  # XGBoost 3.4
def test_weights_tell_outliers_from_noise(engine):
    x, y, outlier = sinc.sample(0, share=0.3)
    curves, tukey = outliers.fit_all(engine.name, x, y, 300, 0)
    weights = tukey.outlier_weights(y, curves["Tukey"](x))
    assert weights[outlier].max() < 0.5 < np.quantile(weights[~outlier], 0.01)
