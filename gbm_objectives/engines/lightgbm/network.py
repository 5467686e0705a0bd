"""LightGBM's network on a worker, which no worker leaves while another one sums in it."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

import lightgbm as lgb

from ..cluster.communicator import Communicator

__all__ = ["ONE_AT_A_TIME", "PortTakenError", "leave", "network"]

# LightGBM has one network per process; an interrupted training may still be in it when the next one comes.
ONE_AT_A_TIME = Lock()
# LightGBM's defaults; time_out is in minutes.
DEFAULTS = {"machines": None, "local_listen_port": 12400, "time_out": 120}


class PortTakenError(RuntimeError):
    """A port that was free when it was looked up no longer is."""


@contextmanager
def network(params: dict[str, Any], workers: Communicator) -> Iterator[dict[str, Any]]:
    """Connect LightGBM with that of the other workers, if the parameters name machines; a context manager.

    It yields the parameters without the addresses. An error on one worker is an error on all: they are told of it
    before any of them leaves. If LightGBM itself fails, or memory runs out, the others may be in the middle of a
    sum, where they do not listen; so that worker leaves first, which is an error for them as well.
    """
    library: Any = lgb.basic
    for name, default in DEFAULTS.items():
        params = library._choose_param_value(name, params, default)  # under any of its aliases
    machines, port, minutes = (params.pop(name) for name in DEFAULTS)
    if machines is None:
        yield params
        return
    machines = machines if isinstance(machines, str) else ",".join(machines)
    params = library._choose_param_value("num_machines", params, machines.count(",") + 1)
    try:
        with workers.failing_together():
            # A worker that fails while they connect would kill the process of another.
            _check_free(port)
            workers.agree()
            try:
                connect = library._LIB.LGBM_NetworkInit
                library._safe_call(connect(machines.encode(), port, minutes, params["num_machines"]))
                _reset_when_closed(machines, port)
                yield params
            except (library.LightGBMError, MemoryError):
                leave()
                raise
            workers.agree(leaving=True)
    finally:
        leave()


def leave() -> None:
    """Leave LightGBM's network, or the next data set of this process would wait for workers that are gone.

    A booster could do this, but a failed training has none.
    """
    library: Any = lgb.basic
    library._safe_call(library._LIB.LGBM_NetworkFree())


def _check_free(port: int) -> None:
    with socket.socket() as one:
        try:
            one.bind(("", port))
        except OSError as error:
            raise PortTakenError(
                f"port {port}, found for LightGBM on this worker, is not free any more"
            ) from error


def _reset_when_closed(machines: str, port: int) -> None:
    """Make it an error for the other worker when one closes a connection, or dies.

    LightGBM reads from a connection until everything has arrived. From a closed one it reads nothing, over and
    over, keeping a core busy; from one that was reset it reads an error. Where descriptors are not files (Windows)
    this does not help.
    """
    others = {(host, int(number)) for host, _, number in (one.rpartition(":") for one in machines.split(","))}
    for descriptor in map(int, os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else ()):
        with suppress(OSError):  # one descriptor was the folder's own, and a socket need not be connected
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as one:
                if one.getsockname()[1:] == (port,) or one.getpeername() in others:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
