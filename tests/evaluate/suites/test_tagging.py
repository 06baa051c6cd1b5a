"""Tags of words: files, alignment, long sentences, scores, and what is learned of a toy language."""

import numpy as np
import pytest
import torch

from maskwright.evaluate.finetuning import metrics
from maskwright.evaluate.finetuning.finetune import FineTuner, Finetuning
from maskwright.evaluate.finetuning.tag_data import TaggedRows, TaggedSentences, Tagging, in_rows, sentences, tagging
from maskwright.evaluate.finetuning.targets import Tags
from maskwright.objectives.causal import Causal
from maskwright.objectives.mlm import Mlm
from maskwright.run import saved

TAGS = {"names": "NNS", "values": "NNS", "is": "VBZ", "the": "DT", "of": "IN", "object": "NN"}
FULL = ["lr=0.01", "epochs=6", "patience=6", "seeds=1"]


def tagged(count: int, seed: int = 0) -> list[str]:
    """Sentences as `word_TAG`; nothing but the word says its tag."""
    draw = np.random.default_rng(seed)
    return [" ".join(f"{word}_{TAGS[word]}" for word in draw.choice(list(TAGS), size=5)) for _ in range(count)]


def spans(count: int, seed: int = 0) -> list[str]:
    """Sentences in columns: a name of two words after `the`."""
    draw, found = np.random.default_rng(seed), []
    for _ in range(count):
        words = [(str(word), "O") for word in draw.choice(["value", "rule", "list"], size=4)]
        place = int(draw.integers(5))
        words[place:place] = [("the", "O"), ("Python", "B-LANG"), ("Software", "I-LANG")]
        found += [f"{word} X {tag}" for word, tag in words] + [""]
    return found


@pytest.fixture(scope="module")
def loaded(trained):
    return saved.load(trained)


def test_parts_of_speech_that_can_be_learned_are(suite, write) -> None:
    write("pos/train.txt", *tagged(120))
    folder = write("pos/valid.txt", *tagged(20, 1))
    numbers = suite("tagging", folder, *FULL)
    assert numbers["pos/accuracy"] > 0.95
    assert numbers["pos/commonest"] == 1  # each word has one tag, so that its commonest one is right
    assert (numbers["pos/words"], numbers["pos/sentences"]) == (100, 20)
    assert numbers["accuracy"] == numbers["pos/accuracy"]


def test_entities_are_scored_whole_by_the_rules_of_seqeval(suite, write) -> None:
    write("ner/train.conll", "-DOCSTART- X O", "", *spans(60))
    folder = write("ner/valid.conll", *spans(20, 1))
    numbers = suite("tagging", folder, *FULL, "train=head", "seeds=2")
    assert numbers["ner/f1"] > 0.9
    assert {"ner/precision", "ner/recall", "ner/f1_sd", "ner/commonest_f1"} <= numbers.keys()
    assert "ner/mcc" not in numbers


def plain(*texts: str) -> TaggedSentences:
    words = [tuple(text.split()) for text in texts]
    return TaggedSentences(words, [np.arange(len(some)) for some in words])


def rows(tokenizer, part: TaggedSentences, room: int = 64) -> TaggedRows:
    return in_rows(part, lambda texts: ([ids for ids, _ in tokenizer.encode_batch(texts)], tokenizer.ends(texts)), room)


def test_words_are_read_at_their_first_tokens(loaded) -> None:
    _, tokenizer = loaded
    part = plain("the unbelievable object of values", "x", "Python 's object(s)")
    made = rows(tokenizer, part)
    for words, ids, places in zip(part.words, made.ids, made.places, strict=True):
        for word, place, after in zip(words, places, [*places[1:], len(ids)], strict=True):
            assert tokenizer.decode(ids[place:after]).strip() == word


def test_a_sentence_that_is_too_long_is_cut_between_words_and_none_is_lost(loaded) -> None:
    _, tokenizer = loaded
    part = plain(" ".join(["the value of an object"] * 9), "an object")
    whole, made = rows(tokenizer, part, 99), rows(tokenizer, part, 14)
    assert len(whole.ids) == 2 < len(made.ids)
    for one, other in ((whole.ids, made.ids), (whole.labels, made.labels)):
        assert np.concatenate(one).tolist() == np.concatenate(other).tolist()
    assert made.sentences == sorted(made.sentences)
    words = iter(word for sentence in part.words for word in sentence)
    for ids, places in zip(made.ids, made.places, strict=True):
        assert len(ids) <= 14
        for place, after in zip(places, [*places[1:], len(ids)], strict=True):
            assert tokenizer.decode(ids[place:after]).strip() == next(words)
    (word,) = rows(tokenizer, plain("unbelievable"), 2).ids
    assert len(word) == 2


def test_entities_cut_by_the_end_of_a_row_count_as_they_stand_in_the_sentence() -> None:
    names = ("O", "B-X", "I-X")
    whole = Tags([np.array([0, 1, 2, 2])], names, np.zeros(1, int))
    parts = Tags([np.array([0, 1, 2]), np.array([2])], names, np.zeros(2, int))
    found = np.array([0, 1, 2, 2])
    assert whole.numbers(found, np.arange(1))["f1"] == parts.numbers(found, np.arange(2))["f1"] == 1


@torch.no_grad()
@pytest.mark.parametrize("objective", [Mlm(), Causal()])
def test_a_probe_sees_what_the_model_says_of_the_sentence_alone(loaded, objective) -> None:
    model, tokenizer = loaded
    task = Tagging("t", ("a", "b"), *[plain("the object", "is the value of the object")] * 2)
    tuner = FineTuner(model, tokenizer, objective, task, Finetuning(train="probe"))
    for ids, places, vectors in zip(tuner.rows.ids, tuner.rows.places or [], tuner.vectors or [], strict=True):
        seen = torch.ones(len(ids), len(ids)).bool()
        seen = seen.tril() if isinstance(objective, Causal) else seen
        hidden = model(torch.from_numpy(ids)[None], seen[None, None])[0]
        assert torch.allclose(vectors, hidden[places], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "The_DT cat_NN\n\nsat_VBD\n", [[("The", "DT"), ("cat", "NN")], [("sat", "VBD")]]),
        ("a.txt", "-DOCSTART- -X- O\n\nEU NNP B-ORG\nsat VBD O\n\nx y O\n",
         [[("EU", "B-ORG"), ("sat", "O")], [("x", "O")]]),
        ("a.tsv", "EU\tB-ORG\n", [[("EU", "B-ORG")]]),
        ("a.conllu", "# text = du\n1-2\tdu\t_\t_\t_\n1\tde\tde\tADP\tx\n1.1\te\te\tX\t_\n2\tle\tle\tDET\tx\n\n",
         [[("de", "ADP"), ("le", "DET")]]),
    ],
)  # fmt: skip
def test_files_are_known_by_what_is_in_them(tmp_path, name, text, expected) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = sentences(tmp_path / name)
    assert [[(word, tag) for word, tag, _ in sentence] for sentence in found] == expected


@pytest.mark.parametrize(
    ("train", "valid", "complaint"),
    [
        ("a_X b_Y\n", "a_X\nb_Z\n", r"valid\.txt:2: tag=Z is not among those of train\.txt: X, Y"),
        ("a_X b_Y\n", "a_X b\n", r"valid\.txt:1: tag=b is not among those of train\.txt: X, Y"),
        ("a_X b_Y\nb b\n", "a_X\n", r"train\.txt:2: 'b' is not a word and its tag, as in cat_NN"),
        ("a X\nb\n", "a X\n", r"train\.txt:2: 1 columns in 'b': give 2, as above"),
        ("a\nb\n", "a X\n", r"train\.txt:1: 1 columns in 'a': give a word and, last, its tag"),
        ("a X\nb X\n", "a X\n", r"train\.txt has only one tag, X: give at least two"),
        ("", "a X\n", r"train\.txt is empty: it contains no tagged sentences"),
    ],
)
def test_a_bad_line_of_tags_is_named(tmp_path, train, valid, complaint) -> None:
    for name, text in {"train": train, "valid": valid}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        tagging("t", tmp_path / "train.txt", tmp_path / "valid.txt")


def test_a_file_alone_holds_out_blocks_of_its_sentences(tmp_path) -> None:
    (tmp_path / "train.txt").write_text("\n".join(f"word{i}_{'AB'[i % 2]}" for i in range(1200)))
    task = tagging("t", tmp_path / "train.txt", tmp_path / "train.txt")
    assert (len(task.train), len(task.valid)) == (1100, 100)
    assert [words[0] for words in task.valid.words] == [f"word{i}" for k in (450, 950) for i in range(k, k + 50)]
    assert not set(task.train.words) & set(task.valid.words)


def test_options_of_whole_texts_are_not_for_words(suite, write) -> None:
    folder = write("train.txt", *tagged(3))
    for option in ("pool=mean", "protocol=babylm"):
        with pytest.raises(ValueError, match=rf"{option}: words have vectors of their own"):
            suite("tagging", folder, option)


def test_entities_need_seqeval(suite, write, monkeypatch) -> None:
    monkeypatch.setattr(metrics, "find_spec", lambda _: None)
    write("train.conll", *spans(9))
    folder = write("valid.conll", *spans(9))
    with pytest.raises(ImportError, match=r"pip install 'maskwright\[tagging\]'"):
        suite("tagging", folder)


def plainly(tags: list[str]) -> set[tuple[str, int, int]]:
    """The entities of a sentence as conlleval finds them: one begins at B, or at I after another type or O."""
    found, begin, kind = set(), None, ""
    for place, tag in enumerate([*tags, "O"]):
        mark, _, its = tag.partition("-")
        if begin is not None and (mark != "I" or its != kind):
            found.add((kind, begin, place))
            begin = None
        if mark == "B" or (mark == "I" and begin is None):
            begin, kind = place, its
    return found


def test_entities_are_those_of_a_plain_count() -> None:
    draw = np.random.default_rng(0)
    names = np.array(["O", "B-X", "I-X", "B-Y", "I-Y"])
    truth, found = ([list(map(str, draw.choice(names, size=8))) for _ in range(200)] for _ in range(2))
    pairs = [(plainly(one), plainly(other)) for one, other in zip(found, truth, strict=True)]
    right = sum(len(one & other) for one, other in pairs)
    numbers = metrics.entities(found, truth)
    assert numbers["precision"] == pytest.approx(right / sum(len(one) for one, _ in pairs))
    assert numbers["recall"] == pytest.approx(right / sum(len(other) for _, other in pairs))
