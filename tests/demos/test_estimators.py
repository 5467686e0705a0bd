"""The estimators demo, run whole: its table and its saved model."""

from __future__ import annotations

from gbm_objectives import GBMRegressor


def test_estimators_demo(run_demo):
    demo = run_demo("estimators")
    rows = {line.split()[0]: line.split()[1:] for line in demo.printed.splitlines() if line[:8].strip()}
    constant = float(rows["median"][-1])
    for engine in ("LightGBM", "XGBoost"):
        delta, leaves, rounds, cv, test = map(float, rows[engine])
        assert delta in demo.names["DELTAS"] and leaves in demo.names["LEAVES"]
        assert 1 < rounds < 500  # stopped early
        assert test < 0.9 * constant and 0.7 < cv / test < 1.4
    assert "its predictions are the same" in demo.printed
    assert GBMRegressor.load_model(demo.names["path"]).loss_.name == "huber"
