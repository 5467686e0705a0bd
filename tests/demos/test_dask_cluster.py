"""The demo of the cluster: ours is the model of one machine."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("distributed")
from demos import dask_cluster


@pytest.mark.filterwarnings("ignore")  # Dask's and the engines' own
def test_demo(engine, capsys):
    dask_cluster.main(["--engine", engine.name, "--rows", "3000", "--rounds", "50"])
    rows = dict(re.findall(r"^  (.+?) {2,}([\d.]+)$", capsys.readouterr().out, re.MULTILINE))
    assert len(rows) == 5 and rows["one machine"] == "1.000"
    for name in dask_cluster.SPREADS:
        assert float(rows[f"{name}, ours"]) < 1.05
    with pytest.raises(SystemExit):
        dask_cluster.main(["--rounds", "0"])
