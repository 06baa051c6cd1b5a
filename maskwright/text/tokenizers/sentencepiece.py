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

NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
"""Types of pieces in sentencepiece_model.proto."""


def load(path: Path) -> Tokenizer:
    """Raises ValueError when the required packages are missing, and for a file that is not a SentencePiece model."""
    model = _parse(path)
    kinds = {1: _unigram, 2: _bpe}
    if model.trainer_spec.model_type not in kinds:
        raise ValueError(f"{path} is a SentencePiece model of words or characters: only unigram and bpe can be read")
    tokenizer = Tokenizer(kinds[model.trainer_spec.model_type](model))
    tokenizer.normalizer = normalizers.Sequence(_normalizers(model.normalizer_spec))
    prefix = "always" if model.normalizer_spec.add_dummy_prefix else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prefix)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=prefix)])
    tokenizer.add_special_tokens([_added(piece, special=True) for piece in _of(model, UNKNOWN, CONTROL)])
    tokenizer.add_tokens([_added(piece, special=False) for piece in _of(model, USER_DEFINED)])
    return tokenizer


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


def _added(piece: str, special: bool) -> AddedToken:
    return AddedToken(piece, special=special, normalized=False)


def _unigram(model: Any) -> models.Model:
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    return models.Unigram(pieces, model.trainer_spec.unk_id, model.trainer_spec.byte_fallback)


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
    squeezed = [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")] if spec.remove_extra_whitespaces else []
    return [*mapped, *squeezed]
