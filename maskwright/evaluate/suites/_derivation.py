"""Nouns in -ness and -ity, and what their suites share."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ...run.load import LoadedRun
from ...settings import settings
from ...text.corpora.files import Files
from ...text.pos_lexicon import read
from ...text.tokenizers.tokenizer import Tokenizer
from ..scoring.minimal_pairs import Item, ItemResults
from . import _pairs

WORD = re.compile(r"[A-Za-z]+")
NESS = (("y", "iness"), ("", "ness"))
"""An adjective's ending, and what replaces it in the noun; the first match applies."""
ITY = (("ble", "bility"), ("ous", "osity"), ("e", "ity"), ("y", "ity"), ("", "ity"))
SHORTEST = 3
"""Letters an adjective has at least."""


@settings
class Options(_pairs.Options):
    """How the pairs are made and scored."""

    lexicon: Path | None = None
    """A file of tagged sentences, `The_DT cat_NN`, to look up which words are adjectives. Without one, any word of the
    text counts that a noun could be formed from, `ass` and `levy` among them."""

    def texts(self, data: Path | None, suite: str) -> list[str]:
        """The documents of a file or folder. Raises ValueError when it is not given."""
        if data is None:
            raise ValueError(f"the suite {suite} makes its pairs from text: give a file or folder with --data")
        return [document.text for document in Files(files=(str(data),)).documents("strict")]

    def words(self, texts: Sequence[str]) -> tuple[set[str], set[str]]:
        """The adjectives that the texts have in lower case, and all their words, made lower."""
        every = {word for text in texts for word in WORD.findall(text)}
        lower = {word for word in every if word.islower() and len(word) >= SHORTEST}
        if self.lexicon:
            lower &= {word.lower() for word, kind in read(self.lexicon) if kind == "adjective"}
        return lower, {word.lower() for word in every}


def noun(adjective: str, rules: tuple[tuple[str, str], ...]) -> str:
    """happy → happiness; able → ability; curious → curiosity; pure → purity."""
    ending, replacement = next(rule for rule in rules if adjective.endswith(rule[0]))
    return adjective.removesuffix(ending) + replacement


def derived(adjectives: set[str], known: set[str]) -> Iterator[tuple[str, str]]:
    """(attested, unattested) nouns derived from `adjectives`, where exactly one of the two forms is in `known`."""
    for adjective in sorted(adjectives):
        forms = noun(adjective, NESS), noun(adjective, ITY)
        for form, alternative in (forms, forms[::-1]):
            if form in known and alternative not in known:
                yield form, alternative


def untrained(run: LoadedRun) -> LoadedRun:
    """The same run with the random weights of a model that has not been trained."""

    def start() -> nn.Module:
        built: nn.Module = run.model_settings.build(run.tokenizer.vocabulary.size, torch.Generator().manual_seed(0))
        return built.to(next(run.model.parameters()).device)

    return replace(run, open_model=start)


def token_ids(asked: Sequence[Item], tokenizer: Tokenizer) -> list[np.ndarray]:
    """The ids of each text of each item, in order, [N] int64 each."""
    return [ids for ids, _ in tokenizer.encode_batch([text.text for item in asked for text in item.texts])]


def by_rule(asked: Sequence[Item], scores: Sequence[float]) -> ItemResults:
    """What a rule without a model answers that gives each text of each of the pairs `asked` a score."""
    return ItemResults(asked, np.array(scores, np.float64).reshape(-1, 2))


def fewer_tokens(asked: Sequence[Item], tokenizer: Tokenizer) -> ItemResults:
    """What the rule answers that the text with fewer tokens is right."""
    return by_rule(asked, [-len(ids) for ids in token_ids(asked, tokenizer)])
