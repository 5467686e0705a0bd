"""Targets of survival analysis as people have them: what is taken, and what a refusal says to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gbm_objectives import CoxPH, GBMRegressor, GBMSurvival
from gbm_objectives.distributions import Censored, LogNormal, Normal
from gbm_objectives.estimators.survival_target import bounds_of

INF = np.inf
RNG = np.random.default_rng(0)
N = 60
X = RNG.standard_normal((N, 2))
TIME, EVENT = RNG.uniform(0.5, 3.0, N), RNG.random(N) < 0.6
Y = np.column_stack([TIME, np.where(EVENT, TIME, INF)])
FRAME = pd.DataFrame({"event": EVENT, "time": TIME})
STRUCTURED = np.array(list(zip(EVENT, TIME, strict=True)), dtype=[("status", bool), ("days", float)])
LOSSES = pytest.mark.parametrize("loss", [CoxPH(), Censored(LogNormal())], ids=repr)

# ---- forms ------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [
        Y.tolist(),
        STRUCTURED,
        pd.DataFrame({"days": TIME, "dead": EVENT}),
        pd.DataFrame({"id": "x", "time": TIME, "event": EVENT.astype(int)}),
        pd.DataFrame({"upper": Y[:, 1], "lower": Y[:, 0]}),
        np.array(list(zip(*Y.T, strict=True)), dtype=[("lower", float), ("upper", float)]),
    ],
    ids=["list", "structured", "frame", "named event", "frame of bounds", "structured bounds"],
)
def test_targets_of_every_form_are_the_same(y):
    np.testing.assert_array_equal(bounds_of(y), Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (TIME, r"y must have two columns, a lower and an upper bound .* got shape \(60,\)"),
        (np.column_stack([EVENT, TIME]), "the first one has only 0 and 1, like events"),
        (np.column_stack([np.ones(N), 1.0 + TIME]), "the first one has only 0 and 1, like events"),
        (np.column_stack([TIME / 10.0, np.ones(N)]), "the second one has only 0 and 1, like events"),
        (np.column_stack([Y, Y]), "two columns"),
        (np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]), "one of events"),
        (
            pd.DataFrame({"event": ["yes", "no"], "time": [1.0, 2.0]}),
            r"y\['event'\] must be true or false, or 1 and 0, got yes",
        ),
        (np.array([(True, True)], dtype=[("a", bool), ("b", bool)]), "one of events"),
        (
            pd.DataFrame({"event": [0, 2], "time": [1.0, 2.0]}),
            r"y\['event'\] must be true or false, or 1 and 0, got 2 in row 1",
        ),
        (
            pd.DataFrame({"event": [True, True], "time": [1.0, -2.0]}),
            r"y\['time'\] must be times.* got -2.0 in row 1",
        ),
        (
            pd.DataFrame({"event": [True, True], "time": [1.0, np.nan]}),
            r"y\['time'\] must be times.* nan in row 1",
        ),
        (np.array([[2.0, 1.0], [1.0, 1.0]]), r"0 <= lower <= upper"),
        (np.array([[-1.0, 1.0], [1.0, 1.0]]), r"0 <= lower <= upper"),
        (np.column_stack([TIME, np.full(N, INF)]), "no maximum of the likelihood"),
    ],
)
def test_bad_targets_are_named_before_training(y, message):
    with pytest.raises(ValueError, match=message):
        GBMSurvival().fit(np.zeros((len(y), 1)), y)


# ---- doors that take bounds only ------------------------------------------------------------

HOW = r"np\.column_stack\(\[time, np\.where\(event, time, np\.inf\)\]\), and GBMSurvival takes events and times"


@LOSSES
@pytest.mark.parametrize("y", [FRAME, STRUCTURED, TIME], ids=["frame", "structured", "times alone"])
def test_doors_of_bounds_say_where_events_are_taken(engine, loss, y):
    with pytest.raises(ValueError, match=f"must have the columns lower, upper.*{HOW}"):
        GBMRegressor(loss, engine.bare_regressor()).fit(X, y)
    data = engine.data(X, TIME)
    data.target = y
    with pytest.raises(ValueError, match=f"must have the columns lower, upper.*{HOW}"):
        engine.ours.train(engine.params, data, loss=loss, num_boost_round=2)
    # The bounds that it speaks of are these.
    time, event = TIME, EVENT
    data.target = np.column_stack([time, np.where(event, time, np.inf)])
    engine.ours.train(engine.params, data, loss=loss, num_boost_round=2)


def test_a_misspelt_bound_is_no_event():
    with pytest.raises(ValueError, match=r"upper is not among \['lower', 'uper'\]$"):
        GBMRegressor(CoxPH()).fit(X, pd.DataFrame(Y, columns=["lower", "uper"]))


# ---- an event at time 0 ------------------------------------------------------------


def test_an_event_at_time_0_says_what_to_do(engine):
    y = FRAME.assign(time=np.where(np.arange(N) == 3, 0.0, TIME), event=EVENT | (np.arange(N) == 3))
    lognormal = GBMSurvival(Censored(LogNormal()), engine.bare_regressor(n_estimators=2, **engine.quiet))
    with pytest.raises(ValueError, match=r"no event at time 0.* in row 3 \(1 such\): .*half of the recording"):
        lognormal.fit(X, y)
    bounds = np.where(np.arange(N)[:, None] == 3, [0.0, 0.5], Y)
    for advised in (y.assign(time=y["time"].clip(0.25)), bounds):
        lognormal.fit(X, advised)
    # A time at which a row was last seen tells nothing, and these two take no logarithm.
    lognormal.fit(X, y.assign(event=y["event"] & (y["time"] > 0.0)))
    for loss in (CoxPH(), Censored(Normal())):
        lognormal.set_params(loss=loss).fit(X, y)


# ---- columns of events ------------------------------------------------------------

DAYS = np.ceil(10.0 * TIME).astype(int)


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame({"days": DAYS, "status": EVENT.astype(int)}),
        pd.DataFrame({"days": DAYS, "status": EVENT.astype(float)}),
        pd.DataFrame({"arrest": EVENT.astype(int), "week": DAYS}),  # as in lifelines' data sets
        pd.DataFrame({"id": "x", "status": EVENT.astype(int), "time": DAYS}),
        pd.DataFrame({"dead": EVENT.astype("int8"), "days": DAYS.astype("float32")}),
        pd.DataFrame({"dead": pd.array(EVENT, "boolean"), "days": DAYS}),
        pd.DataFrame({"dead": pd.array(EVENT.astype(int), "Int64"), "days": pd.array(DAYS, "Int64")}),
        pd.DataFrame({"dead": EVENT.astype(object), "days": DAYS}),
        pd.DataFrame({"dead": pd.Categorical(EVENT), "days": DAYS}),
        np.array(list(zip(DAYS, EVENT, strict=True)), dtype=[("days", int), ("dead", int)]),
    ],
    ids=["status", "floats", "lifelines", "three", "int8", "boolean", "Int64", "object", "category", "structured"],
)
def test_events_of_every_type(y):
    np.testing.assert_array_equal(bounds_of(y), np.column_stack([DAYS, np.where(EVENT, DAYS, INF)]))


def test_all_events_observed():
    y = pd.DataFrame({"week": DAYS, "arrest": np.ones(N, int)})
    np.testing.assert_array_equal(bounds_of(y), np.column_stack([DAYS, DAYS]))


CODES = (
    r"must be true or false, or 1 and 0, got 2 in row \d+ \(\d+ such\): of other codes give the comparison .* == 2"
)
GAP = r"must be true or false, got (<NA>|None|nan) in row 3 \(1 such\): leave rows out of which it is not known"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (1 + EVENT, CODES),  # as in R's lung
        (2 * EVENT, CODES),
        (np.where(EVENT, "dead", "alive"), r"got (dead|alive) in row 0 .* such as y\['{}'\] == 'dead'"),
        (pd.array([None if i == 3 else one for i, one in enumerate(EVENT)], "boolean"), GAP),
        (pd.array([None if i == 3 else int(one) for i, one in enumerate(EVENT)], "Int64"), GAP),
        (np.where(np.arange(N) == 3, None, EVENT), GAP),
        (np.where(np.arange(N) == 3, np.nan, EVENT), GAP),
    ],
    ids=["1 and 2", "0 and 2", "words", "boolean", "Int64", "object", "nan"],
)
def test_events_that_are_not_true_or_false_are_named(event, message):
    for name in ("event", "status"):
        with pytest.raises(ValueError, match=message.format(name)):
            GBMSurvival().fit(X, pd.DataFrame({"time": TIME, name: event}))


def test_columns_of_which_none_has_events():
    for y in ({"days": DAYS, "dead": 1 + EVENT}, {"dead": EVENT.astype(int), "late": 1 - EVENT}):
        with pytest.raises(
            ValueError, match=r"one of events \(booleans, integers 0 and 1, or named event or status\)"
        ):
            GBMSurvival().fit(X, pd.DataFrame(y))


def test_durations_need_a_unit():
    y = pd.DataFrame({"dead": EVENT, "days": pd.to_timedelta(DAYS, unit="D")})
    with pytest.raises(ValueError, match=r"y\['days'\] must be numbers, got durations: .* such as \.dt\.days"):
        GBMSurvival().fit(X, y)
    np.testing.assert_array_equal(bounds_of(y.assign(days=y["days"].dt.days))[:, 0], DAYS)


def test_a_missing_time_is_named():
    times = pd.array([None if i == 3 else one for i, one in enumerate(DAYS)], "Int64")
    with pytest.raises(ValueError, match=r"y\['days'\] must be times.* got nan in row 3"):
        GBMSurvival().fit(X, pd.DataFrame({"dead": EVENT, "days": times}))
