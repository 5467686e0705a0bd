"""Right-censored sets for `benchmarks.survival`: from files, and those that scikit-survival ships."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Rows", "Split", "csv_sets", "shipped_sets", "split"]


@dataclass(frozen=True)
class Rows:
    """Features, and until when each row was watched: to its event, or to less."""

    X: np.ndarray
    event: np.ndarray
    time: np.ndarray

    def __getitem__(self, which: Any) -> Rows:
        """Return some of the rows."""
        return Rows(self.X[which], self.event[which], self.time[which])

    def __len__(self) -> int:
        return len(self.time)

    @property
    def bounds(self) -> np.ndarray:
        """Lower and upper bounds of the times."""
        return np.column_stack([self.time, np.where(self.event, self.time, np.inf)])


@dataclass(frozen=True)
class Split:
    """Rows to train on, of which a fifth may choose something first, and rows to judge on."""

    fit: Rows
    late: Rows
    train: Rows
    test: Rows


def split(rows: Rows, seed: int) -> Split:
    """Return 75 % of the rows to train on, 25 % to judge on; the same for all models."""
    order = np.random.default_rng(seed).permutation(len(rows))
    train, test = np.split(order, [round(0.75 * len(rows))])
    fit, late = np.split(train, [round(0.8 * len(train))])
    return Split(rows[fit], rows[late], rows[train], rows[test])


def csv_sets(folder: Path) -> Iterator[tuple[str, Rows]]:
    """Yield the name and the rows of each file: columns x0, x1, ... of numbers, event (1 or 0) and time."""
    for path in sorted(folder.glob("*.csv")):
        frame = pd.read_csv(path)
        yield path.stem, _rows(frame.drop(columns=["event", "time"]), frame["event"], frame["time"])


def shipped_sets() -> Iterator[tuple[str, Rows]]:
    """Yield the sets of scikit-survival that are not among the files of the development folder."""
    from sksurv import datasets
    from sksurv.preprocessing import OneHotEncoder

    for name in ("veterans_lung_cancer", "aids", "breast_cancer", "flchain"):
        X, y = getattr(datasets, f"load_{name}")()
        event, time = y.dtype.names
        # The cause of death of flchain is known of the dead alone.
        X = X.drop(columns="chapter", errors="ignore")
        yield name.split("_lung")[0], _rows(OneHotEncoder().fit_transform(X), y[event], y[time])


def _rows(X: pd.DataFrame, event: Any, time: Any) -> Rows:
    t = np.asarray(time, dtype=np.float64)
    # No distribution of positive times has an event at 0, which a set in days has of those of the first day.
    t = np.maximum(t, 0.5 * t[t > 0].min())
    return Rows(X.to_numpy(dtype=np.float64), np.asarray(event) == 1, t)
