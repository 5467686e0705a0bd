"""Distributions: losses that fit every parameter of a distribution to each row."""

from .base import Distribution
from .normal import Normal

__all__ = ["Distribution", "Normal"]
