"""Columns of Arrow and Polars that would end Python inside of LightGBM are refused, in every door."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from gbm_objectives import SquaredError
from gbm_objectives.engines.lightgbm import cv, train
from tests.engine import LIGHTGBM, version

polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
if version(lgb) < (4, 7):
    pytest.skip("LightGBM takes Polars since 4.7", allow_module_level=True)

N = 100
NUMBERS = {"x": np.arange(N, dtype=np.float64), "whole": np.arange(N), "flag": np.arange(N) % 2 == 0}
Y = NUMBERS["x"] + NUMBERS["flag"]
LEVEL = ["red" if i % 3 else "blue" for i in range(N)]
POLARS = polars.DataFrame(NUMBERS)
UNREADABLE = {
    "polars, categories": POLARS.with_columns(level=polars.Series(LEVEL, dtype=polars.Categorical)),
    "polars, enum": POLARS.with_columns(level=polars.Series(LEVEL, dtype=polars.Enum(["red", "blue"]))),
    "polars, strings": POLARS.with_columns(level=polars.Series(LEVEL)),
    "polars, decimals": POLARS.with_columns(level=polars.col("x").cast(polars.Decimal(10, 2))),
    "polars, dates": POLARS.with_columns(level=polars.lit("2026-01-01").str.to_date()),
    "polars, 128 bits": POLARS.with_columns(level=polars.col("x").cast(polars.Int128)),
    "arrow, float16": POLARS.to_arrow().append_column("level", pyarrow.array(np.arange(N, dtype=np.float16))),
    "arrow, categories": POLARS.to_arrow().append_column("level", pyarrow.array(LEVEL).dictionary_encode()),
    "arrow, strings": POLARS.to_arrow().append_column("level", pyarrow.array(LEVEL)),
}
REFUSED = pytest.mark.parametrize("X", UNREADABLE.values(), ids=UNREADABLE)
MESSAGE = "must have columns of numbers or truth values, which LightGBM can read from .* in column 'level'"


@REFUSED
def test_they_are_refused(X):
    model = LIGHTGBM.regressor(SquaredError())
    with pytest.raises(ValueError, match=f"X {MESSAGE}"):
        model.fit(X, Y)
    numbers = POLARS.with_columns(level=polars.lit(1.0))
    with pytest.raises(ValueError, match=f"X {MESSAGE}"):
        model.fit(numbers, Y, eval_set=[(X, Y)])
    with pytest.raises(ValueError, match=f"X {MESSAGE}"):
        model.fit(numbers, Y).predict(X)
    for door in (train, cv):
        with pytest.raises(ValueError, match=f"train_set: the features {MESSAGE}"):
            door({"verbosity": -1}, lgb.Dataset(X, Y), loss=SquaredError())


@pytest.mark.parametrize("X", [POLARS, POLARS.to_arrow()], ids=["polars", "arrow"])
def test_numbers_and_truth_values_are_read(X):
    model = LIGHTGBM.regressor(SquaredError()).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), model.predict(POLARS.to_pandas()))


def test_to_pandas_keeps_categories():
    frame = UNREADABLE["polars, categories"].to_pandas()
    model = LIGHTGBM.regressor(SquaredError()).fit(frame, Y)
    assert model.booster_.pandas_categorical == [sorted(set(LEVEL), key=LEVEL.index)]
