"""Files with a tag for each word: the columns of CoNLL, CoNLL-U, and `word_TAG` as in MASC."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from ...files.errors import cut, listing, short_repr
from ...files.names import kind
from ...files.text import lines
from ...text.pos_lexicon import tagged
from .edge_data import tokens_of

KINDS = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".pos", ".tsv", ".txt")
MAX_UNTAGGED = 0.001
"""Share of tokens of a file of `word_TAG` that may lack their word or their tag, as some treebanks' do."""
BLOCK, OF_TEN = 50, 9
"""A file without another for validation gives it its tenth block of so many sentences, of each ten."""
UNIVERSAL = (1, 3)
"""The columns of the word and of its universal part of speech in CoNLL-U."""

Word = tuple[str, str, int]
"""A word, its tag, and its line."""
Sentence = list[Word]
Encode = Callable[[list[str]], tuple[Sequence[np.ndarray], Sequence[np.ndarray]]]


@dataclass(frozen=True)
class TaggedSentences:
    """N sentences."""

    words: list[tuple[str, ...]]
    labels: list[np.ndarray]
    """Of each sentence [words] int64, indices of tags."""

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class Tagging:
    """Training and validation sentences of one task."""

    name: str
    classes: tuple[str, ...]
    train: TaggedSentences
    valid: TaggedSentences


def tagging(name: str, train: Path, valid: Path, limit: int | None = None) -> Tagging:
    """A task from its files, the first `limit` sentences of each; the same file twice is split by blocks of sentences.

    Raises ValueError, with file and line, for a word without its tag and a tag that does not occur in training.
    """
    parts = [sentences(train)[:limit], [] if train == valid else sentences(valid)[:limit]]
    known = {tag for sentence in parts[0] for _, tag, _ in sentence}
    if train == valid:
        held = [number // BLOCK % 10 == OF_TEN for number in range(len(parts[0]))]
        parts = [[one for one, out in zip(parts[0], held, strict=True) if out == wanted] for wanted in (False, True)]
    classes = tuple(sorted(known, key=lambda tag: (tag != "O", tag)))
    for path, part in zip((train, valid), parts, strict=True):
        if not part:
            few = f", or fewer than {BLOCK * OF_TEN + 1}, too few to hold some out" if train == valid else ""
            raise ValueError(f"{path} is empty: it contains no tagged sentences{few}")
    if len(classes) < 2:
        raise ValueError(f"{train} has only one tag, {cut(classes[0])}: give at least two")
    for _, tag, line in (word for sentence in parts[1] for word in sentence if word[1] not in known):
        raise ValueError(f"{valid}:{line}: tag={cut(tag)} is not among those of {train.name}: {listing(classes)}")
    return Tagging(name, classes, *(_numbered(part, classes) for part in parts))


def _numbered(part: list[Sentence], classes: tuple[str, ...]) -> TaggedSentences:
    number = {tag: place for place, tag in enumerate(classes)}
    words = [tuple(word for word, *_ in sentence) for sentence in part]
    return TaggedSentences(words, [np.array([number[tag] for _, tag, _ in sentence]) for sentence in part])


def sentences(path: Path) -> list[Sentence]:
    """The sentences of a file. Raises ValueError, with file and line, for a word without its tag."""
    if kind(path) == ".conllu":
        return list(_columns(path, universal=True))
    first = next((line.split() for _, line in lines(path) if line.strip()), [])
    words = (token.rpartition("_") for token in first)
    return _underscores(path) if first and all(word and tag for word, _, tag in words) else list(_columns(path))


def _underscores(path: Path) -> list[Sentence]:
    """One sentence a line, as `The_DT cat_NN`."""
    every = list(tagged(path))
    without = [(line, token) for line, token, word, tag in every if not (word and tag)]
    if len(without) > MAX_UNTAGGED * len(every):
        line, token = without[0]
        raise ValueError(f"{path}:{line}: {short_repr(token)} is not a word and its tag, as in cat_NN")
    whole = [(word, tag, line) for line, _, word, tag in every if word and tag]
    return [list(found) for _, found in groupby(whole, key=lambda word: word[2])]


def _columns(path: Path, universal: bool = False) -> Iterator[Sentence]:
    """One word a line: the first column, and its tag in the last; a blank line ends a sentence."""
    found: Sentence = []
    width = 0
    for number, line in lines(path):
        cells = line.split("\t") if universal else line.split()
        if not line.strip() or cells[0] == "-DOCSTART-":
            if found:
                yield found
            found = []
        elif not (universal and (line.startswith("#") or not cells[0].isdigit())):  # comments, and words of several
            width = width or len(cells)
            if len(cells) != width or width < (max(UNIVERSAL) + 1 if universal else 2):
                wanted = f"{width}, as above" if width > 1 else "a word and, last, its tag"
                raise ValueError(f"{path}:{number}: {len(cells)} columns in {short_repr(line)}: give {wanted}")
            word, tag = (cells[place] for place in (UNIVERSAL if universal else (0, -1)))
            found.append((word, tag, number))
    if found:
        yield found


@dataclass(frozen=True)
class TaggedRows:
    """Sentences as token ids; one that is too long is several rows, cut between words."""

    ids: list[np.ndarray]
    """Of each row, int64, without special tokens."""
    places: list[np.ndarray]
    """Of each row [words] int64, the first token of each word."""
    labels: list[np.ndarray]
    """Of each row [words] int64."""
    sentences: list[int]
    """Of each row, the number of its sentence."""


def in_rows(part: TaggedSentences, encode: Encode, room: int) -> TaggedRows:
    """Rows of at most `room` tokens; a word is where the first token is that overlaps it, by offsets.

    encode: from texts to the ids of each and where each token ends in it, in characters.
    """
    rows = TaggedRows([], [], [], [])
    texts = [" ".join(words) for words in part.words]
    for number, (ids, ends) in enumerate(zip(*encode(texts), strict=True)):
        firsts = np.r_[first_tokens(part.words[number], ends), len(ids)]  # [words + 1]
        begin = 0
        for word in range(1, len(firsts)):
            if word + 1 == len(firsts) or firsts[word + 1] - firsts[begin] > room:
                rows.ids.append(ids[firsts[begin] : firsts[word]][:room])
                rows.places.append((firsts[begin:word] - firsts[begin]).clip(max=room - 1))
                rows.labels.append(part.labels[number][begin:word])
                rows.sentences.append(number)
                begin = word
    return rows


def first_tokens(words: Sequence[str], ends: np.ndarray) -> np.ndarray:
    """[words] int64, the first token that overlaps each word of the text in which blanks are between them.

    ends: [T] int64, as in `tokens_of`. A word without a token of its own has that of its neighbour.
    """
    sizes = np.array([len(word) for word in words])
    stops = np.cumsum(sizes + 1) - 1
    spans = np.stack([stops - sizes, stops], -1)[:, None]  # [words, 1, 2]
    return tokens_of(spans, ends)[:, 0, 0].clip(max=max(len(ends) - 1, 0))


def commonest(task: Tagging) -> list[np.ndarray]:
    """The tags of the validation words if each is the one that its word has most often in training."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    overall = Counter[int]()
    for words, labels in zip(task.train.words, task.train.labels, strict=True):
        overall.update(labels.tolist())
        for word, label in zip(words, labels.tolist(), strict=True):
            counts[word][label] += 1
    best = {word: count.most_common(1)[0][0] for word, count in counts.items()}
    otherwise = overall.most_common(1)[0][0]
    return [np.array([best.get(word, otherwise) for word in words]) for words in task.valid.words]
