"""Convert a SentencePiece `.model` to a tokenizer of the `tokenizers` package, which also gives character offsets.

Unigram and BPE models are supported; the file stores no BPE merges, but they follow from the scores of the pieces.
Needs the extra `hub`.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from .plain import plain

NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
"""Types of pieces in sentencepiece_model.proto."""
USUAL = {
    "trainer_spec": {"treat_whitespace_as_suffix": False},
    "normalizer_spec": {"escape_whitespaces": True, "add_dummy_prefix": True},
}
"""Flags that change ids, and their usual values."""
BLANK = "▁"
TRIM = (("^ +| +$", ""), (" {2,}", " "))
"""Blanks alone: other whitespace stays, unless the model's own table maps it."""
PROBES = (
    "", "a", " a  b ", "A cat (3.14)!", "\tone\ntwo", "ＡＢＣ ﬁ ½", "naïve café", "日本語", "🙂 x", "<s> </s>", "▁a",
)  # fmt: skip
"""Texts whose ids must be those of sentencepiece."""
AROUND = ("a{0}b", "a {0} b", "{0}", "({0}) {0}{0}")
"""Where a user-defined symbol may stand."""


def load(path: Path) -> Tokenizer:
    """Raises ValueError when the required packages are missing, and for a file that is not a SentencePiece model."""
    model = _parse(path)
    kinds = {1: _unigram, 2: _bpe}
    if model.trainer_spec.model_type not in kinds:
        raise ValueError(f"{path} is a SentencePiece model of words or characters: only unigram and bpe can be read")
    tokenizer = Tokenizer(kinds[model.trainer_spec.model_type](model))
    tokenizer.normalizer = normalizers.Sequence(_normalizers(model.normalizer_spec))
    prefix = "always" if model.normalizer_spec.add_dummy_prefix else "never"
    # the prefix is the normalizer's: Metaspace would add none where a text begins with the sign itself
    split = model.trainer_spec.split_by_whitespace
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=split)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=prefix)])
    tokenizer.add_special_tokens([AddedToken(piece, normalized=False) for piece in _of(model, UNKNOWN, CONTROL)])
    _compare(path, model, tokenizer)
    return _settled(tokenizer)


def _parse(path: Path) -> Any:
    if not all(map(importlib.util.find_spec, ("sentencepiece", "google.protobuf"))):
        raise ValueError(f"{path} needs the packages sentencepiece and protobuf: pip install maskwright[hub]")
    format_ = importlib.import_module("sentencepiece.sentencepiece_model_pb2")
    errors = importlib.import_module("google.protobuf.message")
    try:
        model = format_.ModelProto.FromString(path.read_bytes())
    except errors.DecodeError:
        raise ValueError(f"{path} is not a SentencePiece model") from None
    if not model.pieces:
        raise ValueError(f"{path} is not a SentencePiece model: it holds no pieces")
    return model


def _of(model: Any, *types: int) -> Iterator[str]:
    return (piece.piece for piece in model.pieces if piece.type in types)


def _settled(tokenizer: Tokenizer) -> Tokenizer:
    """Written and read until nothing changes: reading a score may move its last digit."""
    before = ""
    while (written := tokenizer.to_str()) != before:
        before, tokenizer = written, Tokenizer.from_str(written)
    return tokenizer


def _compare(path: Path, model: Any, tokenizer: Tokenizer) -> None:
    """Raises ValueError when a probe gets other ids than from sentencepiece itself."""
    theirs = importlib.import_module("sentencepiece").SentencePieceProcessor(model_proto=model.SerializeToString())
    ours = plain(tokenizer, list(_of(model, CONTROL)))
    symbols = list(_of(model, USER_DEFINED))
    for probe in [*PROBES, *(form.format(symbol) for symbol in symbols[:100] for form in AROUND)]:
        if ours.encode(probe, add_special_tokens=False).ids != theirs.encode(probe):
            cause = ", ".join(_unusual(model)) or ("user_defined_symbols" if symbols else "its normalisation")
            raise ValueError(
                f"{path} cannot be read exactly: sentencepiece gives {probe!r} other ids, because of {cause}"
            )


def _unusual(model: Any) -> list[str]:
    """The flags that are not as usual."""
    flags = ((getattr(model, spec), name, wanted) for spec, usual in USUAL.items() for name, wanted in usual.items())
    return [name for spec, name, wanted in flags if getattr(spec, name) != wanted]


def _unigram(model: Any) -> models.Model:
    best = max((piece.score for piece in model.pieces if piece.type == NORMAL), default=0.0)
    pieces = [(piece.piece, _score(piece, best)) for piece in model.pieces]
    return models.Unigram(pieces, model.trainer_spec.unk_id, model.trainer_spec.byte_fallback)


def _score(piece: Any, best: float) -> float:
    """A user-defined symbol is taken wherever it stands: sentencepiece scores it as its characters at their best."""
    return len(piece.piece) * best - 0.1 if piece.type == USER_DEFINED else piece.score


def _bpe(model: Any) -> models.Model:
    ids = {piece.piece: i for i, piece in enumerate(model.pieces)}
    return models.BPE(
        ids,
        [merge for piece in _by_score(model) for merge in _halves(piece, ids)],
        unk_token=model.pieces[model.trainer_spec.unk_id].piece,
        fuse_unk=True,
        byte_fallback=model.trainer_spec.byte_fallback,
    )


def _by_score(model: Any) -> list[str]:
    pieces = [piece for piece in model.pieces if piece.type == NORMAL]
    return [piece.piece for piece in sorted(pieces, key=lambda piece: -piece.score)]


def _halves(piece: str, ids: dict[str, int]) -> list[tuple[str, str]]:
    """Every split of `piece` into two known pieces, those learned first in front."""
    pairs = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in ids and piece[i:] in ids]
    return sorted(pairs, key=lambda pair: (ids[pair[0]], ids[pair[1]]))


def _normalizers(spec: Any) -> list[normalizers.Normalizer]:
    mapped = [normalizers.Precompiled(spec.precompiled_charsmap)] if spec.precompiled_charsmap else []
    trimmed = (
        [normalizers.Replace(Regex(pattern), new) for pattern, new in TRIM] if spec.remove_extra_whitespaces else []
    )
    prefix = [normalizers.Prepend(BLANK)] if spec.add_dummy_prefix else []
    return [*mapped, *trimmed, *prefix]
