"""Which loss is best by a measure of one's own."""

from .compare import compare_losses

__all__ = ["compare_losses"]
