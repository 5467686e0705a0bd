"""Bad targets, weights and raw predictions raise errors that name argument, rule and first offender."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CategoricalFocal,
    Hinge,
    Huber,
    Quantile,
    SquaredError,
)
from gbm_objectives.contract.domain import class_labels

INF, NAN = np.inf, np.nan


class LabelsOnly(CategoricalFocal):
    """A loss of one's own that takes no distributions."""

    domain = class_labels(2)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (SquaredError(), [1.0, NAN, NAN], r"SquaredError must be finite numbers, got nan in row 1 \(2 such\)"),
        (AbsoluteError(), [1.0, -INF], r"finite numbers, got -inf in row 1"),
        (Huber(), [], r"y_true is empty"),
        (Huber(), [[1.0], [2.0]], r"y_true must be 1-dimensional, got shape \(2, 1\)"),
        (Huber(), 3.0, r"y_true must be 1-dimensional, got shape \(\)"),
        (Quantile(), ["a", "b"], r"y_true must be numbers, got <U1 data"),
        (BinaryCrossEntropy(), [0.0, 1.5], r"numbers in \[0, 1\], got 1.5 in row 1"),
        (BinaryCrossEntropy(), [-1, 1], r"numbers in \[0, 1\], got -1.0 in row 0"),
        (CategoricalCrossEntropy(3), [0, 1, 3], r"integer labels 0 ... 2, .* got 3.0 in row 2"),
        (CategoricalCrossEntropy(3), [0.5, 1, 2], r"integer labels .* got 0.5 in row 0"),
        (CategoricalCrossEntropy(2), [[0.5, 0.5], [0.7, 0.7]], r"sum to 1, got \[0.7 0.7\] in row 1"),
        (CategoricalCrossEntropy(2), [[1.5, -0.5]], r"not below 0 that sum to 1, got \[ 1.5 -0.5\] in row 0"),
        (CategoricalCrossEntropy(3), [[0.5, 0.5]], r"rows of 3 numbers"),
        (CategoricalFocal(3), [[0.5, 0.5]], r"rows of 3 numbers"),
        (LabelsOnly(2), [[1, 0], [0, 1]], r"LabelsOnly must be integer labels 0 ... 1, got \[1. 0.\] in row 0"),
        (Hinge(), [0, 1, 2], r"labels -1 and \+1, or 0 and 1, got 2.0 in row 2"),
        (Hinge(), [0, 1, -1], r"labels -1 and \+1, or 0 and 1, got -1.0 in row 2"),
    ],
)
def test_targets(loss, y, message):
    raw = np.zeros((len(y) if np.ndim(y) else 1, loss.n_outputs)).squeeze(axis=1 if loss.n_outputs == 1 else ())
    calls = (
        loss.check_target,
        loss.initial_raw,
        lambda y: loss.value(y, raw),
        lambda y: loss(y, raw),
    )
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, -1.0, 1.0], r"sample_weight must be finite and not negative, got -1.0 in row 1"),
        ([1.0, NAN, 1.0], r"sample_weight must be finite and not negative, got nan in row 1"),
        ([0.0, 0.0, 0.0], r"sample_weight must have a value above 0"),
        ([1.0, 1.0], r"sample_weight has 2 values, the target has 3 rows"),
        ([[1.0, 1.0, 1.0]], r"sample_weight must be 1-dimensional"),
    ],
)
def test_weights(weight, message):
    loss, y, raw = SquaredError(), np.arange(3.0), np.zeros(3)
    for call in (loss, loss.value, loss.metric, lambda y, raw, w: loss.initial_raw(y, w)):
        with pytest.raises(ValueError, match=message):
            call(y, raw, weight)


def test_raw_prediction_shapes():
    with pytest.raises(ValueError, match=r"raw_prediction has 2 rows, the target has 3"):
        SquaredError()([1.0, 2.0, 3.0], [0.0, 0.0])
    with pytest.raises(
        ValueError,
        match=r"must have 3 values per row for .*n_classes=3\), got shape \(2,\): in an engine's own",
    ):
        CategoricalCrossEntropy(3).value([1, 2], [0.0, 0.0])
