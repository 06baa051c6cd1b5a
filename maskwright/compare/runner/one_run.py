"""One run of a comparison, as a process of its own: `python -m maskwright.compare.runner.one_run FOLDER [PARENT]`.

FOLDER holds the run's config.yaml. The run resumes from its newest checkpoint; then each document of the validation set
is scored, so that runs can be compared by document, and the FLOPs per token are counted.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ...distributed.parent import end_with
from ...evaluate.validation.exam_result import ExamResult
from ...evaluate.validation.validate import validate_all
from ...run import build
from ...run.build import Data
from ...run.config import Config
from ...settings.outside import trusting
from ...storage.arrays import write_arrays
from ...storage.cache import file_lock
from ...training.fit import in_memory
from ...training.flops import Flops
from ...training.interrupt import Stopped
from ...training.trainer import Trainer

SAMPLE = 16
"""Updates that are sampled to count the FLOPs per token."""


def finished(folder: Path) -> bool:
    """Whether all files that a comparison needs exist."""
    return (folder / "final.json").is_file() and (folder / "documents.npz").is_file()


def carry_out(folder: Path) -> None:
    """Train or resume the run in `folder`, then measure it. Does nothing if it is finished.

    Raises ValueError as Trainer does, and Stopped when the process is stopped.
    """
    with file_lock(folder / "one"), trusting(everything=True):  # who wrote its config trusts it
        if finished(folder):
            return
        config = in_memory(Config.load(folder), folder, resume=True, show=False)
        trainer = Trainer(config, folder, resume=True, show=False)
        model = trainer.train().model
        (folder / "cost.json").write_text(json.dumps(cost(config, trainer.data, model)))
        write_arrays(folder / "documents.npz", **documents(config, trainer.data, model))


def documents(config: Config, data: Data, model: nn.Module) -> dict[str, np.ndarray]:
    """Sums over the targets of each of the D validation documents, [D] float64, for every exam.

    `weight`, and `loss`, `accuracy` and `top5` times weight; those of a common exam as `masked/weight` and so on.
    """
    sums: dict[str, np.ndarray] = {}
    objective = build.objective(config, data.shards)
    for exam, result in validate_all(model, data.valid, objective, config.evaluation.batch_tokens).items():
        sums |= {exam + name: part for name, part in _by_document(result, len(data.valid.split.bytes)).items()}
    return sums


def _by_document(result: ExamResult, count: int) -> dict[str, np.ndarray]:
    parts = {"weight": 1.0, "loss": result.loss, "accuracy": result.top1, "top5": result.top5}
    return {name: np.bincount(result.document, part * result.weight, count) for name, part in parts.items()}


def cost(config: Config, data: Data, model: nn.Module) -> dict[str, float]:
    """Parameters, and training FLOPs per token of text as counted by `Flops`, over a sample of updates."""
    flops, objective = Flops(model), build.objective(config, data.shards)
    tokens = spent = 0
    for step in np.linspace(0, data.steps - 1, SAMPLE).astype(int):
        rows = data.loader.batch(int(step), data.steps)
        problem = objective(rows, config.seed)
        tokens += int((rows.document >= 0).sum())
        spent += flops.of(len(problem), problem.inputs.shape[1], int((problem.weights > 0).sum()))
    return {"parameters": sum(p.numel() for p in model.parameters()), "flops_per_token": spent / tokens}


def main(folder: str, parent: str = "") -> int:
    """Carry out a run; the exit code, with a sentence on stderr when it is not 0."""
    if parent:
        end_with(int(parent))
    torch.set_num_threads(1)
    try:
        carry_out(Path(folder))
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
