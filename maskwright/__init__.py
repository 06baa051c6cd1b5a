"""maskwright: pretrain small language models under any masking objective."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Run, Trainer, load
    from .hub.collator import MaskingCollator
    from .objectives.base.objective import Masked, Objective
    from .objectives.base.problem import Problem
    from .prediction import predict
    from .run.config import Config

__version__ = "0.1.0"
__all__ = ["Config", "Masked", "MaskingCollator", "Objective", "Problem", "Run", "Trainer", "load", "predict"]

_HOMES = {
    "Config": "run.config",
    "Masked": "objectives.base.objective",
    "MaskingCollator": "hub.collator",
    "Objective": "objectives.base.objective",
    "Problem": "objectives.base.problem",
    "Run": "api",
    "Trainer": "api",
    "load": "api",
    "predict": "prediction",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that `maskwright --help` does not wait for PyTorch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'maskwright' has no attribute {name!r}")
    return getattr(import_module(f"maskwright.{_HOMES[name]}"), name)
