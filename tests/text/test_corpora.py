"""Corpora: a contract for every file in the folder, then what each format holds and refuses."""

import gzip
import inspect
import json
import tracemalloc
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.settings import registry
from maskwright.text.corpora._prose import Paragraphs
from maskwright.text.corpora._reading import Reading, pieces, texts
from maskwright.text.corpora.babybabellm import ENGLISH, PREMIUMS, Babybabellm, english_words
from maskwright.text.corpora.babylm import Babylm
from maskwright.text.corpora.embedded import Embedded
from maskwright.text.corpora.files import Files
from maskwright.text.corpora.hub import Hub
from maskwright.text.corpora.memory import Memory
from maskwright.text.corpora.pairs import Pairs
from maskwright.text.corpora.tokenized import Tokenized
from maskwright.text.corpora.wikitext import Wikitext
from maskwright.text.corpus import Document
from maskwright.text.shards.prepare import prepare
from maskwright.text.tokenizers.tokenizer import TokenizerSettings


def babylm(path: Path) -> Babylm:
    """The official layout: lines without documents."""
    for part, name in (("train_10M", "bnc_spoken.train"), ("train_10M", "childes.train"), ("dev", "childes.dev")):
        (path / part).mkdir(exist_ok=True)
        (path / part / name).write_text("".join(f"line {i} of {part} {name}\n" for i in range(250)))
    return Babylm(folder=str(path))


SPOKEN = {"eng": "a word of speech ", "nld": "een woord ", "zho": "你好世界"}


def babybabellm(path: Path, **options: Any) -> Babybabellm:
    """The layout and columns of the organisers' data sets, as parquet or JSON lines."""
    for language, text in SPOKEN.items():
        rows = {"text": [text * (i + 1) for i in range(20)], "category": ["child-directed-speech"] * 20}
        (folder := path / f"babylm-{language}" / "data").mkdir(parents=True, exist_ok=True)
        if language == "zho":
            lines = [{"text": one, "num-tokens": len(one)} for one in rows["text"]]
            (folder / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        else:
            pq.write_table(pa.table(rows), folder / "train-00000-of-00001.parquet")
    return Babybabellm(folder=str(path), **options)


def text_files(path: Path) -> Files:
    (path / "one.txt").write_text("first\nline\n\nsecond\n \n\n\nthird\n")
    return Files(files=(str(path),))


def hub(path: Path) -> Hub:
    pytest.importorskip("datasets", reason="datasets is an extra")
    (path / "train.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    return Hub(dataset=str(path))


def tokenized(path: Path) -> Tokenized:
    if not (path / "one.txt").exists():
        (path / "one.txt").write_text("\n\n".join(f"text number {i}" for i in range(40)))
    prepare(Files(files=(str(path),)), TokenizerSettings(kind="character"), 0.3, folder=path / "shards", progress=False)
    return Tokenized(folders=(str(path / "shards"),))


LINES = [
    "", " = One = ", "", " First lines . ", " = = Part = = ", " a = b = c ", "", " = 2 + 2 = 5 = ", " Second . ",
    " = No title = ",
]  # fmt: skip


def wikitext(path: Path) -> Wikitext:
    """The layout of the authors; a line like a title is one where a blank line is before it."""
    (path / "wiki.train.tokens").write_text("\n".join(LINES))
    (path / "wiki.valid.tokens").write_text(" \n = Three = \n \n Third . \n")
    (path / "wiki.test.tokens").write_text(" \n = Four = \n")
    return Wikitext(folder=str(path))


def pairs(path: Path) -> Pairs:
    lines = ({"prompt": f" Is {number} odd?", "answer": "Yes." if number % 2 else "No."} for number in range(5))
    (path / "pairs.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return Pairs(pairs=(str(path / "pairs.jsonl"),), room=4)


EXAMPLES: dict[str, Callable[[Path], Any]] = {
    "babybabellm": babybabellm,
    "babylm": babylm,
    "embedded": lambda path: Embedded(),
    "files": text_files,
    "hub": hub,
    "memory": lambda path: Memory(texts=("one text", " ", "another")),
    "pairs": pairs,
    "tokenized": tokenized,
    "wikitext": wikitext,
}


@pytest.mark.parametrize("name", registry.names("text.corpora"))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_contract(name: str, tmp_path: Path) -> None:
    corpus = EXAMPLES[name](tmp_path)
    first, second = list(corpus.documents("strict")), list(corpus.documents("strict"))
    assert first == second
    assert all(document.text.strip() and document.domain for document in first)
    assert corpus.sources() == corpus.sources() != []
    assert type(corpus) is registry.load("text.corpora", name)[0]
    assert repr(corpus) == repr(EXAMPLES[name](tmp_path))


@pytest.mark.parametrize("name", registry.names("text.corpora"))
def test_every_field_says_what_it_is(name: str) -> None:
    cls = registry.load("text.corpora", name)[0]
    source = inspect.getsource(cls)
    assert all('"""' in source.split(f"    {field}:")[1].split("\n")[1] for field in cls.__dataclass_fields__)


def test_the_embedded_corpus_is_prose_that_never_repeats() -> None:
    documents = list(Embedded().documents("strict"))
    assert {document.domain for document in documents} == {"topics", "library"}
    assert 200_000 < sum(len(document.text.split()) for document in documents) < 450_000
    paragraphs = [line for document in documents for line in document.text.split("\n")]
    assert len(paragraphs) == len(set(paragraphs))
    assert not any(">>> " in line[:8] or line.startswith(("+--", "***", "===")) for line in paragraphs)


def test_prose_loses_its_ornaments_and_keeps_its_words() -> None:
    raw = "Short ``one``\n******\n\nSee *item* of :class:`Foo` for\nmore words.\n\n>>> 1 + 1\n\nx ::= y and z or w"
    assert Paragraphs().new(raw) == "See item of Foo for more words."


@pytest.mark.parametrize("layout", ["authors", "raw.gz", "hub"])
def test_an_article_of_wikitext_is_a_document(layout: str, tmp_path: Path) -> None:
    corpus = wikitext(tmp_path)
    if layout == "raw.gz":
        (tmp_path / "wiki.train.raw.gz").write_bytes(gzip.compress((tmp_path / "wiki.train.tokens").read_bytes()))
        (tmp_path / "wiki.train.tokens").unlink()
    if layout == "hub":
        for part, rows in (("train-00000-of-00002", LINES[:4]), ("train-00001-of-00002", LINES[4:])):
            pq.write_table(pa.table({"text": [row and f"{row}\n" for row in rows]}), tmp_path / f"{part}.parquet")
        (tmp_path / "wiki.valid.tokens").rename(tmp_path / "valid.txt")
        (tmp_path / "wiki.train.tokens").unlink()
    first, second = (document.text for document in corpus.documents("strict"))
    assert first == "= One =\nFirst lines .\n= = Part = =\na = b = c"
    assert second == "= 2 + 2 = 5 =\nSecond .\n= No title ="
    held_out = corpus.validation_documents("strict")
    if layout == "hub":
        assert held_out is None
        return
    assert [document.text for document in held_out or ()] == ["= Three =\nThird ."]
    assert [Path(source.name).name[:10] for source in corpus.sources()] == ["wiki.train", "wiki.valid"]


def test_blank_lines_end_documents_of_a_text_file(tmp_path: Path) -> None:
    documents = list(text_files(tmp_path).documents("strict"))
    assert documents == [Document("first\nline", "one"), Document("second", "one"), Document("third", "one")]


@given(st.text(alphabet="ab \n", max_size=200), st.integers(1, 50))
def test_pieces_lose_nothing_and_keep_to_their_length(text: str, longest: int) -> None:
    cut = list(pieces(text, longest))
    assert "".join(cut) == text
    assert all(0 < len(piece) <= longest for piece in cut)


def test_carriage_returns_byte_order_marks_and_split_characters_are_read(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_bytes(b"\xef\xbb\xbf" + ("é" * (1 << 20) + "\r\n\r\nend").encode())
    found = list(texts(path, Reading(max_chars=1 << 21)))
    assert [len(text) for text in found] == [1 << 20, 3]
    assert found[0][0] == "é"


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.jsonl.zst", "t.parquet", "t.txt.gz"])
def test_formats_hold_the_same_texts(name: str, tmp_path: Path) -> None:
    wanted = ["one é", "two\nlines"]
    write(tmp_path / name, wanted)
    assert [d.text for d in Files(files=(str(tmp_path / name),)).documents("strict")] == wanted
    assert [d.domain for d in Files(files=(f"{tmp_path}/t.*",)).documents("strict")] == ["t", "t"]


def write(path: Path, wanted: list[str]) -> None:
    """The texts in the format that the name says."""
    lines = "".join(json.dumps({"text": text, "id": 1}) + "\n" for text in wanted).encode()
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"text": [*wanted, None]}), path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines if ".jsonl" in path.name else "\n\n".join(wanted).encode()))
    else:
        with pa.output_stream(str(path), compression="detect") as file:
            file.write(lines)


def test_babylm_files_are_cut_after_lines(tmp_path: Path) -> None:
    corpus = babylm(tmp_path)
    documents = list(corpus.documents("strict"))
    assert [document.domain for document in documents] == ["bnc_spoken"] * 3 + ["childes"] * 3
    assert [document.text.count("\n") + 1 for document in documents] == [100, 100, 50] * 2
    valid = corpus.validation_documents("strict")
    assert valid is not None
    assert {document.domain for document in valid} == {"childes"}


def test_languages_are_mixed_by_words_that_mean_as_much(tmp_path: Path) -> None:
    corpus = babybabellm(tmp_path, words=200, eng=1, nld=1, zho=2)
    found = list(corpus.documents("strict"))
    totals = {language: sum(d.words for d in found if d.domain == language) for language in SPOKEN}
    assert all(
        0.7 * share <= totals[language] <= share for language, share in {"eng": 50, "nld": 50, "zho": 100}.items()
    )
    assert english_words("two words", "eng") == 2
    for language in ("nld", "zho"):
        text = SPOKEN[language] * 40
        assert english_words(text, language) == round(len(text.encode()) / PREMIUMS[language] / ENGLISH)
    alone = list(babybabellm(tmp_path, eng=0, nld=0).documents("strict"))
    assert {document.domain for document in alone} == {"zho"}
    assert len(alone) == 20
    with pytest.raises(ValueError, match="eng, nld and zho are all 0"):
        babybabellm(tmp_path, eng=0, nld=0, zho=0)
    with pytest.raises(ValueError, match=r"holds no babylm-eng with \.txt"):
        list(Babybabellm(folder=str(tmp_path / "nowhere")).documents("strict"))


def test_words_of_chinese_count_in_a_run_by_their_bytes(tmp_path: Path) -> None:
    corpus = babybabellm(tmp_path, eng=0, nld=0)
    made = prepare(corpus, TokenizerSettings(kind="character"), 0.3, folder=tmp_path / "shards", progress=False)
    counted = sum(int(split.words.sum()) for split in (made.train, made.valid))
    assert counted == sum(document.words for document in corpus.documents("strict"))
    assert counted > 20


def test_an_endless_text_is_cut_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.txt"
    with path.open("w") as file:
        for _ in range(30):
            file.write("word " * 200_000)
    tracemalloc.start()
    sizes = [len(text) for text in texts(path, Reading(max_chars=10_000))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) == 30_000_000
    assert max(sizes) <= 10_000
    assert peak < 16_000_000


def test_bytes_that_are_not_utf8_are_named_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"x" * (1 << 20) + b"\n\nab\xffcd")
    with pytest.raises(ValueError, match=r"bad\.txt is not UTF-8: byte 0xff at position 1048580"):
        list(Files(files=(str(path),)).documents("strict"))
    assert [d.text for d in Files(files=(str(path),)).documents("replace")][-1] == "ab\ufffdcd"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"text": "a"}\n{"text": \n', r"bad\.jsonl:2 is not JSON: Expecting value"),
        ('{"body": "a"}\n', r"bad\.jsonl:1: no field 'text': there is 'body'"),
        ("[1]\n", r"bad\.jsonl:1: a JSON object belongs here, not \[1\]"),
        ('{"text": "\\ud800"}\n', r"bad\.jsonl:1 holds half a character"),
    ],
)
def test_bad_json_lines_are_named(content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(content)
    with pytest.raises(ValueError, match=complaint):
        list(Files(files=(str(tmp_path / "bad.jsonl"),)).documents("strict"))


def test_missing_files_columns_and_kinds_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["a"]}), tmp_path / "t.parquet")
    (tmp_path / "notes.doc").write_text("x")
    for files, complaint in {
        (str(tmp_path / "t.parquet"),): "no column 'text': the columns are 'body'",
        (str(tmp_path / "nothing*"),): "no file at '.*' that ends in",
        ("nothing/",): "no file at 'nothing/' in /.* that ends in",
        (str(tmp_path / "notes.doc"),): "not a kind of file that can be read",
        (): "corpus.files is empty",
    }.items():
        with pytest.raises(ValueError, match=complaint):
            list(Files(files=files).documents("strict"))
    with pytest.raises(ValueError, match="holds no train_10M"):
        list(Babylm(folder=str(tmp_path)).documents("strict"))
    with pytest.raises(ValueError, match=r"holds no wiki\.train\.tokens"):
        list(Wikitext(folder=str(tmp_path)).documents("strict"))


def test_an_endless_data_set_is_read_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    read = count()
    endless = SimpleNamespace(load_dataset=lambda *_, **__: ({"text": f"text {number}"} for number in read))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("importlib.import_module", lambda name: endless)
    corpus = Hub(dataset="owner/endless", max_documents=3)
    assert [document.text for document in corpus.documents("strict")] == ["text 0", "text 1", "text 2"]
    assert next(read) == 3
    assert corpus.sources() != Hub(dataset="owner/endless", max_documents=4).sources()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_hub_reads_local_folders_and_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = hub(tmp_path)
    assert [document.text for document in corpus.documents("strict")] == ["one", "two"]
    with pytest.raises(ValueError, match="row 1: no field 'body': there is 'text'"):
        list(Hub(dataset=str(tmp_path), field="body").documents("strict"))
    with pytest.raises(ValueError, match="cannot open the split 'test'"):
        list(Hub(dataset=str(tmp_path), split="test").documents("strict"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs the package datasets: pip install maskwright\[hub\]"):
        list(corpus.documents("strict"))
