"""When a training works out what it must know about all rows, and what it need not do in every round."""

import numpy as np
import pytest

import gbm_objectives.engines.training as module
from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    FormulaLoss,
    Huber,
    MultiQuantile,
    Quantile,
    SquaredError,
    Tukey,
)
from gbm_objectives.contract import LOGIT, Domain, Loss, Output
from gbm_objectives.contract.rows import Rows
from gbm_objectives.distributions import Normal
from gbm_objectives.engines.data_sets import Member
from gbm_objectives.engines.training import Training
from tests.contract.losses import OfUnitScale
from tests.engine import ENGINES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4))
Y = X[:, 0] + np.exp(X[:, 1]) * RNG.exponential(size=600)


@pytest.fixture
def asked(monkeypatch):
    """Return a function that returns the rounds, from 0, before which a training asks for a loss's summary."""

    def rounds_of(loss, engine, rate, rounds=30):
        calls, done = [], [0]
        summary, pair = type(loss)._summary, Training.gradient_hessian

        def counted_summary(self, *rows):
            calls.append(done[0])
            return summary(self, *rows)

        def counted_pair(self, *arguments):
            done[0] += 1
            return pair(self, *arguments)

        monkeypatch.setattr(type(loss), "_summary", counted_summary)
        monkeypatch.setattr(Training, "gradient_hessian", counted_pair)
        engine.train(loss, X, Y, rounds=rounds, params={engine.rate: rate})
        monkeypatch.undo()
        # Number 0 is what start and unit were found with.
        return [one - 1 for one in calls if one > 0]

    return rounds_of


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.02, [*range(30)]),
        (0.1, [*range(10), *range(12, 30, 3)]),
        (0.3, [*range(4), *range(5, 30, 2)]),
        (1.0, [*range(30)]),
    ],
)
def test_widths_are_kept_for_some_rounds(asked, engine, rate, expected):
    for loss in (AbsoluteError(), Quantile(0.9), Huber(1.0), FormulaLoss("abs(f - y) + 0.1 * (f - y)**2")):
        assert asked(loss, engine, rate) == expected


def test_a_summary_on_which_the_loss_depends_is_that_of_the_round(asked, engine):
    assert sorted(set(asked(OfUnitScale(), engine, 0.1))) == [*range(30)]


class Data:
    """Stands for an engine's data set."""


def training(loss, y=Y):
    data = Data()
    return Training(loss, [Member(data, "", Rows(y.astype(np.float32), None))]), data


@pytest.mark.parametrize(
    "loss",
    [
        AbsoluteError(),
        Quantile(0.9),
        Tukey(),
        FormulaLoss("abs(f - y) + 0.1 * (f - y)**2"),
        FormulaLoss("log(cosh(f - y))"),
        FormulaLoss("abs(f - y)/(1 + abs(y))"),
        MultiQuantile((0.1, 0.9)),
        Normal(),
    ],
    ids=repr,
)
def test_what_is_kept_is_not_of_the_rows_of_another_round(loss):
    """LightGBM has the raw predictions of all rounds in one piece of memory."""
    shape = (len(Y),) if loss.n_outputs == 1 else (len(Y), loss.n_outputs)
    first, second = RNG.normal(size=(2, *shape))
    kept, data = training(loss)
    memory = first.copy()
    kept.gradient_hessian(memory, data)
    kept.rounds, kept.looked = 100, 99  # nothing is due
    known = kept.loss
    memory[...] = second
    got = kept.gradient_hessian(memory, data)
    fresh = known.gradient_hessian(Y.astype(np.float32), second.copy())
    for one, other in zip(got, fresh, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(got[0], loss.gradient_hessian(Y, first)[0])


@pytest.mark.parametrize(
    ("loss", "y"),
    [(SquaredError(), Y), (BinaryCrossEntropy(), (Y > 1) * 1.0), (Quantile(0.9), Y)],
    ids=["mse", "ce", "quantile"],
)
def test_parameters_are_not_checked_in_every_round(engine, loss, y, monkeypatch):
    calls = []
    check = type(loss).check_params
    monkeypatch.setattr(type(loss), "check_params", lambda self: (calls.append(1), check(self)))
    engine.train(loss, X, y, rounds=50)
    assert 1 <= len(calls) < 20


def test_a_class_without_a_row_and_a_row_that_is_infinite(engine):
    """Where all rows start alike, one of each class is looked at."""
    labels = np.array([0.0, 2.0, 2.0] * 50)
    features = np.arange(150.0)[:, None]
    loss = CategoricalCrossEntropy(4)
    model = engine.train(loss, features, labels, rounds=3)
    assert np.isfinite(engine.raw(model, features)).all()

    class Infinite(CategoricalCrossEntropy):
        def _pointwise(self, y_true, raw_prediction):
            losses = super()._pointwise(y_true, raw_prediction)
            losses[np.asarray(y_true) == 2] = np.inf
            return losses

    with pytest.raises(ValueError, match=r"starts it is inf for 2.0 in row 1:"):
        engine.train(Infinite(4), features, labels, rounds=3)


def test_labels_need_not_be_the_numbers_of_outputs(engine):
    """An ordinal loss has a label more than outputs."""

    class Ordinal(Loss):
        curvature_kind, classifies, n_classes = "surrogate", True, 3
        domain = Domain("labels 0 to 2", 0.0, 2.0)
        outputs = (Output("above 0", LOGIT), Output("above 1", LOGIT))

        def _pointwise(self, y_true, raw_prediction):
            return np.where(y_true == 2, np.inf, (raw_prediction**2).sum(axis=1))

        def _derivatives(self, y_true, raw_prediction):
            return raw_prediction + 1, np.ones_like(raw_prediction)

        def labels(self, raw_prediction):
            return (raw_prediction > 0).sum(axis=1)

        def _initial_raw(self, y_true, sample_weight):
            return np.zeros(2)

    with pytest.raises(ValueError, match=r"starts it is inf for 2.0 in row 2:"):
        engine.train(Ordinal(), np.arange(150.0)[:, None], np.arange(150) % 3, rounds=2)


@pytest.mark.parametrize("one", ENGINES, ids=lambda one: one.name)
@pytest.mark.slow
def test_quantiles_at_a_rate_of_1_need_fresh_widths(one, monkeypatch):
    """With the schedule they are, so the model is that of fresh widths in every round."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(4000, 5))
    y = 3.0 * np.sin(features[:, 0]) + features[:, 1] * features[:, 2] + rng.lognormal(0.0, 1.0, 4000)
    loss, held_out = Quantile(0.1), slice(3000, None)

    def value():
        model = one.train(loss, features[:3000], y[:3000], rounds=30, params={one.rate: 1.0})
        return loss.value(y[held_out], one.raw(model, features[held_out]))

    scheduled = value()
    monkeypatch.setattr(module, "ROUNDS", 1)
    assert scheduled == value()
