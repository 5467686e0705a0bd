"""A cluster of two processes, and rows that are spread over it."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

__all__ = ["at_rest", "parted", "two_processes"]


def two_processes() -> Any:
    """Yield the client of a cluster of two processes."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def at_rest(client: Any) -> Any:
    """Return the client once no worker computes; one that still hangs, after a test that did, is started anew."""
    end = time.monotonic() + 10
    while not all(client.run(_idle).values()):
        if time.monotonic() > end:
            client.restart()
        time.sleep(0.05)
    return client


def _idle(dask_worker: Any) -> bool:
    return not dask_worker.state.all_running_tasks


def parted(client: Any, array: Any, *ends: int) -> Any:
    """Return a Dask array with partitions that end at these rows, with one worker and the other in turn.

    Of known lengths only where none is empty: Dask would leave the empty ones out.
    """
    import dask.array as da

    workers = sorted(client.nthreads())
    bounds = [0, *ends, array.shape[0]]
    parts = []
    for i, (start, end) in enumerate(pairwise(bounds)):
        rows = array[start:end]
        # A sparse matrix would be taken for a list.
        future = client.scatter([rows], workers=[workers[i % 2]], hash=False)[0]
        length = rows.shape[0] if all(end > start for start, end in pairwise(bounds)) else float("nan")
        parts.append(da.from_delayed(future, (length, *rows.shape[1:]), meta=rows[:0]))
    return da.concatenate(parts, allow_unknown_chunksizes=True)
