"""The survival demo: censored rows counted as such find the truth, which the other two ways miss."""

from __future__ import annotations

import pytest


def test_demo(engine, run_demo):
    demo = run_demo("survival", "--engine", engine.name)
    lines = demo.printed.splitlines()[2:]
    rows = {line[:24].strip(): [float(cell) for cell in line[24:].split()] for line in lines}
    error, survive = ({name: cells[i] for name, cells in rows.items()} for i in (0, 1))
    assert error["censored"] < 0.2
    assert error["censored"] < 0.5 * min(error["left out"], error["end taken for failure"])
    assert survive["censored"] == pytest.approx(survive["truth"], abs=0.04)
    assert survive["Cox"] == pytest.approx(survive["truth"], abs=0.04)
    assert max(survive["left out"], survive["end taken for failure"]) < survive["truth"] - 0.1
    # C does not see what goes wrong, and Cox's curves end before the medians of machines that last.
    order, reached = ({name: cells[i] for name, cells in rows.items() if name != "truth"} for i in (2, 3))
    assert max(order.values()) - min(order.values()) < 0.01
    assert reached["censored"] == 1.0 and 0.5 < reached["Cox"] < 0.9
    assert (demo.folder / "survival.png").stat().st_size > 20_000
