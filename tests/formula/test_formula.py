"""Losses from formulas: the same as those written by hand, safe curvatures where needed, nothing evaluated."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    Cauchy,
    Expectile,
    Fair,
    FormulaLoss,
    GammaDeviance,
    GBMRegressor,
    Huber,
    LogCosh,
    PoissonDeviance,
    PseudoHuber,
    Quantile,
    SquaredError,
    SquaredLogError,
    TweedieDeviance,
    Welsch,
    check_loss,
)
from gbm_objectives.losses.tangent import TangentLoss

pytest.importorskip("sympy")

# Formula, the loss written by hand, the kind of curvature.
SAME = [
    (FormulaLoss(), SquaredError(), "exact"),
    (FormulaLoss("abs(f - y)"), AbsoluteError(), "consistent"),
    (FormulaLoss("a*(y - f) if y > f else (1 - a)*(f - y)", {"a": 0.9}), Quantile(0.9), "consistent"),
    (FormulaLoss("max(a*(y - f), (a - 1)*(y - f))", {"a": 0.1}), Quantile(0.1), "consistent"),
    (FormulaLoss("(f-y)**2/2 if abs(f-y) <= d else d*(abs(f-y) - d/2)", {"d": 20.0}), Huber(20.0), "majorizer"),
    (FormulaLoss("d**2*(sqrt(1 + ((f - y)/d)**2) - 1)", {"d": 20.0}), PseudoHuber(20.0), "majorizer"),
    (FormulaLoss("s**2*log(cosh((f - y)/s))", {"s": 20.0}), LogCosh(20.0), "majorizer"),
    (FormulaLoss("c**2*(abs(f - y)/c - log(1 + abs(f - y)/c))", {"c": 20.0}), Fair(20.0), "majorizer"),
    (FormulaLoss("c**2/2*log(1 + ((f - y)/c)**2)", {"c": 200.0}), Cauchy(200.0), "majorizer"),
    (FormulaLoss("c**2/2*(1 - exp(-((f - y)/c)**2))", {"c": 300.0}), Welsch(300.0), "majorizer"),
    (FormulaLoss("(a if y > f else 1 - a)*(f - y)**2", {"a": 0.2}), Expectile(0.2), "exact"),
]
# Twice a negative log-likelihood, less that of a perfect fit; the engines get half of it, which is the formula.
DEVIANCES = (PoissonDeviance, GammaDeviance, TweedieDeviance)
same = pytest.mark.parametrize(("formula", "by_hand", "kind"), SAME, ids=lambda value: repr(value)[:60])


@same
def test_it_trains_as_the_one_written_by_hand(engine, formula, by_hand, kind):
    X, y = load_diabetes(return_X_y=True)
    y = y / 50 if isinstance(by_hand, DEVIANCES) else y
    assert formula.curvature_kind == kind
    ours, theirs = (engine.raw(engine.train(loss, X, y, rounds=30), X) for loss in (formula, by_hand))
    if isinstance(by_hand, TangentLoss):
        # Which look at the residuals of the round: among outliers these train better.
        assert by_hand.value(y, ours) == pytest.approx(by_hand.value(y, theirs), rel=0.06)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.std(y))


@same
def test_values_gradients_and_curvatures(formula, by_hand, kind):
    rng = np.random.default_rng(0)
    y, raw = 30 * rng.gamma(2, 1, 300), 30 * rng.standard_normal(300)
    half, of_perfect_fit = 1.0, 0.0
    if isinstance(by_hand, DEVIANCES):
        y, raw = y / 30, raw / 30
        half, of_perfect_fit = 0.5, formula.pointwise(y, np.log(y))
    names = (
        ("pointwise", "gradient") if isinstance(by_hand, TangentLoss) else ("pointwise", "gradient", "curvature")
    )
    for name in names:
        got = getattr(formula, name)(y, raw) - (of_perfect_fit if name == "pointwise" else 0.0)
        expected = half * getattr(by_hand, name)(y, raw)
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-10, err_msg=name)
    assert formula.initial_raw(y) == pytest.approx(by_hand.initial_raw(y), rel=1e-6)


def test_classes(engine):
    X, y = load_breast_cancer(return_X_y=True)
    formula = FormulaLoss("log(1 + exp(f)) - y*f", link_name="logit", domain_name="binary")
    ours, theirs = engine.classifier(formula).fit(X, y), engine.classifier(BinaryCrossEntropy()).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "kind", "words"),
    [
        (FormulaLoss("(f - y)**4"), "exact", "second derivative 12*(f - y)**2; curvature: the second derivative"),
        (FormulaLoss("exp(f) - y*f", link_name="log", domain_name="non-negative"), "surrogate", "the secant"),
        (FormulaLoss("y*exp(-f) + f", link_name="log", domain_name="positive"), "surrogate", "the secant"),
        (
            FormulaLoss("y*exp(-f/2) + exp(f/2)", link_name="log", domain_name="non-negative"),
            "exact",
            "the second",
        ),
        (FormulaLoss("log(cosh(f - y))"), "majorizer", "gradient tanh(f - y)"),
        (FormulaLoss("abs(f - y)"), "consistent", "a consistent pair, of slopes -1 and 1"),
        (FormulaLoss("(exp(f) - y)**2", link_name="log", domain_name="non-negative"), "surrogate", "the secant"),
        (FormulaLoss("log(1 + ((f - y)/(1 + abs(y)))**2)"), "majorizer", "no step raises the loss"),
        (FormulaLoss("min((f - y)**2, 900)"), "majorizer", "no step raises the loss"),
        (FormulaLoss("(f - y)**2 + abs(f - y)"), "consistent", "a consistent pair for each kink"),
        (FormulaLoss("log(1 + abs(f - y))"), "consistent", "a consistent pair for each kink"),
        (FormulaLoss("max(abs(f - y) - 0.5, 0)"), "consistent", "a consistent pair for each kink"),
        (FormulaLoss("abs(f - y)/(1 + abs(y))"), "consistent", "a consistent pair for each kink"),
        (FormulaLoss("(f - y)**2 if f > y else 2*(y - f)"), "consistent", "a consistent pair for each kink"),
        (FormulaLoss("exp(f - y) - (f - y)"), "surrogate", "the secant"),
        (FormulaLoss("exp(2*(f - y)) + exp(y - f)"), "surrogate", "the secant"),
        (
            FormulaLoss("(f - log1p(y))**2", link_name="log1p", domain_name="non-negative"),
            "exact",
            "second derivative 2;",
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_which_curvature_and_why(loss, kind, words):
    assert loss.curvature_kind == kind and words in loss.derivation
    check_loss(loss)


def test_pi_is_known_unless_it_is_a_parameter():
    loss = FormulaLoss("pi*(f - y)**2")
    assert loss.pointwise([0.0], [2.0]) == pytest.approx(4 * np.pi)
    assert loss.gradient([0.0], [2.0]) == pytest.approx(4 * np.pi)
    assert FormulaLoss("pi*(f - y)**2", {"pi": 3.0}).pointwise([0.0], [2.0]) == pytest.approx(12.0)


def test_log1p_link_is_that_of_the_squared_log_error():
    loss = FormulaLoss("(f - log1p(y))**2", link_name="log1p", domain_name="non-negative")
    y, raw = np.array([0.0, 1.0, 9.0]), np.array([0.1, 0.2, 2.0])
    np.testing.assert_allclose(loss.response(raw), SquaredLogError().response(raw))
    np.testing.assert_allclose(loss.pointwise(y, raw), SquaredLogError().pointwise(y, raw))


def test_a_loss_like_any_other(engine, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    loss = FormulaLoss("s**2*log(cosh((f - y)/s))", {"s": 20.0})
    for copy in (
        pickle.loads(pickle.dumps(loss)),
        clone(loss),
        eval(repr(loss)),
        loss.set_params(link_name="identity"),
    ):
        assert copy == loss and hash(copy) == hash(loss) and copy.get_params() == loss.get_params()
    assert loss != FormulaLoss("s**2*log(cosh((f - y)/s))", {"s": 21.0})
    model = engine.regressor(loss).fit(X, y, eval_set=[(X, y)])
    model.save_model(tmp_path / "model.json")
    assert json.loads((tmp_path / "model.json").read_text())["loss"]["params"]["link_name"] == "identity"
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.loss_ == loss
    assert next(iter(model.evals_result_.values()))["formula_loss"][-1] < loss.value(y, np.full(len(y), y.mean()))


HOSTILE = [
    "__import__('os').system('touch /tmp/owned')",
    "().__class__.__bases__[0].__subclasses__()",
    "f.__class__",
    "f.real",
    "(lambda: 1)()",
    "[f for f in (1, 2)]",
    "{f: y}",
    "{f}",
    "(f, y)",
    "[f, y][0]",
    "f[0]",
    "f'{y}'",
    "'f'*y",
    "b'f'",
    "(f := y)",
    "f if y else 0",
    "f < y",
    "f and y",
    "not f",
    "~f",
    "f @ y",
    "f // y",
    "f % y",
    "f << 3",
    "f | y",
    "eval('f')",
    "exec('f')",
    "open('x')",
    "getattr(f, 'x')",
    "exp(*[f])",
    "exp(x=f)",
    "exp()",
    "exp(f, y)",
    "sympy.exp(f)",
    "print(f)",
    "lambda f: f",
    "yield f",
    "await f",
    "f; y",
    "f = y",
    "import os",
    "1j*f",
    "True*f",
    "None",
    "...",
    "9**9**9*f",
    "f**1000",
    "1e400*f",
    "f + z",
    "f\x00",
    "",
    "   ",
    "f" + "+f" * 500_000,
    "f" + "+1" * 900,
    "(" * 500 + "f" + ")" * 500,
    "-" * 1000 + "f",
    "exp(" * 60 + "f" + ")" * 60,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40])
def test_hostile_formulas_are_refused(text, monkeypatch):
    import builtins

    import sympy

    def evaluated(*arguments, **keywords):
        raise AssertionError("evaluated")

    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, evaluated)
    for name in ("sympify", "parse_expr"):
        monkeypatch.setattr(sympy, name, evaluated)
    with pytest.raises(ValueError, match="formula"):
        FormulaLoss(text).check_params()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"formula": 3}, TypeError, "formula must be a string, got 3"),
        ({"formula": "y**2"}, ValueError, "formula must depend on f, the raw prediction"),
        ({"formula": "c*(f - y)**2"}, ValueError, "formula names 'c', which is neither f, .* nor in parameters"),
        ({"formula": "abs*(f - y)"}, ValueError, r"formula names the function abs: write abs\(\.\.\.\)"),
        ({"parameters": {"c": "x"}}, TypeError, "c of FormulaLoss must be a number, got 'x'"),
        ({"parameters": {"c": np.nan}}, ValueError, "c of FormulaLoss must be above"),
        ({"parameters": {"f": 1.0}}, ValueError, "must have a name of its own, got 'f'"),
        ({"parameters": {"lambda": 1.0}}, ValueError, "must have a name of its own, got 'lambda'"),
        ({"parameters": {"__class__": 1.0}}, ValueError, "must not begin with _"),
        (
            {"link_name": "probit"},
            ValueError,
            "link_name of FormulaLoss must be one of 'identity', 'log', 'logit', 'log1p', got 'probit'",
        ),
        ({"domain_name": "all"}, ValueError, "domain_name of FormulaLoss must be one of 'real', .*, got 'all'"),
    ],
)
def test_bad_arguments(engine, arguments, error, message):
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(error, match=message):
        engine.regressor(FormulaLoss(**arguments)).fit(X, y)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("(f - y)**2 + gamma(1e15)", "gamma of a number beyond 100"),
        ("(f - y)**2 + gamma(gamma(gamma(gamma(5))))", "constant but real numbers"),
        ("(f - y)**2 + (((9**64)**64)**64)**64", "constant but real numbers"),
        ("(((f - y)**64)**64)**64", "power of a power"),
        ("(f - y)**2/(1 - 1)", "division by 0"),
        ("sqrt(-1)*(f - y)", "constant but real numbers"),
        ("(f - y)**2 + log(0)", "constant but real numbers"),
    ],
)
def test_constants_that_would_not_end_are_refused(formula, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        FormulaLoss(formula).check_params()


def test_a_parameter_has_no_functions_name():
    with pytest.raises(ValueError, match="a name of its own, got 'exp'"):
        FormulaLoss("exp*(f - y)**2", {"exp": 2.0}).check_params()


@pytest.mark.parametrize("formula", ["f", "y*f", "-(f - y)**2", "(f - y)**3"])
def test_a_loss_without_a_minimum_is_refused(engine, formula):
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="must have a minimum"):
        engine.train(FormulaLoss(formula), X, y, rounds=2)


@pytest.mark.parametrize(
    ("formula", "parameters", "words"),
    [
        ("(f - y)**2 + 5 if f > y else (f - y)**2", None, "must not jump: at f - y = 0 it goes from 1e-18 to 5"),
        ("sqrt(f - y)", None, "must have a value and a slope for any f and y"),
        ("1 if f > y else 0", None, "must not jump"),
        ("(f - y)**2", {"c": 1.0}, "holds no 'c', which is among the parameters"),
        ("(f - y)^2", None, "powers are written **"),
    ],
)
def test_mistakes_are_found_before_training(formula, parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        FormulaLoss(formula, parameters).check_params()


def test_a_target_without_a_finite_loss_gives_no_warning():
    assert FormulaLoss("abs(f - y)/abs(y)").curvature_kind == "consistent"


def test_the_names_of_version_0_2():
    with pytest.warns(FutureWarning, match="link of FormulaLoss is now called link_name"):
        old = FormulaLoss("exp(f) - y*f", link="log", domain_name="non-negative")
    assert old == FormulaLoss("exp(f) - y*f", link_name="log", domain_name="non-negative")
    with pytest.raises(TypeError, match="unexpected keyword argument 'links'"):
        FormulaLoss("exp(f) - y*f", links="log")
