"""Parts of speech: which ones a vocabulary's tokens occur in.

The lexicon is a file of sentences, one per line, as `word_TAG word_TAG ...`, with tags of the Penn Treebank or of
Universal Dependencies.

Shapes: V tokens of the vocabulary, K parts of speech (kinds).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..files.errors import short_repr
from ..files.text import lines
from ..settings import did_you_mean
from .tokenizers.tokenizer import Tokenizer

KINDS = {
    "noun": "NN NNS NOUN",
    "name": "NNP NNPS PROPN",
    "verb": "VB VBD VBG VBN VBP VBZ VERB",
    "auxiliary": "MD AUX",
    "adjective": "JJ JJR JJS ADJ",
    "adverb": "RB RBR RBS WRB ADV",
    "pronoun": "PRP PRP$ WP WP$ EX PRON PP",
    "determiner": "DT PDT WDT DET",
    "preposition": "IN TO RP ADP",
    "conjunction": "CC CCONJ SCONJ",
    "number": "CD NUM LS",
    "particle": "POS PART UH INTJ",
    "sign": ". , : ; ... - -- '' `` \" ' ( ) -LRB- -RRB- LRB RRB # $ SYM PUNCT PRN",
    "other": "FW X",
}
"""Parts of speech, and the tags of each."""
MAX_UNKNOWN = 0.001
"""Share of tokens that may have an unknown tag, as in every treebank; they are left out."""
KIND = {tag: kind for kind, tags in KINDS.items() for tag in tags.split()}


def read(path: str | Path) -> Counter[tuple[str, str]]:
    """How often each word occurs as each part of speech.

    Raises ValueError when more than the share MAX_UNKNOWN of the tokens lack a known tag.
    """
    found, unknown, first = Counter[tuple[str, str]](), Counter[str](), dict[str, int]()
    for number, token, word, tag in tagged(path):
        kind = KIND.get(tag.split("|")[0])
        if word and kind:
            found[word, kind] += 1
        else:
            unknown[token] += 1
            first.setdefault(token, number)
    if unknown.total() > MAX_UNKNOWN * found.total():
        token = unknown.most_common(1)[0][0]
        more, hint = unknown.total() - 1, did_you_mean(token.rpartition("_")[2], KIND)
        raise ValueError(f"{path}:{first[token]}: {short_repr(token)} and {more} more have no known tag; {hint}")
    if not found:
        raise ValueError(f"{path} contains no tagged words, as in The_DT cat_NN")
    return found


def tagged(path: str | Path) -> Iterator[tuple[int, str, str, str]]:
    """Each token of a file of `word_TAG`: number of its line, all of it, its word and its tag, "" where it lacks."""
    for number, line in lines(Path(path)):
        for token in line.split():
            word, _, tag = token.rpartition("_")
            yield number, token, word, tag


def read_classes(path: str | Path, names: Sequence[str]) -> Counter[tuple[str, str]]:
    """How often each word of a lexicon occurs in each of the classes `names`; "" for all other classes.

    A class is a tag of the lexicon, whatever that may be, or a part of speech by its name in KINDS or by any of its
    tags, so that NOUN also stands for NN and NNS. A tag that is named itself belongs to no part of speech beside.
    Raises ValueError for a class that is not there, and when more than MAX_UNKNOWN of the tokens have no tag.
    """
    found, untagged = Counter[tuple[str, str]](), list[tuple[int, str]]()
    for number, token, word, tag in tagged(path):
        if word and tag:
            found[word, tag] += 1
        else:
            untagged.append((number, token))
    if len(untagged) > MAX_UNKNOWN * found.total():
        number, token = untagged[0]
        raise ValueError(f"{path}:{number}: {short_repr(token)} is not a word and its class, as in cat_NN")
    tags = {tag for _, tag in found}
    kinds = {KIND[tag.split("|")[0]] for tag in tags if tag.split("|")[0] in KIND}
    parts = {kind: name for name in names if name not in tags and (kind := KIND.get(name, name.lower())) in kinds}
    if absent := next((name for name in names if name not in tags and name not in parts.values()), None):
        choices = tags | {tag for tag, kind in KIND.items() if kind in kinds}
        raise ValueError(f"{path} has no class {short_repr(absent)}: {did_you_mean(absent, choices)}")
    classes = Counter[tuple[str, str]]()
    for (word, tag), many in found.items():
        classes[word, tag if tag in names else parts.get(KIND.get(tag.split("|")[0], ""), "")] += many
    return classes


def tokens(words: Counter[tuple[str, str]], tokenizer: Tokenizer) -> tuple[list[str], np.ndarray]:
    """The parts of speech in `words`, and [K, V] float64, how often each token occurs in words of each."""
    kinds = [kind for kind in KINDS if any(kind == one for _, one in words)]
    return kinds, count(words, kinds, tokenizer)


def count(words: Counter[tuple[str, str]], kinds: Sequence[str], tokenizer: Tokenizer) -> np.ndarray:
    """[K, V] float64, how often each token occurs in words of each of K kinds."""
    counts = np.zeros((len(kinds), tokenizer.vocabulary.size))
    encoded = tokenizer.encode_batch([f" {word}" for word, _ in words])
    for ((_, kind), many), (ids, _) in zip(words.items(), encoded, strict=True):
        np.add.at(counts[kinds.index(kind)], ids, many)
    counts[:, tokenizer.vocabulary.is_special] = 0
    return counts
