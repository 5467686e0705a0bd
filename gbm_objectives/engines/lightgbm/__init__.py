"""LightGBM: `train` gives complete native models."""

from .train import train

__all__ = ["train"]
