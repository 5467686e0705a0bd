"""The demo of intervals: the model's own hold too few, calibrated ones enough, by group in each region."""

from __future__ import annotations

import pytest


def test_demo(engine, run_demo):
    demo = run_demo("intervals", "--engine", engine.name)
    lines = demo.printed.splitlines()[1:4]
    rows = {line[:14].strip(): [float(cell) for cell in line[14:].split()] for line in lines}
    assert set(rows) == {"own", "calibrated", "by group"}
    assert rows["own"][0] < 0.85
    assert rows["calibrated"][0] == pytest.approx(0.9, abs=0.02) and rows["calibrated"][2] < 0.88
    assert rows["by group"][:4] == pytest.approx([0.9] * 4, abs=0.03)
    assert (demo.folder / "intervals.png").stat().st_size > 10_000
