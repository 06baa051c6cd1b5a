"""A checkpoint is a folder: tensors in safetensors, everything else in state.json, written aside, synced, renamed.

state.json names every file with its size and SHA-256, and seals itself, so a truncated, changed or foreign checkpoint
is known for what it is. Loading runs no code.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from ..hardware import cpu_name
from ..settings import outside
from ..storage import sealed
from ..storage.atomic import atomic_folder

FORMAT = 2
TENSORS = ".safetensors"

Loaded = tuple[dict[str, dict[str, Tensor]], dict[str, Any]]
"""The tensors of a checkpoint, by file and name, and its state."""


@dataclass
class _State:
    files: sealed.Files
    format: int = 0


def save(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
    """Write a checkpoint: one safetensors file for each group of `tensors`, and `state` as JSON."""
    with atomic_folder(folder) as aside:
        for name, group in tensors.items():
            contiguous = {key: tensor.detach().cpu().contiguous() for key, tensor in group.items()}
            safetensors.torch.save_file(contiguous, aside / f"{name}{TENSORS}")
        files = {path.name: sealed.fingerprint(path) for path in sorted(aside.iterdir())}
        sealed.write(aside / "state.json", {"format": FORMAT, "files": files, **state})


def load(folder: Path) -> Loaded:
    """The tensors and the state of a checkpoint. Raises ValueError, in one sentence, when it is not whole."""
    state = sealed.read(folder / "state.json", _State, f"the state of a checkpoint, so {folder} is no checkpoint")
    if state.get("format") != FORMAT:
        raise ValueError(f"{folder} is no checkpoint of this version: it lacks `format: {FORMAT}`")
    outside.locate(state.get("config"), folder)
    for name in sealed.damaged(folder, state["files"]):
        raise ValueError(f"the checkpoint {folder} is damaged: {name} is not what was written")
    return {Path(name).stem: tensors(folder / name) for name in state["files"]}, state


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file. Raises ValueError when it is none."""
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} holds no tensors: {' '.join(str(error).split())}") from None


def steps(folder: Path) -> list[int]:
    """The steps of the checkpoints in `folder`, ascending."""
    names = (path.name.removeprefix("step-") for path in folder.glob("step-*") if path.is_dir())
    return sorted(int(name) for name in names if name.isdecimal())


def prune(folder: Path, keep: int | None, newest: int) -> None:
    """Leave the `keep` newest checkpoints up to step `newest`; later ones, and what killed runs half wrote, go too."""
    found = steps(folder)
    kept = [step for step in found if step <= newest][-keep if keep else 0 :]
    for step in set(found) - set(kept):
        shutil.rmtree(folder / f"step-{step}")
    for leftover in [*folder.glob(".step-*.tmp"), *folder.glob(".step-*.old")]:
        shutil.rmtree(leftover)


def flatten(optimizer: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state dict as named tensors and the rest, which JSON takes."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, values in optimizer["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    return tensors, {"numbers": numbers, "param_groups": optimizer["param_groups"]}


def unflatten(tensors: Mapping[str, Tensor], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The state dict that `flatten` took apart."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in rest["numbers"].items()}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    return {"state": state, "param_groups": rest["param_groups"]}


def environment(device: torch.device, ranks: int, chosen: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The versions, the machine and what was chosen for it, on which a bit-identical resume depends."""
    libraries = {name: version(name) for name in ("maskwright", "numpy", "numba", "tokenizers")}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()
    return {
        "versions": libraries | {"torch": torch.__version__},
        "machine": {"device": name, "threads": torch.get_num_threads(), "ranks": ranks, **chosen},
    }
