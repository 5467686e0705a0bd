"""The learning-speed demo: Nielsen's figures, and that first order waits where Newton does not."""

from __future__ import annotations

import numpy as np
import pytest

from demos import learning_speed
from gbm_objectives import BinaryCrossEntropy, SigmoidSquaredError


@pytest.mark.parametrize(
    ("start", "published"),
    # Nielsen, Neural Networks and Deep Learning, chapter 3, "Introducing the cross-entropy cost function".
    [((0.6, 0.9), 0.09), ((2.0, 2.0), 0.20)],
)
def test_published_outputs_of_the_neuron(start, published):
    assert round(float(learning_speed.train_neuron(SigmoidSquaredError(), *start)[-1]), 2) == published
    # With cross-entropy the slope cancels: the worse start is the faster one.
    first_epochs = learning_speed.train_neuron(BinaryCrossEntropy(), *start)
    assert first_epochs[49] < 0.1


def test_the_second_neuron_stands_on_a_plateau():
    outputs = learning_speed.train_neuron(SigmoidSquaredError(), 2.0, 2.0)
    assert outputs[149] > 0.9 > 0.3 > outputs[-1]


def test_slopes():
    largest, typical = learning_speed.slope_through_layers(np.array([1, 2, 20]))
    np.testing.assert_allclose(largest, [0.25, 0.0625, 0.25**20])
    assert (typical < largest).all()


def test_demo(tmp_path, capsys):
    learning_speed.main(["--output", str(tmp_path)])
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    outputs = [line[-2:] for line in lines if line[:2] == ["squared", "error"]]
    assert outputs == [["0.09", "0.09"], ["0.20", "0.20"]]

    def rounds(engine, order, loss):
        row = next(line for line in printed.splitlines() if line.startswith(f"{engine:<10}{order:<13}{loss:<15}"))
        return float("inf") if "never" in row else int(row.split()[-2])

    for engine in ("LightGBM", "XGBoost"):
        slow = rounds(engine, "first order", "squared error")
        assert slow > 3 * rounds(engine, "first order", "cross-entropy")
        assert slow > 3 * rounds(engine, "Newton", "squared error")
    for name in ("learning_speed_neuron", "learning_speed_boosting"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
        assert (tmp_path / f"{name}.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(SystemExit):
        learning_speed.main(["--rounds", "0"])
