"""A test that asks for `engine` runs on LightGBM and on XGBoost; one that asks for `client` has a cluster."""

from __future__ import annotations

import pytest

from tests.cluster import two_processes
from tests.engine import ENGINES


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request):
    return request.param


@pytest.fixture(scope="session")
def client():
    yield from two_processes()
