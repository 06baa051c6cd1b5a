"""What a run computes with: the data types and kernels that were chosen for it on this machine."""

from collections.abc import Mapping
from typing import Any

import torch

from ...hardware import fast_bf16
from ...layers.attend import attention_kernel
from ...layers.linear import gelu_kernel, linear_kernel
from ...prediction import LossFn, problem_loss


def chosen_kernels(
    device: torch.device,
    products: torch.dtype,
    length: int,
    loss_fn: LossFn = problem_loss,
    dropout: float = 0.0,
) -> dict[str, Any]:
    """The choices, on which the bits of a run depend.

    products: dtype of the matrix products of training.  length: positions in a row.  loss_fn: compiled or not.
    dropout: of the model.
    """
    compiled = loss_fn is not problem_loss
    on_cpu = {"inference": linear_kernel(), "gelu": gelu_kernel()} if device.type == "cpu" else {}
    return {
        "products": str(products).removeprefix("torch."),
        "newton_schulz": "bfloat16" if fast_bf16(device) else "float32",
        "attention": "compiled" if compiled else attention_kernel(device, products, length, dropout),
        "compiled": compiled,
    } | on_cpu


def described(machine: Mapping[str, Any]) -> str:
    """What was chosen for training, in a line."""
    step = "a compiled step" if machine["compiled"] else f"{machine['attention']} for attention, not compiled"
    count = machine["threads"]
    return f"{machine['products']} products, {step}, {count} thread{'s' * (count > 1)}"
