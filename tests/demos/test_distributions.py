"""The demo of distributions: a scale for each row is the more likely, and its intervals hold in every region."""

from __future__ import annotations

import pytest

from demos import distributions


def test_demo(engine, tmp_path, capsys):
    distributions.main(["--engine", engine.name, "--output", str(tmp_path)])
    table = capsys.readouterr().out.split("parameters at")[0]
    rows = {
        line[:16].strip(): [float(cell) for cell in line[16:].split()] for line in table.splitlines()[3:] if line
    }
    assert set(rows) == set(distributions.LOSSES)
    one_scale = rows.pop("SquaredError")
    assert one_scale[3] > 0.98 and one_scale[4] < 0.75
    for nll, crps, everywhere, quiet, loud in rows.values():
        assert nll < one_scale[0] - 0.5 and crps < 0.9 * one_scale[1]
        assert all(0.84 < share < 0.97 for share in (everywhere, quiet, loud))
    assert (tmp_path / "distributions.png").stat().st_size > 10_000
    assert (tmp_path / "distributions.svg").exists()
    with pytest.raises(SystemExit):
        distributions.main(["--rounds", "0"])
