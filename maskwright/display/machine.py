"""The report of `maskwright doctor`: the machine, the defaults chosen for it, and what would make it faster."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import torch
from rich.text import Text

from ..hardware import SIZE, cpu_name, cpu_product_seconds
from ..training.machine.kernels import chosen_kernels
from ..training.step import resolve_matmul_dtype
from .elements.table import Table

INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
"""CPU flags that matter for the speed of matrix products."""
EXTRAS = {
    "hub": "transformers",
    "harness": "lm_eval",
    "serve": "starlette",
    "s3": "s3fs",
    "ray": "ray",
    "retrieval": "sentence_transformers",
    "tagging": "seqeval",
    "lora": "peft",
    "tune": "optuna",
    "trackers": "tensorboard",
    "fp8": "torchao",
}
"""Extra of the package to a module that it installs."""
LENGTHS = (64, 128, 256, 512, 1024)
"""Positions in the rows for which the kernel of attention is shown."""
CHOICES = {
    "training.precision=auto": "products",
    "Muon's Newton-Schulz": "newton_schulz",
    "attention": "attention",
    "products of inference": "inference",
    "GELU of inference": "gelu",
}
"""What was measured to choose, and its name among the kernels of a run."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Line:
    """A fact about the machine, or a default that follows from it."""

    name: str
    value: str
    advice: str = ""
    """How to make it faster; empty if nothing is needed."""


def report() -> list[Line]:
    """Everything worth knowing before a long run."""
    return [*_processor(), *_gpus(), *_software(), *_choices()]


def table(lines: list[Line]) -> Table:
    """A row for each fact, with advice below it."""
    shown = Table(show_header=False, padding=(0, 2, 0, 0))
    for line in lines:
        shown.add_row(line.name, line.value)
        if line.advice:
            shown.add_row("", Text(f"→ {line.advice}", style="yellow"))
    return shown


def _processor() -> Iterator[Line]:
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text().split()) if info.is_file() else set()
    yield Line("processor", cpu_name())
    yield Line("instructions", ", ".join(flag for flag in INSTRUCTIONS if flag in flags) or "unknown")
    yield Line("cores", f"{os.cpu_count()}, of which PyTorch uses {torch.get_num_threads()}", _thread_advice())
    yield Line("memory", f"{_memory():.1f} GiB")
    for dtype, seconds in cpu_product_seconds().items():
        yield Line(f"{dtype} products", f"{2 * SIZE**3 / seconds / 1e9:,.1f} GFLOP/s")


def _thread_advice() -> str:
    limit = os.environ.get("OMP_NUM_THREADS")
    return f"OMP_NUM_THREADS={limit} limits it" if limit and int(limit) < (os.cpu_count() or 1) else ""


def _memory() -> float:
    """GiB of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _gpus() -> Iterator[Line]:
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        yield Line(
            f"GPU {index}", f"{device.name}, {device.total_memory / 2**30:.0f} GiB, sm_{device.major}{device.minor}"
        )
    if not torch.cuda.is_available():
        built = (
            f"this PyTorch is built for CUDA {torch.version.cuda}"
            if torch.version.cuda
            else "this PyTorch is built without CUDA"
        )
        yield Line("GPU", f"none; {built}")


def _software() -> Iterator[Line]:
    yield Line("Python", platform.python_version())
    yield Line("PyTorch", torch.__version__)
    compiler = which(os.environ.get("CXX", "g++"))
    yield Line(
        "C++ compiler",
        compiler or "none",
        "" if compiler else "install g++: long runs on a processor are then compiled",
    )
    there = {extra: find_spec(module) is not None for extra, module in EXTRAS.items()}
    yield Line("extras", ", ".join(extra for extra in there if there[extra]) or "none")
    yield Line("not installed", ", ".join(f"maskwright[{extra}]" for extra in there if not there[extra]) or "none")


def _choices() -> Iterator[Line]:
    device = torch.device("cuda") if torch.cuda.is_available() else CPU
    products = resolve_matmul_dtype("auto", device)
    chosen = {length: chosen_kernels(device, products, length) for length in LENGTHS}
    for name, key in CHOICES.items():
        values = {str(kernels[key]): length for length, kernels in chosen.items() if key in kernels}
        told = (value if len(values) == 1 else f"{value} to {length:,}" for value, length in values.items())
        yield Line(name, ", ".join(told) or "not on a GPU")
