"""Where `gbm_objectives.contract.domain` was until version 0.2."""

from __future__ import annotations

import warnings
from typing import Any

from ..contract import domain


def __getattr__(name: str) -> Any:
    value = getattr(domain, name)
    message = f"gbm_objectives.losses.domain is gbm_objectives.contract: import {name} from there"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return value
