"""Targets of survival analysis as people have them: what is taken, and what a refusal says to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gbm_objectives import CoxPH, GBMRegressor, GBMSurvival
from gbm_objectives.distributions import Censored, LogNormal, Normal

INF = np.inf
RNG = np.random.default_rng(0)
N = 60
X = RNG.standard_normal((N, 2))
TIME, EVENT = RNG.uniform(0.5, 3.0, N), RNG.random(N) < 0.6
Y = np.column_stack([TIME, np.where(EVENT, TIME, INF)])
FRAME = pd.DataFrame({"event": EVENT, "time": TIME})
STRUCTURED = np.array(list(zip(EVENT, TIME, strict=True)), dtype=[("status", bool), ("days", float)])
LOSSES = pytest.mark.parametrize("loss", [CoxPH(), Censored(LogNormal())], ids=repr)

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
