"""The demo of intervals: the model's own hold too few, calibrated ones enough, by group in each region."""

from __future__ import annotations

import pytest

from demos import intervals


def test_demo(engine, tmp_path, capsys):
    intervals.main(["--engine", engine.name, "--repeats", "6", "--output", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()[3:6]
    rows = {line[:14].strip(): [float(cell) for cell in line[14:].split()] for line in lines}
    assert set(rows) == set(intervals.KINDS)
    assert rows["own"][0] < 0.85
    assert rows["calibrated"][0] == pytest.approx(0.9, abs=0.02) and rows["calibrated"][2] < 0.88
    assert rows["by group"][:4] == pytest.approx([0.9] * 4, abs=0.03)
    assert (tmp_path / "intervals.png").stat().st_size > 10_000
    with pytest.raises(SystemExit):
        intervals.main(["--repeats", "0"])
