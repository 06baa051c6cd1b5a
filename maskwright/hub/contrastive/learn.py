"""A run trained further to give vectors of texts, from plain text without labels, and what that brings to retrieval.

What a text is told apart by is made from the text itself (`Method`); held-out paragraphs are asked before and after.
"""

import shutil
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from ...evaluate.retrieval.pairs import pairs
from ...evaluate.statistics.bootstrap import interval, resampled
from ...run.load import LoadedRun
from ...settings import settings
from ...settings.bounds import PositiveInt, Seed, Size
from ...storage.atomic import atomic_folder
from ...text.corpora.files import Files
from ..export.run import export, way
from ..export.sentences import Pooling, write

Method = Literal["simcse", "tsdae", "pairs"]
"""`simcse`: a text is to be nearest to itself under other dropout (Gao et al. 2021, arXiv 2104.08821, section 3).
`tsdae`: a decoder writes a text from the vector of what deletion leaves of it (Wang et al. 2021, arXiv 2104.06979).
`pairs`: the first sentence of a paragraph is to be nearest to the rest of it."""
RESAMPLES = 2000

CARD = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
- maskwright
- sentence-transformers
---

# {name}

Vectors of texts, learned by {method} from {texts:,} paragraphs with maskwright and sentence-transformers.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("{name}"{trust})
```

| the first sentence of a held-out paragraph finds the rest among {queries:,} | before | after |
|---|---|---|
| nDCG@10 | {before} | {after} |
"""


@settings
class Options:
    """How vectors of texts are learned, and how they are tested."""

    method: Method = "simcse"
    """What is learned from: simcse, tsdae or pairs."""
    pooling: Pooling | None = None
    """The vector of a text; by default the mean over its tokens, or that of the last one of a causal model."""
    texts: Annotated[PositiveInt, Field(ge=2)] = 2000
    """Paragraphs to learn from."""
    queries: Annotated[PositiveInt, Field(ge=2)] = 500
    """Held-out paragraphs whose first sentence is to find the rest among those of all."""
    epochs: PositiveInt = 1
    """Passes over the texts."""
    batch: Annotated[Size, Field(ge=2)] = 32
    """Texts per update; the others in it are what one is told from."""
    lr: Annotated[float, Field(gt=0)] = 3e-5
    """Peak learning rate of AdamW; a tenth of the updates warms up, then it falls to zero."""
    temperature: Annotated[float, Field(gt=0)] = 0.05
    """What similarities are divided by, of simcse and pairs."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Every probability of dropout in training, by which simcse has two vectors of a text."""
    length: Annotated[Size, Field(ge=5)] = 128
    """Tokens of a text, if the model allows as many."""
    seed: Seed = 0
    """Decides order, dropout and deletions."""

    def __post_init__(self) -> None:
        if self.batch > self.texts:
            raise ValueError(f"batch={self.batch} is over texts={self.texts}: an update takes no more than there are")
        if self.method == "simcse" and not self.dropout:
            raise ValueError("dropout=0: simcse tells a text from others by two vectors of it, which dropout makes")


def learn(source: LoadedRun, data: Path | None, options: Options, out: Path) -> dict[str, float]:
    """Train `source` on the paragraphs of `data` and write it to `out`; `before/…`, `after/…` and `change/…` of
    `ndcg10` and `mrr10` on held-out ones, with the interval of what changed over queries, and `words/…` of TF-IDF.

    Raises ValueError without sentence-transformers, when `out` holds something already, when there are too few
    paragraphs, and for a model that a method does not take.
    """
    if find_spec("sentence_transformers") is None:
        raise ValueError("vectors of texts need sentence-transformers: pip install 'maskwright[retrieval]'")
    if data is None:
        raise ValueError("text not found: pass --data FILE or a folder of files")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: choose another folder")
    from ...evaluate.retrieval import late_interaction as late
    from . import train as stage

    train, test = pairs(Files(files=(str(data),)).documents("strict"), options.texts, options.queries)
    length, device = min(options.length, source.model_settings.max_length), next(source.model.parameters()).device
    with TemporaryDirectory() as scratch:
        begun = Path(scratch) / "begun"
        export(with_dropout(source, options.dropout), begun)
        write(begun, way(source.objective, None)[0], options.pooling)
        model = stage.opened(begun, device, length)
        ranks = {"before": stage.ranks(model, test)}
        stage.train(model, train, options, Path(scratch) / "library")
        ranks["after"] = stage.ranks(model, test)
        numbers = _numbers(ranks | {"words": late.lexical_ranks(test)})
        numbers |= {"queries": len(test.queries), "texts": len(train.queries)}
        with atomic_folder(out) as aside:
            model.save(str(aside), create_model_card=False)
            code = [Path(shutil.copy(file, aside)) for file in begun.glob("*.py")]
            (aside / "README.md").write_text(_card(out.resolve().name, options, numbers, bool(code)), encoding="utf-8")
    return numbers


def with_dropout(source: LoadedRun, dropout: float) -> LoadedRun:
    """The same model with every probability of dropout at `dropout`."""
    settings = replace(source.model_settings, dropout=dropout)
    return replace(source, model_settings=settings, open_model=partial(_rebuilt, source, settings))


def _rebuilt(source: LoadedRun, settings: object) -> nn.Module:
    rows = source.tokenizer.vocabulary.size
    made: nn.Module = settings.build(rows, torch.Generator().manual_seed(0))  # type: ignore[attr-defined]
    made.load_state_dict(source.model.state_dict())
    return made


def _numbers(ranks: dict[str, np.ndarray]) -> dict[str, float]:
    from ...evaluate.retrieval.late_interaction import gain, reciprocal

    numbers: dict[str, float] = {}
    for name, measure in (("ndcg10", gain), ("mrr10", reciprocal)):
        numbers |= {f"{when}/{name}": float(measure(found).mean()) for when, found in ranks.items()}
        each = measure(ranks["after"]) - measure(ranks["before"])
        value = float(each.mean())
        low, high = interval(value, resampled(len(each), RESAMPLES, "queries") @ each / len(each))
        numbers |= {f"change/{name}": value, f"change/{name}_low": low, f"change/{name}_high": high}
    return numbers


def _card(name: str, options: Options, numbers: dict[str, float], remote: bool) -> str:
    scores = {when: f"{numbers[f'{when}/ndcg10']:.3f}" for when in ("before", "after")}
    counts = {what: int(numbers[what]) for what in ("texts", "queries")}
    return CARD.format(name=name, method=options.method, trust=", trust_remote_code=True" * remote, **counts, **scores)
