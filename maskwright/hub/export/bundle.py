"""Our modelling file, for models that `transformers` has no class for: one file that needs only torch and transformers.

It is generated from the sources that the model was trained with, so the two cannot differ, and new models need no code
here: the model's file and the layers that it imports, concatenated without our imports; before them stubs for the
validation of settings; after them `remote`, which defines the classes.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from . import remote_code, remote_parts

FILE = "modeling_maskwright"
CLASSES = {
    "AutoConfig": "MaskwrightConfig",
    "AutoModel": "MaskwrightModel",
    "AutoModelForMaskedLM": "MaskwrightForMaskedLM",
    "AutoModelForCausalLM": "MaskwrightForCausalLM",
    "AutoModelForSequenceClassification": "MaskwrightForSequenceClassification",
    "AutoModelForTokenClassification": "MaskwrightForTokenClassification",
}
"""What each auto class opens."""

HEAD = '''"""{name}, trained by maskwright: a model that `transformers` opens with trust_remote_code=True.

Made of maskwright's own sources; licensed as they are, Apache-2.0. It needs torch and transformers.
"""

'''

STAND_INS = """
Layers = PositiveInt = Size = int


def Field(default, **limits):
    return default


def model_validator(mode):
    return lambda method: method


def settings(cls):
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def quickest(name, ways, *of):
    return next(iter(ways))
"""
"""For what the sources import to validate settings, which were validated when the model was trained, and to measure the
machine, which a model that somebody opens does not begin with."""


def peer(model: nn.Module, settings: Any, causal: bool, special: dict[str, int]) -> tuple[Any, str]:
    """`model`, which `settings` built, as a model of `remote`, and the modelling file that opens it."""
    network = {"settings": type(settings), "network": type(model)}
    parts = getattr(model, "nhot", None)
    kind = remote_code.MaskwrightForCausalLM if causal else remote_code.MaskwrightForMaskedLM
    config = remote_code.MaskwrightConfig(
        vocab_size=model.get_parameter("embedding.weight").shape[0],
        settings=remote_parts.plain(settings),
        part_count=0 if parts is None else len(parts.parts),
        causal=causal,
        auto_map={auto: f"{FILE}.{name}" for auto, name in CLASSES.items()},
        architectures=[kind.__name__],
        dtype="float32",
        **special,
    )
    with remote_code.known(**network), torch.random.fork_rng(devices=[]):
        found = kind(config)
    found.model.network.load_state_dict(model.state_dict())
    return found.eval(), source(import_module(type(settings).__module__), network)


def source(module: ModuleType, network: dict[str, type]) -> str:
    """The modelling file of a model's module; `network` names its settings and its network, as `remote.KNOWN` does."""
    modules = list(dict.fromkeys([*needed(module), *needed(remote_code)]))
    pieces = [_body(found) for found in modules]
    lines = sorted({line for found in modules for line in _imports(found)} | {"import dataclasses"})
    known = ", ".join(f"{role}={kind.__name__}" for role, kind in network.items())
    name = network["settings"].__name__
    whole = [HEAD.format(name=name) + "\n".join(lines), STAND_INS, *pieces, f"KNOWN.update({known})"]
    return "\n\n".join(piece.strip("\n") + "\n" for piece in whole)


def needed(module: ModuleType) -> list[ModuleType]:
    """The layers that a module imports, and theirs, and then itself; each once."""
    found: dict[str, ModuleType] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and _ours(node) and not _stood_in(node):
            name = "." * node.level + (node.module or "")
            for below in needed(import_module(name, module.__package__)):
                found[below.__name__] = below
    return [*found.values(), module]


def _ours(node: ast.ImportFrom) -> bool:
    """Whether an import is of ours, relative or, in a model from outside the package, absolute."""
    return bool(node.level) or (node.module or "").startswith("maskwright.")


def _stood_in(node: ast.ImportFrom) -> bool:
    return (node.module or "").removeprefix("maskwright.").startswith(("settings", "hardware"))


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(_text(module))


def _text(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def _imports(module: ModuleType) -> Iterator[str]:
    """What a module imports from elsewhere, but for what STAND_INS has."""
    for node in _tree(module).body:
        ours = isinstance(node, ast.ImportFrom) and (_ours(node) or node.module == "pydantic")
        if isinstance(node, ast.Import | ast.ImportFrom) and not ours:
            yield ast.unparse(node)


def _body(module: ModuleType) -> str:
    """The text of a module after its docstring and its imports."""
    lines = _text(module).splitlines()
    last = max(node.end_lineno or 0 for node in _tree(module).body[:1] + _heads(module))
    return "\n".join(lines[last:])


def _heads(module: ModuleType) -> list[ast.stmt]:
    return [node for node in _tree(module).body if isinstance(node, ast.Import | ast.ImportFrom)]
