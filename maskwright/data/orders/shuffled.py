"""The default order."""

from ...settings import settings
from ..order import Order


@settings
class Shuffled(Order):
    """Every row once per epoch, shuffled differently each epoch."""
