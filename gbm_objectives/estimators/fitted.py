"""What a fitted estimator keeps of its training: the model, the final loss, the scale of its noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from ..contract import Loss, Noise
from ..engines.protocol import Engine, Trained
from .ties import ties
from .trainee import Trainee

__all__ = ["keep"]


def keep(
    model: Trainee,
    engine: Engine,
    estimator: Any,
    trained: Trained,
    resolved: Callable[[], Loss],
    mean_loss: Callable[[], float],
    outside: Callable[[Noise], str],
    targets: Callable[[], tuple[np.ndarray, np.ndarray | None]],
) -> None:
    """Set the attributes of a fitted estimator.

    Parameters
    ----------
    model : estimator
        With `loss_`, `n_features_in_` and, for a classifier, `classes_`.
    engine, estimator, trained
        The engine, its estimator, and what the training returned.
    resolved, mean_loss : callable
        Computed from the rows, wherever they are: the loss with each "auto" as a number, and the mean loss of the
        rows that determine the scale of the noise.
    outside : callable
        From a noise to a description of the first training target that it cannot draw.
    targets : callable
        Returns training targets and their weights: those of all rows, or of some.
    """
    model.booster_ = trained.booster
    model.best_iteration_ = trained.best_iteration
    model.evals_result_ = trained.evals_result
    classes = getattr(model, "classes_", None)
    model.estimator_ = engine.estimator_with_model(estimator, trained, classes, model.n_features_in_)
    loss = model.loss_
    # A loss of all rows may keep something of them, too, such as the baseline of a hazard.
    if loss._has_auto or loss.scope == "all" or (loss.scope == "summary" and not loss._smooths_by_summary):
        model.loss_ = resolved()
    noise, model.noise_scale_ = model.loss_.noise, None
    model.outside_noise_ = outside(noise) if noise is not None and not is_classifier(model) else ""
    # They matter to intervals, which the order of rows has not.
    model.ties_ = None if is_classifier(model) or loss.columns or loss.scope == "query" else ties(*targets())
    model._told_of_ties = False
    if noise is not None and noise.fit_scale is not None:
        mean = mean_loss()
        # If every residual is 0 there is no maximum: the likelihood rises without bound.
        model.noise_scale_ = noise.fit_scale(mean) if mean > 0 else 0.0
