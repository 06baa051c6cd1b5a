"""Ranks: the processes that train one model together, and what they tell each other.

torchrun starts them and says in the environment which is which; without it a process is a world of its own, and nothing
here costs anything.
"""

import atexit
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.nn.parallel import DistributedDataParallel

from ..prediction import LossFn

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """All ranks, and which of them this process is."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this rank writes files and speaks to the user."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """`tensor`, changed in place to its sum over all ranks."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def total(self, number: float) -> float:
        """The sum of a number over all ranks. Processors tell each other, so that no GPU is waited for."""
        return float(self.sum(torch.tensor(number, dtype=torch.float64))) if self.size > 1 else number

    def most(self, count: int) -> int:
        """The largest of the counts that the ranks have."""
        if self.size == 1:
            return count
        counts = torch.tensor(count)
        dist.all_reduce(counts, dist.ReduceOp.MAX)
        return int(counts)

    def gather(self, thing: T) -> list[T]:
        """What each rank has, in their order."""
        things: list[Any] = [thing] * self.size
        if self.size > 1:
            dist.all_gather_object(things, thing)
        return things

    def wait(self) -> None:
        """Until all ranks are here."""
        if self.size > 1:
            dist.barrier()

    def leave(self, code: int) -> None:
        """End this process at once, if it is one of several; alone it goes on.

        Gloo's threads may still hold tensors of the last exchange. One that lets go of them while the interpreter is
        being torn down aborts the process (signal 6), so that is not waited for.
        """
        if self.size > 1:
            dist.destroy_process_group()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def join(device: torch.device) -> World:
    """The world that torchrun made, or that of this process alone."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        return World()
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    return World(dist.get_rank(), size)


def restarted() -> bool:
    """Whether torchrun started this process anew, after one of its ranks had failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0


class SingleProcess:
    """A model that one process trains: every backward pass ends at its own gradients."""

    def __init__(self, loss_fn: LossFn):
        self.loss_fn = loss_fn

    def synchronised(self, last: bool) -> AbstractContextManager[None]:
        """Around a micro-batch: after the `last` one gradients are the same everywhere."""
        return nullcontext()


class _Asking(nn.Module):
    """`loss_fn` as a module, so that its forward pass is the one that DistributedDataParallel sees."""

    def __init__(self, model: nn.Module, loss_fn: LossFn):
        super().__init__()
        self.model, self.question = model, loss_fn

    def forward(self, *questions: Any) -> tuple[Tensor, Tensor]:
        return self.question(self.model, *questions)


class DDP(SingleProcess):
    """Every rank has the whole model; gradients are averaged after the last micro-batch (DistributedDataParallel)."""

    def __init__(self, model: nn.Module, loss_fn: LossFn):
        self.module = DistributedDataParallel(_Asking(model, loss_fn))
        super().__init__(lambda _, *questions: self.module(*questions))

    def synchronised(self, last: bool) -> AbstractContextManager[None]:
        return nullcontext() if last else self.module.no_sync()


class FSDP(SingleProcess):
    """Every rank has a part of each tensor and gathers the rest, block by block, when it is needed (fully_shard)."""

    def __init__(self, model: nn.Module, loss_fn: LossFn):
        for block in model.layers:  # type: ignore[union-attr]
            fully_shard(block)
        self.model: FSDPModule = fully_shard(model)
        register_fsdp_forward_method(model, "logits")
        super().__init__(loss_fn)

    def synchronised(self, last: bool) -> AbstractContextManager[None]:
        self.model.set_requires_gradient_sync(last)
        return nullcontext()


PARALLEL = {"ddp": DDP, "fsdp": FSDP}


def parallelize(parallel: str, world: World, model: nn.Module, loss_fn: LossFn) -> SingleProcess:
    """`model` as `world` trains it. With `fsdp` its parameters are replaced: build the optimizer after this."""
    return PARALLEL[parallel](model, loss_fn) if world.size > 1 else SingleProcess(loss_fn)
