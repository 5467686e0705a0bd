"""The learning-speed demo: Nielsen's figures, and that first order waits where Newton does not."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def demo(run_demo):
    return run_demo("learning_speed")


@pytest.mark.parametrize(
    ("start", "published"),
    # Nielsen, Neural Networks and Deep Learning, chapter 3, "Introducing the cross-entropy cost function".
    [((0.6, 0.9), 0.09), ((2.0, 2.0), 0.20)],
)
def test_published_outputs_of_the_neuron(demo, start, published):
    outputs = demo.names["outputs"]
    assert round(float(outputs["squared error", start][-1]), 2) == published
    # With cross-entropy the slope cancels: the worse start is the faster one.
    assert outputs["cross-entropy", start][49] < 0.1


def test_the_second_neuron_stands_on_a_plateau(demo):
    outputs = demo.names["outputs"]["squared error", (2.0, 2.0)]
    assert outputs[149] > 0.9 > 0.3 > outputs[-1]


def test_slopes(demo):
    largest, typical = demo.names["largest"], demo.names["typical"]
    np.testing.assert_allclose(largest[[0, 1, 19]], [0.25, 0.0625, 0.25**20])
    assert (typical < largest).all()


def test_tables_and_figures(demo):
    lines = [line.split() for line in demo.printed.splitlines()]
    outputs = [line[-2:] for line in lines if line[:2] == ["squared", "error"]]
    assert outputs == [["0.09", "0.09"], ["0.20", "0.20"]]

    def rounds(engine, order, loss):
        start = f"{engine:<10}{order:<13}{loss:<15}"
        row = next(line for line in demo.printed.splitlines() if line.startswith(start))
        return float("inf") if "never" in row else int(row.split()[-2])

    for engine in ("LightGBM", "XGBoost"):
        slow = rounds(engine, "first order", "squared error")
        assert slow > 3 * rounds(engine, "first order", "cross-entropy")
        assert slow > 3 * rounds(engine, "Newton", "squared error")
    for name in ("learning_speed_neuron", "learning_speed_boosting"):
        assert (demo.folder / f"{name}.png").stat().st_size > 10_000
