"""Fine-tuning for tags of words, parts of speech or entities: all tasks of a folder, each from several seeds."""

from pathlib import Path

import numpy as np

from ...progress import through
from ...run.load import LoadedRun
from ...settings import settings
from ..finetuning.finetune import FineTuner, Finetuning
from ..finetuning.grid import search
from ..finetuning.metrics import check_seqeval
from ..finetuning.tag_data import KINDS, Tagging, commonest, tagging
from ..finetuning.targets import Tags, is_spans
from ._tasks import TaskSelection, over_seeds

__all__ = ["NEEDS_ONE_MODEL", "Options", "evaluate"]

NEEDS_ONE_MODEL = True


@settings
class Options(Finetuning, TaskSelection):
    """How to fine-tune, and on which tasks; `protocol` and `pool` are for tasks of whole texts."""

    def __post_init__(self) -> None:
        for name, default in {"protocol": None, "pool": "auto"}.items():
            if getattr(self, name) != default:
                raise ValueError(f"{name}={getattr(self, name)}: words have vectors of their own; leave it out")
        super().__post_init__()


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`TASK/accuracy` over words, and of entities `…/f1`, `…/precision` and `…/recall` by seqeval's rules, of other
    tags `…/f1` (macro) and `…/mcc`: means over the seeds, with deviations `…_sd`. `commonest` and `commonest_f1` are
    those of giving each word the tag that it has most often in training. `…/lr` and `…/batch` are
    those chosen of several. `accuracy` and `f1` are means over the tasks.

    data: a folder with train.conll and valid.conll (or .txt, .conllu, .tsv …), or a folder of such folders; of a single
    file, blocks of sentences are held out. A word is read at its first token.

    Raises ValueError for lines without a tag and tags that training does not have, with file and line.
    """
    found = options.files(data, KINDS, alone=True)
    numbers: dict[str, float] = {}
    for name, files in through([*found.items()]):
        one = tagging(name, *files, options.limit)
        if is_spans(one.classes):
            check_seqeval()
        tuner = FineTuner(run.model, run.tokenizer, run.objective, one, options)
        chosen = search(tuner, 0)
        told = over_seeds([tuner(seed) for seed in through(range(options.seeds))]) | _floor(one) | chosen
        numbers |= {f"{name}/{key}": value for key, value in told.items()}
    means = {key: float(np.mean([numbers[f"{name}/{key}"] for name in found])) for key in ("accuracy", "f1")}
    return numbers | means


def _floor(one: Tagging) -> dict[str, float]:
    every = np.arange(len(one.valid))
    target = Tags(one.valid.labels, one.classes, every)
    numbers = target.numbers(np.concatenate(commonest(one)), every)
    words = sum(map(len, one.valid.labels))
    return {"commonest": numbers["accuracy"], "commonest_f1": numbers["f1"], "sentences": len(every), "words": words}
