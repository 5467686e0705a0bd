"""The benchmark of simulated intervals, on one data set of each kind."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import simulated_intervals


@pytest.mark.filterwarnings("ignore:9.% of the targets are 0.0. LightGBM counts rows:UserWarning")
def test_benchmark(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(simulated_intervals, "ROUNDS", 10)
    monkeypatch.setattr(simulated_intervals, "EVERY", 250)
    simulated_intervals.main(["--seeds", "1", "--output", str(tmp_path)])
    text = (tmp_path / "simulated_intervals.md").read_text()
    assert text in capsys.readouterr().out
    rows = {line.split(" | ")[0]: line.strip(" |").split(" | ")[1:] for line in text.splitlines() if "," in line}
    for engine in ("LightGBM", "XGBoost"):
        ends = [float(cell.split(", ")[1]) for cell in rows[f"| {engine}, window=300"]]
        np.testing.assert_allclose(ends, 0.88, atol=0.06)
        assert float(rows[f"| {engine}, once"][1].split(", ")[1]) < 0.8
        plain, ours = np.array([cell.split(" → ") for cell in rows[f"| {engine}, not calibrated"]], dtype=float).T
        assert (ours[:-1] >= plain[:-1]).all() and ours[-1] == plain[-1]
    with pytest.raises(SystemExit):
        simulated_intervals.main(["--seeds", "0"])
