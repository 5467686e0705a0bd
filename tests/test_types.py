"""Type checkers see the parameters of losses and what estimators return."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("mypy")
USES = """
from gbm_objectives import Focal, GBMRegressor, Huber, MultiQuantile
from gbm_objectives.contract import LOG, REAL, Domain, Link, Loss

Huber("auto")
Huber(2.0, hessian="constant")
MultiQuantile((0.1, 0.9))
model: GBMRegressor = GBMRegressor(Huber()).fit([[1.0]], [1.0], eval_metric="l2", group=None)
loaded: GBMRegressor = GBMRegressor.load_model("model.json")

class Own(Loss):
    link = LOG
    curvature_kind = "exact"

    @property
    def domain(self) -> Domain:
        return REAL
"""
MISTAKES = {
    "Focal(gama=2.0)": 'Unexpected keyword argument "gama"',
    "Huber([1.0])": "incompatible type",
    "GBMRegressor(Huber()).fit([[1.0]], [1.0], eval_mertic=None)": 'Unexpected keyword argument "eval_mertic"',
}


@pytest.mark.slow
def test_a_type_checker_sees_parameters_and_results(tmp_path):
    """Both in one call, which takes seconds."""
    path = tmp_path / "uses.py"
    path.write_text(USES + "\n".join(MISTAKES) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--cache-dir", str(tmp_path), str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    errors = [line for line in said if ": error:" in line]
    first = USES.count("\n") + 1
    for number, message in enumerate(MISTAKES.values(), first):
        assert any(f":{number}: error:" in line and message in line for line in errors), said
    assert len(errors) == len(MISTAKES), said
