"""The benchmark of the cluster runs, and says what it should."""

from __future__ import annotations

import pytest

pytest.importorskip("distributed")

from benchmarks import distributed


@pytest.mark.filterwarnings("ignore")  # Dask's and the engines' own
def test_main(tmp_path):
    distributed.main(
        ["--rows", "3000", "--workers", "2", "--rounds", "3", "--pairs", "1", "--output", str(tmp_path)]
    )
    text = (tmp_path / "distributed.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith(("| lightgbm", "| xgboost"))]
    assert len(rows) == 4 + 8
    # With squared error it does not matter how rows are spread.
    for cells in rows[4:]:
        if cells[2].strip() == "squared_error" and cells[3].strip() == "ours":
            assert [float(cell) for cell in cells[4:7]] == pytest.approx([1.0, 1.0, 1.0], abs=0.03)
