"""BLiMP sentences per second by the official BabyLM evaluation and by ours, on the same exported model in the same run.

    git clone https://github.com/babylm/evaluation-pipeline-2025
    python benchmarks/pairs.py --pipeline evaluation-pipeline-2025 --data blimp --json

Both are called in one process with one thread, with the model loaded, the tokenizer open and the sentences in memory;
timed is all from the sentences to the choices, in turn, in seconds of the processor, which other work on the machine
stretches least. The ratio is that of the medians, its spread the 5th to the 95th percentile of the turns. Models are as
they begin, shaken so that their choices differ: what a model knows costs nothing.
The pipeline needs scipy, datasets, tqdm and aiohttp besides torch and transformers.

    quickstart      3 layers of 128, a vocabulary of 2,048
    6x256           6 layers of 256, a vocabulary of 16,384
"""

import argparse
import json
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import redirect_stderr
from itertools import islice
from os import devnull
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskwright.evaluate.scoring.backends import choose
from maskwright.evaluate.scoring.minimal_pairs import Item, score_items
from maskwright.evaluate.scoring.scorer import Scorer
from maskwright.evaluate.suites.blimp import items
from maskwright.hub.export.run import export
from maskwright.run.config import Config
from maskwright.run.load import LoadedRun, untrained

MODELS = {
    "quickstart": [],
    "6x256": ["model.hidden=256", "model.layers=6", "model.heads=4", "model.intermediate=704", "tokenizer.size=16384"],
}
BACKENDS = {"mlm": "mlm", "mntp": "mntp", "causal": "causal"}
"""How sentences are scored, and the objective that trains for it."""
Choices = dict[str, list[str]]
"""The chosen sentences of each paradigm, in order."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", type=Path, required=True, help="a checkout of the official evaluation")
    parser.add_argument("--data", type=Path, required=True, help="a folder with BLiMP's files")
    parser.add_argument("--paradigms", type=int, default=10, help="evenly taken from all")
    parser.add_argument("--limit", type=int, default=100, help="pairs of each, the first ones")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--only", help="cases whose name has this")
    parser.add_argument("--json", action="store_true", help="print one object")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(given.pipeline.resolve()))
    cases = [(model, backend) for model in MODELS for backend in BACKENDS if (given.only or "") in f"{model} {backend}"]
    with tempfile.TemporaryDirectory() as place:
        copied(given.data, Path(place) / "blimp", given.paradigms, given.limit)
        found: dict[str, dict[str, Any]] = {}
        for case in cases:
            found[" ".join(case)] = measure(*case, Path(place), given.repeats)
            print(shown({" ".join(case): found[" ".join(case)]}), file=sys.stderr)
    print(json.dumps(found) if given.json else shown(found))


def copied(data: Path, place: Path, paradigms: int, limit: int) -> None:
    """Copy the first lines of some of the files."""
    place.mkdir()
    files = sorted(data.glob("*.jsonl"))
    for path in files[:: max(1, len(files) // paradigms)][:paradigms]:
        with path.open(encoding="utf-8") as lines:
            (place / path.name).write_text("".join(islice(lines, limit)), encoding="utf-8")


def measure(model: str, backend: str, place: Path, repeats: int) -> dict[str, Any]:
    """Both on the same model and sentences, in turn."""
    source = shaken(model, backend)
    out = place / f"{model}-{backend}"
    export(source, out)
    asked = list(items(place / "blimp"))
    sides = {"ours": ours(source, backend, asked), "peer": peer(out, backend, place / "blimp")}
    chosen = {side: ask() for side, ask in sides.items()}
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, ask in sides.items():
            began = time.process_time()
            ask()
            speeds[side].append(2 * len(asked) / (time.process_time() - began))
    same = [a == b for name in chosen["ours"] for a, b in zip(*(c[name] for c in chosen.values()), strict=True)]
    ratios = np.array(speeds["ours"]) / np.array(speeds["peer"])
    mine, other = (float(np.median(speeds[side])) for side in ("ours", "peer"))
    found = {"ours": mine, "peer": other, "unit": "sentences/s", "ratio": mine / other}
    return found | {"spread": np.percentile(ratios, [5, 95]).tolist(), "same_choices": float(np.mean(same))}


def shaken(model: str, backend: str) -> LoadedRun:
    """A model on the documentation's vocabulary, each of its weights moved a little."""
    source = untrained(Config.load("quickstart", [*MODELS[model], f"objective.name={BACKENDS[backend]}"]))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in source.model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return source


def ours(source: LoadedRun, backend: str, asked: list[Item]) -> Callable[[], Choices]:
    """The choices of ours."""
    assert source.config is not None
    _, ask = choose(backend, source.config.objective)
    scorer = Scorer(source.model, source.tokenizer, ask)

    def run() -> Choices:
        (found,) = score_items(scorer, asked)
        chosen: Choices = {}
        for item, place in zip(asked, found.chosen, strict=True):
            chosen.setdefault(item.paradigm, []).append(item.texts[int(place)].text)
        return chosen

    return run


def peer(folder: Path, backend: str, data: Path) -> Callable[[], Choices]:
    """The choices of the official evaluation, in its own batches of 64."""
    from evaluation_pipeline.sentence_zero_shot import compute_results, dataset
    from evaluation_pipeline.sentence_zero_shot.run import get_model

    compute_results.DEVICE = torch.device("cpu")
    given = Namespace(
        model_path_or_name=str(folder), backend=backend, data_path=data, task="blimp", revision_name=None,
        images_path=None, image_template=None, full_sentence_scores=False, save_predictions=True, batch_size=64,
        non_causal_batch_size=64,
    )  # fmt: skip
    model, loader = get_model(given), dataset.get_dataloader(given)

    def run() -> Choices:
        with open(devnull, "w") as nowhere, redirect_stderr(nowhere):
            _, found = compute_results.compute_results(given, model, loader, [1.0])
        return {name: [line["pred"] for line in lines["predictions"]] for name, lines in found[1.0].items()}

    return run


def shown(found: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"{case:20} {row['ours']:8,.0f} {row['peer']:8,.0f} sentences/s  {row['ratio']:5.1f} "
        f"({row['spread'][0]:.1f}-{row['spread'][1]:.1f})  same choices {row['same_choices']:.2%}"
        for case, row in found.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
