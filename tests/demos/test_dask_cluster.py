"""The demo of the cluster: ours is the model of one machine."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("distributed")


@pytest.mark.filterwarnings("ignore")  # Dask's and the engines' own
def test_demo(run_demo):
    demo = run_demo("dask_cluster")
    for engine in ("lightgbm", "xgboost"):
        rows = dict(re.findall(rf"^{engine} +(.+?) {{2,}}([\d.]+)$", demo.printed, re.MULTILINE))
        assert len(rows) == 5 and rows["one machine"] == "1.000"
        for name in demo.names["SPREADS"]:
            assert float(rows[f"{name}, ours"]) < 1.05
    assert (demo.folder / "dask_cluster.png").stat().st_size > 10_000
