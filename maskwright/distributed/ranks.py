"""Ranks: the processes that train one model together, and the collectives between them.

torchrun starts them and sets the environment variables read here. Without it the world has one process and every
collective is a no-op.
"""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.nn.parallel import DistributedDataParallel

from ..prediction import LossFn
from .parent import end_with

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """The number of ranks, and the rank of this process."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this rank writes files and prints."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """All-reduce: `tensor`, changed in place to its sum over all ranks."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def total(self, number: float) -> float:
        """The sum of a number over all ranks. Uses CPU tensors, so no GPU is synchronised."""
        return float(self.sum(torch.tensor(number, dtype=torch.float64))) if self.size > 1 else number

    def max(self, count: int) -> int:
        """The maximum over all ranks."""
        if self.size == 1:
            return count
        counts = torch.tensor(count)
        dist.all_reduce(counts, dist.ReduceOp.MAX)
        return int(counts)

    def gather(self, thing: T) -> list[T]:
        """The object of every rank, in rank order."""
        things: list[Any] = [thing] * self.size
        if self.size > 1:
            dist.all_gather_object(things, thing)
        return things

    def wait(self) -> None:
        """A barrier."""
        if self.size > 1:
            dist.barrier()

    def leave(self, code: int) -> None:
        """Exit this process immediately if it is one of several ranks; otherwise do nothing.

        Gloo's threads may still hold tensors of the last collective. Releasing them while the interpreter shuts down
        aborts the process with signal 6, so the normal shutdown is skipped.
        """
        if self.size > 1:
            dist.destroy_process_group()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def join(device: torch.device, minutes: float) -> World:
    """The world that torchrun set up, or a world of one; a rank ends with the process that started it.

    minutes: how long ranks wait for each other before they give up.
    """
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        return World()
    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=timedelta(minutes=minutes))
        atexit.register(dist.destroy_process_group)
        end_with(os.getppid())
    return World(dist.get_rank(), size)


@contextmanager
def answering(world: World, minutes: float) -> Iterator[None]:
    """Raises ValueError when a rank has waited for the others for so many `minutes`."""
    try:
        yield
    except RuntimeError as error:
        if world.size == 1 or "timed out" not in str(error).lower():
            raise
        raise ValueError(
            f"rank {world.rank} has waited {minutes:g} minutes for the others (training.timeout): one hangs, so "
            "all stop; resume with --resume"
        ) from None


def describe(world: World, parallel: str, minutes: float) -> str:
    """Another line of what a run is about to do; none for a world of one."""
    told = f"{world.size}, {parallel}; all stop when one does not answer for {minutes:g} minutes"
    return f"\nranks      {told}" if world.size > 1 else ""


def restarted() -> bool:
    """Whether torchrun restarted this process after a rank failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0


class SingleProcess:
    """Training in one process: gradients need no communication. `loss_fn` is called instead of the model."""

    def __init__(self, loss_fn: LossFn):
        self.loss_fn = loss_fn

    def synchronised(self, last: bool) -> AbstractContextManager[None]:
        """Context of one micro-batch; after the `last` one, gradients are equal on all ranks."""
        return nullcontext()


class _LossModule(nn.Module):
    """`loss_fn` as a module, because DistributedDataParallel hooks into a module's forward pass."""

    def __init__(self, model: nn.Module, loss_fn: LossFn):
        super().__init__()
        self.model, self.loss_fn = model, loss_fn

    def forward(self, *inputs: Any) -> tuple[Tensor, Tensor]:
        return self.loss_fn(self.model, *inputs)


class DDP(SingleProcess):
    """Every rank holds the whole model; gradients are averaged after the last micro-batch (DistributedDataParallel)."""

    def __init__(self, model: nn.Module, loss_fn: LossFn):
        self.module = DistributedDataParallel(_LossModule(model, loss_fn))
        super().__init__(lambda _, *inputs: self.module(*inputs))

    def synchronised(self, last: bool) -> AbstractContextManager[None]:
        return nullcontext() if last else self.module.no_sync()


class FSDP(SingleProcess):
    """Every rank holds a shard of each tensor and gathers block by block when needed (FSDP2, `fully_shard`)."""

    def __init__(self, model: nn.Module, loss_fn: LossFn):
        if next(model.parameters()).device.type == "cpu" and not FSDP_ON_CPU:
            raise ValueError(
                f"training.parallel=fsdp needs another PyTorch than {torch.__version__} on a CPU: set it to ddp"
            )
        if getattr(model, "shares_layers", False):
            raise ValueError(
                "training.parallel=fsdp gathers weights by layers, and model.distinct_layers shares them: use ddp"
            )
        for block in model.layers:  # type: ignore[union-attr]
            fully_shard(block)
            if hasattr(block, "values"):  # which later layers ask the first for
                register_fsdp_forward_method(block, "values")
        self.model: FSDPModule = fully_shard(model)
        register_fsdp_forward_method(model, "logits")
        super().__init__(loss_fn)

    def synchronised(self, last: bool) -> AbstractContextManager[None]:
        self.model.set_requires_gradient_sync(last)
        return nullcontext()


FSDP_ON_CPU = hasattr(torch.cpu.Stream, "record_event")
"""FSDP2 asks it of the streams of a CPU, which had no such method in PyTorch 2.6."""
PARALLEL = {"ddp": DDP, "fsdp": FSDP}


def parallelize(parallel: str, world: World, model: nn.Module, loss_fn: LossFn) -> SingleProcess:
    """Prepare `model` for training by `world`. `fsdp` replaces its parameters, so build the optimizer afterwards."""
    return PARALLEL[parallel](model, loss_fn) if world.size > 1 else SingleProcess(loss_fn)
