"""The speed and scaling benchmarks run, and their plain NumPy peers compute the same as ours."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import scaling, speed


def test_speed_benchmark(capsys, monkeypatch):
    monkeypatch.setattr(speed, "peak_memory", lambda *_: 0.0)  # starts processes
    monkeypatch.setattr(speed, "SMALL_ROUNDS", 3)
    monkeypatch.setattr(speed, "SMALL_PAIRS", 1)
    speed.main(["--rows", "1000", "--small", "300", "--rounds", "2", "--repeats", "1"])
    printed = capsys.readouterr().out
    for task in speed.TASKS:
        rows = [line.split("|") for line in printed.splitlines() if line.startswith(f"| {task} |")]
        assert len(rows) == 6  # training of few and of many rows on two engines, two precisions of the callback
        assert all(float(row[column].split()[0]) > 0 for row, column in zip(rows, (4, 4, 3, 3, 3, 3), strict=True))
    with pytest.raises(SystemExit):
        speed.main(["--rows", "3"])


@pytest.mark.parametrize("task", speed.TASKS)
def test_plain_numpy_peers_compute_the_same(task):
    # A ratio to a peer with other maths would say nothing. Curvatures adapt to the rows; gradients are a multiple.
    peer, k = speed.TASKS[task], speed.TASKS[task].loss.n_outputs
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((500, k) if k > 1 else 500)
    y = rng.integers(0, peer.labels, 500).astype(float) if peer.labels else rng.standard_normal(500)
    ours, plain = peer.loss.gradient(y, raw), peer.plain(y, raw)[0]
    constant = np.sum(ours * plain) / np.sum(plain**2)
    np.testing.assert_allclose(ours, constant * plain, rtol=1e-9, atol=1e-12)


def test_scaling_benchmark(tmp_path, capsys):
    scaling.main(["--rows", "500", "2000", "--classes", "2", "4", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    for name in (*scaling.LOSSES, "softmax"):
        cells = next(line for line in printed.splitlines() if line.startswith(f"| {name} |")).split("|")[2:-1]
        assert len(cells) == 2 and all(float(cell) > 0 for cell in cells)
    assert (tmp_path / "scaling.png").stat().st_size > 10_000
    with pytest.raises(SystemExit):
        scaling.main(["--classes", "1"])
