"""Tokenizers that others made: their special tokens by what their files say, and none of them out of text."""

import io
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, models, pre_tokenizers, processors
from tokenizers import Tokenizer as Backend

from maskwright.text.tokenizers.tokenizer import Tokenizer

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
LETTERS = list("▁abcdefghijklmnopqrstuvwxyz<>/.,'?[]ACEKLMNPSUD")


def unigram() -> Backend:
    """As XLM-R, ALBERT and T5 have it: the model itself knows the special tokens."""
    backend = Backend(models.Unigram([*((name, 0.0) for name in SPECIAL), *((c, -5.0) for c in LETTERS)], 3))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    return backend


def words(kind: Callable) -> Backend:
    backend = Backend(kind({name: i for i, name in enumerate([*SPECIAL, *LETTERS[1:]])}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return backend


def merges() -> Backend:
    """BPE whose merges spell a special token."""
    spelled, pairs = "<", []
    for letter in "mask>":
        pairs.append((spelled, letter))
        spelled += letter
    pieces = dict.fromkeys([*SPECIAL, *LETTERS, *("".join(pair) for pair in pairs)])
    return Backend(models.BPE({piece: i for i, piece in enumerate(pieces)}, pairs, unk_token="<unk>"))


MAKERS = {
    "unigram": unigram,
    "wordlevel": lambda: words(models.WordLevel),
    "wordpiece": lambda: words(models.WordPiece),
    "bpe": merges,
}


def written(folder: Path, kind: str, flagged: bool = True) -> Path:
    backend = MAKERS[kind]()
    if flagged:
        backend.add_special_tokens([AddedToken(name, normalized=False) for name in SPECIAL])
    backend.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("flagged", [True, False])
def test_text_spells_no_special_token_of_the_model(tmp_path: Path, kind: str, flagged: bool) -> None:
    tokenizer = Tokenizer.load(written(tmp_path, kind, flagged))
    assert tokenizer.names == {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
    assert tokenizer.vocabulary.size == len(MAKERS[kind]().get_vocab())
    assert len(tokenizer.vocabulary.special) == 5
    ids = set(tokenizer.encode("a <s> b </s> and <mask> <pad> [MASK]")[0].tolist())
    assert ids & tokenizer.vocabulary.special <= {tokenizer.unknown}
    assert tokenizer.vocabulary.mask in tokenizer.encode("a <mask> b", specials=True)[0]


@settings(max_examples=100)
@given(st.lists(st.sampled_from([*SPECIAL, "[MASK]", " ", "a", "b", "<", "mask", ">", "\n", "▁"]), max_size=12))
def test_whatever_is_typed_is_text(parts: list[str]) -> None:
    for tokenizer in LOADED:
        ids = set(tokenizer.encode("".join(parts))[0].tolist())
        assert ids & tokenizer.vocabulary.special <= {tokenizer.unknown}


LOADED = [Tokenizer(make()) for make in MAKERS.values()]


@pytest.mark.parametrize("kind", MAKERS)
def test_all_other_ids_are_those_of_the_library(tmp_path: Path, kind: str) -> None:
    path, text = written(tmp_path, kind), "a cab , a bad lamp ? no .  a b"
    theirs = Backend.from_file(str(path)).encode(text, add_special_tokens=False).ids
    assert Tokenizer.load(path).encode(text)[0].tolist() == theirs


@pytest.mark.parametrize("config", [
    {"mask_token": "<M>", "pad_token": {"content": "<blank>"}},
    {"mask_token": {"content": "<M>"}, "pad_token": "<blank>"},
])  # fmt: skip
def test_names_are_those_that_the_config_gives(tmp_path: Path, config: dict) -> None:
    backend = unigram()
    backend.add_special_tokens(["<M>", "<blank>", "<mask>"])
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    found = Tokenizer.load(tmp_path)
    found.save(tmp_path / "again")
    for tokenizer in (found, pickle.loads(pickle.dumps(found)), Tokenizer.load(tmp_path / "again")):
        assert (tokenizer.names["mask"], tokenizer.names["pad"]) == ("<M>", "<blank>")
        assert tokenizer.vocabulary.size == backend.get_vocab_size()
        assert tokenizer.fingerprint == found.fingerprint


@pytest.mark.parametrize("processor", [
    processors.BertProcessing(("B", 1), ("A", 0)),
    processors.TemplateProcessing("A $0 B", "A $A B $B B", [("A", 0), ("B", 1)]),
    processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing("A $0 B", None, [("A", 0), ("B", 1)])]),
])  # fmt: skip
def test_what_stands_around_a_text_is_what_the_file_puts_there(
    tmp_path: Path, processor: processors.PostProcessor
) -> None:
    backend = Backend(models.WordLevel({"A": 0, "B": 1, "<unk>": 2, "a": 3}, unk_token="<unk>"))
    backend.post_processor = processor
    backend.save(str(tmp_path / "tokenizer.json"))
    names = Tokenizer.load(tmp_path).names
    assert (names["cls"], names["sep"]) == ("A", "B")


def test_ids_with_gaps_hold_tokens_alone(tmp_path: Path) -> None:
    vocabulary = {name: i for i, name in enumerate([*SPECIAL, "a", "b"])} | {"far": 500}
    Backend(models.WordLevel(vocabulary, unk_token="<unk>")).save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.vocabulary.size == 501
    assert [tokenizer.tokens[i] for i in tokenizer.vocabulary.ordinary] == ["a", "b", "far"]


@pytest.mark.parametrize(("model", "lack"), [
    (models.Unigram([("a", -1.0)], None), "unk_id is null"),
    (models.WordLevel({"a": 0}, unk_token="<unk>"), "'<unk>' is not in its vocabulary"),
    (models.WordPiece({"a": 0}, unk_token="<unk>"), "'<unk>' is not in its vocabulary"),
])  # fmt: skip
def test_a_model_without_an_unknown_token_is_refused(tmp_path: Path, model: models.Model, lack: str) -> None:
    Backend(model).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match=rf"tokenizer\.json has no unknown token \({lack}\), so text"):
        Tokenizer.load(tmp_path)


def piece_model(tmp_path: Path, **options: object) -> Path:
    """A SentencePiece model of a few sentences."""
    text, out = ["The cat (a lamp) sees; the dog, too.", "A boat - and a king's lamp (old)."] * 40, io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text),
        model_writer=out,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"vocab_size": 60} | options,
    )
    path = tmp_path / "odd.model"
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.parametrize("options", [
    {"user_defined_symbols": ["(", ")", "-", "<mask>"]},
    {"user_defined_symbols": ["(", ")"], "normalization_rule_name": "identity"},
    {"add_dummy_prefix": False},
    {"remove_extra_whitespaces": False},
    {"byte_fallback": True, "vocab_size": 320},
    {"model_type": "bpe"},
], ids=str)  # fmt: skip
def test_ids_are_those_of_sentencepiece(tmp_path: Path, options: dict) -> None:
    path = piece_model(tmp_path, **options)
    theirs, tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(path)), Tokenizer.load(path)
    for text in ("The cat (a lamp), old-", "  a  (b) --c ", "(((", "\tA\nking", "▁a <s> </s>", "Ünï 日本"):
        assert tokenizer.encode(text)[0].tolist() == theirs.encode(text)
    tokenizer.save(tmp_path / "kept")
    assert Tokenizer.load(tmp_path / "kept").fingerprint == tokenizer.fingerprint


def test_a_flag_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"odd\.model cannot be read exactly: .* of treat_whitespace_as_suffix"):
        Tokenizer.load(piece_model(tmp_path, treat_whitespace_as_suffix=True))


def test_a_mask_that_is_user_defined_is_the_mask(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(piece_model(tmp_path, user_defined_symbols=["<mask>", "<pad>"]))
    assert (tokenizer.names["mask"], tokenizer.names["pad"]) == ("<mask>", "<pad>")
    assert tokenizer.vocabulary.mask not in tokenizer.encode("a <mask> b")[0]


def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    """Two tokens of one id are read by the library, and one of them is lost."""
    path = written(tmp_path, "bpe")
    tree = json.loads(path.read_text())
    tree["model"]["vocab"]["<m"] = tree["model"]["vocab"]["a"]
    path.write_text(json.dumps(tree))
    with pytest.raises(
        ValueError, match=r"tokenizer\.json is no usable tokenizer: the tokens 'a' and '<m' have the same id, 6"
    ):
        Tokenizer.load(path)


def gapped(tmp_path: Path, **added: int) -> Path:
    """Words with the ids 0, 5, 10 …, beside which other tokens are added."""
    pieces = {piece: 5 * i for i, piece in enumerate(["<unk>", "a", "b", "c"])}
    backend = Backend(models.WordLevel(pieces, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tree = json.loads(backend.to_str())
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    tree["added_tokens"] = [{"id": number, "content": f"<{name}>"} | flags for name, number in added.items()]
    (tmp_path / "tokenizer.json").write_text(json.dumps(tree))
    return tmp_path / "tokenizer.json"


@given(numbers=st.lists(st.integers(16, 40), unique=True, max_size=2))
def test_added_ids_stay_where_ids_have_gaps(numbers: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """`tokenizers` numbers them from the number of pieces on: 4, which here is no id, then 5, which is that of a."""
    folder = tmp_path_factory.mktemp("gaps")
    found = Tokenizer.load(gapped(folder, **dict(zip(("mask", "pad"), numbers, strict=False))))
    found.save(folder / "again")
    again = Tokenizer.load(folder / "again")
    assert again.vocabulary == found.vocabulary
    assert again.tokens == found.tokens
    assert again.fingerprint == found.fingerprint
    assert [found.tokens[number] for number in numbers] == ["<mask>", "<pad>"][: len(numbers)]
    assert len(found.vocabulary.special) == len({*found.names.values()}) == 5
    assert again.encode("a c <mask>")[0].tolist() == [5, 15, 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vocab": {"<unk>": 0, "a": 1, "b": 1}}, "the tokens 'a' and 'b' have the same id, 1"),
        ({"vocab": {"<unk>": 0, "a": 2**31}}, "the token 'a' has the id 2147483648: ids go from 0 to 16,777,215"),
        ({"vocab": {"<unk>": 0, "a": -1}}, "the token 'a' has the id -1"),
    ],
)
def test_an_id_that_no_vocabulary_has_is_refused(tmp_path: Path, change: dict, said: str) -> None:
    tree = json.loads(gapped(tmp_path).read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(tree | {"model": tree["model"] | change}))
    with pytest.raises(ValueError, match=re.escape(said)):
        Tokenizer.load(tmp_path)


def test_an_added_token_with_the_id_of_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the tokens 'b' and '<mask>' have the same id, 10"):
        Tokenizer.load(gapped(tmp_path, mask=10))


def test_a_model_that_draws_its_tokens_is_refused(tmp_path: Path) -> None:
    Backend(models.BPE({"a": 0}, [], dropout=0.5)).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match=r"has a dropout of 0\.5, so that a text has other tokens every time"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("known", [True, False])
def test_what_is_unknown_the_model_decides(tmp_path: Path, known: bool) -> None:
    """Not the config beside it; and BPE gives its unknown token also where its pieces lack it."""
    pieces = {"a": 0, "<pad>": 1} | ({"<unk>": 2} if known else {})
    Backend(models.BPE(pieces, [], unk_token="<unk>")).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"unk_token": "<pad>"}))
    found = Tokenizer.load(tmp_path)
    assert found.names["unk"] == "<unk>"
    assert found.encode("ab")[0].tolist() == [0, found.unknown]


def test_the_name_of_a_special_token_may_hold_blanks(tmp_path: Path) -> None:
    backend = unigram()
    backend.add_special_tokens(["[a b]"])
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"cls_token": "[a b]"}))
    assert Tokenizer.load(tmp_path).names["cls"] == "[a b]"
