"""How many threads a kernel pays for: rows are split among them, and the result does not depend on it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

CORES = os.cpu_count() or 1
WORTH_A_THREAD = 524_288
"""Positions for which a thread more pays: waking one takes as long as masking some ten thousand."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES, thread_name_prefix="maskwright-kernel")


os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not live on in a forked worker


def by_rows(kernel: Callable[..., None], rows: int, positions: int, *arguments: Any) -> None:
    """Run `kernel(begin, end, *arguments)` over all rows, on all cores when there is enough to do."""
    parts = min(CORES, 1 + rows * positions // WORTH_A_THREAD, rows)
    bounds = [rows * part // max(parts, 1) for part in range(parts + 1)]
    others = [_threads().submit(kernel, *bounds[i : i + 2], *arguments) for i in range(1, parts)]
    if parts:
        kernel(*bounds[:2], *arguments)
    for other in others:
        other.result()
