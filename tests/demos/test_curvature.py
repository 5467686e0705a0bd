"""The demo of curvature: a sign over a Hessian of 1 depends on the target's unit, `AbsoluteError` does not."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def demo(run_demo):
    return run_demo("curvature")


def test_errors(demo, engine):
    errors = {
        (unit, name): values for (of, unit, name), values in demo.names["errors"].items() if of == engine.name
    }
    small, usual, large = demo.names["UNITS"]
    for unit in (small, usual, large):
        built_in, ours = errors[unit, "built-in"], errors[unit, "AbsoluteError()"]
        assert ours.min() < 1.03 * built_in.min() and ours[-1] < 1.05 * built_in[-1]
        np.testing.assert_allclose(ours, errors[usual, "AbsoluteError()"], rtol=0.02)
        np.testing.assert_allclose(built_in, errors[usual, "built-in"], rtol=0.02)
    # Small numbers: it soon gets worse again. Large ones: after 100 rounds it is still far off.
    sign = errors[small, "sign, Hessian 1"]
    assert sign.argmin() < 30 and sign.min() > 1.1 * errors[small, "built-in"].min()
    assert sign[-1] > 1.8 * sign.min()
    assert errors[large, "sign, Hessian 1"][99] > 1.5 * errors[large, "built-in"][99]


def test_steps(demo):
    beyond = demo.names["beyond"]
    small, usual, large = demo.names["UNITS"]
    assert beyond[small, "sign, Hessian 1"] > 0.9 > 0.05 > beyond[large, "sign, Hessian 1"]
    for unit in (small, usual, large):
        assert beyond[unit, "sign, Hessian 1/(|r| + s)"] == 1.0
        assert beyond[unit, "AbsoluteError()"] == 0.0


def test_tables_and_figures(demo):
    rows = [line for line in demo.printed.splitlines() if line.startswith("target")]
    assert len(rows) == 9 + 3
    for name in ("curvature_error", "curvature_step"):
        assert (demo.folder / f"{name}.png").stat().st_size > 10_000
