"""The weights in a folder of `transformers`, given to a model built from its configuration."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .family import CLASSES
from .network import TransformersModel

PATTERNS = ("model*.safetensors", "pytorch_model*.bin")


def is_pretrained(folder: Path) -> bool:
    """Whether a folder holds a model as `save_pretrained` writes it, and none of ours."""
    return (folder / "config.json").is_file() and not any(
        (folder / name).exists() for name in ("model.json", "final", "config.yaml")
    )


def files(folder: Path) -> list[Path]:
    """The files of the weights in a folder. Raises ValueError when there are none."""
    for pattern in PATTERNS:
        if found := sorted(folder.glob(pattern)):
            return found
    raise ValueError(f"{folder} holds the config of a model and no weights of it ({' or '.join(PATTERNS)})")


@torch.no_grad()
def load(model: TransformersModel, folder: Path) -> list[str]:
    """Give `model` the weights in `folder`; a token without a row gets the mean of the others.

    Returns the weights of the head that are not there, such as those of a discriminator, and stay as they were drawn.
    Raises ValueError when the folder has none, or lacks some of the body.
    """
    peer, lost = _opened(model, folder)
    prefix = f"{model.network.base_model_prefix}."
    if missing := [name for name in lost if name.startswith(prefix)]:
        raise ValueError(f"{folder} lacks {len(missing)} weights of a {type(peer).__name__}, as {missing[0]}")
    theirs = {name: tensor.float() for name, tensor in peer.state_dict().items() if name not in lost}
    wanted = model.network.state_dict()
    fitting = {name: resized(tensor, len(wanted[name])) if tensor.ndim else tensor for name, tensor in theirs.items()}
    model.network.load_state_dict(fitting, strict=False)
    return lost


def resized(weight: Tensor, rows: int) -> Tensor:
    """A table of at least as many rows [R, …]: those that it lacks are the mean of the others."""
    return torch.cat([weight, weight.mean(0, keepdim=True).expand(rows - len(weight), *weight.shape[1:])])


def _opened(model: TransformersModel, folder: Path) -> tuple[Any, list[str]]:
    """The model of the folder by its class, and the names of what that lacked. Raises ValueError when it is damaged."""
    import transformers

    from .quiet import silence

    files(folder)
    auto = getattr(transformers, CLASSES["causal" if model.causal else "masked"])
    try:
        with silence(), torch.random.fork_rng(devices=[]):
            peer, told = auto.from_pretrained(folder, output_loading_info=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{folder} cannot be opened: {' '.join(str(error).split())[:200]}") from None
    return peer, [*told["missing_keys"], *(str(each[0]) for each in told["mismatched_keys"])]
