"""Losses of ours, and the same in the engines and in the peers, for `benchmarks.speed`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn._loss import loss as sklearn_loss

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    Loss,
    Quantile,
    SquaredError,
)

__all__ = ["TASKS", "Task"]


@dataclass(frozen=True)
class Task:
    """A loss of ours, and the same in the engines and in the peers."""

    loss: Loss
    lightgbm: dict[str, Any]
    xgboost: dict[str, Any]
    sklearn: Any
    plain: Callable[[np.ndarray, np.ndarray], Any]
    boost_loss: tuple[Any, ...] = ()
    labels: int = 0  # number of classes; 0 for a number as target


def plain_absolute(y: np.ndarray, f: np.ndarray) -> Any:
    """Return our gradient and curvature for one group of rows, as one writes them in NumPy."""
    r = f - y
    s = 2.0 * np.mean(np.sqrt(np.abs(r))) ** 2
    h = s / (np.abs(r) + s)
    return s * np.sign(r) / h.mean(), h / h.mean()


def plain_quantile(y: np.ndarray, f: np.ndarray) -> Any:
    """Return the like for the 0.9 quantile."""
    r = f - y
    s = 2.0 * np.mean(np.sqrt(np.abs(r))) ** 2
    h = s / (2.0 * (np.abs(r) + s))
    return s * np.where(r > 0, 0.1, -0.9) / h.mean(), h / h.mean()


def plain_binary(y: np.ndarray, f: np.ndarray) -> Any:
    """Return the textbook's gradient and Hessian of the logistic loss."""
    p = 1.0 / (1.0 + np.exp(-f))
    return p - y, p * (1.0 - p)


def plain_softmax(y: np.ndarray, f: np.ndarray) -> Any:
    """Return the textbook's gradient and Hessian of softmax."""
    p = np.exp(f - f.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p - np.eye(f.shape[1])[y.astype(int)], 2.0 * p * (1.0 - p)


def plain_huber(y: np.ndarray, f: np.ndarray) -> Any:
    """Return gradient and tangent-parabola curvature of Huber's loss."""
    r = f - y
    return np.clip(r, -1.0, 1.0), np.where(np.abs(r) <= 1.0, 1.0, 1.0 / np.maximum(np.abs(r), 1e-9))


TASKS = {
    "cross-entropy": Task(
        BinaryCrossEntropy(),
        {"objective": "binary"},
        {"objective": "binary:logistic"},
        sklearn_loss.HalfBinomialLoss(),
        plain_binary,
        labels=2,
    ),
    "MAE": Task(
        AbsoluteError(),
        {"objective": "l1"},
        {"objective": "reg:absoluteerror"},
        sklearn_loss.AbsoluteError(),
        plain_absolute,
        ("L1Loss",),
    ),
    "Quantile 0.9": Task(
        Quantile(0.9),
        {"objective": "quantile", "alpha": 0.9},
        {"objective": "reg:quantileerror", "quantile_alpha": 0.9},
        sklearn_loss.PinballLoss(quantile=0.9),
        plain_quantile,
        ("QuantileLoss", 0.9),
    ),
    "Huber 1": Task(
        Huber(1.0),
        {"objective": "huber", "alpha": 1.0},
        {"objective": "reg:pseudohubererror", "huber_slope": 1.0},
        sklearn_loss.HuberLoss(delta=1.0),
        plain_huber,
        ("HuberLoss",),
    ),
    "MSE": Task(
        SquaredError(),
        {"objective": "l2"},
        {"objective": "reg:squarederror"},
        sklearn_loss.HalfSquaredError(),
        lambda y, f: (f - y, np.ones_like(f)),
        ("L2Loss",),
    ),
    "softmax, 10 classes": Task(
        CategoricalCrossEntropy(10),
        {"objective": "multiclass", "num_class": 10},
        {"objective": "multi:softprob", "num_class": 10},
        sklearn_loss.HalfMultinomialLoss(n_classes=10),
        plain_softmax,
        labels=10,
    ),
}
