"""Tokenizers of the four models of the package `tokenizers`, with odd ids, flags and names, some of them damaged.

The reference is `tokenizers` itself: text in which no special token stands gets its ids.
"""

import json
import pickle
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import Tokenizer as Backend

from faults.outcome import expect, tried
from faults.pieces import mutated, odd, text
from maskwright.text.tokenizers.tokenizer import Tokenizer

SPECIAL = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "<s>",
    "</s>",
    "<unk>",
    "<mask>",
    "<pad>",
    "[FW]",
    "[extra]",
    "the",
)
PIECES = (
    "the",
    "cat",
    "c",
    "a",
    "t",
    "h",
    "e",
    "th",
    "ca",
    "at",
    "cat",
    "▁",
    "▁the",
    "Ġ",
    "Ġthe",
    "##at",
    "##e",
    "日",
    "本",
    ".",
    "\n",
    " ",
)
PLAIN = ("the", "cat", "that", "日本", "tea", ".", " ", "\n", "zzz", "é", "\u200b", "🙂")

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
SPLITTERS = (
    {"type": "Whitespace"},
    {"type": "BertPreTokenizer"},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
)
BERT = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
NORMALIZERS = (
    None,
    {"type": "NFC"},
    {"type": "Lowercase"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": "[MASK]"},
    {"type": "BertNormalizer"} | BERT,
)
CUT = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}


def attempt(chance: Random, folder: Path) -> bool:
    """Load a tokenizer; it gives the ids of the reference and no special one, and survives being saved."""
    tree = _tree(chance)
    content = json.dumps(tree, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if damaged := chance.random() < 0.3:
        content = mutated(chance, content)
    path = folder / "tokenizer.json"
    path.write_bytes(content)
    if chance.random() < 0.3:
        beside = {
            chance.choice(("mask_token", "unk_token", "bos_token", "pad_token")): chance.choice(
                (*SPECIAL, *map(str, range(3)), odd(chance))
            )
        }
        (folder / "tokenizer_config.json").write_text(json.dumps(beside))
    found, said = tried(lambda: Tokenizer.load(path), path.name, "tokenizer_config.json")
    if found is not None:
        _check(chance, found, path, folder, damaged)
    return not said


def _check(chance: Random, found: Tokenizer, path: Path, folder: Path, damaged: bool) -> None:
    vocabulary = found.vocabulary
    bad = (vocabulary.special | vocabulary.unused) - {found.unknown}
    whole = "".join(text(chance) + chance.choice(SPECIAL) + chance.choice(PLAIN) for _ in range(3))
    ids, starts = found.encode(whole)
    expect(len(ids) == len(starts), "ids without starts")
    expect(not bad & set(ids.tolist()), f"special tokens out of text: {bad & set(ids.tolist())} of {whole!r}")
    simple = "".join(chance.choice(PLAIN) for _ in range(chance.randint(0, 8)))
    if not any(name in simple for name in found.names.values()) and "the" not in simple:
        reference = Backend.from_file(str(path))
        reference.no_truncation()
        reference.no_padding()
        got = found.encode(simple)[0].tolist()
        try:
            wanted = reference.encode(simple, add_special_tokens=False).ids
        except Exception:  # it has no unknown token
            wanted = got
        expect(got == wanted or bool(bad & set(wanted)), f"not as the reference: {got}, not {wanted} for {simple!r}")
    found.save(folder / "again")
    again = Tokenizer.load(folder / "again")
    expect(again.fingerprint == found.fingerprint, "saved and loaded it is another")
    expect(again.vocabulary == vocabulary, "saved and loaded it has another vocabulary")
    expect(pickle.loads(pickle.dumps(found)).encode(whole)[0].tolist() == ids.tolist(), "pickled it is another")
    found.decode(ids)
    found.slices(whole)


def _tree(chance: Random) -> dict[str, Any]:
    """The content of a tokenizer.json."""
    kind = chance.choice(("BPE", "Unigram", "WordPiece", "WordLevel"))
    pieces = list(
        dict.fromkeys([*chance.sample(SPECIAL, chance.randint(0, 8)), *chance.sample(PIECES, chance.randint(0, 20))])
    )
    chance.shuffle(pieces)
    gap = chance.choice((1, 1, 1, 2, 1000))
    ids = {piece: number * gap for number, piece in enumerate(pieces)}
    if ids and chance.random() < 0.1:
        ids[chance.choice(pieces)] = chance.choice((0, -1, 2**31, 2**32, 2**20))
    specials = [piece for piece in pieces if piece in SPECIAL and chance.random() < 0.8]
    added = [_added(chance, name, ids.get(name, len(pieces))) for name in specials]
    if chance.random() < 0.3:
        added.append(
            _added(chance, chance.choice((*SPECIAL, "new", " ", "")), chance.choice((len(pieces), 5, 99999, 2**32 - 1)))
        )
    return {
        "version": "1.0",
        "truncation": chance.choice((None, None, CUT)),
        "padding": None,
        "added_tokens": added,
        "normalizer": chance.choice(NORMALIZERS),
        "pre_tokenizer": chance.choice((None, BYTES, *SPLITTERS)),
        "post_processor": _frame(chance, pieces, ids),
        "decoder": chance.choice((None, BYTES, {"type": "WordPiece", "prefix": "##", "cleanup": True})),
        "model": _model(chance, kind, pieces, ids),
    }  # fmt: skip


def _added(chance: Random, name: str, number: int) -> dict[str, Any]:
    flags = {flag: chance.random() < 0.3 for flag in ("single_word", "lstrip", "rstrip", "normalized")}
    return {"id": number, "content": name, "special": chance.random() < 0.8} | flags


def _model(chance: Random, kind: str, pieces: list[str], ids: dict[str, int]) -> dict[str, Any]:
    unknown = chance.choice((*pieces, "[UNK]", None, "nowhere"))
    if kind == "Unigram":
        score = lambda: chance.choice((0.0, -1.5, -10.0, chance.uniform(-9, 0), 3.0))  # noqa: E731
        unk = chance.choice((None, 0, 0, len(pieces) - 1, 10**6))
        return {
            "type": kind,
            "unk_id": unk,
            "vocab": [[piece, score()] for piece in pieces],
            "byte_fallback": chance.random() < 0.2,
        }
    if kind == "BPE":
        pairs = [(a, b) for a in pieces for b in pieces if a + b in ids]
        merges = [list(pair) for pair in pairs]
        flags = {
            "fuse_unk": chance.random() < 0.5,
            "byte_fallback": chance.random() < 0.2,
            "ignore_merges": chance.random() < 0.2,
        }
        return {
            "type": kind,
            "dropout": chance.choice((None, None, 0.5)),
            "unk_token": unknown,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "vocab": ids,
            "merges": merges,
        } | flags
    if kind == "WordPiece":
        return {
            "type": kind,
            "unk_token": unknown or "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": chance.choice((1, 100)),
            "vocab": ids,
        }
    return {"type": kind, "unk_token": unknown or "[UNK]", "vocab": ids}


def _frame(chance: Random, pieces: list[str], ids: dict[str, int]) -> dict[str, Any] | None:
    if not pieces or chance.random() < 0.5:
        return None
    first, last = chance.choice(pieces), chance.choice(pieces)
    if chance.random() < 0.5:
        return {"type": "BertProcessing", "sep": [last, ids[last]], "cls": [first, ids[first]]}
    single = [
        {"SpecialToken": {"id": first, "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": last, "type_id": 0}},
    ]
    tokens = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in (first, last)}
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": tokens,
    }
