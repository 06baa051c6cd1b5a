"""What changes for a group of parameters from step to step: its rate, and scheduled options of its optimizer."""

from typing import Any

import torch

from ...run.config import Config
from ...settings.schedule import learning_rate, scheduled


def set_rates(optimizer: torch.optim.Optimizer, config: Config, step: int, steps: int) -> None:
    """Give every group of `optimizer` what it has at `step`, counted from 0, of `steps`."""
    now = {path.rpartition(".")[2]: number for path, number in scheduled(config.optimizer, step / steps).items()}
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * _rate(group, config, step, steps)
        for option, number in now.items():
            group[option] = number * group["decayed"] if option == "weight_decay" else number


def _rate(group: dict[str, Any], config: Config, step: int, steps: int) -> float:
    """The factor on the peak of a group, by the schedule of its part."""
    t = config.training
    own = getattr(t.rates, group["part"]) if t.rates is not None else None
    decay = own.decay if own and own.decay else t.decay
    floor = own.floor if own and own.floor is not None else t.floor
    return learning_rate(step, steps, t.warmup, decay, t.stable, floor)
