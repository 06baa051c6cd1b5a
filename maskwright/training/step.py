"""One update: micro-batches in, gradients out. The loss is divided once, by the total weight of all targets.

Shapes: B rows, L positions, N target positions (padded to few distinct sizes, and never zero).
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn

from ..attention import Mask, block_mask, is_full_attention, mask, positions
from ..data.rows import Rows
from ..distributed.ranks import World
from ..hardware import fast_bf16
from ..loss import Noised
from ..objectives.base.objective import IGNORE
from ..objectives.base.problem import Problem
from ..prediction import LossFn, problem_loss


@dataclass(frozen=True)
class MicroBatch:
    """A micro-batch on the device."""

    inputs: Tensor
    """[B, L] int64."""
    mask: Mask
    """[B, 1, L, L] bool, a BlockMask, or None for full attention."""
    positions: Tensor
    """[B, L] int64."""
    target_positions: Tensor
    """[N] int64, target positions as indices into the flattened [B * L]; padding points to 0 with weight 0."""
    targets: Tensor
    """[N] int64."""
    weights: Tensor
    """[N] float32."""
    weight: float
    """Sum of `weights`."""
    count: int
    """How many of the N are real targets, not padding."""
    noised: Noised | None = None
    """What random tokens may stand at the targets."""


def split(problem: Problem, rows: Rows, tokens: int | str | None, world: World) -> list[Problem]:
    """Split the problem of an update into micro-batches of at most `tokens` positions; None keeps it whole, and so does
    `auto`, which `fit` replaces.

    All ranks return equally many (some may be empty), because under FSDP each forward and backward is a collective.
    """
    whole = pad_rows(problem, rows)
    size = max(1, (tokens if isinstance(tokens, int) else whole.inputs.numel()) // whole.inputs.shape[1])
    parts = [whole[begin : begin + size] for begin in range(0, len(whole), size)]
    return parts + [empty_problem(whole, 1)] * (world.max(len(parts)) - len(parts))


def idle(parts: list[Problem], whole: Problem) -> int:
    """How many of the micro-batches `parts` hold rows of the problem `whole`, and none of its targets."""
    return sum(not part.weights.any() for part in parts[: -(-len(whole) // len(parts[0]))])


def pad_rows(problem: Problem, rows: Rows) -> Problem:
    """Pad a problem that has more rows than the text, so that few distinct batch sizes occur.

    Every new shape recompiles the step and fragments GPU memory; the padding rows have no targets.
    """
    unit = max(1, len(rows) // 8)  # eight sizes up to twice the rows
    missing = -(-(len(problem) - len(rows)) // unit) * unit + len(rows) - len(problem)
    if len(problem) <= len(rows) or not missing:
        return problem
    parts = problem, empty_problem(problem, missing)
    return Problem(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Problem)))


def empty_problem(problem: Problem, count: int) -> Problem:
    """`count` copies of the first row of a problem, without targets."""
    first = problem[torch.zeros(count, dtype=torch.int64)]
    return replace(first, targets=torch.full_like(first.targets, IGNORE), weights=torch.zeros_like(first.weights))


def micro_batch(rows: Rows, problem: Problem, device: torch.device, use_block_mask: bool = False) -> MicroBatch:
    """Collect the targets of `problem` (made from `rows`) and copy everything to `device`."""
    sight = problem.sight(rows.document)
    target_positions = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
    count = len(target_positions)
    padding = torch.zeros(round_up_count(count) - count, dtype=torch.int64)
    weights = torch.cat([problem.weights.flatten()[target_positions], padding.float()])
    targets = torch.cat([problem.targets.flatten()[target_positions], padding])

    def to_device(tensor: Tensor) -> Tensor:  # pinned memory makes the copy asynchronous
        return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)

    if use_block_mask and not is_full_attention(sight["document"], problem.view, sight["block"]):  # type: ignore[arg-type]
        on_device = {name: None if part is None else to_device(part) for name, part in sight.items()}
        attention: Mask = block_mask(**on_device)  # type: ignore[arg-type]
    else:
        dense = mask(**sight)  # type: ignore[arg-type]
        attention = None if dense is None else to_device(dense)
    padded = torch.cat([target_positions, padding])
    noised = problem.noised(padded, rows.vocabulary.is_special)
    return MicroBatch(
        to_device(problem.inputs), attention, to_device(problem.laid_out(positions(rows.document))), to_device(padded),
        to_device(targets), to_device(weights), float(weights.sum(dtype=torch.float64)), count,
        None if noised is None else Noised(*map(to_device, noised)),
    )  # fmt: skip


def round_up_count(count: int) -> int:
    """Round up to a multiple of 1/8 of the power of two below: at most 1/8 waste, and few distinct sizes.

    The number of targets varies from batch to batch; unrounded, nearly every batch would be a new shape to compile and
    allocate for.
    """
    unit = max(32, 1 << max(count.bit_length() - 4, 0))
    return -(-count // unit) * unit


def resolve_matmul_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype of matrix products. `auto`: bf16 where the hardware is fast at it, else fp16 on a GPU, else fp32."""
    if name != "auto":
        return {"fp32": torch.float32, "fp16": torch.float16}.get(name, torch.bfloat16)
    if fast_bf16(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else torch.float32


def scaler(cast: torch.dtype, device: torch.device, parallel: str) -> torch.amp.GradScaler:
    """Loss scaling, which keeps small gradients representable in float16 (Micikevicius et al. 2018, section 3.2).

    Disabled for other dtypes. Raises ValueError for float16 with sharded parameters: an overflow on one rank would be
    unknown to the others.
    """
    if cast == torch.float16 and parallel == "fsdp":
        raise ValueError("training.parallel=fsdp does not support float16 matrix products: set training.precision=fp32")
    return torch.amp.GradScaler(device.type, enabled=cast == torch.float16)


def precision(name: str, device: torch.device) -> AbstractContextManager:
    """Autocast to the dtype of matrix products, or a no-op for float32."""
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
    """Accumulate the gradient of a micro-batch's part of the mean loss, scaled by `scaler`.

    total: the weight of all targets of the update, so that the sum over micro-batches is the mean.
    Returns the loss [N] float32 and correctness [N] bool, padding included.
    """
    with cast:
        loss, correct = loss_fn(
            model,
            micro.inputs,
            micro.mask,
            micro.positions,
            micro.target_positions,
            micro.targets,
            z_loss,
            micro.noised,
        )
    # divided by the weight of the whole update, not of the micro-batch: a target counts the same wherever it falls
    scaler.scale((loss * micro.weights).sum() / total).backward()
    return loss.detach(), correct


def use_block_mask(model: nn.Module, loss_fn: LossFn, device: torch.device) -> bool:
    """Whether masks are sent as BlockMask: to compiled models on a GPU whose attention supports it."""
    return device.type == "cuda" and loss_fn is not problem_loss and getattr(model, "takes_block_mask", False)
