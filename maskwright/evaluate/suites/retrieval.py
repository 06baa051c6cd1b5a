"""Retrieval by late interaction, on pairs made from text: the first sentence of a paragraph finds the rest of it.

The model is handed over to sentence-transformers, which trains it as ColBERT is trained: extra `retrieval`.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ...attention import BACKWARD, BOTH, FORWARD
from ...objectives.base.capabilities import reading_direction
from ...objectives.base.objective import Objective
from ...progress import through
from ...run.load import LoadedRun
from ...settings import settings
from ...settings.bounds import Layers, PositiveInt, Size
from ...text.corpora.files import Files
from ..retrieval.pairs import pairs
from ..statistics.bootstrap import interval, resampled

NEEDS_ONE_MODEL = True
RESAMPLES = 2000
VIEWS = {"both": (BOTH,), "forward": (FORWARD,), "backward": (BACKWARD,), "forward+backward": (FORWARD, BACKWARD)}


@settings
class Options:
    """What is learned from, and how."""

    pairs: PositiveInt = 2000
    """Pairs to train on."""
    queries: Annotated[PositiveInt, Field(ge=2)] = 500
    """Queries to test with, against the passages of all of them."""
    view: Literal["auto", "both", "forward", "backward", "forward+backward"] = "auto"
    """How texts are read; `forward+backward` puts the vectors of both views side by side. auto takes all directions
    that the model was trained in."""
    epochs: PositiveInt = 2
    """Passes over the pairs."""
    batch: Annotated[Size, Field(ge=2)] = 32
    """Pairs per update; the other passages in it are the wrong ones."""
    lr: Annotated[float, Field(gt=0)] = 3e-4
    """Peak learning rate of AdamW."""
    width: Size = 128
    """Dimension of the vectors that are compared."""
    length: Annotated[Size, Field(ge=5)] = 128
    """Tokens of a text, if the model allows as many."""
    seeds: Layers = 3
    """Seeds of the projection and of the order of the pairs."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""

    def __post_init__(self) -> None:
        if self.batch > self.pairs:
            raise ValueError(f"batch={self.batch} is over pairs={self.pairs}: an update takes no more than there are")


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`ndcg10` and `mrr10`, means over queries and seeds with their 95 % interval over queries; beside them those
    `before` this training, of `words` alone (TF-IDF), and of `chance`.

    data: a file of text, or a folder of such files.
    Raises ValueError without sentence-transformers, and when the text has too few paragraphs.
    """
    if find_spec("sentence_transformers") is None:
        raise ValueError("the suite retrieval needs sentence-transformers: pip install 'maskwright[retrieval]'")
    from ..retrieval import late_interaction as late

    if data is None:
        raise ValueError("evaluation data not found: pass --data FILE or a folder of files")
    train, test = pairs(Files(files=(str(data),)).documents("strict"), options.pairs, options.queries)
    views = views_of(options.view, run.objective)
    length = min(options.length, int(run.model.max_length))  # type: ignore[arg-type]
    recipe = late.Recipe(options.epochs, options.batch, options.lr, options.width)
    before, after = [], []
    for seed in through(range(options.seeds)):
        found = late.retriever(run.model, run.tokenizer, views, length, options.width, seed)
        before.append(late.ranks(found, test))
        late.learn(found, train, recipe, seed)
        after.append(late.ranks(found, test))
    every = np.arange(1, len(test.queries) + 1)
    numbers: dict[str, float] = {}
    for name, measure in (("ndcg10", late.gain), ("mrr10", late.reciprocal)):
        numbers |= _with_interval(name, np.mean([measure(ranks) for ranks in after], 0))
        numbers[f"before/{name}"] = float(np.mean([measure(ranks) for ranks in before]))
        numbers[f"words/{name}"] = float(measure(late.lexical_ranks(test)).mean())
        numbers[f"chance/{name}"] = float(measure(every).mean())
        if options.seeds > 1:
            numbers[f"{name}_sd"] = float(np.std([measure(ranks).mean() for ranks in after], ddof=1))
    return numbers | {"queries": len(test.queries), "pairs": len(train.queries), "seeds": options.seeds}


def views_of(named: str, objective: Objective | None) -> tuple[int, ...]:
    """The views of a name; for auto, those that the objective trained."""
    if named != "auto":
        return VIEWS[named]
    if objective and {"forward", "backward"} <= objective.capabilities:
        return VIEWS["forward+backward"]
    return (reading_direction(objective)[0],)


def _with_interval(name: str, each: np.ndarray) -> dict[str, float]:
    value = float(each.mean())
    low, high = interval(value, resampled(len(each), RESAMPLES, "queries") @ each / len(each))
    return {name: value, f"{name}_low": low, f"{name}_high": high}
