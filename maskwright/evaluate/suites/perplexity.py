"""Perplexity on other corpora, one by one (Magnusson et al. 2023, "Paloma").

Perplexity per token compares models with the same tokenizer only; bits per byte and perplexity per word compare any.
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
from ...settings.bounds import PositiveInt, Size, Tokens
from ...text.corpora.files import Files
from ...text.corpus import Document
from ..scoring.load import scorer, windows
from ..scoring.scorer import Scorer, Text
from ..scoring.windows import Windows

DOCUMENTS = 256
"""Documents held in memory at once."""
MAX_NATS = 700.0
"""exp(710) overflows float64."""


@settings
class Options:
    """How texts are read and scored."""

    backend: str | None = None
    """How texts are scored: mlm, mlm_word, causal …; by default what the model was trained for."""
    length: Annotated[Size, Field(ge=2)] | None = None
    """Positions of the windows that longer documents are split into; none for the longest training rows."""
    stride: Size | None = None
    """Tokens scored per window; none for half of it. Fewer give each token more context, and take longer."""
    limit: PositiveInt | None = None
    """Use only the first so many documents of each file; none for all. Files of the same name count as one."""
    field: str = "text"
    """The field or column with the text in a .jsonl or .parquet file."""
    batch_tokens: Tokens = 4096
    """Positions per batch, padding included."""
    half: bool = False
    """Matrix products in bfloat16: faster, with rounding errors."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`nats_per_token`, `perplexity`, `word_perplexity` and `bits_per_byte` over all files, and by file name.

    data: a file of text, or a folder of such files, as `corpus.files` takes them.
    """
    if data is None:
        raise ValueError("evaluation data not found: pass --data FILE or a folder of files")
    if not data.exists():
        raise ValueError(f"there is no file or folder {data}")
    backend, score = scorer(run, options.backend, batch_tokens=options.batch_tokens, half=options.half)
    how = windows(run, backend, score, options.length, options.stride)
    costs: dict[str, Counter[str]] = {}
    documents = Files(files=(str(data),), field=options.field).documents("strict")
    for name, some in groupby(documents, attrgetter("domain")):
        costs[name] = costs.get(name, Counter()) + _cost(score, islice(some, options.limit), how)
    if empty := [name for name, cost in costs.items() if not cost["tokens"]] or ([] if costs else [str(data)]):
        raise ValueError(f"{empty[0]} is empty: there is no text to read")
    parts = {f"{name}/{key}": number for name, cost in costs.items() for key, number in _figures(cost).items()}
    return _figures(sum(costs.values(), Counter())) | (parts if len(costs) > 1 else {})


def _cost(score: Scorer, documents: Iterator[Document], how: Windows) -> Counter[str]:
    """Negative log-likelihood in nats, and the number of tokens, words and bytes."""
    cost: Counter[str] = Counter()
    while some := [document.text for document in islice(documents, DOCUMENTS)]:
        found = score(map(Text, some), how)
        cost["words"] += sum(len(text.split()) for text in some)
        cost["tokens"] += int(found.tokens.sum())
        cost["bytes"] += int(found.bytes.sum())
        cost["nats"] -= found.total[0].sum()
    return cost


def _figures(cost: Counter[str]) -> dict[str, float]:
    each = {unit: cost["nats"] / cost[unit] for unit in ("tokens", "words", "bytes")}
    return {
        "nats_per_token": each["tokens"],
        "perplexity": exp(min(each["tokens"], MAX_NATS)),
        "word_perplexity": exp(min(each["words"], MAX_NATS)),
        "bits_per_byte": each["bytes"] / log(2),
    }
