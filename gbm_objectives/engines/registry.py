"""The engines by name: the only place that tells them apart."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..validation import shown
from .protocol import DaskEngine, Engine

__all__ = ["DEFAULT", "ENGINES", "dask_engine_of", "engine_named", "engine_of"]

# From the package of an engine's own estimators, which is also its name in model files, to our module that offers
# what `protocol.Engine` lists. Imported where it is used: users of one engine need not have the other.
ENGINES = {
    "lightgbm": "gbm_objectives.engines.lightgbm.estimator",
    "xgboost": "gbm_objectives.engines.xgboost.estimator",
}
DEFAULT = "lightgbm"


def engine_named(name: str) -> Engine:
    """Return an engine by its name.

    Raises
    ------
    ValueError
        If there is no engine of that name.
    ModuleNotFoundError
        If it is not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"unknown engine {shown(name)}; expected one of {', '.join(ENGINES)}")
    engine: Any = import_module(ENGINES[name])
    return engine


def engine_of(estimator: Any) -> tuple[str, Engine]:
    """Return name and engine of a scikit-learn estimator.

    Raises
    ------
    TypeError
        If it belongs to none of the engines.
    """
    for kind in type(estimator).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in ENGINES and hasattr(estimator, "n_estimators"):
            return root, engine_named(root)
    raise TypeError(
        f"estimator must be a scikit-learn estimator of {' or '.join(ENGINES)}, got {shown(estimator)}"
    )


def dask_engine_of(estimator: Any) -> DaskEngine | None:
    """Return what trains an engine's Dask estimator; None if the estimator is not one."""
    for kind in type(estimator).__mro__:
        root, *inner = kind.__module__.split(".")
        if root in ENGINES and "dask" in inner:
            engine: Any = import_module(f"gbm_objectives.engines.{root}.dask")
            return engine
    return None


if TYPE_CHECKING:
    from .lightgbm import dask as _lightgbm_dask
    from .lightgbm import estimator as _lightgbm
    from .xgboost import dask as _xgboost_dask
    from .xgboost import estimator as _xgboost

    _: list[Engine] = [_lightgbm, _xgboost]
    _dask: list[DaskEngine] = [_lightgbm_dask, _xgboost_dask]
