"""The demo of fraud: what pays for each payment is the cheapest, and a weighted loss spoils probabilities."""

from __future__ import annotations

import pytest


def test_demo(engine, run_demo):
    demo = run_demo("fraud", "--engine", engine.name)
    lines = demo.printed.splitlines()
    first, second = (i for i, line in enumerate(lines) if line.startswith(engine.name))
    of_losses = {
        line[:12].strip(): [float(cell) for cell in line[12:].split()] for line in lines[first + 1 : first + 5]
    }
    (share,) = of_losses.pop("share")
    assert 0.01 < share < 0.02
    assert of_losses["plain"][0] == pytest.approx(share, rel=0.1)
    assert of_losses["weighted"][0] > 10 * share
    assert of_losses["truth"][1] < of_losses["plain"][1] < 1.05 * of_losses["truth"][1]

    rules = [(line[:24].strip(), line[24:].replace("%", "").split()) for line in lines[second + 1 :]]
    cost = {name: float(cells[0]) for name, cells in rules}
    stopped = {name: float(cells[1]) for name, cells in rules}
    assert cost["truth, what pays"] < cost["plain, what pays"] < 1.05 * cost["truth, what pays"]
    best = cost["plain above the best"]
    assert cost["plain, what pays"] < 0.87 * best and best < 0.7 * cost["plain above 1/2"]
    assert cost["weighted above 1/2"] == pytest.approx(best, rel=0.05)
    assert cost["plain above 1/2"] < cost["stop nothing"] < cost["weighted, what pays"]
    assert stopped["weighted, what pays"] == pytest.approx(50.0, abs=8.0)
    assert (demo.folder / "fraud.png").stat().st_size > 20_000
