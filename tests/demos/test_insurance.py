"""The insurance demo: exposure as weight and as offset fit the same, and the models find most of what there is."""

from __future__ import annotations

import numpy as np
import pytest

from demos import insurance


def test_demo(engine, tmp_path, capsys):
    insurance.main(["--engine", engine.name, "--rounds", "60", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    rows = {line[:30].strip(): [float(cell) for cell in line[30:].split()] for line in printed.splitlines()[-5:]}
    deviance = {name: cells[0] for name, cells in rows.items()}
    for name in ("frequency × severity", "the same, exposure as weight", "Tweedie"):
        # Of what the truth explains more than three quarters.
        explained = deviance["constant"] - deviance[name]
        assert explained > 0.75 * (deviance["constant"] - deviance["truth"])
        assert rows[name][2] == pytest.approx(1.0, abs=0.08)
    assert (tmp_path / "insurance.png").stat().st_size > 20_000
    with pytest.raises(SystemExit):
        insurance.main(["--rounds", "0"])


def test_exposure_as_weight_and_as_offset(engine):
    train, test = insurance.portfolio(0, 10_000), insurance.portfolio(1, 10_000)
    cost = insurance.costs(engine.name, train, test, 40)
    # The gradients are the same; bins and sums of weights differ by rounding and by `min_child_samples` only.
    ratio = cost["the same, exposure as weight"] / cost["frequency × severity"]
    assert np.median(np.abs(np.log(ratio))) < 0.02
