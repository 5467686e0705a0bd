"""Every parameter that LightGBM knows, at every door: the model that its own objective gives, or refused by name.

LightGBM itself lists its parameters, so that one of a new version is not forgotten.
"""

from __future__ import annotations

import json
from functools import cache
from inspect import signature

import lightgbm as lgb
import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

from gbm_objectives import BinaryCrossEntropy, GBMClassifier, GBMRegressor, SquaredError
from gbm_objectives.engines.lightgbm import train
from tests.engines.lightgbm.parameters import BASE, CHANGES, IDLE, LISTED, REFUSED

# What LightGBM says where a parameter has a keyword of its own, and takes that; and before 4.7 of arrays, on which
# its own estimators were fitted.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*keyword has been found in `params`:UserWarning",
    "ignore:.*in param dict is overridden:UserWarning",
    "ignore:X does not have valid feature names",
)

lgb.basic._ConfigAliases.get("objective")  # reads the table
ALIASES = lgb.basic._ConfigAliases.aliases
ROUNDS = 10
WEIGHTS_OF_CLASSES = ("is_unbalance", "scale_pos_weight")

rng = np.random.default_rng(0)
N_ROWS = 400
X = rng.normal(size=(N_ROWS, 6))
X[::7, 1] = np.nan
X[rng.random(N_ROWS) < 0.6, 2] = 0.0
X[rng.random(N_ROWS) < 0.6, 3] = 0.0
X[:, 5] = rng.integers(0, 12, N_ROWS)
Y = 3 * X[:, 0] + np.nan_to_num(X[:, 1]) ** 2 + X[:, 2] * X[:, 3] + 2 * rng.normal(size=12)[X[:, 5].astype(int)]
Y += rng.normal(size=N_ROWS) + 20
LABELS = (np.median(Y) < Y).astype(int)
CATEGORIES = {"categorical_feature": [5]}


def of_data_sets(params):
    return lgb.Dataset(None, params=params).get_params()


def in_train(params, loss):
    """The native training."""
    data = lgb.Dataset(X, Y, **CATEGORIES)
    if loss is None:
        return lgb.train({**params, "objective": "regression"}, data, ROUNDS).predict(X)
    return train(params, data, loss=SquaredError(), num_boost_round=ROUNDS).predict(X)


def in_data_set(params, loss):
    """The same, with the parameters that a data set has in the data set."""
    own = of_data_sets(params)
    params = {name: value for name, value in params.items() if name not in own}
    data = lgb.Dataset(X, Y, params=own, **CATEGORIES)
    if loss is None:
        return lgb.train({**params, "objective": "regression"}, data, ROUNDS).predict(X)
    return train(params, data, loss=SquaredError(), num_boost_round=ROUNDS).predict(X)


def as_the_wrapper_spells_them(params):
    names = set(signature(LGBMRegressor).parameters)
    spelled = {name: next((alias for alias in ALIASES[name] if alias in names), name) for name in params}
    return {"n_estimators": ROUNDS, **{spelled[name]: value for name, value in params.items()}}


def in_regressor(params, loss):
    model = LGBMRegressor(**as_the_wrapper_spells_them(params))
    return (model if loss is None else GBMRegressor(SquaredError(), model)).fit(X, Y, **CATEGORIES).predict(X)


def in_classifier(params, loss):
    model = LGBMClassifier(**as_the_wrapper_spells_them(params))
    model = model if loss is None else GBMClassifier(BinaryCrossEntropy(), model)
    return model.fit(X, LABELS, **CATEGORIES).predict_proba(X)[:, 1]


DOORS = {"train": in_train, "data set": in_data_set, "regressor": in_regressor, "classifier": in_classifier}
# Among rows or splits that are equal up to rounding these choose, and our cross-entropy is rounded in another way.
OF_ROUNDING = ("data_sample_strategy", "max_delta_step", "top_rate")


def cases(table):
    """Each door with each parameter that it has."""
    known = [name for name in table if name in ALIASES]
    has = {"data set": of_data_sets(dict.fromkeys(known)), "classifier": set(known) - {*OF_ROUNDING}}
    return [(door, name) for door in DOORS for name in known if name in has.get(door, known)]


@cache
def as_it_is(door):
    """What LightGBM predicts without any further parameter."""
    return DOORS[door](BASE, None)


@pytest.fixture
def value_of(tmp_path):
    """The value to try of a parameter's name; that of a file's name written to a file."""

    def value(name):
        given = LISTED[name][0]
        if name not in ("forcedbins_filename", "forcedsplits_filename"):
            return given
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(given))
        return str(path)

    return value


def one_draw_earlier(seed):
    """The seed from which LightGBM's generator draws first what it would draw before `seed`, then the same."""
    state = (seed - 2531011) * pow(214013, -1, 2**32) % 2**32
    return state - 2**32 if state >= 2**31 else state


def test_every_parameter_is_listed():
    missing = set(ALIASES) - set(LISTED)
    assert not missing, f"parameters of LightGBM {lgb.__version__} that no test compares: {sorted(missing)}"


@pytest.mark.parametrize("name", [name for name in CHANGES if name in ALIASES])
def test_the_value_to_try_changes_lightgbms_own_model(name, value_of):
    params = {**BASE, **CHANGES[name][1]}
    changed = in_train({**params, name: value_of(name)}, None)
    assert np.abs(changed - in_train(params, None)).max() > 0.1


@pytest.mark.parametrize(("door", "name"), cases(CHANGES))
def test_the_model_changes_as_lightgbms_own_does(door, name, value_of):
    params = {**BASE, **CHANGES[name][1], name: value_of(name)}
    stock, ours = DOORS[door](params, None), DOORS[door](params, SquaredError())
    if params.get("boosting") == "dart" and not np.allclose(ours, stock):
        # Before the first round of a custom objective LightGBM's DART reads a flag that nothing has set: what was
        # in memory decides whether it draws.
        stock = DOORS[door]({**params, "drop_seed": one_draw_earlier(params["drop_seed"])}, None)
    np.testing.assert_allclose(ours, stock, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("door", "name"), cases(IDLE))
def test_what_changes_no_model_changes_none(door, name):
    params = {**BASE, name: IDLE[name]}
    np.testing.assert_allclose(DOORS[door](params, None), as_it_is(door), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(DOORS[door](params, SquaredError()), as_it_is(door), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", REFUSED)
def test_what_belongs_to_the_objective_is_refused(name):
    for alias in ALIASES[name]:
        params = {"verbosity": -1, alias: REFUSED[name]}
        with pytest.raises(ValueError, match=alias):
            train(params, lgb.Dataset(X, Y), loss=SquaredError())
        with pytest.raises(ValueError, match=alias):
            GBMRegressor(None, LGBMRegressor(**params)).fit(X, Y)
        if name not in WEIGHTS_OF_CLASSES:
            with pytest.raises(ValueError, match=alias):
                GBMClassifier(None, LGBMClassifier(**params)).fit(X, LABELS)


@pytest.mark.parametrize(
    "params", [{"scale_pos_weight": 3.0}, {"is_unbalance": True}, {"class_weight": {0: 2.0, 1: 5.0}}]
)
def test_weights_of_classes(params):
    # LightGBM starts at the mean without the first two.
    params = {**BASE, **params, "n_estimators": ROUNDS, "boost_from_average": False}
    labels = (np.quantile(Y, 0.7) < Y).astype(int)
    stock = LGBMClassifier(**params).fit(X, labels)
    ours = GBMClassifier(BinaryCrossEntropy(), LGBMClassifier(**params)).fit(X, labels)
    np.testing.assert_allclose(ours.predict_proba(X), stock.predict_proba(X), rtol=1e-6, atol=1e-6)
    unweighted = LGBMClassifier(**{**BASE, "n_estimators": ROUNDS, "boost_from_average": False}).fit(X, labels)
    assert np.abs(unweighted.predict_proba(X) - stock.predict_proba(X)).max() > 0.1


def test_every_parameter_of_the_estimators_is_one_of_these():
    known = {alias for aliases in ALIASES.values() for alias in aliases}
    for wrapper in (LGBMRegressor, LGBMClassifier):
        assert set(signature(wrapper).parameters) - known == {"class_weight", "importance_type", "kwargs"}


@pytest.mark.parametrize("kind", ["split", "gain"])
def test_importances(kind):
    model = LGBMRegressor(importance_type=kind, verbosity=-1, n_jobs=1, n_estimators=ROUNDS)
    ours = GBMRegressor(None, model).fit(X, Y).feature_importances_
    np.testing.assert_allclose(ours, model.fit(X, Y).feature_importances_, rtol=1e-5)


@pytest.mark.parametrize("threads", [{}, {"n_jobs": 1}, {"n_jobs": 2}, {"n_jobs": -1}, {"num_threads": 1}])
def test_threads_are_those_of_the_wrapper(threads):
    # Above 512 rows the random numbers of quantised gradients depend on the number of threads.
    X = np.random.default_rng(0).normal(size=(1500, 3))
    model = LGBMRegressor(n_estimators=3, verbosity=-1, use_quantized_grad=True, **threads)
    ours = GBMRegressor(None, model).fit(X, X[:, 0] ** 2)
    np.testing.assert_allclose(ours.predict(X), model.fit(X, X[:, 0] ** 2).predict(X), rtol=1e-6)


@pytest.mark.parametrize("seeds", [{}, {"seed": 2}, {"random_seed": 2}], ids=repr)
@pytest.mark.filterwarnings("ignore:.*will be ignored")
def test_of_several_seeds_lightgbms_choice(seeds):
    model = LGBMRegressor(
        **{**BASE, "seed": None, "random_state": 1, **seeds, "bagging_freq": 1, "subsample": 0.5}
    )
    np.testing.assert_allclose(
        GBMRegressor(None, model).fit(X, Y).predict(X), model.fit(X, Y).predict(X), rtol=1e-6
    )


def test_the_model_says_what_lightgbms_own_says():
    data = lgb.Dataset(X, Y, free_raw_data=False)
    stock = lgb.train({**BASE, "objective": "regression"}, data, 2).trees_to_dataframe()
    ours = train(BASE, lgb.Dataset(X, Y), loss=SquaredError(), num_boost_round=2).trees_to_dataframe()
    np.testing.assert_array_equal(ours["node_index"], stock["node_index"])
    np.testing.assert_allclose(ours["value"], stock["value"], rtol=1e-5)


# What a data set is given, and whether it changes the model.
GIVEN = {
    "weight": (np.linspace(0.2, 3.0, N_ROWS), True),
    # Beside which the best constant is 0: ours starts at it, LightGBM's own at 0.
    "init_score": (5 * X[:, 0] + (Y - 5 * X[:, 0]).mean(), True),
    "categorical_feature": ([4, 5], True),
    "feature_name": (list("abcdef"), False),
    "params": ({"max_bin": 8}, True),
    "free_raw_data": (False, False),
    "position": (np.arange(N_ROWS) % 3, False),  # of ranking
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_a_data_set_is_given(name):
    value, changes = GIVEN[name]
    own = {**CATEGORIES, name: value}
    stock = lgb.train({**BASE, "objective": "regression"}, lgb.Dataset(X, Y, **own), ROUNDS)
    ours = train(BASE, lgb.Dataset(X, Y, **own), loss=SquaredError(), num_boost_round=ROUNDS)
    np.testing.assert_allclose(ours.predict(X), stock.predict(X), rtol=1e-6, atol=1e-6)
    assert ours.feature_name() == stock.feature_name()
    assert (np.abs(stock.predict(X) - as_it_is("train")).max() > 0.1) == changes


def test_all_that_a_data_set_is_given_is_compared():
    assert not set(signature(lgb.Dataset).parameters) - {*GIVEN, "data", "label", "reference", "group"}
    with pytest.raises(ValueError, match="group and qid must not be set"):
        train(BASE, lgb.Dataset(X, Y, group=[100, N_ROWS - 100]), loss=SquaredError())
