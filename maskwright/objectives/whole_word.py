"""Whole words: all tokens of a word are chosen, or none."""

import numpy as np

from ..data.rows import Rows
from ..settings import settings
from .base.by_unit import ByUnit


@settings
class WholeWord(ByUnit):
    """Masked language modelling, word by word."""

    def units(self, rows: Rows) -> np.ndarray:
        return rows.word.numpy()
