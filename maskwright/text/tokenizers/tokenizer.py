"""Text to ids and back, and where words start.

One class for all tokenizers, trained here or loaded. Special tokens always exist: a loaded tokenizer keeps its own
names for them, as its files say, and missing ones get new ids. Corpus text is plain: "[MASK]" in it is encoded as six
characters, never as the mask, since otherwise text could inject special tokens.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Encoding, processors
from tokenizers import Tokenizer as Backend

from ...files.json_files import parse_json
from ...files.text import read_text
from ...storage.atomic import atomic_write
from . import sentencepiece
from .added import by_file, check_ids, has_gaps, with_special
from .extension import extended
from .named import check_model, names_of, names_within
from .plain import Contradiction, plain
from .training import TokenizerSettings, learn
from .vocabulary import Vocabulary, of_ids, roles
from .word_starts import token_starts

__all__ = ["Tokenizer", "TokenizerSettings"]


class Tokenizer:
    """A tokenizer of the package `tokenizers` whose special tokens are known."""

    def __init__(self, backend: Backend, names: Mapping[str, str] | None = None) -> None:
        """names: role to token, for roles whose token is known; the others' are looked for, and added where absent."""
        backend.no_truncation()
        backend.no_padding()
        self.names = roles(backend.get_vocab(), names or names_within(json.loads(backend.to_str())))
        """Role (pad, unk, cls, sep, mask, and forward, backward, wrong, right where known) to the token that has it."""
        backend = with_special(backend, [_special(role, name) for role, name in self.names.items()])
        backend.post_processor = _framed(backend, self.names)
        self._recognising = backend
        special = {token.content for token in backend.get_added_tokens_decoder().values() if token.special}
        self._plain = plain(backend, special - {self.names["unk"]})
        self._spelled: dict[str, bool] = {}

    @classmethod
    def train(cls, texts: Iterable[str], settings: TokenizerSettings) -> "Tokenizer":
        """Train on `texts`, read once, or load `settings.file` if given.

        Raises ValueError when there is no text.
        """
        if settings.file:
            loaded = cls.load(settings.file, settings.add)
            return loaded.with_words(texts, settings.new_words) if settings.new_words else loaded
        return cls(learn(_not_empty(texts), settings))

    @classmethod
    def load(cls, path: str | Path, add: Sequence[str] = ()) -> "Tokenizer":
        """Open a tokenizer.json, a folder containing one, or a SentencePiece model; `add` are more special tokens.

        Raises ValueError when it is none of these.
        """
        file = _file(Path(path).expanduser())
        if file.suffix not in FORMATS:
            raise ValueError(f"tokenizer {file} is neither a tokenizer.json nor a SentencePiece .model")
        backend = FORMATS[file.suffix](file)
        tree = json.loads(backend.to_str())
        check_model(file, tree["model"])
        try:
            return cls(with_special(backend, list(map(_named, add))), names_of(file, tree))
        except Contradiction as error:
            raise ValueError(f"{file} is not a tokenizer of the package tokenizers: {error}") from None

    def with_words(self, texts: Iterable[str], count: int) -> "Tokenizer":
        """The same tokenizer with `count` words of `texts` as tokens; see `extended`."""
        return Tokenizer(extended(self._recognising, texts, count), self.names)

    def opening(self, token: int) -> "Tokenizer":
        """The same tokenizer with the special token `token` in place of [CLS] at the start of a text."""
        made = Tokenizer(Backend.from_str(self._recognising.to_str()), self.names)
        made.names |= {"cls": self.tokens[token]}
        made._recognising.post_processor = _framed(made._recognising, made.names)
        return made

    def save(self, folder: str | Path, closed: bool = True) -> None:
        """Write files that `load` and `AutoTokenizer.from_pretrained` open.

        closed: whether [SEP] follows a text there, as it does here; one that is asked what comes next has none.
        """
        written = Backend.from_str(self._recognising.to_str())
        written.post_processor = _framed(written, self.names, closed)
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],  # else old versions add types, which few take
        }
        tokens = {f"{role}_token": name for role, name in self.names.items()}
        marks = {"bos_token": self.names["cls"], "eos_token": self.names["sep"]}
        atomic_write(Path(folder) / "tokenizer.json", written.to_str(pretty=True))
        atomic_write(Path(folder) / "tokenizer_config.json", json.dumps({**config, **tokens, **marks}, indent=2))
        atomic_write(Path(folder) / "special_tokens_map.json", json.dumps({**tokens, **marks}, indent=2))

    def encode(self, text: str, specials: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Ids [T] int64 and word starts [T] uint8 of `text`, without [CLS] and [SEP].

        With `specials`, a special token spelled out in `text` is that token, as a prompt needs it.
        """
        return self.encode_batch([text], specials)[0]

    def encode_batch(self, texts: Sequence[str], specials: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
        """`encode` of each text; several cores work on it."""
        backend = self._recognising if specials else self._plain
        return _arrays(backend.encode_batch(texts, add_special_tokens=False), texts)

    def ends(self, texts: Sequence[str]) -> list[np.ndarray]:
        """[T] int64 of each text: the character before which each of its tokens ends."""
        encodings = self._plain.encode_batch(texts, add_special_tokens=False)
        return [np.array([end for _, end in encoding.offsets], np.int64) for encoding in encodings]

    def slices(self, text: str) -> list[str]:
        """[T] the part of `text` that each token covers, including the whitespace before it."""
        (ends,) = self.ends([text])
        return [text[begin:end] for begin, end in pairwise([0, *ends.tolist()])]

    def dropped(self, texts: Sequence[str]) -> tuple[int, int]:
        """How many characters of `texts` that are not whitespace give no token even alone, and of how many."""
        codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
        counts = np.bincount(codes)
        here = {chr(code): int(counts[code]) for code in np.flatnonzero(counts).tolist()}
        if new := [character for character in here if character not in self._spelled]:
            encodings = self._plain.encode_batch(new, add_special_tokens=False)
            self._spelled |= {character: len(found) > 0 for character, found in zip(new, encodings, strict=True)}
        solid = {character: count for character, count in here.items() if not character.isspace()}
        return sum(count for character, count in solid.items() if not self._spelled[character]), sum(solid.values())

    def decode(self, ids: Iterable[int], specials: bool = False) -> str:
        """The text of `ids`; special tokens are dropped unless `specials`."""
        return self._recognising.decode([int(i) for i in ids], skip_special_tokens=not specials)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The number of ids, and which are special."""
        special = {i for i, token in self._recognising.get_added_tokens_decoder().items() if token.special}
        ids = {role: self._id(name) for role, name in self.names.items() if role != "unk"}
        return of_ids(self._recognising.get_vocab().values(), special, **ids)

    @property
    def unknown(self) -> int:
        """The id for text that the tokenizer cannot spell."""
        return self._id(self.names["unk"])

    @property
    def pieces(self) -> int:
        """The number of tokens of the model alone, without added ones: `vocab_size` in `transformers`."""
        return self._recognising.get_vocab_size(with_added_tokens=False)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the tokenizer, independent of where it was saved."""
        canonical = json.dumps(json.loads(self._recognising.to_str()), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def tokens(self) -> list[str]:
        """[V] the string of each id in the vocabulary; unused ids are empty."""
        written = [""] * self.vocabulary.size
        for token, i in self._recognising.get_vocab().items():
            written[i] = token
        return written

    def _id(self, name: str) -> int:
        found = self._recognising.token_to_id(name)
        assert found is not None, name
        return found

    def __getstate__(self) -> tuple[str, dict[str, str]]:
        return self._recognising.to_str(), self.names

    def __setstate__(self, state: tuple[str, dict[str, str]]) -> None:
        self.__init__(Backend.from_str(state[0]), state[1])  # type: ignore[misc]


def _special(role: str, name: str) -> AddedToken:
    """A special token. The space before a mask belongs to the hidden word, so the mask absorbs it."""
    return AddedToken(name, special=True, normalized=False, lstrip=role == "mask")


def _named(name: str) -> AddedToken:
    return AddedToken(name, special=True, normalized=False)


def _framed(backend: Backend, names: dict[str, str], closed: bool = True) -> processors.PostProcessor:
    """[CLS] text [SEP], as `transformers` does; unless `closed`, no [SEP] behind a single text."""
    cls, sep = names["cls"], names["sep"]
    ids = [(name, backend.token_to_id(name)) for name in (cls, sep)]
    return processors.TemplateProcessing(
        single=[cls, "$A", *([sep] if closed else [])],
        pair=[cls, "$A", sep, "$B:1", f"{sep}:1"],
        special_tokens=ids,
    )


def _arrays(encodings: Sequence[Encoding], texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ids and word starts of each text, computed in one pass: joined by spaces, texts keep their own words."""
    sizes = np.array([len(encoding) for encoding in encodings], np.int64)
    before = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]  # [N], where each text begins
    ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64, sizes.sum())
    ends = (end for encoding in encodings for span in encoding.offsets for end in span)
    spans = np.fromiter(ends, np.int64, 2 * len(ids)).reshape(-1, 2) + before.repeat(sizes)[:, None]
    starts = token_starts(" ".join(texts), spans)
    return [(ids[begin:end], starts[begin:end]) for begin, end in pairwise([0, *sizes.cumsum().tolist()])]


def _not_empty(texts: Iterable[str]) -> Iterator[str]:
    iterator = iter(texts)
    first = next(iterator, None)
    if first is None:
        raise ValueError("there is no text to train a tokenizer on")
    return chain([first], iterator)


def _file(path: Path) -> Path:
    """The file to load from `path`: itself, or the tokenizer in the folder."""
    candidates = [path / "tokenizer.json", *sorted(path.glob("*.model"))] if path.is_dir() else [path]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        wanted = "holds no tokenizer.json and no .model" if path.is_dir() else "does not exist"
        raise ValueError(f"tokenizer {path} {wanted}")
    return found


def _json(path: Path) -> Backend:
    content = read_text(path)
    tree = parse_json(content, str(path))
    check_ids(path, tree)
    try:
        backend = Backend.from_str(content)
        return Backend.from_str(json.dumps(by_file(tree))) if has_gaps(tree["model"]) else backend
    except Exception as error:  # the bindings raise nothing narrower
        raise ValueError(f"{path} is not a tokenizer of the package tokenizers: {error}") from None


FORMATS: dict[str, Callable[[Path], Backend]] = {".json": _json, ".model": sentencepiece.load}
