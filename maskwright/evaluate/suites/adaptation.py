"""What an adapted model has gained on its domain and lost on what it knew: the model that it began with beside it."""

from math import log
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ...data.loader import length_schedule
from ...data.pack import Pack, pack
from ...objectives.base.objective import Objective
from ...run import build
from ...run.load import LoadedRun, load
from ...run.starting.init_from import init_from
from ...run.starting.vocabulary_transfer import WAYS
from ...settings import settings
from ...storage.cache import cache_folder, key
from ...text.corpora.files import Files
from ...text.corpus import Corpus
from ...text.shards.shards import listed, tokenize
from ...text.tokenizers.tokenizer import Tokenizer
from ..validation.common import exams
from ..validation.validate import take_exam

__all__ = ["NEEDS_ONE_MODEL", "Options", "evaluate"]

NEEDS_ONE_MODEL = True


@settings
class Options:
    """What is asked beside the model before and after."""

    starts: bool = True
    """Of a run with another tokenizer, also the model at step 0 by each way in which new tokens can begin."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`domain/before/…`, `domain/after/…` and their difference `domain/change/…`, on the held-out text of the run; with
    data also `general/…`; and of a run with another tokenizer `start/pieces/…`, `start/mean/…` and `start/random/…`.

    Each has `loss` and `accuracy` of a common exam, and `bits_per_byte`, which compares different tokenizers; of a
    run on several domains they are there for each, as `domain/after/NAME/loss`.
    data: a text file or a folder of them that the model knew before, read as a whole.

    Raises ValueError for a run that began with random weights.
    """
    config = run.known_config
    source = config.training.init_from or getattr(config.model, "path", None)
    if not source:
        raise ValueError(f"{run.path} began with random weights: adaptation is of runs with training.init_from")
    before, exam = load(source, options.device), _exam(run)
    texts: dict[str, Corpus | None] = {"domain": None} | ({"general": Files(files=(str(data),))} if data else {})
    numbers: dict[str, float] = {}
    for text, corpus in texts.items():
        each = {
            when: _numbers(one.model, *_rows(run, one.tokenizer, corpus), exam)
            for when, one in {"before": before, "after": run}.items()
        }
        each["change"] = {name: each["after"][name] - value for name, value in each["before"].items()}
        numbers |= {f"{text}/{when}/{name}": value for when, found in each.items() for name, value in found.items()}
    if options.starts and before.tokenizer.fingerprint != run.tokenizer.fingerprint:
        numbers |= _starts(run, exam, options.device)
    return numbers


def _exam(run: LoadedRun) -> Objective:
    """The first common exam that both models can take. Raises ValueError when there is none."""
    found = exams(run.known_objective)
    if not found:
        raise ValueError(f"{run.path} was trained by an objective without a common exam: its models cannot be compared")
    return next(iter(found.values()))


def _rows(run: LoadedRun, tokenizer: Tokenizer, corpus: Corpus | None) -> tuple[Pack, list[str]]:
    """The held-out text of the run, or all of `corpus`, by a tokenizer, in rows as long as the run's; and the names of
    its domains, as far as they are told apart."""
    if corpus is None and tokenizer.fingerprint == run.tokenizer.fingerprint:
        return run.data.valid, run.data.shards.domains
    config = run.known_config
    what, share = (config.corpus, config.evaluation.held_out) if corpus is None else (corpus, 0.0)
    name = key("adaptation", repr(what), listed(what), tokenizer.fingerprint, share, config.errors)
    shards = tokenize(what, tokenizer, cache_folder() / "shards" / name, share, errors=config.errors, progress=False)
    split = shards.valid if corpus is None else shards.train
    packed = pack(split, tokenizer.vocabulary, length_schedule(config.rows.length)[-1][1])
    return packed, shards.domains if corpus is None else []


def _numbers(model: nn.Module, rows: Pack, domains: list[str], exam: Objective) -> dict[str, float]:
    """The metrics of an exam, over all rows and, where there are several, in each of the domains of that name."""
    result, split = take_exam(model, rows, exam), rows.split
    domain, tokens = np.asarray(split.domains), np.diff(split.offsets)
    parts = {"": np.full(len(domain), True)}
    parts |= {f"{domains[index]}/": domain == index for index in np.unique(domain) if len(domains) > 1}
    numbers: dict[str, float] = {}
    for name, some in parts.items():
        mean = result.mean(some[result.document])
        bits = mean["loss"] / log(2) * float(tokens[some].sum()) / float(split.bytes[some].sum())
        numbers |= {f"{name}loss": mean["loss"], f"{name}accuracy": mean["accuracy"], f"{name}bits_per_byte": bits}
    return numbers


def _starts(run: LoadedRun, exam: Objective, device: str) -> dict[str, float]:
    """The model of the run before its first step, by how new tokens begin."""
    config, numbers = run.known_config, dict[str, float]()
    for how in WAYS:
        model = build.model(config, run.data.shards, torch.device("cpu"))
        init_from(model, config, run.tokenizer, how)
        found = _numbers(model.to(build.device(device)), run.data.valid, [], exam)
        numbers |= {f"start/{how}/{name}": value for name, value in found.items()}
    return numbers
