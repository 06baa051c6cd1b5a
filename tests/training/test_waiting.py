"""A step asks the device for nothing while it runs: no number is read, and no shape depends on one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from maskwright.run.config import Config
from maskwright.settings.registry import names
from maskwright.training import trainer as training
from maskwright.training.metrics import RunningMetrics
from maskwright.training.trainer import Trainer

READS = {
    torch.ops.aten._local_scalar_dense,
    torch.ops.aten.nonzero,
    torch.ops.aten.masked_select,
    torch.ops.aten.equal,
    torch.ops.aten._unique2,
    torch.ops.aten.repeat_interleave,
}
"""Operations that a processor cannot go on without the result of."""
MODELS = ["modern", "minigpt", "hlb_gpt", "ltg_bert", "deberta"]
OBJECTIVES = ["adaptive", "causal", "diffusion", "hybrid", "learned", "meap", "mirror", "prefix", "remask"]
"""One for each view, each way to weigh questions, and each that learns from the losses."""


class Watch(TorchDispatchMode):
    """Writes down what is read while it is on, but for tensors that are the processor's own."""

    def __init__(self, own: set[int] = frozenset()) -> None:
        super().__init__()
        self.read: list[str] = []
        self.own = own

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        flags = [
            part for arg in args if isinstance(arg, list | tuple) for part in arg if isinstance(part, torch.Tensor)
        ]
        by_flag = func.overloadpacket is torch.ops.aten.index and any(part.dtype == torch.bool for part in flags)
        if (func.overloadpacket in READS or by_flag) and args[0].data_ptr() not in self.own:
            self.read.append(str(func))
        return func(*args, **(kwargs or {}))

    def over(self, part: Callable[..., Any]) -> Callable[..., Any]:
        """`part`, watched."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self:
                return part(*args, **kwargs)

        return watched


def reads(settings: dict, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read during the part of an update that is the device's, once the optimizer has its state."""
    trainer = Trainer(Config.of(settings), show=False)
    batch = [trainer.data.loader.batch(step, 40) for step in range(2)]
    trainer.update(batch[0])
    watch = Watch(counters(trainer.state.optimizer))
    monkeypatch.setattr(training, "backward", watch.over(training.backward))
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", watch.over(torch.nn.utils.clip_grad_norm_))
    monkeypatch.setattr(RunningMetrics, "count", watch.over(RunningMetrics.count))
    monkeypatch.setattr(trainer.feedback, "add", watch.over(trainer.feedback.add))
    monkeypatch.setattr(trainer.state.optimizer, "step", watch.over(trainer.state.optimizer.step))
    monkeypatch.setattr(trainer.state.averages["ema"], "update", watch.over(trainer.state.averages["ema"].update))
    trainer.update(batch[1])
    return watch.read


def counters(optimizer: torch.optim.Optimizer) -> set[int]:
    """The counts of steps that optimizers of torch keep with the processor, also where weights are on a GPU."""
    if not type(optimizer).__module__.startswith("torch.optim"):
        return set()
    tensors = [part for state in optimizer.state.values() for part in state.values() if torch.is_tensor(part)]
    return {part.data_ptr() for part in tensors if not part.ndim}


@pytest.mark.parametrize("optimizer", names("optimizers"))
def test_no_optimizer_reads(settings: dict, optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings["optimizer"] = {"name": optimizer}
    settings["training"]["ema"] = 0.9
    assert reads(settings, monkeypatch) == []


@pytest.mark.parametrize("model", MODELS)
def test_no_model_reads(settings: dict, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings["model"] |= {"name": model, "dropout": 0.1}
    settings["training"] |= {"ema": 0.9, "activation_checkpointing": True, "z_loss": 1e-4}
    assert reads(settings, monkeypatch) == []


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_objective_reads(settings: dict, objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings["objective"] = {"name": objective}
    settings["model"]["layers"] = 1
    settings["training"] |= {"ema": 0.9, "micro_batch_tokens": 512}
    assert reads(settings, monkeypatch) == []


def test_reading_is_noticed() -> None:
    with Watch() as watch:
        numbers = torch.arange(3.0)
        numbers[numbers > 1], float(numbers.sum()), numbers.nonzero()
    assert len(watch.read) == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, whose driver notices any waiting")
@pytest.mark.parametrize("objective", ["mlm", "hybrid"])
def test_a_gpu_is_not_waited_for(settings: dict, objective: str) -> None:
    settings["objective"] = {"name": objective}
    settings["optimizer"] = {"name": "muon"}
    settings["training"] |= {"ema": 0.9, "compile": False, "device": "cuda"}
    trainer = Trainer(Config.of(settings), show=False)
    for step in range(4):
        rows = trainer.data.loader.batch(step, 40)
        torch.cuda.set_sync_debug_mode("error" if step else "default")
        try:
            trainer.update(rows)
        finally:
            torch.cuda.set_sync_debug_mode("default")
