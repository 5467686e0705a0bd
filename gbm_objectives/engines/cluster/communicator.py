"""The workers of a training on a cluster, connected by the communicator that comes with XGBoost.

LightGBM's own network sums histograms but exposes nothing to Python; this one serves both engines.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Timer
from typing import Any

import numpy as np
from xgboost import collective
from xgboost.core import XGBoostError as CommunicationError
from xgboost.tracker import RabitTracker

__all__ = ["TIMEOUT", "CommunicationError", "Communicator", "connected", "free_later", "tracker_for"]

# A worker that has died raises an error after this many seconds instead of five minutes.
TIMEOUT = 60
# Workers leave within a round, or within a second after another has left.
SECONDS_FOR_GOODBYE = 5
# A sum of this few numbers is sent together with the error status of all workers, and takes no longer than the
# status alone.
FEW = 64


def tracker_for(n_workers: int, host: str) -> RabitTracker:
    """Start the tracker by which workers find each other, while the object lives; `connected` takes its args."""
    tracker = RabitTracker(n_workers=n_workers, host_ip=host, timeout=TIMEOUT)
    tracker.start()
    return tracker


def free_later(tracker: RabitTracker) -> None:
    """Free a tracker once workers that were cancelled, or that failed, have said goodbye to it.

    A worker that no longer finds it keeps trying, and keeps its thread, for 12 seconds.
    """

    def free() -> None:
        with suppress(CommunicationError):  # from workers that never came
            tracker.free()

    timer = Timer(SECONDS_FOR_GOODBYE, free)
    timer.daemon = True
    timer.start()


def connected(worker_args: dict[str, Any]) -> AbstractContextManager[Any]:
    """Connect this worker with the others; a context manager."""
    return collective.CommunicatorContext(**worker_args, dmlc_timeout=TIMEOUT)


class Communicator:
    """The workers connected by XGBoost's communicator, within its context; one for each training.

    A worker that fails must not leave while others sum, here or in an engine: they would wait for it, some for
    ever, or mistake its last message for part of their sum. So it tells them before it leaves, and they listen
    before each sum: within `failing_together`, whatever a worker does ends in the same way on all of them.
    """

    def __init__(self) -> None:
        self._over = False  # all know of a failure, or one worker is gone: nobody listens any more

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
        array = np.asarray(values, dtype=np.float64, order="C")
        if array.size <= FEW:
            return self._exchanged(array.ravel()).reshape(array.shape)
        self.agree()
        return self._reduced(array, collective.Op.SUM)

    def agree(self, *, leaving: bool = False) -> None:
        """Return once all workers have called this, or raise on each of them the error of the one that failed.

        Parameters
        ----------
        leaving : bool, default=False
            Whether this worker has finished its training; the others must have finished, too.
        """
        self._exchanged(leaving=leaving)

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        """Tell the others of an error before it leaves the with statement; they raise it at their next `agree`."""
        try:
            yield
        except BaseException as error:
            if not self._over:
                with suppress(CommunicationError):
                    self._exchanged(error=error)
            raise

    def _exchanged(
        self, values: np.ndarray | None = None, *, leaving: bool = False, error: BaseException | None = None
    ) -> np.ndarray:
        """Return the sum of a few values, once it is known that no worker has failed."""
        n_values = 0 if values is None else len(values)
        message = np.zeros(2 + FEW)
        message[:2] = error is not None, leaving
        message[2 : 2 + n_values] = 0.0 if values is None else values
        n_failed, n_leaving, *_ = message = self._reduced(message, collective.Op.SUM)
        self._over = bool(n_failed or 0 < n_leaving < self.size)
        if n_failed:
            # If several failed, the one of the highest rank reports.
            own = np.array([-1.0 if error is None else self.rank], dtype=np.float64)
            teller = int(self._reduced(own, collective.Op.MAX)[0])
            told: Any = collective.broadcast(None if error is None else _sendable(error, self.rank), teller)
            if error is None:
                raise told
        elif self._over:
            raise RuntimeError(
                "some workers have finished the training, others have not: a callback that stops it must decide"
                " alike on all of them"
            )
        return message[2 : 2 + n_values]

    def _reduced(self, array: np.ndarray, how: collective.Op) -> np.ndarray:
        try:
            # XGBoost returns them flat.
            return collective.allreduce(array, how).reshape(array.shape)
        except CommunicationError:
            self._over = True
            raise


def _sendable(error: BaseException, rank: int) -> Exception:
    """Return an error as the other workers are to raise it, noting where it occurred on this one."""
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:  # its class is unknown to another process, or its arguments do not fit
        copy = None
    if not isinstance(copy, Exception):  # an interrupt is this worker's alone
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    # What `add_note` of Python 3.11 does.
    copy.__notes__ = [f"On worker {rank}:\n{''.join(traceback.format_exception(error))}"]
    return copy
