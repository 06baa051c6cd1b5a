"""What this machine computes quickly: measured once, kept in the user's cache, and asked wherever a dtype is chosen.

Flags are not enough. A processor may list an instruction that is emulated, or that PyTorch was told not to use; and the
price of a wrong guess is high: bfloat16 products without hardware for them take seventeen times as long as float32.
"""

import os
import platform
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from .storage import sealed
from .storage.cache import cache_folder, key

SIZE = 384
"""Rows of the square matrices whose product is timed: large enough for the fast path, 2 ms in float32 on a laptop."""
REPEATS = 5
CLEARLY = 0.9
"""Share of the time of the usual way that another must stay below to be taken: less may be noise."""
LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
"""Environment variables that keep PyTorch from using a processor's instructions."""


def fast_bf16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 on `device`."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    seconds = cpu_product_seconds()
    return seconds["bfloat16"] < seconds["float32"]


@cache
def cpu_product_seconds() -> dict[str, float]:
    """Seconds that a product of two matrices takes on this processor, by dtype."""
    ways = {str(dtype).removeprefix("torch."): _product(dtype) for dtype in (torch.float32, torch.bfloat16)}
    return measured_once("products", lambda: seconds_of_each(ways))


def quickest(name: str, ways: Mapping[str, Callable[[], object]], *of: Any) -> str:
    """The key of the way that is quickest on this processor; the first one unless another is clearly so.

    name, of: what is computed and how large it is; JSON-serialisable.
    """
    seconds = measured_once(name, lambda: seconds_of_each(ways), *of)
    first, best = next(iter(ways)), min(ways, key=seconds.__getitem__)
    return best if seconds[best] < CLEARLY * seconds[first] else first


def measured_once(name: str, measure: Callable[[], dict[str, float]], *of: Any) -> dict[str, float]:
    """What `measure` found on this processor; from the user's cache once it did.

    The first measurement stands: a choice that changed between a run and its resumption would change the run's bits.
    of: what it depends on beside the processor, JSON-serialisable.
    """
    where = cpu_name(), torch.__version__, *map(os.environ.get, LIMITS)
    kept = cache_folder() / "hardware" / f"{name}-{key(where, *of)}.json"
    try:
        return sealed.read(kept, dict[str, float | str], "a measurement of this processor")
    except ValueError:  # none yet, or damaged
        sealed.write(kept, found := measure())
        return found


def cpu_name() -> str:
    """The processor's model and what PyTorch uses of it, as in `AMD EPYC, AVX2`."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    model = next(models, platform.processor() or platform.machine())
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}"


def _product(dtype: torch.dtype) -> Callable[[], object]:
    left, right = (torch.full((SIZE, SIZE), 1.5, dtype=dtype) for _ in range(2))
    return lambda: torch.mm(left, right)


def seconds_of_each(ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The least seconds that each takes; they take turns, after a first call that sets up the library."""
    turns = [{name: seconds_of(way) for name, way in ways.items()} for _ in range(1 + REPEATS)]
    return {name: min(turn[name] for turn in turns[1:]) for name in ways}


def seconds_of(work: Callable[..., object], *arguments: object) -> float:
    """Seconds by the clock that `work(*arguments)` takes."""
    start = perf_counter()
    work(*arguments)
    return perf_counter() - start
