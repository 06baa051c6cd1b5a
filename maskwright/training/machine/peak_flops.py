"""Peak matrix-product throughput of a device, in FLOP/s: published for known GPUs, measured otherwise."""

from collections.abc import Callable
from functools import cache
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor

PUBLISHED = {
    "NVIDIA B200": 2250e12,
    "NVIDIA H200": 989e12,
    "NVIDIA H200 NVL": 835e12,
    "NVIDIA H100 80GB HBM3": 989e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA A100-SXM4-40GB": 312e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA A100-PCIE-40GB": 312e12,
    "NVIDIA A100 80GB PCIe": 312e12,
    "NVIDIA A10": 125e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA L4": 121e12,
    "NVIDIA GeForce RTX 4090": 165e12,
}
"""Dense bfloat16 throughput with float32 accumulation, by torch's name of the GPU (NVIDIA data sheets)."""
SIZE = {"cpu": 1024, "cuda": 8192}
"""Side of the square matrices used for measuring."""
REPEATS = 3


@cache
def peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Peak throughput of products in `dtype` on `device`, FLOP/s; measured at most once per process (0.1 s)."""
    known = PUBLISHED if device.type == "cuda" and dtype == torch.bfloat16 else {}
    if known and (name := torch.cuda.get_device_name(device)) in known:
        return known[name]
    product, operations = matrix_product(device, dtype)
    product()
    return operations / min(_seconds(product, device) for _ in range(REPEATS))


def matrix_product(device: torch.device, dtype: torch.dtype) -> tuple[Callable[[], Tensor], float]:
    """A product of two square matrices, to be timed, and its number of operations."""
    size = SIZE[device.type]
    left, right = (torch.full((size, size), 1.5, device=device, dtype=dtype) for _ in range(2))
    return lambda: F.linear(left, right), 2.0 * size**3


def _seconds(product: Callable[[], Tensor], device: torch.device) -> float:
    start = perf_counter()
    product()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - start
