"""Where `gbm_objectives.contract.links` was until version 0.2."""

from __future__ import annotations

import warnings
from typing import Any

from ..contract import links


def __getattr__(name: str) -> Any:
    value = getattr(links, name)
    message = f"gbm_objectives.losses.links is gbm_objectives.contract: import {name} from there"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return value
