"""The insurance demo: exposure as weight and as offset fit the same, and the models find most of what there is."""

from __future__ import annotations

import numpy as np
import pytest


def test_demo(engine, run_demo):
    demo = run_demo("insurance", "--engine", engine.name)
    lines = demo.printed.splitlines()[1:6]
    rows = {line[:30].strip(): [float(cell) for cell in line[30:].split()] for line in lines}
    deviance = {name: cells[0] for name, cells in rows.items()}
    for name in ("frequency × severity", "the same, exposure as weight", "Tweedie"):
        # Of what the truth explains more than three quarters.
        explained = deviance["constant"] - deviance[name]
        assert explained > 0.75 * (deviance["constant"] - deviance["truth"])
        assert rows[name][2] == pytest.approx(1.0, abs=0.08)
    # The gradients are the same; bins and sums of weights differ by rounding and by `min_child_samples` only.
    cost = demo.names["cost"]
    ratio = cost["the same, exposure as weight"] / cost["frequency × severity"]
    assert np.median(np.abs(np.log(ratio))) < 0.02
    assert (demo.folder / "insurance.png").stat().st_size > 20_000
