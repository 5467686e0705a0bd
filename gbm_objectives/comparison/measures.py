"""What judges the models of a comparison: a score of held-out rows, and whether higher is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from ..contract import Loss
from ..contract.calling import Metric
from ..engines.metrics import WEIGHT_NAMES, check_direction, results_of
from ..estimators.base import BaseGBM
from ..estimators.validation_rows import numbered
from ..validation import shown

__all__ = ["SCORED_WITH", "measure_of"]

# Of the arguments of `fit` those that a score needs as well, and what it calls them.
SCORED_WITH = {"sample_weight": "sample_weight", "qid": "qid", "init_score": "offset", "base_margin": "offset"}
TARGETS = ("y_true", "y")
# What scikit-learn calls the second parameter of functions that judge probabilities and scores, but for two.
SCORES = ("y_score", "y_prob", "y_proba")
OF_PROBABILITIES = ("log_loss", "d2_log_loss_score")

# Of a fitted model, features, targets, and what `SCORED_WITH` names; the score, and whether higher is better.
Measure = Callable[[Any, Any, Any, dict[str, Any]], tuple[float, bool]]


def measure_of(scoring: Any) -> Measure:
    """Return the measure that a user means by `scoring`.

    Raises
    ------
    ValueError
        If it does not say whether higher is better.
    TypeError
        If it is no measure, or one of probabilities, which predictions are not.
    """
    if isinstance(scoring, Loss) or not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        hint = ": give its .metric" if isinstance(scoring, Loss) else ""
        raise TypeError(f"scoring must be a name, a scorer or a function of targets, got {shown(scoring)}{hint}")
    if scoring is None:
        return OfModel(None)
    if isinstance(scoring, str):
        return OfModel(get_scorer(scoring))
    if isinstance(scoring, Metric):
        return OfRaw(scoring)
    positional = [
        one
        for one in signature(scoring).parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    name = str(getattr(getattr(scoring, "func", scoring), "__name__", scoring))
    if name in OF_PROBABILITIES or any(one.name in SCORES for one in positional[1:2]):
        raise TypeError(
            f"scoring must be a function of what predict returns, {name} is one of probabilities or scores: give"
            " scikit-learn's name of it, such as 'roc_auc' or 'neg_log_loss', or a scorer f(model, X, y)"
        )
    known = (*WEIGHT_NAMES, *SCORED_WITH.values())
    required = [one.name for one in positional if one.default is Parameter.empty and one.name not in known]
    if len(required) == 3 and required[0] not in TARGETS:
        return OfModel(scoring)
    if len(required) != 2:
        raise TypeError(
            f"scoring must take (y_true, y_pred) or (model, X, y), {shown(scoring)} takes"
            f" ({', '.join(one.name for one in positional)})"
        )
    check_direction(scoring)
    return OfTargets(scoring)


@dataclass(frozen=True)
class OfModel:
    """A scorer of scikit-learn's form, or `score` of the model."""

    scorer: Callable[..., float] | None

    def __call__(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
        """Return the score of some rows."""
        if self.scorer is None:
            return float(model.score(X, y, **more)), True
        classes = getattr(model, "classes_", None)
        # Of strings, pandas' order or one that was given; scikit-learn takes columns for sorted labels.
        if "predict_proba" in str(getattr(self.scorer, "_response_method", "")) and classes is not None:
            labels = list(classes)
            if labels != sorted(labels):
                raise ValueError(
                    f"scoring must not be one of scikit-learn's scores of probabilities where the classes are"
                    f" {shown(labels)}: it takes columns for sorted labels; give numbers as labels, or a scorer of"
                    " log_likelihood"
                )
        return float(self.scorer(model, X, y, **_taken_by(self.scorer, more))), True


@dataclass(frozen=True)
class OfRaw:
    """The metric of a loss, or `NDCG`: functions of raw predictions."""

    metric: Metric

    def __call__(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
        """Return the score of some rows."""
        judge: Any = self.metric.loss
        if not isinstance(model, BaseGBM):
            raise TypeError(f"scoring={self.metric!r} is of raw predictions: give an estimator without a pipeline")
        target, raw = model._scored(X, y, more.get("offset"))
        loss: Any = model.loss_
        if isinstance(judge, Loss) and judge.scope != "query":
            alike = (loss.link, loss.n_outputs, loss.classifies) == (judge.link, judge.n_outputs, judge.classifies)
            if not alike:
                if loss.classifies or judge.classifies or loss.n_outputs != 1 or judge.n_outputs != 1:
                    raise ValueError(f"scoring={self.metric!r} cannot judge what {loss!r} predicts")
                raw = judge.link.forward(loss.predicted(raw))
        weight, query = more.get("sample_weight"), more.get("qid")
        if query is None:
            return judge.value(target, raw, weight), self.metric.higher_is_better
        number = numbered(query, len(raw), "qid")
        rows, (_, sizes) = np.argsort(number, kind="stable"), np.unique(number, return_counts=True)
        of_rows = None if weight is None else np.asarray(weight)[rows]
        return judge.value(target[rows], raw[rows], of_rows, sizes), self.metric.higher_is_better


@dataclass(frozen=True)
class OfTargets:
    """A function of targets and predictions."""

    function: Callable[..., Any]

    def __call__(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> tuple[float, bool]:
        """Return the score of some rows."""
        offset = {"offset": more["offset"]} if "offset" in more else {}
        # Predictions have the offset in them: a measure need not know it, but may.
        known = "offset" in signature(self.function).parameters
        others = {name: values for name, values in more.items() if name != "offset" or known}
        returned = self.function(y, model.predict(X, **offset), **_taken_by(self.function, others))
        name, value, higher_is_better = results_of(self.function, returned)[0]
        if higher_is_better is None:
            raise ValueError(
                f"scoring {name!r} does not say whether higher is better: let it return (name, value,"
                " higher_is_better)"
            )
        return value, higher_is_better


def _taken_by(measure: Callable[..., Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return what a measure gets beside rows, by its own names for weights."""
    parameters, keywords = signature(measure).parameters, {}
    for name, values in more.items():
        names = WEIGHT_NAMES if name == "sample_weight" else (name,)
        known = next((one for one in names if one in parameters), None)
        if known is None:
            raise TypeError(
                f"scoring must take {name}, which fit gets, {shown(measure)} takes ({', '.join(parameters)})"
            )
        keywords[known] = values
    return keywords
