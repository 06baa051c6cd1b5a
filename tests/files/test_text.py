"""Text in files: encodings, ends of lines, compression by content, and what is said of damaged files."""

import bz2
import codecs
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.files import compression
from maskwright.files.text import blocks, lines, read_text

TEXT = "one é\ntwo\n" * 300


def arrow(kind: str) -> Callable[[bytes], bytes]:
    return lambda data: pa.compress(data, codec=kind, asbytes=True)


def framed_lz4(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "lz4") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": arrow("zstd"), "lz4": framed_lz4,
}  # fmt: skip


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("kind", COMPRESS)
def test_compression_is_told_by_content_and_members_follow_each_other(put, kind: str) -> None:
    made = COMPRESS[kind](TEXT.encode())
    assert read_text(put("plain.txt", made)) == TEXT
    assert compression.is_compressed(put("plain.txt", made))
    assert read_text(put("another.txt.gz", made + made)) == TEXT * 2


def test_a_name_of_compression_does_not_make_a_file_compressed(put) -> None:
    path = put("plain.txt.gz", b"never compressed\n")
    assert read_text(path) == "never compressed\n"
    assert not compression.is_compressed(path)
    assert read_text(put("name.txt", b"BZh9 is how bz2 begins")) == "BZh9 is how bz2 begins"
    assert read_text(put("empty.txt.zst", b"")) == ""


@pytest.mark.parametrize("kind", ["gz", "xz"])
@pytest.mark.parametrize("zeros", [512, 3 << 20])
def test_zeros_after_the_last_member_are_padding(put, kind: str, zeros: int) -> None:
    assert read_text(put("tape", COMPRESS[kind](TEXT.encode()) + bytes(zeros))) == TEXT


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("damage", [lambda made: made[:-7], lambda made: made + b"junk and more junk"])
def test_a_damaged_file_is_named(put, kind: str, damage: Callable[[bytes], bytes]) -> None:
    path = put(f"b.txt.{kind}", damage(COMPRESS[kind](TEXT.encode())))
    with pytest.raises(ValueError, match=rf"b\.txt\.{kind} (is damaged|cannot be read): .+"):
        read_text(path)


@given(st.integers(0, 2000), st.sampled_from(sorted(COMPRESS)), st.integers(0, 7))
def test_a_flipped_bit_is_never_an_exception_of_a_library(tmp_path_factory, place: int, kind: str, bit: int) -> None:
    content = bytearray(COMPRESS[kind](TEXT.encode()))
    content[place % len(content)] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / f"flipped.{kind}"
    path.write_bytes(content)
    sentence = f"{path} is read all the same"
    try:
        read_text(path)
    except ValueError as error:
        sentence = f"{error}" if type(error) is ValueError else repr(error)
    assert sentence.startswith(f"{path} ")


def test_other_things_in_the_place_of_a_file_are_named(put, tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    for content, sentence in {
        pointer: r"p\.txt is a Git LFS pointer and not the file itself: run git lfs pull",
        b"PK\x03\x04rest": r"p\.txt is a zip archive or an office document: unpack it",
    }.items():
        with pytest.raises(ValueError, match=sentence):
            read_text(put("p.txt", content))
    with pytest.raises(ValueError, match=r"there is no file .*nothing"):
        read_text(tmp_path / "nothing")
    with pytest.raises(ValueError, match="is a folder, not a file"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_says_the_encoding_and_is_no_text(put, mark: bytes, encoding: str) -> None:
    assert read_text(put("a.txt", mark + TEXT.encode(encoding))) == TEXT


def test_two_signs_alone_end_a_line(put) -> None:
    odd = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh"
    path = put("a.txt", f"\ufeff{odd}\r\n\nlast\r\n".encode())
    assert list(lines(path)) == [(1, odd), (2, ""), (3, "last")]
    assert list(lines(put("b.txt", b"no end"))) == [(1, "no end")]
    assert list(lines(put("c.txt", b""))) == []


@pytest.mark.parametrize("shift", range(-3, 4))
def test_ends_of_lines_and_characters_on_the_border_of_a_block_are_whole(put, shift: int) -> None:
    start = "x" * (compression.BLOCK - 2 + shift)
    path = put("a.txt", f"{start}\r\né\r\n".encode())
    assert "".join(blocks(path)) == f"{start}\né\n"
    assert [number for number, _ in lines(path)] == [1, 2]


def test_bytes_that_are_no_text_are_named_with_line_and_position(put) -> None:
    path = put("latin1.txt", b"one\nthe caf\xe9\n")
    with pytest.raises(ValueError, match=r"latin1\.txt is not UTF-8: byte 0xe9 at position 11, in line 2; save it as"):
        read_text(path)
    assert "".join(blocks(path, "replace")) == "one\nthe caf\ufffd\n"
    with pytest.raises(ValueError, match=r"half\.txt is not UTF-16"):
        read_text(put("half.txt", codecs.BOM_UTF16_LE + b"a\0b"))
