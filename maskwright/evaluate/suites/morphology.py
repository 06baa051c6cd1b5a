"""-ness or -ity: the attested noun derived from an adjective against the unattested one, in sentences of held-out text.

If the text has `happiness` and never `happity`, a sentence with `happiness` is paired with the same sentence with
`happity`. Pairs come from the text itself, so no dataset is needed. An adjective is any word of the text that the noun
can be derived from; with `lexicon` it must also be tagged as an adjective there.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ...run.load import LoadedRun
from ...settings import settings
from ...text.corpora.files import Files
from ...text.pos_lexicon import read
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from . import _pairs

WORD = re.compile(r"[A-Za-z]+")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
NESS = (("y", "iness"), ("", "ness"))
"""An adjective's ending, and what replaces it in the noun; the first match applies."""
ITY = (("ble", "bility"), ("ous", "osity"), ("e", "ity"), ("y", "ity"), ("", "ity"))
SHORTEST = 3
"""Letters an adjective has at least."""


@settings
class Options(_pairs.Options):
    """How the pairs are made and scored."""

    lexicon: Path | None = None
    """A file of tagged sentences, `The_DT cat_NN`, to look up which words are adjectives."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the two endings), and by ending.

    data: the held-out text, a file or a folder. Raises ValueError when it is not given or contains no pair.
    """
    if data is None:
        raise ValueError("the suite morphology makes its pairs from text: give a file or folder with --data")
    texts = [document.text for document in Files(files=(str(data),)).documents("strict")]
    adjectives = None
    if options.lexicon:
        adjectives = {word.lower() for word, kind in read(options.lexicon) if kind == "adjective"}
    return _pairs.evaluate_pairs(run, items(texts, adjectives), options, ("morphology", data.name))


def items(texts: list[str], adjectives: set[str] | None = None) -> Iterator[Item]:
    """A pair for each sentence with a derived noun whose alternative form does not occur in `texts`."""
    known = {word.lower() for text in texts for word in WORD.findall(text)}
    nouns = dict(derived(known if adjectives is None else known & adjectives, known))
    for text in texts:
        for sentence in (found[0].strip() for found in SENTENCE.finditer(text)):
            for place in WORD.finditer(sentence):
                if place[0] in nouns:
                    noun, alternative = place[0], nouns[place[0]]
                    other = sentence[: place.start()] + alternative + sentence[place.end() :]
                    ending = "ness" if noun.endswith("ness") else "ity"
                    yield Item((Text(sentence), Text(other)), {"ending": ending})


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
