"""Rates and shares under noise that draws counts and labels: a likelihood that says what it is, or an error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from sklearn.model_selection import GridSearchCV

from gbm_objectives import BinaryCrossEntropy, GBMRegressor, Loss, PoissonDeviance, TweedieDeviance
from gbm_objectives.contract.domain import NON_NEGATIVE
from gbm_objectives.contract.links import LOG
from gbm_objectives.contract.noise import Noise
from gbm_objectives.plotting import plot_calibration

N = 200
RNG = np.random.default_rng(0)
X = RNG.uniform(-1.0, 1.0, (N, 2))
EXPOSURE = RNG.uniform(0.2, 1.0, N)
COUNTS = RNG.poisson(np.exp(X[:, 0]) * EXPOSURE).astype(float)
RATES = COUNTS / EXPOSURE
LABELS = (RNG.random(N) < special.expit(X[:, 0])).astype(float)
SHARES = special.expit(X[:, 0] + RNG.standard_normal(N))
# Loss, targets that its noise draws, and others.
CASES = [
    (PoissonDeviance(), COUNTS, RATES),
    (TweedieDeviance(1.0), COUNTS, RATES),
    (BinaryCrossEntropy(), LABELS, SHARES),
]
cases = pytest.mark.parametrize(("loss", "drawn", "others"), CASES, ids=lambda value: repr(value)[:20])
quasi = pytest.mark.filterwarnings("ignore:.*quasi-log-likelihood:UserWarning")


def fitted(engine, loss, y, weight=None):
    return engine.regressor(loss, n_estimators=10).fit(X, y, weight)


@cases
def test_the_log_likelihood_of_what_the_noise_draws_is_its_own(engine, loss, drawn, others):
    model = fitted(engine, loss, drawn)
    assert model.outside_noise_ == ""
    expected = model.predict_distribution(X).logpmf(drawn).sum()
    assert model.log_likelihood(X, drawn) == pytest.approx(expected, rel=1e-9)


@cases
def test_that_of_others_is_a_quasi_likelihood_and_says_so(engine, loss, drawn, others):
    """Up to a constant of the targets it is minus the loss, a half of the deviance."""
    first, second = fitted(engine, loss, others, EXPOSURE), fitted(engine, loss, others[::-1], EXPOSURE)
    with pytest.warns(UserWarning, match=r"noise draws .*, not .* in row \d+ .*: this is a quasi-log-likelihood"):
        gained = first.log_likelihood(X, others, EXPOSURE) - second.log_likelihood(X, others, EXPOSURE)
    lost = [EXPOSURE @ loss.pointwise(others, model.predict_raw(X)) for model in (first, second)]
    assert gained == pytest.approx((lost[1] - lost[0]) / loss.noise.scale, rel=1e-6)


@quasi
def test_a_grid_search_by_it_ranks_as_the_loss_does(engine):
    loss = PoissonDeviance()
    search = GridSearchCV(
        GBMRegressor(loss, engine.estimator(False)),
        {"estimator__n_estimators": [1, 3, 10, 30]},
        scoring={
            "likelihood": lambda model, X, y: model.log_likelihood(X, y),
            "loss": lambda model, X, y: -len(y) * loss.value(y, model.predict_raw(X)),
        },
        refit=False,
        cv=3,
    )
    found = search.fit(X, RATES).cv_results_
    np.testing.assert_array_equal(found["rank_test_likelihood"], found["rank_test_loss"])
    assert sorted(found["rank_test_likelihood"]) == [1, 2, 3, 4]


@cases
def test_a_model_of_others_has_no_distributions(engine, loss, drawn, others):
    model = fitted(engine, loss, others)
    for call in (
        lambda: model.predict_distribution(X),
        lambda: model.sample(X),
        lambda: model.predict_quantiles(X, 0.5),
        lambda: model.predict_interval(X),
        lambda: model.calibrate(X, drawn),
        lambda: model.crps(X, drawn),
        lambda: plot_calibration(model, X, drawn),
    ):
        with pytest.raises(ValueError, match=r"trained on targets that have no distribution .*, not .* in row \d"):
            call()
    assert model.predict_params(X).dtype.names == ("response",)


@cases
def test_others_are_not_scored_by_a_distribution_of_what_is_drawn(engine, loss, drawn, others):
    model = fitted(engine, loss, drawn)
    for call in (
        lambda: model.crps(X, others),
        lambda: model.calibrate(X, others),
        lambda: plot_calibration(model, X, others),
    ):
        with pytest.raises(ValueError, match=r"y must be (integers|labels) .* noise draws them, got .* in row \d"):
            call()


def test_a_saved_model_still_knows(engine, tmp_path):
    fitted(engine, PoissonDeviance(), RATES).save_model(tmp_path / "model.json")
    with pytest.raises(ValueError, match="no distribution"):
        GBMRegressor.load_model(tmp_path / "model.json").predict_interval(X)


def test_classifiers_of_soft_labels_have_distributions_over_classes(engine):
    """The expectation under the shares is their log-likelihood, as it always was."""
    both = np.column_stack([1.0 - SHARES, SHARES])
    model = engine.classifier(BinaryCrossEntropy(), n_estimators=5).fit(X, both)
    p = model.predict_proba(X)
    assert model.log_likelihood(X, both) == pytest.approx((both * np.log(p)).sum(), rel=1e-6)
    assert model.predict_distribution(X).mean() == pytest.approx(p[:, 1])


class OwnPoisson(Loss):
    """A loss of one's own whose noise does not say what it draws."""

    link, domain, curvature_kind = LOG, NON_NEGATIVE, "exact"
    noise = Noise("own Poisson", lambda response, scale: stats.poisson(response))

    def _pointwise(self, y_true, raw_prediction):
        return np.exp(raw_prediction) - y_true * raw_prediction

    def _derivatives(self, y_true, raw_prediction):
        mean = np.exp(raw_prediction)
        return mean - y_true, mean


def test_noise_of_ones_own(engine):
    model = fitted(engine, OwnPoisson(), RATES)
    first = int(np.flatnonzero(RATES % 1.0)[0])
    message = rf"own Poisson noise gives no probability to {RATES[first]} in row {first}"
    with pytest.raises(ValueError, match=message):
        model.log_likelihood(X, RATES)
