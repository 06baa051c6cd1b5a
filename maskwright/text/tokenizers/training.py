"""The four kinds of tokenizers that can be trained, one function each.

No token crosses a word boundary, except for whitespace before a word: whole-word masking depends on it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import Field
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from ...settings import Names, settings
from ...settings.bounds import MOST_VOCABULARY, PositiveInt
from .vocabulary import NAMES, OURS

UNKNOWN = NAMES["unk"][0]


@settings
class TokenizerSettings:
    """A tokenizer to train on the training text, or one to load."""

    kind: Literal["bpe", "wordpiece", "unigram", "character"] = "bpe"
    """Byte-level BPE, WordPiece, Unigram as in SentencePiece, or single characters."""
    size: Annotated[int, Field(le=MOST_VOCABULARY)] = 16_384
    """Vocabulary size, including the nine special tokens and those of `add`."""
    normalisation: Literal["nfc", "nfkc", "none"] = "nfc"
    """Unicode normal form; nfkc also merges compatibility variants."""
    lowercase: bool = False
    """Whether text is lowercased."""
    split_digits: bool = True
    """Whether each digit is a token of its own."""
    byte_fallback: bool = True
    """Whether Unigram encodes unknown characters as bytes; BPE always does, the others use [UNK]."""
    file: str | None = None
    """Load this instead: a tokenizer.json, the folder of a `transformers` tokenizer, or a SentencePiece .model."""
    new_words: PositiveInt | None = None
    """Add so many words of the training text to the tokenizer of `file`, each as one token: those that it splits most
    often, counted by pieces; null adds none."""
    add: Names = ()
    """More special tokens, which some objectives need: [WRONG_RANDOM] …, and in a loaded tokenizer [FW], [BW],
    [WRONG], [RIGHT]."""

    def __post_init__(self) -> None:
        if self.new_words and not self.file:
            raise ValueError(f"new_words={self.new_words} are added to a tokenizer that is there: give tokenizer.file")
        smallest = SMALLEST[self.kind] + len(self.special) - len(OURS)
        if self.size < smallest:
            raise ValueError(f"size={self.size}: a {self.kind} tokenizer has at least {smallest} ids")

    @property
    def special(self) -> list[str]:
        """The special tokens of one that is trained."""
        return list(dict.fromkeys([*OURS, *self.add]))


SMALLEST = {"bpe": 265, "wordpiece": 64, "unigram": 320, "character": 12}


def learn(texts: Iterator[str], options: TokenizerSettings) -> Tokenizer:
    """A tokenizer of at most `options.size` ids trained on `texts`, which are read once."""
    tokenizer = LEARN[options.kind](texts, options)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in options.special])
    return tokenizer


def _bpe(texts: Iterator[str], options: TokenizerSettings) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = _normalizer(options)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*_digits(options), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=options.size, special_tokens=options.special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _wordpiece(texts: Iterator[str], options: TokenizerSettings) -> Tokenizer:
    """Trained as BPE over words marked by ▁, because WordPiece's own trainer orders the alphabet randomly."""
    tokenizer = Tokenizer(models.BPE())
    bert = normalizers.BertNormalizer(handle_chinese_chars=True, strip_accents=False, lowercase=False)
    tokenizer.normalizer = normalizers.Sequence([_normalizer(options), bert])
    parts = [pre_tokenizers.BertPreTokenizer(), *_digits(options)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*parts, pre_tokenizers.Metaspace(split=False)])
    letters = options.size - len(options.special)
    trainer = trainers.BpeTrainer(vocab_size=options.size, limit_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.model = models.WordPiece(_unmarked(tokenizer.get_vocab(), options), unk_token=UNKNOWN)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _unmarked(marked: dict[str, int], options: TokenizerSettings) -> dict[str, int]:
    """The first `options.size` pieces in WordPiece notation: pieces without ▁ continue a word and get ##."""
    learned = sorted(marked, key=lambda piece: marked[piece])
    letters = [piece for piece in learned if len(piece) == 1 and piece != "▁"]
    pieces = [piece[1:] if piece.startswith("▁") else f"##{piece}" for piece in learned if piece != "▁"]
    known = list(dict.fromkeys([*options.special, *letters, *pieces]))[: options.size]
    return {piece: i for i, piece in enumerate(known)}


def _unigram(texts: Iterator[str], options: TokenizerSettings) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = _normalizer(options)
    signs = pre_tokenizers.Split(
        Regex(r"\n|[^\w\s\p{M}'▁]+|'(?!\w)|[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"), "isolated"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), signs, *_digits(options)])
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    size = options.size - 256 * options.byte_fallback
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=options.special, unk_token=UNKNOWN, max_piece_length=16, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.model = _settled(tokenizer, len(options.special), options.byte_fallback)
    return tokenizer


def _settled(tokenizer: Tokenizer, n_special: int, byte_fallback: bool) -> models.Model:
    """The Unigram model of `tokenizer`, with the 256 bytes as its last and least likely pieces.

    Scores are rounded and ties sorted, because parallel sums differ in their last digits from run to run.
    """
    model = json.loads(tokenizer.to_str())["model"]
    rounded = [(piece, round(score, 6)) for piece, score in model["vocab"]]
    special, learned = rounded[:n_special], sorted(rounded[n_special:], key=lambda pair: (-pair[1], pair[0]))
    least = learned[-1][1] - 10.0
    spelled = [(f"<0x{byte:02X}>", least) for byte in range(256 * byte_fallback)]
    return models.Unigram([*special, *learned, *spelled], model["unk_id"], byte_fallback)


def _character(texts: Iterator[str], options: TokenizerSettings) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = _normalizer(options)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(vocab_size=options.size, special_tokens=options.special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


LEARN: dict[str, Callable[[Iterator[str], TokenizerSettings], Tokenizer]] = {
    "bpe": _bpe,
    "wordpiece": _wordpiece,
    "unigram": _unigram,
    "character": _character,
}

FORMS: dict[str, list[normalizers.Normalizer]] = {
    "nfc": [normalizers.NFC()],
    "nfkc": [normalizers.NFKC()],
    "none": [],
}


def _normalizer(options: TokenizerSettings) -> normalizers.Normalizer:
    lower = [normalizers.Lowercase()] if options.lowercase else []
    return normalizers.Sequence([*FORMS[options.normalisation], *lower])


def _digits(options: TokenizerSettings) -> list[pre_tokenizers.PreTokenizer]:
    """Splits off every digit, together with the space before it."""
    return [pre_tokenizers.Split(Regex(r"[ ▁]?\p{N}"), "isolated")] if options.split_digits else []
