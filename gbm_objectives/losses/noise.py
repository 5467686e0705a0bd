"""Where `gbm_objectives.contract.noise` was until version 0.2."""

from __future__ import annotations

import warnings
from typing import Any

from ..contract import noise


def __getattr__(name: str) -> Any:
    value = getattr(noise, name)
    message = f"gbm_objectives.losses.noise is gbm_objectives.contract: import {name} from there"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return value
