"""The rewriting of model texts, on stored texts, and on text that it does not know."""

from __future__ import annotations

import re

import lightgbm as lgb
import numpy as np
import pytest
from scipy import special

from gbm_objectives.engines.lightgbm.model_text import completed, objective_in
from tests.make_model_texts import FOLDER, MODELS, features

X = features()
START = {"classes": [1.5, -0.25, 0.125]}


def text_of(name):
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def raw_of(text):
    return lgb.Booster(model_str=text).predict(X, raw_score=True)


@pytest.mark.parametrize("name", MODELS)
def test_start_and_link_are_written_in(name):
    start = START.get(name, [1.5])
    objective = "multiclass num_class:3" if name == "classes" else "binary sigmoid:1"
    assert objective_in(text_of(name)) is None
    text = completed(text_of(name), objective, start)
    assert objective_in(text) == objective
    raw = raw_of(text_of(name)) + (start if name == "classes" else start[0])
    np.testing.assert_allclose(raw_of(text), raw, rtol=0, atol=1e-12)
    link = special.softmax if name == "classes" else lambda raw, axis: special.expit(raw)
    # LightGBM reads it, applies the link, and writes it again with the same meaning.
    booster = lgb.Booster(model_str=text)
    np.testing.assert_allclose(booster.predict(X), link(raw, axis=-1), rtol=1e-12)
    np.testing.assert_array_equal(raw_of(booster.model_to_string()), raw_of(text))
    assert f"[objective: {objective.split()[0]}]" in text


def test_linear_trees_fall_back_to_the_leafs_value():
    missing = np.where(np.arange(len(X))[:, None] % 3 == 0, np.nan, X)
    before, after = (
        lgb.Booster(model_str=text).predict(missing)
        for text in (text_of("linear"), completed(text_of("linear"), None, [2.0]))
    )
    np.testing.assert_allclose(after, before + 2.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_without_an_objective_raw_predictions_are_served(name):
    start = START.get(name, [1.5])
    text = completed(completed(text_of(name), "binary sigmoid:1", start), None, np.zeros(len(start)))
    assert objective_in(text) is None and "[objective: custom]" in text
    booster = lgb.Booster(model_str=text)
    np.testing.assert_array_equal(booster.predict(X), booster.predict(X, raw_score=True))


@pytest.mark.parametrize("name", MODELS)
def test_all_else_stays_as_it_was(name):
    before, after = text_of(name).splitlines(), completed(text_of(name), None, START.get(name, [1.5])).splitlines()
    before = [line for line in before if not line.startswith("tree_sizes=")]
    changed = [b for b, a in zip(before, after, strict=True) if a != b]
    assert changed and all(
        re.match(r"leaf_value=|leaf_const=|internal_value=|\[objective: ", line) for line in changed
    )
    first = [i for i, line in enumerate(before) if line.startswith("Tree=")]
    last_changed = max(i for i, (b, a) in enumerate(zip(before, after, strict=True)) if a != b and "leaf" in b)
    assert last_changed < [*first, len(before)][len(START.get(name, [1.5]))]


@pytest.mark.parametrize(
    ("spoilt", "missing"),
    [
        (lambda text: "", "Tree=0 is missing"),
        (lambda text: text.replace("Tree=0", "Baum=0"), "Tree=0 is missing"),
        (lambda text: text.replace("feature_names=", "features="), "feature_names= is missing"),
        (lambda text: text.replace("leaf_value=", "leaf="), "leaf_value= is missing"),
        (lambda text: text.partition("Tree=1")[0].replace("end of trees", ""), "Tree=1 is missing"),
    ],
)
def test_an_unknown_form_is_said(spoilt, missing):
    with pytest.raises(RuntimeError, match=f"in a form that this package does not know: {missing}"):
        completed(spoilt(text_of("plain")), "regression", [1.0])
    with pytest.raises(RuntimeError, match="does not know: Tree=2 is missing"):
        completed(text_of("plain").partition("Tree=2")[0], "regression", [1.0, 1.0])
