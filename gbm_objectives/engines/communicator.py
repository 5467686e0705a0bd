"""The workers of a training on a cluster, connected by the communicator that comes with XGBoost.

LightGBM's own network adds up histograms, but hands nothing to Python; this one serves both engines.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from threading import Timer
from typing import Any

import numpy as np
from xgboost import collective
from xgboost.core import XGBoostError as CommunicationError
from xgboost.tracker import RabitTracker

__all__ = ["TIMEOUT", "CommunicationError", "Communicator", "connected", "free_later", "tracker_for"]

# A worker that has died is an error after so many seconds, and not after five minutes.
TIMEOUT = 60
# Workers leave within a round, or within a second where another has left.
SECONDS_FOR_GOODBYE = 5


def tracker_for(n_workers: int, host: str) -> RabitTracker:
    """Start what workers find each other by, for as long as the object lives; `connected` takes its arguments."""
    tracker = RabitTracker(n_workers=n_workers, host_ip=host, timeout=TIMEOUT)
    tracker.start()
    return tracker


def free_later(tracker: RabitTracker) -> None:
    """Let a tracker go once workers that were cancelled, or that failed, have said goodbye to it.

    One that does not find it any more tries for 12 seconds, and keeps its thread for so long.
    """

    def free() -> None:
        with suppress(CommunicationError):  # of workers that never came
            tracker.free()

    timer = Timer(SECONDS_FOR_GOODBYE, free)
    timer.daemon = True
    timer.start()


def connected(worker_args: dict[str, Any]) -> AbstractContextManager[Any]:
    """Connect this worker with the others, for a with statement."""
    return collective.CommunicatorContext(**worker_args, dmlc_timeout=TIMEOUT)


class Communicator:
    """The workers that XGBoost's communicator connects, inside of its context."""

    @property
    def rank(self) -> int:
        """The number of this worker."""
        return collective.get_rank()

    @property
    def size(self) -> int:
        """The number of workers."""
        return collective.get_world_size()

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over the workers."""
        # It returns them flat.
        array = np.ascontiguousarray(values, dtype=np.float64)
        return collective.allreduce(array, collective.Op.SUM).reshape(array.shape)
