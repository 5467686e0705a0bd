"""The demo of a cost of one's own: it saves money, as formula and as class."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sympy")


def test_demo(engine, run_demo):
    demo = run_demo("own_cost", "--engine", engine.name)
    lines = demo.printed.splitlines()
    assert lines[0] == "consistent"
    rows = {line[:16].strip(): [float(cell.rstrip("%")) for cell in line[16:].split()] for line in lines[2:]}
    money, too_many, _, very_short = ({name: cells[i] for name, cells in rows.items()} for i in range(4))
    ours = money["the formula"]
    assert 1.3 * ours < money["SquaredError"] < 1.5 * ours and 1.7 * ours < money["AbsoluteError"] < 2.0 * ours
    assert 1.02 * ours < money["Quantile(5/6)"] < 1.06 * ours
    assert ours < money["the class"] < 1.02 * ours and too_many["the formula"] < too_many["the class"]
    assert very_short["the formula"] < 0.85 * very_short["Quantile(5/6)"]
    at = np.linspace(-60.0, 20.0, 400)
    formula, by_hand = demo.names["formula"], demo.names["Supply"]()
    np.testing.assert_allclose(by_hand.pointwise(0.0 * at, at), formula.pointwise(0.0 * at, at))
    assert (demo.folder / "own_cost.png").stat().st_size > 20_000
