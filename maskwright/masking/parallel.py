"""Run a kernel over the rows of a batch on several threads. The result does not depend on how many."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

CORES = os.cpu_count() or 1
WORTH_A_THREAD = 524_288
"""Positions per extra thread: waking one costs as much as masking some ten thousand positions."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES, thread_name_prefix="maskwright-kernel")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked worker inherits the pool but not its threads


def by_rows(kernel: Callable[..., None], rows: int, positions: int, *arguments: Any) -> None:
    """Run `kernel(begin, end, *arguments)` over all rows, on as many cores as the work is worth."""
    parts = min(CORES, 1 + rows * positions // WORTH_A_THREAD, rows)
    bounds = [rows * part // max(parts, 1) for part in range(parts + 1)]
    # compiled kernels release the GIL (nogil=True), so plain threads run in parallel and share the arrays
    others = [_threads().submit(kernel, *bounds[i : i + 2], *arguments) for i in range(1, parts)]
    if parts:  # the calling thread takes the first part itself
        kernel(*bounds[:2], *arguments)
    for other in others:
        other.result()
