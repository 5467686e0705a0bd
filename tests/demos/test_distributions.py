"""The demo of distributions: a scale for each row is the more likely, and its intervals hold in every region."""

from __future__ import annotations


def test_demo(engine, run_demo):
    demo = run_demo("distributions", "--engine", engine.name)
    table = [line for line in demo.printed.splitlines() if len(line[16:].split()) == 5]
    rows = {line[:16].strip(): [float(cell) for cell in line[16:].split()] for line in table}
    assert set(rows) == set(demo.names["LOSSES"])
    one_scale = rows.pop("SquaredError")
    assert one_scale[3] > 0.98 and one_scale[4] < 0.75
    for nll, crps, everywhere, quiet, loud in rows.values():
        assert nll < one_scale[0] - 0.5 and crps < 0.9 * one_scale[1]
        assert all(0.84 < share < 0.97 for share in (everywhere, quiet, loud))
    assert (demo.folder / "distributions.png").stat().st_size > 10_000
