"""A loss as an evaluation metric: one callable for the four ways in which the engines call one."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Metric", "labels_and_weight"]


class Valued(Protocol):
    """What a metric needs of a loss."""

    @property
    def name(self) -> str: ...

    def value(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float: ...


class _Unset:
    """The default of a parameter for which `None` is an answer."""

    def __repr__(self) -> str:
        return "<unset>"


UNSET = _Unset()


def labels_and_weight(dataset: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return target and weights of an engine's data set, weights `None` if it has none.

    The target is the attribute `target_distribution` where the data set was given one, its labels otherwise:
    LightGBM keeps one label per row, and XGBoost's softmax objective refuses several.

    Raises
    ------
    ValueError
        If the data set has no labels.
    """
    label, weight = dataset.get_label(), dataset.get_weight()
    distribution = _target_distribution(dataset)
    if distribution is None and (label is None or np.size(label) == 0):
        raise ValueError(f"the {type(dataset).__name__} has no labels: give it label=")
    target = np.asarray(label if distribution is None else distribution)
    if hasattr(dataset, "num_row"):
        # XGBoost 3.1 hands labels of several columns out flat.
        target = target.reshape(dataset.num_row(), -1) if target.size % dataset.num_row() == 0 else target
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if distribution is not None and np.size(label) and len(target) != np.shape(label)[0]:
        raise ValueError(f"target_distribution has {len(target)} rows, the data set has {np.shape(label)[0]}")
    # "No weights" is None in LightGBM and an empty array in XGBoost.
    return target, None if weight is None or np.size(weight) == 0 else np.asarray(weight)


def _target_distribution(dataset: Any) -> Any:
    """Return the attribute, also of a LightGBM subset (as `lightgbm.cv` makes them) of a data set that has it."""
    own = getattr(dataset, "target_distribution", None)
    rows = getattr(dataset, "used_indices", None)
    if own is not None or rows is None:
        return own
    whole = _target_distribution(dataset.reference)
    return None if whole is None else np.asarray(whole)[rows]


class Metric:
    """The weighted mean of a loss, as `feval`, `custom_metric` and both `eval_metric`s.

    Parameters
    ----------
    loss : Loss
        The loss.

    Examples
    --------
    >>> from gbm_objectives import AbsoluteError
    >>> metric = AbsoluteError().metric
    >>> metric([1.0, 2.0], [1.0, 4.0])
    1.0
    >>> metric.__name__
    'absolute_error'
    """

    def __init__(self, loss: Valued) -> None:
        self.loss = loss
        self.__name__ = loss.name

    def __call__(
        self,
        first: Any,
        second: Any,
        sample_weight: ArrayLike | None = None,
        group: Any = UNSET,
    ) -> Any:
        """Return the metric in the form that the caller expects.

        - native LightGBM, ``(raw_prediction, Dataset)``: ``(name, value, False)``
        - native XGBoost, ``(raw_prediction, DMatrix)``: ``(name, value)``
        - LightGBM's scikit-learn wrapper, ``(y_true, raw_prediction, weight, group)``: the triple. It counts
          four parameters and fills all four by position: a `group`, `None` included, gives it away.
        - XGBoost's scikit-learn wrapper and people, ``(y_true, raw_prediction, sample_weight=None)``: a float
        """
        if hasattr(second, "get_label"):
            y_true, dataset_weight = labels_and_weight(second)
            value = self.loss.value(y_true, first, dataset_weight)
            # Only LightGBM's data set knows a start value by this name.
            native_lightgbm = hasattr(second, "get_init_score")
            return (self.__name__, value, False) if native_lightgbm else (self.__name__, value)
        value = self.loss.value(first, second, sample_weight)
        return value if isinstance(group, _Unset) else (self.__name__, value, False)

    def __eq__(self, other: object) -> bool:
        # A metric that was given another name is another column of the results.
        return isinstance(other, Metric) and (self.loss, self.__name__) == (other.loss, other.__name__)

    def __hash__(self) -> int:
        return hash((Metric, self.loss))

    def __repr__(self) -> str:
        return f"{self.loss!r}.metric"
