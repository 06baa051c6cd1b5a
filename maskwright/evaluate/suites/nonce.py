"""Nonce adjectives made into nouns: -ness or -ity, as real adjectives with their ending go (Hofmann et al. 2024).

Items have the form of the official `wug_adj_nominalization`, for which people were asked; here the share is that of the
text's own nouns: 2 of 3 real adjectives in -ive take -ity, so `plortive` should too, two times out of three.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...noise import address
from ...run.load import LoadedRun
from ...settings import settings
from ...settings.bounds import PositiveInt
from ...storage.atomic import atomic_write
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from . import _derivation
from ._derivation import ITY, NESS, fewer_tokens, noun, untrained
from ._wug import Rated, evaluate_wug, figures

ENDINGS = ("able", "ible", "ful", "less", "ish", "ous", "ive", "ic", "al", "ar", "ed", "ent", "ant", "id", "ile", "y")
FEWEST = 3
"""Nouns of the text from adjectives with an ending, without which it is left out."""
FRAMES = (
    "It was so {adjective} that its {noun} was known to all.",
    "He is very {adjective}. I do not like his {noun}.",
    "They said that it was {adjective}, but she did not see the {noun}.",
    "How {adjective} it is! There is no end to the {noun} of it.",
)
VOWELS = "aeiouy"


@settings
class Options(_derivation.Options):
    """How the pairs are made and scored."""

    nonces: PositiveInt = 200
    """How many nonce adjectives."""
    items: Path | None = None
    """A folder to write the items to, in the official format: `wug_adj` reads it, and so does the official program."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Spearman correlation with the shares of real adjectives, and accuracy; those of two floors beside them.

    `fewer_tokens`: the sentence with fewer tokens wins. `untrained`: the model with random weights.
    data: text, a file or a folder. Raises ValueError when it is not given or has too few nouns in -ness and -ity.
    """
    texts = options.texts(data, "nonce")
    rated = list(made(*options.words(texts), options.nonces))
    if options.items:
        lines = [json.dumps({"sentences": "\t".join(t.text for t in item.texts), "ratio": r}) for item, r in rated]
        atomic_write(options.items / "wug_adj_nominalization" / "nonce.jsonl", "\n".join(lines) + "\n")
    place, silent = ("wug_adj", "nonce"), replace(options, predictions=None)
    found, start = evaluate_wug(run, rated, options, place), evaluate_wug(untrained(run), rated, silent, place)
    rule, ratios = fewer_tokens([item for item, _ in rated], run.tokenizer), np.array([ratio for _, ratio in rated])
    floors = {"untrained": start, "fewer_tokens": figures(rule, ratios)}
    return found | {f"{name}/{one}": of[one] for name, of in floors.items() for one in ("spearman", "accuracy")}


def shares(adjectives: set[str], known: set[str]) -> dict[str, float]:
    """For each ending, the share of -ity among the nouns in `known` that are derived from `adjectives` with it."""
    counts = Counter[tuple[str, bool]]()
    for adjective in adjectives:
        for rules in (NESS, ITY):
            counts[_ending(adjective), rules is ITY] += noun(adjective, rules) in known
    totals = {ending: counts[ending, True] + counts[ending, False] for ending in ENDINGS}
    return {ending: counts[ending, True] / total for ending, total in totals.items() if total >= FEWEST}


def _ending(adjective: str) -> str:
    return next((ending for ending in ENDINGS if adjective.endswith(ending)), "")


def made(adjectives: set[str], known: set[str], count: int) -> Iterator[Rated]:
    """At most `count` pairs, -ity first, with the share of -ity; the endings in turn.

    A nonce adjective is a real one with the first consonants of another. Raises ValueError when no ending is frequent.
    """
    share = shares(adjectives, known)
    if len(share) < 2:
        raise ValueError(
            f"the text has {len(share)} endings of adjectives with {FEWEST} nouns in -ness or -ity: give more text"
        )
    for number, adjective in enumerate(_nonces(adjectives, known, share, count)):
        frame, ratio = FRAMES[number % len(FRAMES)], share[_ending(adjective)]
        pair = [frame.format(adjective=adjective, noun=noun(adjective, rules)) for rules in (ITY, NESS)]
        yield Item(tuple(map(Text, pair)), {"paradigm": "wug_adj"}), ratio


def _nonces(adjectives: set[str], known: set[str], share: Mapping[str, float], count: int) -> list[str]:
    draw = np.random.default_rng(address(0, "nonce adjectives", count))
    onsets = sorted({_onset(word) for word in adjectives} - {""})
    real = {ending: sorted(word for word in adjectives if _ending(word) == ending and _stem(word)) for ending in share}
    found: dict[str, None] = {}
    for number in range(20 * count):
        words = real[list(share)[number % len(share)]]
        word = words[draw.integers(len(words))]
        nonce = onsets[draw.integers(len(onsets))] + word[len(_onset(word)) :]
        if nonce not in known and len(found) < count:
            found[nonce] = None
    return list(found)


def _stem(word: str) -> str:
    """What stands between the first consonants of an adjective and its ending."""
    return word.removesuffix(_ending(word))[len(_onset(word)) :]


def _onset(word: str) -> str:
    """The consonants that a word begins with."""
    return word[: next((place for place, letter in enumerate(word) if letter in VOWELS), 0)]
