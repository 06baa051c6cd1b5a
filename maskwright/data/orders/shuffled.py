"""The order that a run has if nothing else is said."""

from ...settings import settings
from ..order import Order


@settings
class Shuffled(Order):
    """Every row once an epoch, each epoch in an order of its own."""
