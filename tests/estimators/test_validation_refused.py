"""What cannot be put aside is refused by name, before any training."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, PredefinedSplit

from gbm_objectives import GBMClassifier
from tests.engine import LIGHTGBM
from tests.estimators.test_validation_rows import WEIGHT, N, X, Y, model_of

WRONG = [
    ({"validation_fraction": 0.0}, "validation_fraction of GBMRegressor must be above 0 and below 1, got 0.0"),
    ({"validation_fraction": 1.5}, "must be above 0 and below 1, got 1.5"),
    ({"validation_fraction": 0}, "validation_fraction of GBMRegressor must be at least 1, got 0"),
    ({"validation_fraction": N}, "puts aside 442 rows and leaves none to train on: n_samples=442"),
    ({"validation_fraction": 0.1, "validation": "first"}, "must be 'random', 'last' or a splitter, got 'first'"),
    ({"validation_fraction": 0.1, "validation": 5}, "must be 'random', 'last' or a splitter, got 5"),
    ({"validation_fraction": 0.1, "validation": KFold(3)}, "validation_fraction of GBMRegressor must be left out"),
    ({"validation": "last"}, "validation of GBMRegressor needs validation_fraction"),
    ({"n_iter_no_change": 0}, "n_iter_no_change of GBMRegressor must be at least 1"),
    ({"validation_fraction": 0.1, "n_iter_no_change": 0}, "n_iter_no_change of GBMRegressor must be at least 1"),
    ({"validation_fraction": 0.1, "random_state": "x"}, "cannot be used to seed"),
    ({"validation": PredefinedSplit([-1] * N)}, "must yield a split"),
]


@pytest.mark.parametrize(("own", "message"), WRONG, ids=[message[-30:] for _, message in WRONG])
def test_parameters_that_do_not_go(own, message):
    model = model_of(LIGHTGBM, **own)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_parameters_of_the_wrong_kind():
    for own in ({"validation_fraction": True}, {"validation_fraction": "0.1"}):
        with pytest.raises(TypeError, match="validation_fraction of GBMRegressor must be a"):
            model_of(LIGHTGBM, **own).fit(X, Y)
    with pytest.raises(TypeError, match="n_iter_no_change of GBMRegressor must be an integer, got"):
        model_of(LIGHTGBM, validation_fraction=0.1, n_iter_no_change=1.5).fit(X, Y)


class Odd:
    """A splitter with a split of its own."""

    def __init__(self, kept, aside):
        self.parts = kept, aside

    def split(self, X, y=None, groups=None):
        yield self.parts


def test_splits_that_do_not_go():
    rows = np.arange(N)
    for parts, message in (
        ((rows, rows[:5]), r"yields 5 rows in both"),
        ((rows, rows[:0]), r"yields 442 and 0"),
        ((rows, rows + 1), r"must yield numbers of rows, .*: index 442 is out of bounds"),
    ):
        with pytest.raises(ValueError, match=message):
            model_of(LIGHTGBM, validation=Odd(*parts)).fit(X, Y)
    with pytest.raises(ValueError, match=r"must keep groups and queries whole, .* cuts that of row 400"):
        model_of(LIGHTGBM, validation=Odd(rows[:401], rows[401:])).fit(X, Y, groups=rows // 2)


def test_what_is_given_beside_it():
    model = model_of(LIGHTGBM, validation_fraction=0.1)
    for given in (
        {"eval_set": [(X, Y)]},
        {"eval_X": X, "eval_y": Y},
        {"eval_names": ["a"]},
        {"sample_weight_eval_set": [WEIGHT]},
        {"eval_init_score": [WEIGHT]},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(given))} must be left out where GBMRegressor puts rows"):
            model.fit(X, Y, **given)
    with pytest.raises(ValueError, match="groups must be left out: GBMRegressor puts rows aside only with"):
        model_of(LIGHTGBM).fit(X, Y, groups=WEIGHT)
    with pytest.raises(ValueError, match="groups has 3 values for 442 rows"):
        model.fit(X, Y, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="groups must be labels of one type, got int, str"):
        model.fit(X, Y, groups=np.array([1, "a"] * (N // 2), dtype=object))
    for gap in (np.where(np.arange(N) == 3, np.nan, 1.0), np.array(["a", "b", "c", None] + ["a"] * (N - 4))):
        with pytest.raises(ValueError, match=r"groups must be labels, got a missing value in row 3 \(1 such\)"):
            model.fit(X, Y, groups=gap)
    with pytest.raises(ValueError, match="leaves none to train on: n_samples=442, 1 groups"):
        model.fit(X, Y, groups=np.zeros(N))
    with pytest.raises(ValueError, match="sample_weight must have a value above 0 among the rows put aside"):
        model.set_params(validation="last").fit(X, Y, sample_weight=np.arange(N) < 200)


def test_classes_that_do_not_go():
    y = np.where(X[:, 2] > 0, "high", "low").astype(object)
    model = model_of(LIGHTGBM, kind=GBMClassifier, validation_fraction=0.1)
    with pytest.raises(ValueError, match="leaves no row of class 'low' to train on"):
        clone(model).set_params(validation="last", validation_fraction=0.6).fit(X, np.sort(y))
    y[3] = "alone"
    with pytest.raises(ValueError, match="needs at least 2 rows of each class, y has 1 of class 'alone'"):
        model.fit(X, y)
    y[4] = "alone"
    model.fit(X, y)
    with pytest.raises(ValueError, match="validation_fraction=2 of GBMClassifier: The test_size = 2 should be"):
        model.set_params(validation_fraction=2).fit(X, y)
