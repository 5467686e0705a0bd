"""What a loss is, as data: link, outputs, domain, kind of curvature, what it must see. A stateless value."""

from __future__ import annotations

import re
from abc import ABC
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from ..curvature import Pace
from ..validation import hashable
from .declaration import check_declaration
from .domain import REAL, Domain
from .formulas import CurvatureKind, Scope
from .links import IDENTITY, Link, Output
from .noise import Noise

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Facts"]


if TYPE_CHECKING:
    _derived = property
else:

    class _derived:
        """A property that a hyper-parameter of the same name may replace."""

        def __init__(self, function):
            self.function, self.__doc__ = function, function.__doc__

        def __get__(self, loss, owner=None):
            return self if loss is None else self.function(loss)


class Facts(BaseEstimator, ABC):
    """The facts of a loss, which a subclass overrides by attributes or properties; see `Loss`."""

    # What a training sets on a copy: that it has checked hyper-parameters and rows, how it steps, and what is
    # known about all rows or computed from them once.
    _in_training: bool = False
    _pace: Pace = Pace()
    _scale: Any = None  # a `Scale`, or one for each of several targets
    summary: Any = None
    prepared: Any = None

    def __new__(cls, *arguments: Any, **keywords: Any) -> Self:
        """Return an instance; raise if an engine was given the class itself and calls it with arrays or data."""
        first, second = (*arguments, None, None)[:2]
        if isinstance(first, np.ndarray) and (isinstance(second, np.ndarray) or hasattr(second, "get_label")):
            raise TypeError(f"the objective must be a loss, not the class {cls.__name__}: write {cls.__name__}()")
        return super().__new__(cls)

    def __init__(self) -> None: ...  # object's would take any argument, since __new__ does

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__module__.rpartition(".")[0] != __package__:
            check_declaration(cls)

    if TYPE_CHECKING:  # properties, so that checkers take attributes and properties of a subclass alike

        @property
        def link(self) -> Link:
            """From the response to the raw prediction."""
            return IDENTITY

        @property
        def outputs(self) -> tuple[Output, ...]:
            """Name and link of each raw prediction of a row, where there are several that are not classes."""
            return ()

        @property
        def domain(self) -> Domain:
            """The targets that the loss is defined for."""
            return REAL

        @property
        def curvature_kind(self) -> CurvatureKind:
            """What the curvature promises."""
            raise NotImplementedError  # `check_declaration` asks for it

        @property
        def noise(self) -> Noise | None:
            """The noise under which the loss is a negative log-likelihood."""
            return None

        @property
        def classifies(self) -> bool:
            """Whether raw predictions tell classes apart."""
            return False

        @property
        def scope(self) -> Scope:
            """What the loss must see to compute the numbers of a row."""
            return "row"

        @property
        def columns(self) -> tuple[str, ...]:
            """Names of the columns of the target, if it has several."""
            return ()

    else:  # attributes, so that a hyper-parameter of a subclass may have the name of one
        link, outputs, domain, noise = IDENTITY, (), REAL, None
        classifies, scope, columns = False, "row", ()

    # ---- what follows from them ----------------------------------------------------------------------------

    @property
    def joint(self) -> bool:
        """Whether rows belong together, so that they must not be cut into blocks or samples."""
        return self.scope in ("query", "all")

    @property
    def n_outputs(self) -> int:
        """Number of raw predictions per row."""
        return len(self.outputs) or 1

    @_derived
    def n_classes(self) -> int:
        """Return the number of classes that raw predictions tell apart; 0 if it is not a classification loss."""
        return max(2, self.n_outputs) if self.classifies else 0

    def labels(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the class, numbered from 0, that each row's raw prediction indicates."""
        codes = raw_prediction > 0 if raw_prediction.ndim == 1 else raw_prediction.argmax(axis=1)
        return np.asarray(codes, dtype=np.intp)

    @property
    def has_unit(self) -> bool:
        """Whether a raw prediction has the unit of the target."""
        links = [output.link for output in self.outputs] or [self.link]
        return IDENTITY in links and not self.classifies

    @property
    def normalised(self) -> bool:
        """Whether the engines get gradient and curvature with a mean curvature of 1; see `Loss`."""
        return self.curvature_kind != "constant" and (bool(self.outputs) or self.link == IDENTITY)

    @property
    def _share(self) -> float:
        return 1.0  # the factor of both gradient and curvature where not normalised: a half for a deviance

    @property
    def _smooths_by_summary(self) -> bool:
        """Whether the summary is for the engines' pair alone, and not for the loss itself."""
        return False

    @property
    def _gradient_is_slope(self) -> bool:
        """Whether the gradient is the derivative of the loss, or of a smoothed one: lambdas of a rank are none."""
        return True

    @property
    def _counts_far_rows(self) -> bool:
        """Whether LightGBM, which counts rows by curvature, must be able to split off rows far out; see `Pace`."""
        return self.scope == "summary" and not self.classifies

    @property
    def _largest_step(self) -> float | None:
        """The step up to which the curvature holds, or None; the engines limit their leaves to it."""
        return None

    @property
    def name(self) -> str:
        """Name of the loss in snake case: the name of its metric."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(self).__name__).lower()

    # ---- a value -------------------------------------------------------------------------------------------

    def _with(self, **facts: Any) -> Self:
        """Return a copy that holds some facts known only to a training."""
        # copy.copy takes ten times as long, and this is done in every round.
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(facts)
        return other

    def _after(self, rounds: int) -> Self:
        """Return what trains on after some rounds: a copy, if its steps depend on how far a training has gone."""
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and type(self) is type(other) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def _value(self) -> tuple[Any, ...]:
        """Return class and hyper-parameters; lists and arrays as tuples, which can be compared and hashed."""
        params = sorted(self.get_params().items())
        return type(self), tuple((name, hashable(value)) for name, value in params)
