"""Documentation as prose: what a language can be learned from, without the drawings around it.

Paragraphs are unwrapped to one line each, since where a line of source was full says nothing. Left out are underlines,
and tables, `>>>` sessions and grammar rules to the end of their paragraph; paragraphs of under four words or mostly of
signs; and every paragraph that was there before, but for case, digits and punctuation: a text held out must not stand
in training too. Of inline markup the signs go and the words stay. Nothing is reworded.
"""

import hashlib
import re

SHORTEST = 4
"""Words below which a paragraph is left out."""

MARKUP = (
    (re.compile(r":[a-z:]+:`~?([^`]+)`"), r"\1"),
    (re.compile(r"``([^`]+)``"), r"\1"),
    (re.compile(r"`([^`']+)[`']"), r"\1"),
    (re.compile(r"\*\*([^*\s][^*]*)\*\*"), r"\1"),
    (re.compile(r"(?<!\w)\*([^*\s][^*\s]*)\*(?!\w)"), r"\1"),
)
RULER = re.compile(r"^[^\w\n]{3,}$", re.MULTILINE)
BLANK = re.compile(r"\n\s*\n")
ORNAMENT = re.compile(r"^\s*(?:>>>|\.\.\. |\+[-=]+|\|)|^.*::=", re.MULTILINE)
LETTERS = re.compile(r"[^\W\d_]+")


class Paragraphs:
    """The paragraphs of one text after another; each is given out once."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def new(self, text: str) -> str:
        """The paragraphs of `text` that have not been seen yet, one a line."""
        paragraphs = (prose(paragraph) for paragraph in BLANK.split(RULER.sub("", text)))
        return "\n".join(paragraph for paragraph in paragraphs if paragraph and self._is_new(paragraph))

    def _is_new(self, paragraph: str) -> bool:
        words = " ".join(LETTERS.findall(paragraph.lower()))
        name = hashlib.blake2b(words.encode(), digest_size=16).digest()
        known = name in self._seen
        self._seen.add(name)
        return not known


def prose(paragraph: str) -> str:
    """`paragraph` on one line without markup, or nothing when it is not prose."""
    text = " ".join(ORNAMENT.split(paragraph, maxsplit=1)[0].split())
    for pattern, words in MARKUP:
        text = pattern.sub(words, text)
    letters = LETTERS.findall(text)
    spelled = sum(map(len, letters)) / max(len(text.replace(" ", "")), 1)
    return text if len(letters) >= SHORTEST and spelled > 0.6 else ""
