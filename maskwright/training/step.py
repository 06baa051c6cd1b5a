"""One update: questions in, gradients out. The loss is divided once, by the weight of all that was asked.

Shapes: B rows, L positions, N asked positions (padded to a few sizes, and never none).
"""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from shutil import which
from typing import Any

import torch
from torch import Tensor, nn

from ..attention import Mask, block_mask, is_full_attention, mask, positions
from ..data.rows import Rows
from ..hardware import fast_bf16
from ..objectives.base.objective import IGNORE
from ..objectives.base.problem import Problem
from ..prediction import LossFn, problem_loss

WORTH_COMPILING = 5e6
"""Positions in a run from which on a CPU wins back the half minute that compiling takes."""


@dataclass(frozen=True)
class MicroBatch:
    """A micro-batch on the device."""

    inputs: Tensor
    """[B, L] int64."""
    mask: Mask
    """[B, 1, L, L] bool, or the same as blocks, or none when everyone sees everyone."""
    positions: Tensor
    """[B, L] int64."""
    asked: Tensor
    """[N] int64, places in the flattened [B * L]; the padding asks place 0 with weight 0."""
    targets: Tensor
    """[N] int64."""
    weights: Tensor
    """[N] float32."""
    weight: float
    """Their sum."""
    count: int
    """How many of the N are asked in earnest."""


def pad_rows(problem: Problem, rows: Rows) -> Problem:
    """Where an objective makes more rows than there are of text, so many that it happens in few sizes.

    The rows that fill up are copies of the first, of which nothing is asked.
    """
    unit = max(1, len(rows) // 8)
    missing = -(-(len(problem) - len(rows)) // unit) * unit + len(rows) - len(problem)
    if len(problem) <= len(rows) or not missing:
        return problem
    parts = problem, empty_problem(problem, missing)
    return Problem(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Problem)))


def empty_problem(problem: Problem, count: int) -> Problem:
    """`count` times the first row of a problem, with nothing asked."""
    first = problem[torch.zeros(count, dtype=torch.int64)]
    return replace(first, targets=torch.full_like(first.targets, IGNORE), weights=torch.zeros_like(first.weights))


def micro_batch(rows: Rows, problem: Problem, device: torch.device, use_block_mask: bool = False) -> MicroBatch:
    """Collect the targets of `problem` (made from `rows`) and copy everything to `device`."""
    document = rows.document[problem.source_row]
    asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
    count = len(asked)
    padding = torch.zeros(round_up_count(count) - count, dtype=torch.int64)
    weights = torch.cat([problem.weights.flatten()[asked], padding.float()])
    targets = torch.cat([problem.targets.flatten()[asked], padding])

    def sent(tensor: Tensor) -> Tensor:
        return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)

    shown = problem.prefix_mask if problem.prefix_mask.any() else None
    if use_block_mask and not is_full_attention(document, problem.view):
        seen: Mask = block_mask(sent(document), sent(problem.view), None if shown is None else sent(shown))
    else:
        masked = mask(document, problem.view, shown)
        seen = None if masked is None else sent(masked)
    return MicroBatch(
        sent(problem.inputs), seen, sent(positions(document)),
        sent(torch.cat([asked, padding])), sent(targets), sent(weights), float(weights.sum(dtype=torch.float64)), count,
    )  # fmt: skip


def round_up_count(count: int) -> int:
    """`count` rounded up to a multiple of an eighth of its power of two: few sizes, little waste."""
    unit = max(32, 1 << max(count.bit_length() - 4, 0))
    return -(-count // unit) * unit


def resolve_matmul_dtype(name: str, device: torch.device) -> torch.dtype:
    """The type of matrix products. `auto` is bf16 where the hardware multiplies it, else fp16 on a GPU."""
    if name != "auto":
        return {"fp32": torch.float32, "fp16": torch.float16}.get(name, torch.bfloat16)
    if fast_bf16(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else torch.float32


def scaler(cast: torch.dtype, device: torch.device, parallel: str) -> torch.amp.GradScaler:
    """What keeps small gradients above the smallest float16 (Micikevicius et al. 2018, §3.2); idle in other types.

    Raises ValueError where float16 meets sharded parameters, whose overflows one rank would not hear of from another.
    """
    if cast == torch.float16 and parallel == "fsdp":
        raise ValueError("training.parallel=fsdp does not go with products in float16: set training.precision=fp32")
    return torch.amp.GradScaler(device.type, enabled=cast == torch.float16)


def precision(name: str, device: torch.device) -> AbstractContextManager:
    """Autocast to the type of matrix products, or nothing."""
    cast = resolve_matmul_dtype(name, device)
    return nullcontext() if cast == torch.float32 else torch.autocast(device.type, cast)


def backward(
    loss_fn: LossFn,
    model: nn.Module,
    micro: MicroBatch,
    total: float,
    z_loss: float,
    cast: AbstractContextManager,
    scaler: torch.amp.GradScaler,
) -> tuple[Tensor, Tensor]:
    """Add a micro-batch's share of the gradient of the mean loss over `total` weight, by the scale of `scaler`.

    Returns the loss [N] float32 and whether the best guess was right [N] bool, of the padded questions.
    """
    with cast:
        loss, correct = loss_fn(model, micro.inputs, micro.mask, micro.positions, micro.asked, micro.targets, z_loss)
    scaler.scale((loss * micro.weights).sum() / total).backward()
    return loss.detach(), correct


def use_block_mask(model: nn.Module, loss_fn: LossFn, device: torch.device) -> bool:
    """Whether masks are sent as blocks: to a compiled model on a GPU whose attention takes them."""
    return device.type == "cuda" and loss_fn is not problem_loss and getattr(model, "takes_block_mask", False)


def compile_loss(wanted: bool | str, tokens: float, device: torch.device) -> LossFn:
    """`problem_loss`, compiled when that pays: on a GPU, and on a CPU with a C++ compiler when the run is long.

    Once for any number of questions, which follows the mask ratio; a new shape of the inputs compiles it again.
    """
    pays = device.type == "cuda" or (tokens > WORTH_COMPILING and which(os.environ.get("CXX", "g++")) is not None)
    if not (wanted is True or (wanted and pays)):
        return problem_loss
    whole = torch.compile(problem_loss, dynamic=False)

    def loss_fn(model: nn.Module, *question: Any) -> tuple[Tensor, Tensor]:
        *_, asked, targets, _ = question
        torch._dynamo.mark_dynamic(asked, 0)
        torch._dynamo.mark_dynamic(targets, 0)
        return whole(model, *question)

    return loss_fn
