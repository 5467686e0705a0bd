"""Is a loss what it claims to be? `check_loss` checks everything that can be checked numerically."""

from .check_loss import check_loss

__all__ = ["check_loss"]
