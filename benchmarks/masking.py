"""Tokens per second from rows to masked batch, against the collator of `transformers` on the same rows, in one run.

    python benchmarks/masking.py --json

Ours is the whole way: from a memory-mapped shard to rows to a problem, a new step each time. The peer only collates,
with one torch thread as in a data loader's worker (what it spends its time on is Python; with more threads it is no
faster, and far slower when the machine has other work):
`DataCollatorForLanguageModeling` gets the rows as `Trainer` hands them over from a data set in torch format, a list of
{"input_ids": tensor}. Both are timed in turn; the ratio is that of the medians, its spread the 5th to the 95th
percentile of the turns.

    token           against the collator, as BERT masks
    token_tensors   the same against the collator given bare tensors, which it need not pad: its fastest path
    whole_word      against the collator, which masks token by token
    whole_word_same against whole_word_mask=True, given offsets as lists, the form that it takes
    span, ranked_span   against the collator, which has no spans
    adaptive        against a loop over the rows with torch.multinomial, as one writes weighted masking; both by token,
                    with even weights
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer, models
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from maskwright.data.loader import Loader
from maskwright.data.pack import pack
from maskwright.data.rows import Rows
from maskwright.settings.registry import load
from maskwright.text.tokenizers.vocabulary import Vocabulary

ROWS, LENGTH, SIZE = 256, 512, 16_384
ROLES = ("unk", "cls", "sep", "pad", "mask")
SPECIAL = {f"[{role.upper()}]": i for i, role in enumerate(ROLES)}
VOCABULARY = Vocabulary(size=SIZE, pad=3, mask=4, cls=1, sep=2, special=frozenset(SPECIAL.values()))
CASES = {
    "token": ("mlm", "features"),
    "token_tensors": ("mlm", "tensors"),
    "whole_word": ("whole_word", "features"),
    "whole_word_same": ("whole_word", "words"),
    "span": ("span", "features"),
    "ranked_span": ("ranked_span", "features"),
    "adaptive": ("adaptive", "rows"),
}
STEPS = 150
"""Batches of ours for each one of the peer's: they take about as long."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="turns (default 15)")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = measure(
            Loader([(0, pack(text(Path(folder)), VOCABULARY, LENGTH))], ROWS * LENGTH, 0), arguments.repeats
        )
    if arguments.json:
        print(json.dumps(cases))
    else:
        Console().print(table(cases))


def text(folder: Path, documents: int = 8000) -> SimpleNamespace:
    """A memory-mapped split of about four million tokens: documents of 20 to 1000, words of 1.4 tokens."""
    draw = np.random.default_rng(0)
    offsets = np.concatenate([[0], draw.integers(20, 1000, documents).cumsum()])
    tokens = np.memmap(folder / "tokens", np.uint16, "w+", shape=(offsets[-1],))
    starts = np.memmap(folder / "starts", np.uint8, "w+", shape=(offsets[-1],))
    tokens[:] = draw.integers(len(SPECIAL), SIZE, offsets[-1])
    starts[:] = draw.random(offsets[-1]) < 0.7
    return SimpleNamespace(tokens=tokens, word_starts=starts, offsets=offsets)


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of `transformers` with the same ids."""
    words = SPECIAL | {f"word{i}": i for i in range(len(SPECIAL), SIZE)}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": f"[{role.upper()}]" for role in ROLES}
    )  # fmt: skip


def offsets(word: torch.Tensor) -> list[list[tuple[int, int]]]:
    """Character offsets with a gap before each word, three characters a token."""
    ends = 3 * np.arange(1, word.shape[1] + 1)
    begins = ends - 3 + (np.diff(word.numpy(), axis=1, prepend=0) != 0)
    return [list(zip(row.tolist(), ends.tolist(), strict=True)) for row in begins]


def peers(rows: Rows) -> dict[str, Callable[[], object]]:
    """The collator on these rows, in each form."""
    known, special = tokenizer(), VOCABULARY.is_special[rows.tokens].astype(int).tolist()
    token = DataCollatorForLanguageModeling(known)
    word = DataCollatorForLanguageModeling(known, whole_word_mask=True)
    tensors, weights = list(rows.tokens), torch.ones(SIZE)
    lists = [
        {"input_ids": row, "special_tokens_mask": mask, "offset_mapping": offset}
        for row, mask, offset in zip(rows.tokens.tolist(), special, offsets(rows.word), strict=True)
    ]
    return {
        "tensors": lambda: token(tensors),
        "features": lambda: token([{"input_ids": row} for row in tensors]),
        "words": lambda: word([dict(row) for row in lists]),
        "rows": lambda: row_by_row(rows, weights),
    }


def row_by_row(rows: Rows, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """15 % of each row by weight, without replacement, as [MASK], a random token or itself."""
    inputs, labels = rows.tokens.clone(), torch.full_like(rows.tokens, -100)
    ordinary = torch.from_numpy(VOCABULARY.ordinary)
    for b, row in enumerate(rows.tokens):
        chance = weights[row] * rows.maskable[b]
        chosen = torch.multinomial(chance, int(0.15 * rows.maskable[b].sum()))
        labels[b, chosen] = row[chosen]
        fate = torch.rand(len(chosen))
        swapped = chosen[(fate >= 0.8) & (fate < 0.9)]
        inputs[b, chosen[fate < 0.8]] = VOCABULARY.mask
        inputs[b, swapped] = ordinary[torch.randint(len(ordinary), (len(swapped),))]
    return inputs, labels


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(loader: Loader, repeats: int) -> dict[str, dict[str, object]]:
    """Time ours and the peer's in turn."""
    torch.set_num_threads(1)
    others = peers(loader.batch(0, 1))
    shards = SimpleNamespace(vocabulary=VOCABULARY)
    objectives = {name: load("objectives", name)[0]().build(shards, 0) for name, _ in CASES.values()}
    speeds: dict[str, list[float]] = {name: [] for name in (*objectives, *others)}
    for turn in range(-2, repeats):  # two turns to warm up
        times = {name: seconds(other) for name, other in others.items()}
        for name, objective in objectives.items():
            steps = range((turn + 2) * STEPS, (turn + 3) * STEPS)
            took = [seconds(lambda o=objective, s=step: o(loader.batch(s, 1000), 0)) for step in steps]
            times[name] = float(np.median(took))
        for name, took in times.items() if turn >= 0 else ():
            speeds[name].append(ROWS * LENGTH / took)
    return {case: compared(speeds[ours], speeds[peer]) for case, (ours, peer) in CASES.items()}


def compared(ours: list[float], peer: list[float]) -> dict[str, object]:
    ratios = np.array(ours) / np.array(peer)
    return {
        "ours": float(np.median(ours)),
        "peer": float(np.median(peer)),
        "unit": "tokens/s",
        "ratio": float(np.median(ours) / np.median(peer)),
        "spread": np.percentile(ratios, [5, 95]).tolist(),
    }


def table(cases: dict[str, dict[str, object]]) -> Table:
    shown = Table("case", "ours, tokens/s", "peer, tokens/s", "ratio", "spread", title=f"{ROWS} x {LENGTH}, V = {SIZE}")
    for name, case in cases.items():
        low, high = case["spread"]
        shown.add_row(
            name, f"{case['ours']:,.0f}", f"{case['peer']:,.0f}", f"{case['ratio']:.0f}", f"{low:.0f}-{high:.0f}"
        )
    return shown


if __name__ == "__main__":
    main()
