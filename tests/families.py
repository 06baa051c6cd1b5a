"""Families of `transformers` whose classes of before version 5 cannot be held, and what skips tests of them there."""

from importlib.metadata import version

import pytest
from packaging.version import Version

INSTALLED = Version(version("transformers"))
ONLY_SINCE_5 = ("distilbert", "albert", "modernbert", "modernbert-decoder", "gpt2", "gemma3_text")
"""Before, they take no mask of pairs or no positions; the one of causal ModernBERT came with 4.54."""


def needs(family: str) -> None:
    """Skip the test that asks, where the installed version cannot hold `family`."""
    if family in ONLY_SINCE_5 and Version("5") > INSTALLED:
        pytest.skip(f"transformers {INSTALLED} has no {family} that takes any mask; docs/install.md says so")
