"""Is a loss what it says? `check_loss` checks everything that can be checked by numbers."""

from .check_loss import check_loss

__all__ = ["check_loss"]
