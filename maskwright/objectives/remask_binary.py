"""Binary detection: every position predicts [RIGHT] or [WRONG]."""

from ..settings import settings
from .base.binary_detector import Binary


@settings
class RemaskBinary(Binary):
    """Binary detection of corrupted tokens."""
