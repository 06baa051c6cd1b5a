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

from ...run.load import LoadedRun
from ...text.tokenizers.tokenizer import Tokenizer
from ..scoring.minimal_pairs import Item, ItemResults, wilson
from ..scoring.scorer import Text
from . import _pairs
from ._derivation import WORD, Options, by_rule, derived, fewer_tokens, token_ids, untrained

__all__ = ["NEEDS_ONE_MODEL", "Options", "evaluate"]

NEEDS_ONE_MODEL = True

SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
MAX_RATIO = 4.0
"""How many times as probable one noun of a pair may be as the other, by the frequencies of their tokens."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the two endings, each a mean over nouns), by ending, and of what knows no morphology.

    `fewer_tokens` and `frequent_tokens` are rules without a model: the sentence with fewer tokens wins, or that with
    more frequent ones. `untrained` is the model with random weights.

    data: the held-out text, a file or a folder. Raises ValueError when it is not given or contains no pair.
    """
    texts = options.texts(data, "morphology")
    frequency = log_frequency(texts, run.tokenizer)
    nouns = matched(dict(derived(*options.words(texts))), run.tokenizer, frequency)
    asked = _pairs.select_items(items(texts, nouns), options, "morphology")
    place = ("morphology", data.name if data else "")
    found = _pairs.evaluate_pairs(run, asked, options, place, summary=accuracies)
    silent = replace(options, predictions=None)
    floor = _pairs.evaluate_pairs(untrained(run), asked, silent, place, summary=accuracies)
    return found | rules(asked, run.tokenizer, frequency) | {"untrained/accuracy": floor["accuracy"]}


def log_frequency(texts: Sequence[str], tokenizer: Tokenizer) -> np.ndarray:
    """[V] float64, the logarithm of each token's share of the tokens of `texts`, add-one smoothed."""
    counts = np.ones(tokenizer.vocabulary.size)
    for ids, _ in tokenizer.encode_batch(list(texts)):
        np.add.at(counts, ids, 1)
    found: np.ndarray = np.log(counts / counts.sum())
    return found


def matched(pairs: Mapping[str, str], tokenizer: Tokenizer, frequency: np.ndarray) -> dict[str, str]:
    """Those of `pairs`, nouns and their rivals, that have as many tokens of about the same `frequency`, [V]."""
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
    frequent = by_rule(asked, [frequency[ids].sum() for ids in token_ids(asked, tokenizer)])
    found = {"fewer_tokens": fewer_tokens(asked, tokenizer), "frequent_tokens": frequent}
    return {f"{name}/accuracy": accuracies(answers)["accuracy"] for name, answers in found.items()}
