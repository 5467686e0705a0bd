"""A test that asks for `engine` runs on LightGBM and on XGBoost; one that asks for `client` has a cluster."""

from __future__ import annotations

import faulthandler
import os

import pytest

from tests.cluster import at_rest, two_processes
from tests.engine import ENGINES

STDERR = pytest.StashKey[int]()


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request):
    return request.param


@pytest.fixture(scope="session")
def cluster():
    yield from two_processes()


@pytest.fixture
def client(cluster):
    return at_rest(cluster)


def pytest_configure(config):
    config.stash[STDERR] = os.dup(2)  # before a test's output is captured


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """End the process, with the stacks of all threads, where the limit of pyproject.toml has not ended a test.

    That limit is a signal, which Python handles when a call of an engine returns.
    """
    faulthandler.dump_traceback_later(
        float(item.config.getini("timeout")) + 60, exit=True, file=item.config.stash[STDERR]
    )
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
