"""Processes that are spawned from whatever script the user runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden_main() -> Iterator[None]:
    """Keep a process that is spawned meanwhile from importing, and thus running, the user's script."""
    main = sys.modules["__main__"]
    spec, file = main.__spec__, main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        if file:
            main.__file__ = file
