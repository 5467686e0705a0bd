"""The demo of demand: calibrated intervals hold although demand grows, and zeros make them hold more."""

from __future__ import annotations


def table(printed, head, n_rows):
    """Return the numbers of a table's rows, by name."""
    lines = printed.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(head)) + 1
    rows = lines[start : start + n_rows]
    return {line[:24].strip(): [float(cell) for cell in line[24:].split()] for line in rows}


def test_demo(engine, run_demo):
    demo = run_demo("demand", "--engine", engine.name)
    assert "33% of the training targets are 0" in demo.printed and "Hurdle for zeros" in demo.printed
    rows = table(demo.printed, engine.name, 5)
    naive = rows.pop("four weeks before")
    for name in ("quantiles", "counts"):
        own, calibrated = rows[name], rows[f"{name}, calibrated"]
        assert own[3] < 0.77 < 0.8 < calibrated[3] < 0.85  # fast goods
        assert 0.87 < calibrated[2] < 0.93  # slow goods
        assert calibrated[4] < own[4] and calibrated[4] < 0.7 * naive[4]
        ends = table(demo.printed, "slow goods", 4)
        both, one = ends[f"{name}, 0.1 to 0.9"], ends[f"{name}, 0 to 0.8"]
        assert both[0] > 0.87 and 0.78 < one[0] < 0.85 and one[1] < 0.75 * both[1]
    assert (demo.folder / "demand.png").stat().st_size > 20_000
