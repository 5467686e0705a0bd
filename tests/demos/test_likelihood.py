"""The likelihood demo: the right loss wins each row, and the fitted scale is the true one."""

from __future__ import annotations

import pytest


def test_demo(engine, run_demo):
    demo = run_demo("likelihood", "--engine", engine.name)
    table, scales = demo.printed.split("scale b")
    for column, (noise, scale) in enumerate(demo.names["SCALES"].items()):
        row = next(line for line in table.splitlines() if line.startswith(noise))
        cells = row[20:].split()
        assert [i for i, cell in enumerate(cells) if cell.endswith("*")] == [column]
        values = [float(cell.rstrip("*")) for cell in cells]
        assert max(values) == values[column]
        true, fitted = next(line for line in scales.splitlines() if line.startswith(noise))[20:].split()
        assert float(true) == scale
        assert float(fitted) == pytest.approx(scale, rel=0.15)
    assert "in 4 of 4 rows" in demo.printed
    assert (demo.folder / "likelihood.png").stat().st_size > 10_000
