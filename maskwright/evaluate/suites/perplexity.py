"""What texts cost that a model was not trained on, corpus by corpus (Magnusson et al. 2023, "Paloma").

A perplexity over tokens compares models of one tokenizer; bits a byte and the perplexity over words, any.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, islice
from math import exp, log
from operator import attrgetter
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...run.load import LoadedRun
from ...settings import settings
from ...text.corpora.files import Files
from ...text.corpus import Document
from ..scoring.load import scorer, windows
from ..scoring.scorer import Scorer, Text
from ..scoring.windows import Windows

AT_ONCE = 256
"""Documents in memory."""
MOST = 700.0
"""Nats whose exponential is still a number."""


@settings
class Options:
    """How the texts are read."""

    backend: str | None = None
    """How texts are scored: mlm, mlm_word, causal …; by default what the model was trained for."""
    length: Annotated[int, Field(ge=2)] | None = None
    """Positions of the windows in which a longer document is read; none for the longest rows of training."""
    stride: Annotated[int, Field(ge=1)] | None = None
    """How many tokens a window asks for; none for half. The fewer, the more each has to go by, and the longer it
    takes."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """How many documents of each file are read, the first ones; none for all. Files of one name are one."""
    field: str = "text"
    """Where the text stands in a .jsonl or .parquet file."""
    batch_tokens: Annotated[int, Field(ge=1)] = 4096
    """Positions that the model reads at once."""
    half: bool = False
    """Whether matrix products are bfloat16: sooner, and a little rounded."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`nats_per_token`, `perplexity`, `word_perplexity` and `bits_per_byte` of all files, and of each by its name.

    data: a file of text, or a folder of such files, as `corpus.files` takes them.
    """
    if data is None:
        raise ValueError("evaluation data not found: pass --data FILE or a folder of files")
    if not data.exists():
        raise ValueError(f"there is no file or folder {data}")
    backend, score = scorer(run, options.backend, batch_tokens=options.batch_tokens, half=options.half)
    read = windows(run, backend, score, options.length, options.stride)
    costs: dict[str, Counter[str]] = {}
    documents = Files(files=(str(data),), field=options.field).documents("strict")
    for name, some in groupby(documents, attrgetter("domain")):
        costs[name] = costs.get(name, Counter()) + _cost(score, islice(some, options.limit), read)
    if empty := [name for name, cost in costs.items() if not cost["tokens"]] or ([] if costs else [str(data)]):
        raise ValueError(f"{empty[0]} is empty: there is no text to read")
    parts = {f"{name}/{key}": number for name, cost in costs.items() for key, number in _figures(cost).items()}
    return _figures(sum(costs.values(), Counter())) | (parts if len(costs) > 1 else {})


def _cost(score: Scorer, documents: Iterator[Document], read: Windows) -> Counter[str]:
    """What documents cost in nats, and how many tokens, words and bytes they are."""
    cost: Counter[str] = Counter()
    while some := [document.text for document in islice(documents, AT_ONCE)]:
        found = score(map(Text, some), read)
        cost["words"] += sum(len(text.split()) for text in some)
        cost["tokens"] += int(found.tokens.sum())
        cost["bytes"] += int(found.bytes.sum())
        cost["nats"] -= found.total[0].sum()
    return cost


def _figures(cost: Counter[str]) -> dict[str, float]:
    each = {unit: cost["nats"] / cost[unit] for unit in ("tokens", "words", "bytes")}
    return {
        "nats_per_token": each["tokens"],
        "perplexity": exp(min(each["tokens"], MOST)),
        "word_perplexity": exp(min(each["words"], MOST)),
        "bits_per_byte": each["bytes"] / log(2),
    }
