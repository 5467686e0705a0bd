"""Model files keep losses that hold a loss, and what a loss has learnt of its training rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gbm_objectives import FormulaLoss, GBMRegressor, Huber, MultiQuantile, SquaredError, distributions
from gbm_objectives.contract import Loss
from gbm_objectives.distributions import FormulaDistribution
from gbm_objectives.estimators.saving import sealed
from tests.contract.losses import OfUnitScale

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(300, 2))
Y = X[:, 0] + 0.1 * RNG.normal(size=300)


class Scaled(Loss):
    """Another loss times a number."""

    curvature_kind = "surrogate"

    def __init__(self, of=None, factor=1.0):
        self.of, self.factor = of, factor

    def _pointwise(self, y_true, raw_prediction):
        return self.factor * self.of._pointwise(y_true, raw_prediction)

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = self.of._derivatives(y_true, raw_prediction)
        return self.factor * gradient, self.factor * np.broadcast_to(curvature, gradient.shape)


@pytest.fixture
def known(monkeypatch):
    """Make the class one of the package's."""
    monkeypatch.setattr(distributions, "Scaled", Scaled, raising=False)
    monkeypatch.setattr(distributions, "__all__", [*distributions.__all__, "Scaled"])


def test_a_loss_within_a_loss(engine, known, tmp_path):
    path = tmp_path / "model.json"
    loss = Scaled(Scaled(FormulaLoss("(f - y)**2 * c", {"c": 2.0}), 3.0), 0.5)
    model = engine.regressor(loss).fit(X, Y)
    model.save_model(path)
    content = json.loads(path.read_text())
    assert content["loss"]["params"]["of"]["params"]["of"]["class"] == "FormulaLoss"
    assert set(content["loss"]["params"]) == {"of", "factor"}
    loaded = GBMRegressor.load_model(path)
    assert loaded.loss_ == loss and isinstance(loaded.loss_.of.of, FormulaLoss)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert GBMRegressor.load_model(path, loss=loss).loss_ == loss
    with pytest.raises(ValueError, match="was trained with the parameters"):
        GBMRegressor.load_model(path, loss=Scaled(SquaredError(), 0.5))
    loaded.save_model(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == path.read_text()


def test_only_the_packages_own_losses_are_made(engine, known, tmp_path):
    path = tmp_path / "model.json"
    engine.regressor(Scaled(Huber(2.0))).fit(X, Y).save_model(path)
    content = json.loads(path.read_text())

    def fails(inner, match):
        loss = {"class": "Scaled", "params": {"of": inner, "factor": 1.0}}
        path.write_text(json.dumps(sealed({**content, "loss": loss})))
        with pytest.raises(ValueError, match=match):
            GBMRegressor.load_model(path)

    fails({"class": "os.system", "params": {}}, "a loss of your own, os.system: pass it as loss=")
    fails({"class": "Huber", "params": {"delta": -1.0}}, "damaged: delta of Huber must be above 0")
    fails({"class": "Huber", "params": {"gamma": 1.0}}, "damaged: .*gamma")
    fails({"class": "Huber", "params": 3}, "damaged")


def test_a_loss_of_ones_own_that_holds_one(engine, tmp_path):
    path = tmp_path / "model.json"
    model = engine.regressor(Scaled(Huber(2.0))).fit(X, Y)
    model.save_model(path)
    with pytest.raises(ValueError, match="a loss of your own, Scaled"):
        GBMRegressor.load_model(path)
    loaded = GBMRegressor.load_model(path, loss=Scaled(Huber(2.0)))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="was trained with the parameters"):
        GBMRegressor.load_model(path, loss=Scaled(Huber(3.0)))


class OfArray(OfUnitScale):
    """The same with a summary that is an array."""

    def _summary(self, y_true, raw_prediction, weight):
        return np.array([super()._summary(y_true, raw_prediction, weight)])


class OfInfinity(OfArray):
    """One that no file can hold."""

    def _summary(self, y_true, raw_prediction, weight):
        return np.append(super()._summary(y_true, raw_prediction, weight), np.inf)

    def _pointwise(self, y_true, raw_prediction):
        return self._with(summary=self.summary[:1])._of_first(y_true, raw_prediction)

    _of_first = OfUnitScale._pointwise

    def _derivatives(self, y_true, raw_prediction):
        r = raw_prediction - y_true
        return r, np.ones_like(r)


@pytest.mark.parametrize(("loss", "kept"), [(OfArray(), True), (OfUnitScale(), False), (OfInfinity(), False)])
def test_summaries_that_are_arrays_are_kept(engine, loss, kept, tmp_path):
    model = engine.regressor(loss).fit(X, Y)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json", loss=loss)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if kept:
        np.testing.assert_array_equal(loaded.loss_.summary, model.loss_.summary)
    else:
        assert loaded.loss_.summary is None
    assert loss.summary is None and loaded.loss.summary is None


def test_the_loss_of_an_older_file_has_the_parameters_of_then(engine, tmp_path):
    """Parameters that came later have their defaults, and renamed ones are compared by their current names."""
    path = tmp_path / "model.json"

    def written_by_an_older_version(loss, params):
        engine.regressor(loss).fit(X, Y).save_model(path)
        content = json.loads(path.read_text())
        content["loss"]["params"] = params(content["loss"]["params"])
        path.write_text(json.dumps(sealed(content)))

    quantiles = MultiQuantile((0.1, 0.9))
    written_by_an_older_version(quantiles, lambda now: {"alphas": now["alphas"]})
    assert GBMRegressor.load_model(path).loss_ == quantiles
    assert GBMRegressor.load_model(path, loss=quantiles).loss_ == quantiles
    with pytest.raises(ValueError, match=r"was trained with the parameters .*loss= is .*point=0\.1"):
        GBMRegressor.load_model(path, loss=MultiQuantile((0.1, 0.9), point=0.1))
    formula = FormulaLoss("(f - y)**2")
    old = {"link_name": "link", "domain_name": "domain"}
    written_by_an_older_version(formula, lambda now: {old.get(name, name): value for name, value in now.items()})
    assert GBMRegressor.load_model(path, loss=formula).loss_ == formula


def test_the_order_of_a_formulas_outputs_is_compared(engine, tmp_path):
    path = tmp_path / "model.json"
    text, links = "-log(2*scale) - abs(y - loc)/scale", {"loc": "identity", "scale": "log"}
    engine.regressor(FormulaDistribution(text, links)).fit(X, Y).save_model(path)
    assert GBMRegressor.load_model(path, loss=FormulaDistribution(text, links)).loss_.outputs[0].name == "loc"
    with pytest.raises(ValueError, match="was trained with the parameters"):
        GBMRegressor.load_model(path, loss=FormulaDistribution(text, dict(reversed(links.items()))))
