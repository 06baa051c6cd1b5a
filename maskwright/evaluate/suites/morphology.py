"""-ness or -ity? Of an adjective that a held-out text knows, the derived noun that stands there against the other one.

`happiness` is attested and `happity` nowhere: the sentence of the text is set against the same with the other noun.
Pairs are made from the text itself, so a suite of real words is there where none can be had. An adjective is a word of
the text to which the ending leads back; with `lexicon` it must be tagged as one there too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ...run.load import LoadedRun
from ...settings import settings
from ...text.corpora.files import Files
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ..statistics.pos_lexicon import read
from . import _pairs

WORD = re.compile(r"[A-Za-z]+")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
NESS = (("y", "iness"), ("", "ness"))
"""An adjective's ending, and what stands there in the noun; the first that fits counts."""
ITY = (("ble", "bility"), ("ous", "osity"), ("e", "ity"), ("y", "ity"), ("", "ity"))
SHORTEST = 3
"""Letters of the shortest adjective."""


@settings
class Options(_pairs.Options):
    """How the pairs are made and scored."""

    lexicon: Path | None = None
    """A file of tagged sentences, `The_DT cat_NN`, that says which words are adjectives."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over both endings (the mean), and by ending.

    data: the held-out text, a file or a folder. Raises ValueError when it is not given or holds no pair.
    """
    if data is None:
        raise ValueError("the suite morphology makes its pairs from text: give a file or folder with --data")
    texts = [document.text for document in Files(files=(str(data),)).documents("strict")]
    adjectives = None
    if options.lexicon:
        adjectives = {word.lower() for word, kind in read(options.lexicon) if kind == "adjective"}
    return _pairs.judge(run, items(texts, adjectives), options, ("morphology", data.name))


def items(texts: list[str], adjectives: set[str] | None = None) -> Iterator[Item]:
    """A pair for each sentence with a derived noun whose rival stands nowhere in `texts`."""
    known = {word.lower() for text in texts for word in WORD.findall(text)}
    nouns = dict(derived(known if adjectives is None else known & adjectives, known))
    for text in texts:
        for sentence in (found[0].strip() for found in SENTENCE.finditer(text)):
            for place in WORD.finditer(sentence):
                if place[0] in nouns:
                    noun, rival = place[0], nouns[place[0]]
                    other = sentence[: place.start()] + rival + sentence[place.end() :]
                    ending = "ness" if noun.endswith("ness") else "ity"
                    yield Item((Text(sentence), Text(other)), {"ending": ending})


def derived(adjectives: set[str], known: set[str]) -> Iterator[tuple[str, str]]:
    """The nouns made of `adjectives` of which one form is `known` and the other not: that one, and the other."""
    for adjective in sorted(word for word in adjectives if len(word) >= SHORTEST):
        forms = noun(adjective, NESS), noun(adjective, ITY)
        for form, rival in (forms, forms[::-1]):
            if form in known and rival not in known:
                yield form, rival


def noun(adjective: str, rules: tuple[tuple[str, str], ...]) -> str:
    """happy → happiness; able → ability; curious → curiosity; pure → purity."""
    ending, instead = next(rule for rule in rules if adjective.endswith(rule[0]))
    return adjective.removesuffix(ending) + instead
