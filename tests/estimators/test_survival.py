"""The estimator of survival analysis: targets in, risks and functions of time out, on both engines."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from gbm_objectives import CoxPH, GBMRegressor, GBMSurvival, SquaredError
from gbm_objectives.distributions import Censored, LogLogistic, LogNormal, Normal, Weibull
from gbm_objectives.estimators.saving import sealed
from gbm_objectives.survival import concordance

INF = np.inf
RNG = np.random.default_rng(0)
N = 600
X = RNG.standard_normal((N, 3))
TRUE = np.exp(1.0 + X[:, 0] + 0.8 * RNG.standard_normal(N))
END = RNG.uniform(0.5, 8.0, N)
TIME, EVENT = np.minimum(TRUE, END), TRUE <= END
Y = np.column_stack([TIME, np.where(EVENT, TIME, INF)])
STRUCTURED = np.array(list(zip(EVENT, TIME, strict=True)), dtype=[("status", bool), ("days", float)])
TIMES = np.array([0.5, 1.0, 3.0, 6.0])
LOSSES = [Censored(LogLogistic()), Censored(Weibull()), Censored(LogNormal()), CoxPH(), CoxPH("breslow")]
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def survival(engine, loss=None, **params):
    params = {"n_estimators": 40, "learning_rate": 0.1, "n_jobs": 1, **engine.quiet, **params}
    return GBMSurvival(loss, engine.bare_regressor(**params))


@pytest.mark.parametrize("loss", [CoxPH(), None], ids=repr)
def test_no_event_at_all(engine, loss):
    y = np.array(list(zip(np.zeros(N, bool), TIME, strict=True)), dtype=STRUCTURED.dtype)
    with pytest.raises(ValueError, match="observed"):
        survival(engine, loss).fit(X, y)


def test_an_evaluation_set_without_events_would_end_the_training(engine):
    late = STRUCTURED[~EVENT]
    with pytest.raises(ValueError, match=r"eval_set\[0\]: .*must have an observed event"):
        survival(engine, CoxPH()).fit(X, STRUCTURED, eval_set=[(X[~EVENT], late)])
    survival(engine, None).fit(X, STRUCTURED, eval_set=[(X[~EVENT], late)])


@pytest.mark.parametrize("law", [Weibull(), LogLogistic(), LogNormal(), Normal()], ids=repr)
@pytest.mark.parametrize("looks", [(5.0, 5.0), (0.5, 1.0)], ids=["one", "two"])
def test_bounds_that_tell_nothing_of_the_scale(engine, law, looks):
    """One look at each row: whether its event has come depends on a feature, when it did is not known."""
    late = X[:, 0] > 0.2 * RNG.standard_normal(N)
    least = 0.0 if law.of_logarithm else -INF
    y = np.where(late[:, None], [looks[1], INF], [least, looks[0]])
    model = survival(engine, Censored(law)).fit(X, y)
    assert np.isfinite(Censored(law).initial_raw(y)).all()
    middle = model.predict_survival_function(X, np.mean(looks))[:, 0]
    assert np.mean((middle > 0.5) == late) > 0.9
    # Better than a constant, log 2, by far, and no step at the look.
    assert model.log_likelihood(X, y) / N > -0.5
    curve = model.predict_survival_function(X[:1], np.mean(looks) * np.array([0.999, 1.001]))[0]
    assert abs(curve[0] - curve[1]) < 0.05


def test_the_cumulative_hazard_far_out_is_exact(engine):
    model = survival(engine, Censored(Weibull())).fit(X, Y)
    params, times = model.predict_params(X[:3]), np.array([1e2, 1e4, INF])
    frozen = stats.weibull_min(params["shape"][:, None], scale=params["scale"][:, None])
    with np.errstate(over="ignore"):
        expected = -frozen.logsf(times)
    np.testing.assert_allclose(model.predict_cumulative_hazard_function(X[:3], times), expected, rtol=1e-5)


def test_other_losses_are_refused():
    for loss in (SquaredError(), LogNormal()):
        with pytest.raises(ValueError, match="must be Censored"):
            GBMSurvival(loss).fit(X, Y)
    with pytest.raises(TypeError, match="loss must be a Loss"):
        GBMSurvival("cox").fit(X, Y)


@losses
def test_functions_of_time(engine, loss):
    model = survival(engine, loss).fit(X, STRUCTURED)
    probability = model.predict_survival_function(X, TIMES)
    assert probability.shape == (N, 4)
    assert ((probability >= 0) & (probability <= 1)).all()
    assert (np.diff(probability, axis=1) <= 0).all()
    hazard = model.predict_cumulative_hazard_function(X, TIMES)
    np.testing.assert_allclose(np.exp(-hazard), probability, rtol=1e-9, atol=1e-12)
    functions = model.predict_survival_function(X[:3])
    np.testing.assert_allclose([one(TIMES) for one in functions], probability[:3], rtol=1e-12)
    assert functions[0](3.0) == probability[0, 2]
    array = model.predict_survival_function(X[:3], return_array=True)
    np.testing.assert_allclose([one.y for one in functions], array, rtol=1e-12)
    np.testing.assert_array_equal(model.unique_times_, np.unique(TIME))
    # Quantiles are where the probability falls to their level.
    level = 0.3
    at = model.predict_quantiles(X, level)[:, 0]
    for i in np.flatnonzero(np.isfinite(at))[:20]:
        s = model.predict_survival_function(X[i : i + 1])[0]
        assert s(at[i]) <= 1.0 - level + 1e-9 <= s(at[i] * (1.0 - 1e-9)) + 2e-9


@pytest.mark.parametrize(
    ("loss", "origin"), [(CoxPH(), 0.0), (Censored(Weibull()), 0.0), (Censored(Normal()), -INF)], ids=str
)
def test_the_domain_of_a_function_is_where_times_can_be(engine, loss, origin):
    """Logarithms of times, say, may be negative; the function falls from 1 at the beginning of its domain to 0."""
    y = np.log(Y) if isinstance(loss, Censored) and loss.distribution == Normal() else Y
    (function,) = survival(engine, loss).fit(X, y).predict_survival_function(X[:1])
    assert function.domain == (origin, INF)
    assert function(origin) == 1.0
    assert (function.x >= origin).all() and (function.x < 0.0).any() == (origin < 0.0)


@pytest.mark.parametrize(
    "loss", [Censored(LogNormal(scale_step=1.0)), Censored(LogLogistic(scale_step=1.0)), CoxPH()], ids=repr
)
def test_probabilities_against_the_truth(engine, loss):
    """The mean probability of a late event is the share of late events, in rows that were not trained on."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6000, 2))
    true, end = np.exp(0.5 * x[:, 0] + rng.standard_normal(6000)), rng.uniform(0.5, 4.0, 6000)
    y = np.column_stack([np.minimum(true, end), np.where(true <= end, true, INF)])
    model = survival(engine, loss, **engine.early_stopping(10), n_estimators=200)
    model.fit(x[:3000], y[:3000], eval_set=[(x[3000:4000], y[3000:4000])])
    for time in (0.5, 1.0, 2.0):
        found = model.predict_survival_function(x[4000:], [time]).mean()
        assert found == pytest.approx(np.mean(true[4000:] > time), abs=0.035)


@losses
def test_risk_and_score(engine, loss):
    model = survival(engine, loss).fit(X, Y)
    risk = model.predict(X)
    assert stats.spearmanr(risk, -X[:, 0]).statistic > 0.8
    assert model.score(X, STRUCTURED) == concordance(Y[:, 0], Y[:, 1], risk)
    assert 0.75 < model.score(X, Y) < 1.0
    weight = RNG.uniform(0.5, 2.0, N)
    assert model.score(X, Y, weight) == concordance(Y[:, 0], Y[:, 1], risk, weight)
    np.testing.assert_array_equal(list(model.staged_predict(X[:5]))[-1], risk[:5])
    if isinstance(loss, Censored):
        np.testing.assert_allclose(risk, -np.log(model.predict_quantiles(X, 0.5)[:, 0]), atol=1e-5)


def test_parameters_and_likelihood(engine):
    model = survival(engine, Censored(Weibull())).fit(X, Y)
    params = model.predict_params(X)
    assert params.dtype.names == ("scale", "shape")
    frozen = stats.weibull_min(params["shape"], scale=params["scale"])
    log_p = np.where(EVENT, frozen.logpdf(TIME), frozen.logsf(TIME))
    assert model.log_likelihood(X, Y) == pytest.approx(log_p.sum())
    weight = RNG.uniform(0.5, 2.0, N)
    assert model.log_likelihood(X, STRUCTURED, weight) == pytest.approx(weight @ log_p)
    np.testing.assert_allclose(model.predict_survival_function(X, [2.0])[:, 0], frozen.sf(2.0), rtol=1e-6)
    bounds = model.predict_interval(X, coverage=0.8)
    np.testing.assert_allclose(bounds, np.column_stack(frozen.interval(0.8)), rtol=1e-5)
    cox = survival(engine, CoxPH()).fit(X, Y)
    assert cox.log_likelihood(X, Y) == pytest.approx(-CoxPH().value(Y, cox.predict(X)) * N)
    with pytest.raises(ValueError, match="no distribution"):
        cox.predict_params(X)


@losses
def test_early_stopping_on_the_likelihood(engine, loss):
    model = survival(engine, loss, n_estimators=300, **engine.early_stopping(10))
    model.fit(X[:400], STRUCTURED[:400], eval_set=[(X[400:], STRUCTURED[400:])])
    assert 1 <= model.best_iteration_ < 300
    (history,) = [of_set[loss.name] for of_set in model.evals_result_.values()]
    raw = model.predict_raw(X[400:])
    assert loss.value(Y[400:], raw) == pytest.approx(min(history), rel=1e-5)


@losses
def test_metrics_see_both_bounds(engine, loss):
    def c(y_true, raw_prediction):
        return "c", concordance(y_true[:, 0], y_true[:, 1], loss.risk(raw_prediction)), True

    model = survival(engine, loss).fit(
        X[:400], STRUCTURED[:400], eval_set=[(X[400:], STRUCTURED[400:])], eval_metric=c
    )
    (history,) = model.evals_result_.values()
    assert history["c"][-1] == pytest.approx(model.score(X[400:], STRUCTURED[400:]), abs=1e-6)


@losses
def test_saved_and_loaded(engine, loss, tmp_path):
    model = survival(engine, loss).fit(X, STRUCTURED)
    model.save_model(tmp_path / "model.json")
    loaded = GBMSurvival.load_model(tmp_path / "model.json")
    assert loaded.loss_ == model.loss_
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(
        loaded.predict_survival_function(X, TIMES), model.predict_survival_function(X, TIMES)
    )
    np.testing.assert_array_equal(loaded.unique_times_, model.unique_times_)
    with pytest.raises(ValueError, match="GBMSurvival"):
        GBMRegressor.load_model(tmp_path / "model.json")


@losses
def test_files_of_other_times_are_damaged(engine, loss, tmp_path):
    path = tmp_path / "model.json"
    survival(engine, loss).fit(X, Y).save_model(path)
    content = json.loads(path.read_text())
    times = content["unique_times"]
    for wrong in (None, times[::-1], [*times, times[-1]], [times], [[one] for one in times], ["a"]):
        path.write_text(json.dumps(sealed({**content, "unique_times": wrong})))
        with pytest.raises(ValueError, match=r"is damaged: .*(unique_times|numbers|string)"):
            GBMSurvival.load_model(path)
    path.write_text(json.dumps(sealed({**content, "summary": None})))
    if isinstance(loss, CoxPH):
        with pytest.raises(ValueError, match=r"is damaged: summary must be the baseline of CoxPH"):
            GBMSurvival.load_model(path)
    else:
        GBMSurvival.load_model(path)


def test_offsets_reach_the_baseline(engine):
    """A known log hazard ratio as an offset: the baseline is that of rows with an offset of 0."""
    offset = -2.0 * X[:, 0]
    flat = np.zeros((N, 1))
    model = survival(engine, CoxPH()).fit(flat, Y, init_score=offset)
    np.testing.assert_allclose(model.predict(flat, offset=offset), offset, atol=1e-6)
    expected = CoxPH()._resolved_at(Y, offset, None).log_survival(offset, TIMES)
    np.testing.assert_allclose(
        model.predict_survival_function(flat, TIMES, offset=offset), np.exp(expected), rtol=1e-6
    )
    assert model.score(flat, Y, offset=offset) > 0.7


def test_scikit_learns_tools(engine):
    model = survival(engine, Censored(LogNormal()))
    assert clone(model).get_params()["loss__distribution__scale_step"] == 0.1
    assert len(cross_val_score(model, X, STRUCTURED, cv=3)) == 3
    search = GridSearchCV(
        model,
        {"loss": [CoxPH(), Censored(Weibull())], "estimator__n_estimators": [5, 20]},
        cv=3,
    )
    assert search.fit(X, STRUCTURED).best_score_ > 0.7
    model.set_params(loss__distribution=Weibull(scale_step=0.3)).fit(X, Y)
    assert model.loss_ == Censored(Weibull(scale_step=0.3))


@pytest.mark.parametrize("loss", [Censored(LogLogistic()), CoxPH()], ids=repr)
def test_scikit_survivals_metrics_and_scorers(engine, loss):
    metrics = pytest.importorskip("sksurv.metrics")
    model = survival(engine, loss).fit(X[:400], STRUCTURED[:400])
    test, y = X[400:], STRUCTURED[400:]
    c = metrics.concordance_index_censored(y["status"], y["days"], model.predict(test))[0]
    assert model.score(test, y) == pytest.approx(c, abs=1e-9)
    times = np.quantile(TIME[EVENT], np.linspace(0.15, 0.85, 10))
    brier = metrics.integrated_brier_score(
        STRUCTURED[:400], y, model.predict_survival_function(test, times), times
    )
    assert 0.0 < brier < 0.15
    for scorer in (
        metrics.as_integrated_brier_score_scorer(model, times),
        metrics.as_concordance_index_ipcw_scorer(model),
        metrics.as_cumulative_dynamic_auc_scorer(model, times),
    ):
        assert np.isfinite(cross_val_score(scorer, X, STRUCTURED, cv=3)).all()


def test_what_is_not_there_says_where_it_is(engine):
    """Cox's loss has quantiles in the estimator of survival analysis, and a distribution nowhere."""
    model = survival(engine, CoxPH()).fit(X, Y)
    regressor = GBMRegressor(CoxPH(), model.estimator).fit(X, Y)
    for method, *arguments in (
        ("predict_quantiles", 0.5),
        ("predict_interval",),
        ("predict_params",),
        ("predict_distribution",),
        ("sample",),
        ("log_likelihood", Y),
        ("crps", Y),
    ):
        with pytest.raises(ValueError, match=r"; GBMSurvival has its survival functions and quantiles$"):
            getattr(regressor, method)(X, *arguments)
    with pytest.raises(ValueError, match=r"take GBMSurvival, whose score is Harrell's C$"):
        regressor.score(X, Y)
    for method in ("predict_params", "predict_distribution", "sample"):
        with pytest.raises(ValueError, match=r"; see predict_survival_function and predict_quantiles$"):
            getattr(model, method)(X)


def test_what_censored_targets_cannot_do(engine):
    model = survival(engine, Censored(LogNormal())).fit(X, Y)
    with pytest.raises(ValueError, match="calibrate"):
        model.calibrate(X, Y)
    with pytest.raises(ValueError, match="crps"):
        model.crps(X, Y)
    regressor = GBMRegressor(Censored(Normal()), model.estimator).fit(X, Y)
    with pytest.raises(ValueError, match="calibrate"):
        regressor.calibrate(X, Y)
    with pytest.raises(ValueError, match="crps"):
        regressor.crps(X, Y)
    assert regressor.log_likelihood(X, Y) == pytest.approx(
        -Censored(Normal()).value(Y, regressor.predict_raw(X)) * N
    )
    with pytest.raises(ValueError, match="times must be numbers"):
        model.predict_survival_function(X, [np.nan])
