"""LightGBM: `train` gives complete native models, `cv` cross-validates."""

from .cv import cv
from .train import train

__all__ = ["cv", "train"]
