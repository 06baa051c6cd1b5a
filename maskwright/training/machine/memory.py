"""Memory: how much there is, and how much a computation takes at its peak."""

import os
import weakref
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

GROUP = Path("/sys/fs/cgroup")
"""The control group of this process (cgroup v2), as containers see it."""


class Peak(TorchDispatchMode):
    """While it is on, counts the bytes of the tensors on `device` that are made; `most` is the most there were at once.

    What a kernel holds within itself is not seen.
    """

    def __init__(self, device: torch.device):
        super().__init__()
        self.kind, self.now, self.most = device.type, 0, 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for part in tree_leaves(made):
            if isinstance(part, Tensor) and part.device.type == self.kind:
                self._count(part.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        name, size = storage._cdata, storage.nbytes()
        if name not in self.known:  # otherwise a view, or changed in place
            self.known.add(name)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._forget, name, size)

    def _forget(self, name: int, size: int) -> None:
        self.known.remove(name)
        self.now -= size


def free_bytes(device: torch.device) -> int:
    """Memory that this process may still take: of the GPU, or of the machine and its container, shared by its ranks."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    free = next(1024 * int(line[1]) for line in lines if line[0] == "MemAvailable:")
    limit = GROUP / "memory.max"
    if limit.is_file() and (most := limit.read_text().strip()) != "max":
        free = min(free, int(most) - int((GROUP / "memory.current").read_text()))
    return free // int(os.environ.get("LOCAL_WORLD_SIZE", 1))
