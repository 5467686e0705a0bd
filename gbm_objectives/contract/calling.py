"""A loss as an evaluation metric: one callable for the four ways in which the engines call one."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..validation import as_numbers
from .formulas import Scope
from .rows import BOUNDS, Rows, ends_of, in_columns

__all__ = ["LABEL_BOUNDS", "Metric", "given_group", "require_queries", "rows_of"]


class Valued(Protocol):
    """What a metric needs of a loss."""

    @property
    def name(self) -> str: ...

    @property
    def scope(self) -> Scope: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    def value(
        self,
        y_true: ArrayLike,
        raw_prediction: ArrayLike,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> float: ...


class _Unset:
    """The default of a parameter for which `None` is an answer."""

    def __repr__(self) -> str:
        return "<unset>"


UNSET = _Unset()
# Where a DMatrix has the bounds of times.
LABEL_BOUNDS = ("label_lower_bound", "label_upper_bound")


def rows_of(dataset: Any, columns: tuple[str, ...] = ()) -> Rows:
    """Return targets, weights and queries of an engine's data set.

    The target is the attribute `target` where the data set was given one (columns, or distributions over classes),
    its labels otherwise: LightGBM keeps one label per row, and XGBoost's softmax objective refuses several.
    `target_distribution` is an older name for it. Bounds may be a DMatrix's own, too.

    Raises
    ------
    ValueError
        If the data set has no labels.
    """
    label, weight = dataset.get_label(), dataset.get_weight()
    given = in_columns(_given_target(dataset), columns, "target")
    given = _bounds(dataset) if given is None and columns == BOUNDS else given
    if given is None and (label is None or np.size(label) == 0):
        raise ValueError(f"the {type(dataset).__name__} has no labels: give it label=")
    target = np.asarray(label if given is None else given)
    if target.dtype == object and target.ndim == 2:  # of None, say
        target = as_numbers(target, "target", ndim=(2,))
    if hasattr(dataset, "num_row"):
        # XGBoost 3.1 hands labels of several columns out flat.
        target = target.reshape(dataset.num_row(), -1) if target.size % dataset.num_row() == 0 else target
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if given is not None and label is not None and np.size(label):
        n_rows = dataset.num_row() if hasattr(dataset, "num_row") else np.shape(label)[0]
        if len(target) != n_rows:
            raise ValueError(f"target has {len(target)} rows, the data set has {n_rows}")
    # "No weights" is None in LightGBM and an empty array in XGBoost.
    weight = None if weight is None or np.size(weight) == 0 else np.asarray(weight)
    queries = _queries(dataset, len(target))
    if queries is not None and weight is not None and len(weight) == len(queries) - 1 < len(target):
        weight = np.repeat(weight, np.diff(queries))  # XGBoost's, of queries
    return Rows(target, weight, queries)


def _bounds(dataset: Any) -> np.ndarray | None:
    """Return the bounds that XGBoost's own survival objective takes from a DMatrix; None if it has none."""
    if not hasattr(dataset, "get_float_info"):
        return None
    lower, upper = (dataset.get_float_info(name) for name in LABEL_BOUNDS)
    return np.column_stack([lower, upper]) if len(lower) == len(upper) == dataset.num_row() else None


def _queries(dataset: Any, n_rows: int) -> np.ndarray | None:
    """Return where the queries of a data set begin and the last one ends; None if it has none."""
    if hasattr(dataset, "get_uint_info"):
        ends = np.asarray(dataset.get_uint_info("group_ptr"), dtype=np.intp)
        return ends if ends.size else None
    sizes = dataset.get_group() if hasattr(dataset, "get_group") else None
    return None if sizes is None else ends_of(sizes, n_rows)


def _given_target(dataset: Any) -> Any:
    """Return the attribute, also for a LightGBM subset (as `lightgbm.cv` makes) of a data set that has it."""
    own = getattr(dataset, "target", getattr(dataset, "target_distribution", None))
    rows = getattr(dataset, "used_indices", None)
    if own is not None or rows is None:
        return own
    whole = _given_target(dataset.reference)
    return None if whole is None else np.asarray(whole)[rows]


def require_queries(loss: Valued, queries: np.ndarray | None) -> None:
    """Raise if a loss that compares the rows of queries gets a data set without them."""
    if queries is None and loss.scope == "query":
        raise ValueError(
            f"group must be set, the number of rows of each query: {loss!r} compares the rows of a query"
        )


def given_group(loss: Valued, group: Any) -> dict[str, Any]:
    """Return the keyword `group` for a loss of queries; others may override methods by ones without it."""
    return {"group": group} if loss.scope == "query" and group is not None else {}


class Metric:
    """The weighted mean of a loss, as `feval`, `custom_metric` and both `eval_metric`s.

    A subclass may be a metric of which higher is better.

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

    higher_is_better = False

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

        - native LightGBM, ``(raw_prediction, Dataset)``: ``(name, value, higher_is_better)``
        - native XGBoost, ``(raw_prediction, DMatrix)``: ``(name, value)``
        - LightGBM's scikit-learn wrapper, ``(y_true, raw_prediction, weight, group)``: the triple. It counts
          four parameters and fills all four by position, so a `group`, even `None`, identifies this caller.
        - XGBoost's scikit-learn wrapper and people, ``(y_true, raw_prediction, sample_weight=None)``: a float. Of
          queries this is one, since XGBoost's ranker calls it for each.
        """
        if hasattr(second, "get_label"):
            rows = rows_of(second, self.loss.columns)
            require_queries(self.loss, rows.queries)
            value = self.loss.value(rows.y, first, rows.weight, **given_group(self.loss, rows.group))
            # Only LightGBM's data set has a start value under this name.
            native_lightgbm = hasattr(second, "get_init_score")
            return (self.__name__, value, self.higher_is_better) if native_lightgbm else (self.__name__, value)
        sizes = None if isinstance(group, _Unset) else group
        if isinstance(group, _Unset) and self.loss.scope == "query":
            sizes = [len(first)]
        value = self.loss.value(first, second, sample_weight, **given_group(self.loss, sizes))
        return value if isinstance(group, _Unset) else (self.__name__, value, self.higher_is_better)

    def __eq__(self, other: object) -> bool:
        # A renamed metric is a separate column of the results.
        return isinstance(other, Metric) and (self.loss, self.__name__) == (other.loss, other.__name__)

    def __hash__(self) -> int:
        return hash((Metric, self.loss))

    def __repr__(self) -> str:
        return f"{self.loss!r}.metric"
