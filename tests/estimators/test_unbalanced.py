"""Parameters that mean weights are taken as weights, or refused; none is silently ignored."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from gbm_objectives import BinaryCrossEntropy, CategoricalCrossEntropy, Hinge, Huber
from tests.engine import LIGHTGBM, XGBOOST

X, Y = load_breast_cancer(return_X_y=True)
NEGATIVES, POSITIVES = np.bincount(Y)


@pytest.mark.parametrize("loss", [None, Hinge()], ids=repr)
def test_scale_pos_weight(engine, loss):
    weight = np.linspace(0.5, 2, len(Y))
    scaled = engine.classifier(loss, scale_pos_weight=3.0).fit(X, Y, sample_weight=weight)
    weighted = engine.classifier(loss).fit(X, Y, sample_weight=weight * np.where(Y == 1, 3.0, 1.0))
    np.testing.assert_allclose(scaled.predict_raw(X), weighted.predict_raw(X), rtol=1e-6)
    assert np.abs(scaled.predict_raw(X) - engine.classifier(loss).fit(X, Y).predict_raw(X)).max() > 0.1


@pytest.mark.parametrize("name", ["is_unbalance", "unbalance"])
@pytest.mark.parametrize("flip", [False, True])
def test_is_unbalance(name, flip):
    """The rarer class gets the weight with which both weigh the same, as in LightGBM."""
    y = 1 - Y if flip else Y
    rare = np.bincount(y).argmin()
    model = LIGHTGBM.classifier(**{name: True}).fit(X, y)
    ratio = POSITIVES / NEGATIVES
    weighted = LIGHTGBM.classifier().fit(X, y, sample_weight=np.where(y == rare, ratio, 1.0))
    np.testing.assert_allclose(model.predict_proba(X), weighted.predict_proba(X), rtol=1e-6)
    assert BinaryCrossEntropy().initial_raw(y, np.where(y == rare, ratio, 1.0)) == pytest.approx(0, abs=1e-9)


def test_they_are_for_two_classes(engine):
    with pytest.raises(ValueError, match="scale_pos_weight of estimator is for labels of two classes"):
        engine.classifier(CategoricalCrossEntropy(3), scale_pos_weight=2.0).fit(X, np.arange(len(Y)) % 3)
    with pytest.raises(ValueError, match="scale_pos_weight of estimator must be above 0 and finite, got -1"):
        engine.classifier(scale_pos_weight=-1.0).fit(X, Y)


@pytest.mark.parametrize(
    ("engine", "params"),
    [
        (LIGHTGBM, {"is_unbalance": True}),
        (LIGHTGBM, {"unbalance": True}),
        (LIGHTGBM, {"scale_pos_weight": True}),
        (LIGHTGBM, {"reg_sqrt": True}),
        (LIGHTGBM, {"alpha": 0.5}),
        (LIGHTGBM, {"sigmoid": 2.0}),
        (XGBOOST, {"scale_pos_weight": True}),
        (XGBOOST, {"scale_pos_weight": 2}),
        (XGBOOST, {"huber_slope": 1.0}),
    ],
)
def test_in_native_training_they_are_refused(engine, params):
    (name, value), X, y = *params.items(), *load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match=rf"params\['{name}'\] acts on built-in objectives only, got {value}"):
        engine.train(Huber(), X, y, params=params)


@pytest.mark.parametrize(
    ("engine", "params"),
    [
        (LIGHTGBM, {"is_unbalance": False, "scale_pos_weight": 1.0, "reg_sqrt": False}),
        (XGBOOST, {"scale_pos_weight": 1}),
    ],
)
def test_neutral_values_pass(engine, params):
    engine.train(Huber(), *load_diabetes(return_X_y=True), rounds=2, params=params)


@pytest.mark.parametrize("how", ["class_weight", "scale_pos_weight", "aside"])
def test_early_stopping_looks_at_the_loss_that_is_trained(engine, how):
    """Without the weights of classes it watched another loss, which fell on in every round."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 5))
    rare = rng.random(4000) < 1 / (1 + np.exp(5 - 1.5 * features[:, 0]))
    sets = {} if how == "aside" else {"eval_set": [(features[2000:], rare[2000:])]}
    rows = slice(None) if how == "aside" else slice(2000)
    params = {"scale_pos_weight": 50.0} if how == "scale_pos_weight" else {}
    weights = None if params else {False: 1.0, True: 50.0}
    model = engine.classifier(
        None, weights, n_estimators=400, learning_rate=0.1, **engine.early_stopping(20), **params
    )
    if how == "aside":
        model.set_params(validation_fraction=0.5, random_state=0)
    model.fit(features[rows], rare[rows], **sets)
    assert model.best_iteration_ < 100
    (history,) = model.evals_result_.values()
    late = model.validation_indices_ if how == "aside" else np.arange(2000, 4000)
    weight = np.where(rare[late], 50.0, 1.0)
    expected = model.loss_.value(rare[late], model.predict_raw(features[late]), weight)
    assert min(history[model.loss_.name]) == pytest.approx(expected, rel=1e-5)
    if sets:  # weights that are given are those that count
        model.fit(features[rows], rare[rows], **sets, eval_sample_weight=[np.ones(2000)])
        (history,) = model.evals_result_.values()
        expected = model.loss_.value(rare[late], model.predict_raw(features[late]))
        assert min(history[model.loss_.name]) == pytest.approx(expected, rel=1e-5)
