"""Peak memory of a training step, ours against the same model with scores at every position, and against ModernBERT.

    python benchmarks/memory.py --json
    python benchmarks/memory.py --rows 8 --ratio 0.3 --device cuda

Ours asks the head at the hidden positions and keeps no float32 copy of its scores. The first peer has the same body,
scores all positions and takes torch's cross entropy of them; ModernBERT is the model of `transformers` at the same
sizes, as it comes and as an expert sets it up, with `sparse_prediction`. Batch and optimizer (AdamW) are the same, in
the precision that the machine is fast in. Each step is a process of its own, in turn: what is compared is the most that
it ever held over what it held before the model was built.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.console import Console
from steps.measure import Comparison
from steps.peers import peer
from steps.task import Task, step
from torch import Tensor, nn

from maskwright.hardware import cpu_name
from maskwright.models.modern import Modern
from maskwright.prediction import problem_loss
from maskwright.training.activation_checkpointing import checkpoint_activations
from maskwright.training.step import resolve_matmul_dtype

PEERS = ("scores everywhere", "ModernBERT", "ModernBERT, sparse")
OURS = ("ours", "ours, recomputing")
SIDES = (*OURS, *PEERS)


def main() -> None:
    options = parsed()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("skipped: --device cuda, and torch sees no CUDA device here")
    if options.side:
        print(peak(options))
        return
    held: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(options.repeats):
        for side, column in held.items():
            found = subprocess.run(
                [sys.executable, *sys.argv, "--side", side], capture_output=True, text=True, check=True
            )
            column.append(float(found.stdout))
    cases = {f"{side} / {peer}": compared(held[side], held[peer]) for peer in PEERS for side in OURS}
    dtype = str(resolve_matmul_dtype("auto", torch.device(options.device))).removeprefix("torch.")
    found = {"cases": cases, "machine": cpu_name(), "precision": dtype}
    Console().print(found) if not options.json else print(json.dumps(found))


def compared(ours: list[float], peer: list[float]) -> dict[str, object]:
    """Megabytes of both; the ratio is ours over the peer's."""
    return Comparison([1 / part for part in ours], [1 / part for part in peer], 1.0).as_json("MB")


def peak(options: argparse.Namespace) -> float:
    """Megabytes that one step holds at most."""
    task = Task(
        torch.device(options.device), rows=options.rows, length=512, vocabulary=50_304, hidden=options.hidden,
        layers=4, heads=options.hidden // 64, gated=round(2.75 * options.hidden), ratio=options.ratio,
    )  # fmt: skip
    before = most(task.device)
    STEPS[options.side](task)()
    return (most(task.device) - before) / 1e6


def ours(task: Task, recomputing: bool, ask: Callable[[Task, nn.Module], Callable[[], Tensor]]) -> Callable[[], None]:
    """A step of our model that asks as `ask` does."""
    model = Modern(hidden=task.hidden, layers=4, heads=task.heads, intermediate=task.gated, max_length=task.length)
    built = model.build(task.vocabulary, torch.Generator().manual_seed(0)).to(task.device)
    if recomputing:
        checkpoint_activations(built)
    return step(built, ask(task, built), task.device)


def sparse(task: Task, model: nn.Module) -> Callable[[], Tensor]:
    """Our loss, at the target positions."""
    inputs, target_positions, targets = task.batch()
    return lambda: problem_loss(model, inputs, None, None, target_positions, targets)[0].mean()


def dense(task: Task, model: nn.Module) -> Callable[[], Tensor]:
    """A label at every position, most of them ignored."""
    inputs, target_positions, targets = task.batch()
    labels = torch.full_like(inputs, -100).flatten().index_copy(0, target_positions, targets)

    def loss() -> Tensor:
        logits = model.logits(model(inputs)).flatten(0, 1)  # [B·L, V]
        return F.cross_entropy(logits.float(), labels)

    return loss


STEPS: dict[str, Callable[[Task], Callable[[], None]]] = {
    "ours": lambda task: ours(task, False, sparse),
    "ours, recomputing": lambda task: ours(task, True, sparse),
    "scores everywhere": lambda task: ours(task, False, dense),
    "ModernBERT": lambda task: peer(task, "modernbert", compiled=False),
    "ModernBERT, sparse": lambda task: peer(task, "modernbert-sparse", compiled=False),
}


def most(device: torch.device) -> float:
    """The most bytes that were ever held: by the GPU, or resident in this process (proc(5), VmHWM)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return 1024.0 * int(line.split()[1])


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--repeats", type=int, default=3, help="steps of each, in turn")
    parser.add_argument("--rows", type=int, default=64, help="of 512 positions; at 64 the peer takes 20 GB")
    parser.add_argument("--hidden", type=int, default=256, help="width of the model")
    parser.add_argument("--ratio", type=float, default=0.15, help="share of the tokens that is hidden")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
