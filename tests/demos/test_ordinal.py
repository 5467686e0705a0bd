"""The demo of ordered classes: proportional odds have the better log loss, and rounded numbers none."""

from __future__ import annotations


def test_demo(engine, run_demo):
    demo = run_demo("ordinal", "--engine", engine.name)
    lines = demo.printed.splitlines()
    head = next(i for i, line in enumerate(lines) if "log loss" in line)
    rows = {line[:20].strip(): line[20:].split() for line in lines[head + 1 : head + 4]}
    ours, free = ([float(cell) for cell in rows[name]] for name in ("proportional odds", "free classes"))
    assert ours[0] < 0.98 * free[0]
    assert ours[1] < free[1] and ours[2] > free[2]
    assert rows["numbers, rounded"][0] == "–" and 0.8 < float(rows["numbers, rounded"][1]) < 0.95
    thresholds = [float(one) for one in lines[-1].split()[1:]]
    assert thresholds == sorted(thresholds) and len(thresholds) == 4
    assert (demo.folder / "ordinal.png").stat().st_size > 20_000
