"""Right or wrong: every position names [RIGHT] or [WRONG]."""

from ..settings import settings
from .base.binary_detector import Binary


@settings
class RemaskBinary(Binary):
    """Name wrong tokens [WRONG] and right ones [RIGHT]."""
