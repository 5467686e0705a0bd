"""The benchmark of survival analysis on small simulated sets, without NGBoost."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from scipy import stats

from benchmarks import survival, survival_models, survival_sets, survival_truth


def simulated(n_rows, seed=0):
    """Return rows of exponential times of which half are censored, the logarithm of whose mean is 3 x0."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n_rows, 3))
    time, end = rng.exponential(np.exp(3 * X[:, 0])), rng.exponential(np.exp(3 * X[:, 0]))
    return survival_sets.Rows(X, time <= end, np.minimum(time, end))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(survival_models, "MOST_ROUNDS", 60)
    monkeypatch.setattr(survival_models, "SCALES", (1.0,))
    for name, value in {
        "N_TRAIN": 300,
        "N_TEST": 200,
        "REPEATS": 1,
        "STRENGTHS": (1,),
        "N_DEMONSTRATION": 500,
    }.items():
        monkeypatch.setattr(survival_truth, name, value)
    monkeypatch.setattr(survival_truth, "N_REGRET", 600)
    few = [survival_models.Aft(), survival_models.Aft("extreme", 0.6)]
    for module in (survival, survival_truth):
        monkeypatch.setattr(module, "TUNED", few)


def tables(text):
    """Return by heading the rows of the tables below it."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith(("#", "**")):
            heading = line.strip("#* ").split("**")[0]
        elif line.startswith("| "):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split("|")])
    return {name: rows[1:] for name, rows in found.items()}


def number(cell):
    return np.nan if cell == "–" else float(cell.split()[0])


@pytest.mark.slow
def test_benchmark(tmp_path, capsys, small):
    rows = simulated(500)
    frame = pd.DataFrame(rows.X, columns=["x0", "x1", "x2"]).assign(event=rows.event.astype(int), time=rows.time)
    frame.to_csv(tmp_path / "sim.csv", index=False)
    survival.main(["--data", str(tmp_path), "--splits", "1", "--rows", "480", "--output", str(tmp_path)])
    text = (tmp_path / "survival.md").read_text()
    assert text.strip() in capsys.readouterr().out
    found = tables(text)
    assert "sim: 480 rows" in text
    n_models = len(survival.candidates())
    for protocol in survival.PROTOCOLS:
        models = found[f"sim, {protocol.title}"]
        assert len(models) == n_models
        for model, _, *cells in models:
            nll, brier, c, seconds = (number(cells[i]) for i in (0, 3, 4, 6))
            assert np.isnan(nll) == (model not in (*survival_models.LOSSES, survival.BEST, *of_aft()))
            assert np.isnan(nll) or -1.0 < nll < 5.0
            # 1/4 is the Brier score of a model that knows nothing.
            assert np.isnan(brier) == (not survival.HAS_SKSURV) and not brier > 0.3
            assert 0.6 < c < 1.0 and seconds >= 0.0
    of_nll = found["NLL, LogLogistic less survival:aft"]
    assert len(of_nll) == len(survival.PROTOCOLS) * len(survival_models.ENGINES)
    truth = {(row[0], row[1]): number(row[2]) for row in found["Distance from a known truth"]}
    assert len(truth) == 4 * 2 + 2 + 4
    for engine in survival_models.ENGINES:
        assert truth["ours, censored", engine] < truth["ours, limit taken for the time", engine] < 1.5
    regrets = found["What training leaves of the best model, with six levels"]
    assert len(regrets) == 3 * 2 and all(-1e-6 < number(cell) < 0.3 for row in regrets for cell in row[2:4])
    ((_, *cs),) = found["Cox's likelihood and strong signals"]
    assert len(cs) == 4 and all(0.7 < number(c) < 0.9 for c in cs)


def of_aft():
    return survival.AFT[0], survival.BEST_AFT[0]


def test_options(tmp_path, capsys, monkeypatch):
    for arguments in (["--splits", "0"], []):
        with pytest.raises(SystemExit):
            survival.main(["--data", str(tmp_path), *arguments])
    assert "no CSV file" in capsys.readouterr().err
    monkeypatch.setattr(survival, "HAS_SKSURV", False)
    with pytest.raises(SystemExit):
        survival.main(["--data", str(tmp_path), "--shipped"])
    assert "needs scikit-survival" in capsys.readouterr().err


def test_splits_are_apart():
    rows = simulated(1000)
    parts = survival_sets.split(rows, 0)
    assert [len(part) for part in (parts.fit, parts.late, parts.train, parts.test)] == [600, 150, 750, 250]
    assert len(np.unique(np.concatenate([parts.train.time, parts.test.time]))) == 1000
    np.testing.assert_array_equal(np.concatenate([parts.fit.time, parts.late.time]), parts.train.time)


def test_times_of_zero_become_positive(tmp_path):
    pd.DataFrame({"x0": [1.0, 2.0, np.nan], "event": [1, 0, 1], "time": [0, 4, 8]}).to_csv(tmp_path / "a.csv")
    ((name, rows),) = survival_sets.csv_sets(tmp_path)
    assert name == "a" and rows.time.tolist() == [2.0, 4.0, 8.0] and rows.event.tolist() == [True, False, True]
    np.testing.assert_array_equal(rows.bounds, [[2.0, 2.0], [4.0, np.inf], [8.0, 8.0]])


@pytest.mark.parametrize("name", survival_models.STANDARD)
def test_likelihood_of_aft_is_xgboosts_own(name):
    """XGBoost's metric floors probabilities, which matters to rows far out alone: here, to none."""
    rows = simulated(400)
    model = survival_models.Aft(name, 1.5)
    nll = model.train(rows, 0.1, 20).nll(rows)
    data = survival_models._bounded(rows)
    # Named, for otherwise XGBoost 3.2 computes it with a scale of 1.
    params = {
        "aft_loss_distribution": name,
        "aft_loss_distribution_scale": 1.5,
        "eta": 0.1,
        "nthread": 1,
        "eval_metric": "aft-nloglik",
    }
    xgb.train(
        {**params, "objective": "survival:aft"},
        data,
        20,
        evals=[(data, "own")],
        evals_result=(log := {}),
        verbose_eval=False,
    )
    np.testing.assert_allclose(nll, log["own"]["aft-nloglik"][-1], rtol=1e-4)


def test_brier_score_without_censoring_is_the_mean_square():
    """Graf et al. (1999): without censoring, the mean of (1[t > s] - S(s))², integrated by trapezoids."""
    pytest.importorskip("sksurv")
    rows = simulated(400)
    rows = survival_sets.Rows(rows.X, np.ones(400, dtype=bool), rows.time)
    parts, times = survival_sets.split(rows, 0), survival.brier_times(rows)
    model = survival_models.Ours(survival_models.LOSSES["Weibull"], "LightGBM").train(parts.train, 0.1, 20)
    chances = np.exp(model.log_survival(parts.test.X, times))
    squares = np.mean(((parts.test.time[:, None] > times) - chances) ** 2, axis=0)
    expected = np.trapezoid(squares, times) / (times[-1] - times[0])
    np.testing.assert_allclose(survival.brier(parts, model, times), expected, rtol=1e-6)


def test_best_is_trained_on_all_rows_with_the_chosen_rounds(monkeypatch):
    monkeypatch.setattr(survival_models, "MOST_ROUNDS", 200)
    parts = survival_sets.split(simulated(400), 0)
    rates = {"LightGBM": 0.1, "XGBoost": 0.1}
    candidates = [survival_models.Ours(loss, "LightGBM") for loss in survival_models.LOSSES.values()]
    trainings = survival_models.Trainings(parts, rates, stops=True)
    model, seconds = trainings.best(candidates)
    trials = {repr(one): trainings.done[repr(one), True, survival_models.ROUNDS] for one in candidates}
    chosen = min(trials, key=lambda one: trials[one].nll(parts.late))
    assert 1 <= model.rounds == trials[chosen].rounds < 200
    assert seconds > sum(trial.seconds for trial in trials.values())


# Stands in for NGBoost in a process of its own: what it answers is known.
NGBOOST = """
import numpy as np

class Predicted:
    def __init__(self, n):
        self.params = {"s": np.full(n, 0.5), "scale": np.full(n, np.exp(2.0)), "loc": np.full(n, 2.0)}

class NGBSurvival:
    def __init__(self, Dist=None, **params):
        self.rounds = params["n_estimators"]
    def fit(self, X, time, event):
        assert not np.isnan(X).any() and event.dtype == bool and (time > 0).all()
        return self
    def staged_pred_dist(self, X):
        return [Predicted(len(X)) for _ in range(3)]
    def pred_dist(self, X):
        return Predicted(len(X))

NGBRegressor = NGBSurvival
"""


def test_ngboost_is_asked(tmp_path, monkeypatch):
    (tmp_path / "ngboost").mkdir()
    (tmp_path / "ngboost" / "__init__.py").write_text(NGBOOST)
    (tmp_path / "ngboost" / "distns.py").write_text("LogNormal = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    rows = simulated(200)
    rows.X[::7, 1] = np.nan
    parts = survival_sets.split(rows, 0)
    ngboost = survival_models.NGBoost(sys.executable)
    for rate, stops in ((0.1, False), (None, False), (None, True)):
        model, seconds = ngboost.train(parts, rate, stops)
        assert seconds > 0 and (model.risk(parts.test.X) == -2.0).all()
        # The log-normal distribution of the logarithm's mean 2 and deviation 1/2.
        log_time = np.log(parts.test.time)
        density = stats.norm.logpdf(log_time, 2.0, 0.5) - log_time
        expected = -np.where(parts.test.event, density, stats.norm.logsf(log_time, 2.0, 0.5)).mean()
        np.testing.assert_allclose(model.nll(parts.test), expected)
    ngboost.peer.process.stdin.close()
    ngboost.peer.process.wait(timeout=30)
    ngboost.peer.process.stdout.close()
    ngboost.peer.folder.cleanup()
