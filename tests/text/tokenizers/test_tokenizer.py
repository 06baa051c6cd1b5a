"""Tokenizers: special tokens, round trips, loading what others made, and what transformers makes of ours."""

import json
import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from ..conftest import KINDS, TEXTS


@pytest.mark.parametrize("kind", KINDS)
def test_learning_is_deterministic_and_keeps_to_its_size(learned: dict[str, Tokenizer], kind: str) -> None:
    again = Tokenizer.train(iter(TEXTS), TokenizerSettings(kind=kind, size=KINDS[kind]))
    assert again.fingerprint == learned[kind].fingerprint
    assert again.vocabulary.size <= KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_are_nine_ids_of_their_own(learned: dict[str, Tokenizer], kind: str) -> None:
    vocabulary = learned[kind].vocabulary
    more = {vocabulary.id(role) for role in ("forward", "backward", "wrong", "right")}
    assert len({vocabulary.pad, vocabulary.mask, vocabulary.cls, vocabulary.sep} | more) == 8
    assert len(vocabulary.special) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_tokenizer_takes_more_special_tokens(kind: str) -> None:
    settings = TokenizerSettings(kind=kind, size=KINDS[kind], add=("[WRONG_RANDOM]", "[WRONG]", "[EXTRA]"))
    made = Tokenizer.train(iter(TEXTS), settings)
    assert made.vocabulary.size <= KINDS[kind]
    assert made.vocabulary.id("wrong_random") in made.vocabulary.special
    assert made.vocabulary.special == {made.tokens.index(name) for name in settings.special}
    assert len(settings.special) == 11
    with pytest.raises(ValueError, match="size=265: a bpe tokenizer has at least 267 ids"):
        TokenizerSettings(size=265, add=settings.add)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_is_the_same(learned: dict[str, Tokenizer], kind: str, tmp_path: Path) -> None:
    learned[kind].save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.fingerprint == learned[kind].fingerprint == Tokenizer.load(tmp_path / "tokenizer.json").fingerprint
    assert loaded.vocabulary == learned[kind].vocabulary
    copied = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(copied.encode(TEXTS[0])[0], learned[kind].encode(TEXTS[0])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_a_corpus_spells_no_special_token(learned: dict[str, Tokenizer], kind: str) -> None:
    vocabulary = learned[kind].vocabulary
    plain, _ = learned[kind].encode("the [MASK] dog [SEP]")
    prompt, _ = learned[kind].encode("the [MASK] dog", specials=True)
    assert vocabulary.mask not in plain
    assert vocabulary.sep not in plain
    assert (prompt == vocabulary.mask).sum() == 1


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_bytes_bring_every_text_back(text: str) -> None:
    tokenizer = lossless()
    assert tokenizer.decode(tokenizer.encode(text)[0]) == text


@cache
def lossless() -> Tokenizer:
    """Byte-level BPE of the text as it is."""
    return Tokenizer.train(TEXTS, TokenizerSettings(size=300, normalisation="none"))


@pytest.mark.parametrize("kind", KINDS)
def test_many_texts_at_once_are_each_as_alone(learned: dict[str, Tokenizer], kind: str) -> None:
    """With beginnings that would belong to an end before them: a combining mark, an apostrophe, a byte."""
    texts = [
        "it",
        "'s",
        "",
        "e",
        "\u0301t\u00e9 \u0301",
        "caf\u00e9 \U0001f600\U0001f600",
        "\U0001f600",
        " a ",
        "\n",
        "\u65e5\u672c",
        *TEXTS[:3],
    ]
    together = learned[kind].encode_batch(texts)
    assert len(together) == len(texts)
    for text, arrays in zip(texts, together, strict=True):
        for found, alone in zip(arrays, learned[kind].encode(text), strict=True):
            np.testing.assert_array_equal(found, alone)
            assert found.dtype == alone.dtype
    assert learned[kind].encode_batch([]) == []


def test_normalisation_is_what_the_settings_say() -> None:
    settings = TokenizerSettings(size=400, normalisation="nfkc", lowercase=True)
    tokenizer = Tokenizer.train(TEXTS, settings)
    assert tokenizer.decode(tokenizer.encode("ﬁne ＡＢ")[0]) == "fine ab"


def test_digits_stand_alone(learned: dict[str, Tokenizer]) -> None:
    for kind in ("bpe", "wordpiece", "unigram"):
        ids, starts = learned[kind].encode("1984")
        written = [learned[kind].tokens[i].strip("Ġ▁#") for i in ids]
        assert [token for token in written if token] == ["1", "9", "8", "4"]
        assert starts.sum() == 1


def test_unigram_spells_unknown_characters_in_bytes(learned: dict[str, Tokenizer]) -> None:
    ids, _ = learned["unigram"].encode("the 語")
    assert learned["unigram"].decode(ids) == "the 語"


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_frames_a_text_with_cls_and_sep(learned: dict[str, Tokenizer], kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is an extra")
    ours = learned[kind]
    ours.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ids, _ = ours.encode("the lazy dog")
    assert theirs("the lazy dog")["input_ids"] == [ours.vocabulary.cls, *ids, ours.vocabulary.sep]
    assert theirs.mask_token_id == ours.vocabulary.mask
    assert theirs.pad_token_id == ours.vocabulary.pad
    assert len(theirs) == ours.vocabulary.size


def gpt2_like(path: Path) -> Path:
    """A byte-level BPE with an end-of-text token and no other, as GPT-2's, cut off at four tokens and padded."""
    backend = Backend(models.BPE({c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.add_special_tokens(["<|endoftext|>"])
    backend.enable_truncation(4)
    backend.enable_padding(length=16, pad_token="<|endoftext|>", pad_id=256)
    backend.save(str(path))
    return path


def test_missing_special_tokens_get_new_ids(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(gpt2_like(tmp_path / "tokenizer.json"))
    vocabulary = tokenizer.vocabulary
    assert [vocabulary.pad, vocabulary.cls, vocabulary.sep, vocabulary.mask] == [257, 259, 260, 261]
    assert 256 in vocabulary.special
    assert vocabulary.size == 262
    assert len(tokenizer.encode("more than four")[0]) == 14


def test_a_loaded_tokenizer_gets_more_special_tokens_on_demand(tmp_path: Path) -> None:
    file = str(gpt2_like(tmp_path / "tokenizer.json"))
    without = Tokenizer.train([], TokenizerSettings(file=file)).vocabulary
    with pytest.raises(ValueError, match=r"^the tokenizer has no \[FW\]: add one with tokenizer.add=\['\[FW\]'\]$"):
        without.id("forward")
    given = Tokenizer.train([], TokenizerSettings(file=file, add=("[FW]",))).vocabulary
    assert given.id("forward") in given.special
    assert given.size == without.size + 1


def test_special_tokens_under_other_names_are_kept(tmp_path: Path) -> None:
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    backend = Backend(models.WordLevel({**{name: i for i, name in enumerate(names)}, "dog": 5}, unk_token="<unk>"))
    backend.add_special_tokens(names)
    backend.save(str(tmp_path / "tokenizer.json"))
    vocabulary = Tokenizer.load(tmp_path).vocabulary
    assert (vocabulary.cls, vocabulary.pad, vocabulary.sep, vocabulary.mask, vocabulary.size) == (0, 1, 2, 4, 6)
    assert vocabulary.special == {0, 1, 2, 3, 4}


@pytest.mark.skipif(tokenizers.__version__ < "0.22", reason="of two splits as probable, it may take the other one")
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_sentencepiece_models_give_the_pieces_that_sentencepiece_gives(sentencepiece_model, kind: str) -> None:
    sentencepiece = pytest.importorskip("sentencepiece", reason="SentencePiece is an extra")
    path = sentencepiece_model(kind)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path))
    ours = Tokenizer.load(path)
    for text in (*TEXTS[:40], "unseen  words, ﬁne 日本 and\tbytes 😀"):
        assert ours.encode(text)[0].tolist() == theirs.encode(text)
    assert ours.vocabulary.mask >= theirs.get_piece_size()
    assert ours.vocabulary.cls == theirs.bos_id()


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "wrong.bin").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, complaint in {
        "wrong.json": "is not a tokenizer",
        "wrong.bin": "neither a tokenizer.json nor",
        "empty": "holds no tokenizer.json",
        "nowhere.json": "does not exist",
    }.items():
        with pytest.raises(ValueError, match=complaint):
            Tokenizer.load(tmp_path / name)


def test_a_broken_sentencepiece_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("google.protobuf", reason="protobuf is an extra")
    (tmp_path / "broken.model").write_bytes(b"\xff\x00 no model")
    with pytest.raises(ValueError, match="is not a SentencePiece model"):
        Tokenizer.load(tmp_path / "broken.model")


def test_no_text_and_too_small_a_size_are_refused() -> None:
    with pytest.raises(ValueError, match="no text to train"):
        Tokenizer.train([], TokenizerSettings())
    with pytest.raises(ValueError, match="size=10"):
        TokenizerSettings(size=10)


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece"])
def test_a_mask_takes_the_place_of_a_word_with_its_blank(learned: dict[str, Tokenizer], kind: str) -> None:
    tokenizer = learned[kind]
    prompt = tokenizer.encode("The quick [MASK] fox jumps", specials=True)[0].tolist()
    before, after = tokenizer.encode("The quick")[0].tolist(), tokenizer.encode("The quick brown fox jumps")[0].tolist()
    place = prompt.index(tokenizer.vocabulary.mask)
    assert prompt[:place] == before == after[: len(before)]
    assert prompt[place + 1 :] == after[len(after) - len(prompt) + place + 1 :]
