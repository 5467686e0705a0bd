"""Losses with more than one curvature."""

from __future__ import annotations

from typing import ClassVar

from ..contract.loss import CurvatureKind, Loss
from ..validation import check_choice

__all__ = ["ChoosesHessian"]


class ChoosesHessian(Loss):
    """A loss with more than one curvature, of which the constructor's parameter `hessian` chooses one.

    ``"auto"`` is the default and the best known choice; ``"exact"``, ``"majorizer"`` (the most cautious) or
    ``"constant"`` are available where the loss has them.
    """

    # What `hessian` may be, and the kind of curvature that results.
    _kinds: ClassVar[dict[str, CurvatureKind]]

    # For subclasses whose own constructor has no such parameter.
    hessian: str = "auto"

    def __init__(self, hessian: str = "auto") -> None:
        self.hessian = hessian

    @property
    def curvature_kind(self) -> CurvatureKind:
        """What the curvature promises; see `Loss`."""
        check_choice(self, "hessian", self._kinds)
        return self._kinds[self.hessian]

    def check_params(self) -> None:
        _ = self.curvature_kind  # raises
