"""Every objective trains on ranks as in one process: the same losses to the last digits of float32, step by step, and
the same of what it learns, adaptive statistics and learned maskers included.

The ranks start once and go through all objectives.
"""

import os
import socket
from dataclasses import replace
from itertools import islice
from pathlib import Path

import safetensors.torch
import torch
import torch.multiprocessing

from maskwright.distributed.ranks import World
from maskwright.run.config import Config
from maskwright.settings.registry import names
from maskwright.training.trainer import Trainer

from ..objectives.conftest import make

OPTIONS = {"update_every": 6, "frequency": 0.02}
"""Of objectives that have them: they learn within a short run."""
SMALL = {
    "model": {"name": "modern", "hidden": 16, "layers": 1, "heads": 2, "intermediate": 24, "max_length": 32},
    "optimizer": {"name": "adamw", "lr": 0.03},
    "training": {"steps": 36, "batch_tokens": 128, "precision": "fp32"},
}
STEPS = {2: 36, 4: 8}
"""How many steps of the run so many ranks take."""
TOLERANCE = 1e-5 if torch.__version__ >= "2.7" else 5e-5
"""Of losses around 5: rounding, of which 36 steps at a high rate make more in PyTorch 2.6."""
LEARNED = 1e-4
"""Of what is learned: a tenth of one step of the generator's optimizer, which turns rounding of small gradients into
more of its size."""


def train(settings: dict, steps: int, out: Path) -> World:
    """The first steps of a run of each objective; its losses and what it has learned are left in `out`, by rank."""
    for name in names("objectives"):
        config = replace(Config.of(settings), objective=make(name, **OPTIONS))
        trainer, losses = Trainer(config, out / name, show=False), []
        batches = trainer.data.loader.batches(0, trainer.steps, trainer.world.rank, trainer.world.size)
        for rows in islice(batches, steps):
            trainer.update(rows)
            losses.append(trainer.state.metrics.read()["loss"])
        learned = {key: tensor.contiguous() for key, tensor in trainer.objective.state_dict().items()}
        safetensors.torch.save_file(learned | {"losses": torch.tensor(losses)}, out / f"{name}-{trainer.world.rank}")
    return trainer.world


def rank(number: int, size: int, port: int, settings: dict, out: Path) -> None:
    """`train` as one of `size` ranks."""
    torch.set_num_threads(1)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": size, "RANK": number, "LOCAL_RANK": number}
    os.environ |= {name: str(value) for name, value in place.items()}
    train(settings, STEPS[size], out).leave(0)


def on_ranks(size: int, settings: dict, out: Path) -> None:
    """`train` as all of `size` ranks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    torch.multiprocessing.spawn(rank, (size, port, settings, out), nprocs=size)


def left(out: Path, name: str, number: int = 0) -> dict[str, torch.Tensor]:
    """What a rank left of an objective: its losses, and what it has learned."""
    return safetensors.torch.load_file(out / f"{name}-{number}")


def test_ranks_train_as_one_process(text: Path, tmp_path: Path) -> None:
    corpus = {"corpus": {"files": [str(text)]}, "tokenizer": {"kind": "bpe", "size": 404}, "rows": {"length": 32}}
    settings = SMALL | corpus | {"evaluation": {"held_out": 0.2}}
    for size in (1, *STEPS):
        (tmp_path / str(size)).mkdir()
    train(settings, max(STEPS.values()), tmp_path / "1")
    for size, steps in STEPS.items():
        on_ranks(size, settings, tmp_path / str(size))
        for name in names("objectives"):
            whole, every = left(tmp_path / "1", name), [left(tmp_path / str(size), name, i) for i in range(size)]
            assert whole["losses"][-1] < whole["losses"][0] - 0.2
            assert torch.allclose(every[0]["losses"], whole["losses"][:steps], rtol=0, atol=TOLERANCE), (name, size)
            for key in whole if steps == len(whole["losses"]) else ():
                assert torch.allclose(
                    every[0][key].double(), whole[key].double(), rtol=1e-4, atol=LEARNED, equal_nan=True
                ), (name, key)
            for key, learned in every[0].items():
                assert all(torch.equal(other[key].nan_to_num(), learned.nan_to_num()) for other in every), (name, key)
    assert int(left(tmp_path / "1", "adaptive")["updates"]) == 6
    assert left(tmp_path / "1", "adaptive")["weight"].std() > 0.01
    assert left(tmp_path / "1", "learned")["masker.score.weight"].any()
