"""Morphology: does the model prefer the attested noun to another that is formed from the same adjective?

If the text has `bright` and `brightness`, but never `brightity`, a sentence with `brightness` is paired with the same
sentence with `brightity`. The two have as many tokens, of about the same frequency, so that neither a short nor a
common word decides; and both endings count alike, so that no preference for one of them does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ...run.load import LoadedRun
from ...settings import settings
from ...text.corpora.files import Files
from ...text.pos_lexicon import read
from ...text.tokenizers.tokenizer import Tokenizer
from ..scoring.minimal_pairs import Item, ItemResults, wilson
from ..scoring.scorer import Text
from . import _pairs

WORD = re.compile(r"[A-Za-z]+")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
NESS = (("y", "iness"), ("", "ness"))
"""An adjective's ending, and what replaces it in the noun; the first match applies."""
ITY = (("ble", "bility"), ("ous", "osity"), ("e", "ity"), ("y", "ity"), ("", "ity"))
SHORTEST = 3
"""Letters an adjective has at least."""
MAX_RATIO = 4.0
"""How many times as probable one noun of a pair may be as the other, by the frequencies of their tokens."""


@settings
class Options(_pairs.Options):
    """How the pairs are made and scored."""

    lexicon: Path | None = None
    """A file of tagged sentences, `The_DT cat_NN`, to look up which words are adjectives. Without one, any word of the
    text counts that a noun could be formed from, `ass` and `levy` among them."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the two endings, each a mean over nouns), by ending, and of what knows no morphology.

    `fewer_tokens` and `frequent_tokens` are rules without a model: the sentence with fewer tokens wins, or that with
    more frequent ones. `untrained` is the model with random weights.

    data: the held-out text, a file or a folder. Raises ValueError when it is not given or contains no pair.
    """
    if data is None:
        raise ValueError("the suite morphology makes its pairs from text: give a file or folder with --data")
    texts = [document.text for document in Files(files=(str(data),)).documents("strict")]
    adjectives = None
    if options.lexicon:
        adjectives = {word.lower() for word, kind in read(options.lexicon) if kind == "adjective"}
    frequency = log_frequency(texts, run.tokenizer)
    nouns = matched(texts, run.tokenizer, frequency, adjectives)
    asked = _pairs.select_items(items(texts, nouns), options, "morphology")
    found = _pairs.evaluate_pairs(run, asked, options, ("morphology", data.name), summary=accuracies)
    start = replace(run, open_model=lambda: _untrained(run))
    floor = _pairs.evaluate_pairs(start, asked, replace(options, predictions=None), ("morphology",), summary=accuracies)
    return found | rules(asked, run.tokenizer, frequency) | {"untrained/accuracy": floor["accuracy"]}


def _untrained(run: LoadedRun) -> nn.Module:
    drawn = torch.Generator().manual_seed(0)
    built: nn.Module = run.model_settings.build(run.tokenizer.vocabulary.size, drawn)
    return built.to(next(run.model.parameters()).device)


def log_frequency(texts: Sequence[str], tokenizer: Tokenizer) -> np.ndarray:
    """[V] float64, the logarithm of each token's share of the tokens of `texts`, add-one smoothed."""
    counts = np.ones(tokenizer.vocabulary.size)
    for ids, _ in tokenizer.encode_batch(list(texts)):
        np.add.at(counts, ids, 1)
    found: np.ndarray = np.log(counts / counts.sum())
    return found


def matched(
    texts: Sequence[str], tokenizer: Tokenizer, frequency: np.ndarray, adjectives: set[str] | None = None
) -> dict[str, str]:
    """Nouns of `texts` and their rivals, of as many tokens and of about the same `frequency`, [V].

    An adjective is a word that the texts have in lower case; with `adjectives` only one of those.
    """
    words = {word for text in texts for word in WORD.findall(text)}
    known, attested = {word.lower() for word in words}, {word for word in words if word.islower()}
    pairs = dict(derived(attested if adjectives is None else attested & adjectives, known))
    encoded = [ids for ids, _ in tokenizer.encode_batch([f" {word}" for pair in pairs.items() for word in pair])]
    return {
        noun: rival
        for (noun, rival), one, other in zip(pairs.items(), encoded[::2], encoded[1::2], strict=True)
        if len(one) == len(other) and abs(frequency[one].sum() - frequency[other].sum()) <= log(MAX_RATIO)
    }


def items(texts: Iterable[str], nouns: Mapping[str, str]) -> Iterator[Item]:
    """A pair for each place of `texts` that has one of `nouns`; the other text has its rival there."""
    for text in texts:
        for sentence in (found[0].strip() for found in SENTENCE.finditer(text)):
            for place in WORD.finditer(sentence):
                if rival := nouns.get(place[0]):
                    other = sentence[: place.start()] + rival + sentence[place.end() :]
                    ending = "ness" if place[0].endswith("ness") else "ity"
                    yield Item((Text(sentence), Text(other)), {"ending": ending, "noun": place[0]})


def accuracies(found: ItemResults) -> dict[str, float]:
    """Accuracy with its 95 % interval: by ending the mean over nouns, and the mean over endings.

    Nouns are what is drawn at random, so that they are counted for the interval, not sentences.
    """
    nouns, index, count = np.unique([item.paradigm for item in found.items], return_inverse=True, return_counts=True)
    credit, asked = np.bincount(index, found.credit) / count, dict(zip(nouns.tolist(), count.tolist(), strict=True))
    by_ending: dict[str, list[tuple[float, int]]] = {}
    for noun, one in zip(nouns.tolist(), credit.tolist(), strict=True):
        by_ending.setdefault("ness" if noun.endswith("ness") else "ity", []).append((one, asked[noun]))
    means = {ending: float(np.mean([one for one, _ in some])) for ending, some in by_ending.items()}
    effective = len(means) ** 2 / sum(1 / len(some) for some in by_ending.values())
    numbers = _row("", float(np.mean(list(means.values()))), effective, len(nouns), len(found.items))
    numbers |= {"ties": int(found.tied.sum()), "failures": int(found.failed.sum())}
    for ending, some in by_ending.items():
        numbers |= _row(f"ending/{ending}/", means[ending], len(some), len(some), sum(many for _, many in some))
    return numbers


def _row(prefix: str, share: float, effective: float, nouns: int, sentences: int) -> dict[str, float]:
    low, high = wilson(share, effective)
    numbers = {"accuracy": share, "low": low, "high": high, "nouns": nouns, "items": sentences}
    return {prefix + name: number for name, number in numbers.items()}


def rules(asked: Sequence[Item], tokenizer: Tokenizer, frequency: np.ndarray) -> dict[str, float]:
    """What two rules without a model score on `asked`: fewer tokens win, and more frequent ones, by `frequency` [V]."""
    ids = [ids for ids, _ in tokenizer.encode_batch([text.text for item in asked for text in item.texts])]
    scores = {"fewer_tokens": [-len(one) for one in ids], "frequent_tokens": [frequency[one].sum() for one in ids]}
    return {
        f"{name}/accuracy": accuracies(ItemResults(asked, np.array(some, np.float64).reshape(-1, 2)))["accuracy"]
        for name, some in scores.items()
    }


def derived(adjectives: set[str], known: set[str]) -> Iterator[tuple[str, str]]:
    """(attested, unattested) nouns derived from `adjectives`, where exactly one of the two forms is in `known`."""
    for adjective in sorted(word for word in adjectives if len(word) >= SHORTEST):
        forms = noun(adjective, NESS), noun(adjective, ITY)
        for form, alternative in (forms, forms[::-1]):
            if form in known and alternative not in known:
                yield form, alternative


def noun(adjective: str, rules: tuple[tuple[str, str], ...]) -> str:
    """happy → happiness; able → ability; curious → curiosity; pure → purity."""
    ending, replacement = next(rule for rule in rules if adjective.endswith(rule[0]))
    return adjective.removesuffix(ending) + replacement
