"""Tokens per second of continued pretraining: `maskwright train adapt` against `transformers.Trainer`, the same rows.

    python benchmarks/adapt.py --json
    python benchmarks/adapt.py --only bert --compiled --steps 6

Random weights at the shape of a public model (`--layers 12 --hidden 768` is a base one), masks of 30 % at 80/10/10,
clipping at 1, fused AdamW, products in what the machine multiplies fast. Rows are full, tokenized and packed before.
The peer is `DataCollatorForLanguageModeling` and Trainer as one sets them up who knows them: no mask of attention where
nothing is hidden, scores of the hidden tokens alone where the class can (ModernBERT), and with `--compiled` compiled,
as is our side, so that each side's faster way can be taken. ModernBERT is also trained as `import-model` turns it into
`modern`. A side trains in turns of a few updates, of which the first
is not counted; the clock is that of the process.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
import transformers
from steps.measure import Comparison
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.utils.data import Dataset

from maskwright import Config, Trainer
from maskwright.data.loader import read_rows
from maskwright.hardware import fast_bf16
from maskwright.hub.convert.model import adopt
from maskwright.models.transformers import Transformers
from maskwright.models.transformers.quiet import silence

FAMILIES = {"bert": 30_522, "roberta": 50_265, "modernbert": 50_368}
"""Each with the rows of its table."""
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
RATIO = 0.3
Side = Callable[[], list[float]]
"""Trains for a turn; the seconds of each update but the first."""


@dataclass(frozen=True)
class Shape:
    """What is trained, and in which turns."""

    layers: int
    hidden: int
    rows: int
    length: int
    updates: int
    """In a turn, of which the first is not counted."""


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    shape = Shape(options.layers, options.hidden, options.rows, options.length, options.steps)
    ways = {"eager": False} | ({"compiled": True} if options.compiled else {})
    cases = {}
    for family in options.only or FAMILIES:
        with tempfile.TemporaryDirectory() as scratch, silence():
            folder = written(family, shape, Path(scratch) / "model")
            text = filled(family, shape, Path(scratch) / "text.txt")
            seconds = in_turns(folder, text, shape, ways, options.repeats)
        cases |= compared(family, seconds, shape)
    print(json.dumps(cases) if options.json else told(cases))


def written(family: str, shape: Shape, out: Path) -> Path:
    """A folder of `transformers`: random weights at the shape, and a tokenizer of as many words as the table has."""
    size = FAMILIES[family]
    inner = shape.hidden * 3 // 2 if family == "modernbert" else 4 * shape.hidden  # a gated one has as many weights
    settings = Transformers(
        architecture=family, hidden=shape.hidden, layers=shape.layers, heads=shape.hidden // 64, intermediate=inner,
        max_length=512, options={"pad_token_id": 0},
    )  # fmt: skip
    settings.build(size, torch.Generator().manual_seed(0)).network.save_pretrained(out)
    vocabulary = {word: place for place, word in enumerate([*SPECIAL, *(f"w{i}" for i in range(size - len(SPECIAL)))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(out)
    return out


def filled(family: str, shape: Shape, path: Path) -> Path:
    """Texts of random words that fill a row each."""
    generator = torch.Generator().manual_seed(0)
    words = torch.randint(FAMILIES[family] - len(SPECIAL), (12 * shape.rows, shape.length - 2), generator=generator)
    path.write_text("\n\n".join(" ".join(f"w{word}" for word in row) for row in words.tolist()), encoding="utf-8")
    return path


def in_turns(folder: Path, text: Path, shape: Shape, ways: dict[str, bool], repeats: int) -> dict[str, list[float]]:
    """Seconds of the updates of each side in each way."""
    sides: dict[str, Side] = {}
    if importable(folder):
        adopt(folder, imported := folder.parent / "imported")
        _, sides["ours, imported"] = ours(imported, text, shape, False, folder.parent / "of imported")
    for way, compiled in ways.items():
        run, sides[f"ours, {way}"] = ours(folder, text, shape, compiled, folder.parent / way)
        sides[f"peer, {way}"] = peer(folder, run, shape, compiled, folder.parent / f"peer {way}")
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            seconds[name] += side()
    return seconds


def importable(folder: Path) -> bool:
    """Whether the model is one of ours too, `modern`, whose code is another and whose logits are the same."""
    return "ModernBert" in (folder / "config.json").read_text()


def ours(folder: Path, text: Path, shape: Shape, compiled: bool, out: Path) -> tuple[Trainer, Side]:
    """The product: a run of the recipe `adapt`."""
    config = Config.load("adapt", [
        f"training.init_from={folder}", f"corpus.files=[{text}]", f"rows.length={shape.length}",
        f"training.batch_tokens={shape.rows * shape.length}", f"training.compile={str(compiled).lower()}",
        "training.epochs=null", "training.steps=100000", "evaluation.held_out=0.05",
    ])  # fmt: skip
    run = Trainer(config, out, show=False)

    def turn() -> list[float]:
        batches = run.data.loader.batches(run.step, run.step + shape.updates)
        times = [time.process_time()]
        for rows in batches:
            run.update(rows)
            times.append(time.process_time())
        return [end - begin for begin, end in pairwise(times[1:])]

    return run, turn


class Rows(Dataset):
    """The rows that our side trains on, as lists of tokens."""

    def __init__(self, run: Trainer):
        pack = run.data.loader.stages[0].pack
        self.tokens = read_rows(
            pack, torch.arange(len(pack)).numpy(), torch.zeros(len(pack)).long().numpy(), 0.0
        ).tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, place: int) -> dict[str, list[int]]:
        return {"input_ids": self.tokens[place].tolist()}


class Clock(transformers.TrainerCallback):
    """The time after each update."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, *_, **__) -> None:
        self.times.append(time.process_time())


def peer(folder: Path, run: Trainer, shape: Shape, compiled: bool, out: Path) -> Side:
    """`transformers.Trainer`; the class is that of the folder, and so are the weights that it begins with."""
    options = {"sparse_prediction": True} if importable(folder) else {}
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="sdpa", **options)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, model_input_names=["input_ids"])
    arguments = transformers.TrainingArguments(
        output_dir=str(out), per_device_train_batch_size=shape.rows, max_steps=shape.updates, learning_rate=1e-4,
        optim="adamw_torch_fused", weight_decay=0.01, use_cpu=True, bf16=fast_bf16(torch.device("cpu")),
        save_strategy="no", logging_strategy="no",
        report_to="none", disable_tqdm=True, torch_compile=compiled, dataloader_drop_last=True,
    )  # fmt: skip
    collator = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=RATIO)
    clock, data = Clock(), Rows(run)
    trainer = transformers.Trainer(model, arguments, collator, data, callbacks=[clock])
    trainer.remove_callback(transformers.PrinterCallback)

    def turn() -> list[float]:
        clock.times.clear()
        trainer.train()
        return [end - begin for begin, end in pairwise(clock.times)]

    return turn


def compared(family: str, seconds: dict[str, list[float]], shape: Shape) -> dict[str, dict]:
    """Each way against the same of the peer, and the faster way of each side."""
    ways = dict.fromkeys(side.partition(", ")[2] for side in seconds if side.startswith("peer"))
    found = {f"{family}, {way}": (f"ours, {way}", f"peer, {way}") for way in ways}
    best = [min((side for side in seconds if side.startswith(who)), key=lambda side: median(seconds[side]))
            for who in ("ours", "peer")]  # fmt: skip
    if "ours, imported" in seconds:
        found[f"{family}, imported, eager"] = ("ours, imported", "peer, eager")
    if len(ways) > 1:
        found[f"{family}, ours {best[0].split(', ')[1]}, peer {best[1].split(', ')[1]}"] = (best[0], best[1])
    tokens = shape.rows * shape.length
    return {
        case: Comparison(seconds[us], seconds[them], tokens).as_json("tokens/s") for case, (us, them) in found.items()
    }


def told(cases: dict[str, dict]) -> str:
    lines = (f"{case}: {row['ours']:,.0f} tokens/s against {row['peer']:,.0f}: {row['ratio']:.2f} {row['spread']}"
             for case, row in cases.items())  # fmt: skip
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--only", action="append", choices=list(FAMILIES), help="a family; may be given several times")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--rows", type=int, default=8, help="in an update")
    parser.add_argument("--length", type=int, default=128, help="of a row")
    parser.add_argument("--steps", type=int, default=3, help="updates of a turn, of which the first is not counted")
    parser.add_argument("--repeats", type=int, default=2, help="turns of each side")
    parser.add_argument("--compiled", action="store_true", help="both sides also compiled: minutes more")
    return parser.parse_args()


if __name__ == "__main__":
    main()
