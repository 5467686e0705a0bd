"""The one fixture: a test that asks for `engine` runs on LightGBM and on XGBoost."""

from __future__ import annotations

import pytest

from tests.engine import ENGINES


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request):
    return request.param
