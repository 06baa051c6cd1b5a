"""Files of text in every format, encoding and compression, some of them damaged.

References: Python's own `json`, codecs and decompressors, and pyarrow.
"""

import bz2
import gzip
import json
import lzma
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from faults.outcome import expect, tried
from faults.pieces import mutated, odd, text
from maskwright.text.corpora.files import Files

ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32")
PARQUET = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
if int(pa.__version__.partition(".")[0]) >= 21:  # before, views could be read, not written
    PARQUET.append(pa.string_view())


def attempt(chance: Random, folder: Path) -> bool:
    """Read a file; its texts are those of the reference, or it is refused by name."""
    suffix = chance.choice((".txt", ".TXT", ".train", ".jsonl", ".ndjson", ".json", ".parquet"))
    columnar = suffix == ".parquet"
    content, texts = _parquet(chance) if columnar else _written(chance, suffix.lower())
    damaged = chance.random() < 0.4
    if damaged and chance.random() < 0.5:
        content, texts = mutated(chance, content), None
        if suffix in (".jsonl", ".ndjson"):
            texts = _reference(content)
    packed, ending = (content, "") if columnar else _compressed(chance, content)
    if damaged and texts is not None:
        packed = mutated(chance, packed)
        texts = _reference(packed) if not ending and suffix in (".jsonl", ".ndjson") else None
    path = folder / f"text{suffix}{ending if chance.random() < 0.7 else ''}"
    path.write_bytes(packed)
    found, said = tried(
        lambda: [d.text for d in Files(files=(str(folder),)).documents("strict")], path.name, str(folder)
    )
    if said:
        expect(damaged or texts is None, f"refused what is whole: {said}")
    elif texts is not None:
        wanted = [one.strip("\n") for one in texts if one.strip()]
        same = found == wanted if suffix.lower() not in (".txt", ".train") else _letters(found) == _letters(texts)
        expect(same, f"found {found!r}, wanted {wanted!r}")
    return not said


def _letters(texts: list[str]) -> str:
    """Everything but the whitespace, by which documents are cut."""
    return "".join("".join(texts).split())


def _written(chance: Random, suffix: str) -> tuple[bytes, list[str] | None]:
    """The bytes of a file of texts, and these; none where they must be refused."""
    # the mark of UTF-16 and a null character after it are the mark of UTF-32
    texts: list[str | None] = [text(chance).lstrip("\ufeff\0") for _ in range(chance.randint(1, 6))]
    end, encoding = chance.choice(("\n", "\r\n")), chance.choice(ENCODINGS)
    if suffix in (".txt", ".train"):
        return f"{end}{end}".join(one for one in texts if one).encode(encoding), [one for one in texts if one]
    rows = [{"text": one, chance.choice(("id", "Text", "")): chance.choice((1, None))} for one in texts]
    right = True
    if chance.random() < 0.3:
        value = odd(chance)
        rows.insert(chance.randrange(len(rows) + 1), {"text": value})
        right = value is None or (isinstance(value, str) and value != "\ud800")
    elif chance.random() < 0.1:
        del chance.choice(rows)["text"]
        right = False
    lines = [json.dumps(row, ensure_ascii=chance.random() < 0.5 or not right) for row in rows]
    whole = suffix == ".json" and chance.random() < 0.5
    content = f"[{f',{end}'.join(lines)}]" if whole else end.join(lines)
    return content.encode(encoding), [row["text"] for row in rows if row["text"] is not None] if right else None


def _reference(content: bytes) -> list[str] | None:
    """The texts of JSON lines; none where they must be refused, or cannot be told."""
    encoding = "utf-8-sig" if not content.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) else None
    try:
        lines = content.decode(encoding or ("utf-32" if b"\0\0" in content[:4] else "utf-16")).split("\n")
        rows = [json.loads(line.strip(" \t\r\n\ufeff")) for line in lines if line.strip(" \t\r\n\ufeff")]
        texts = [row["text"] for row in rows if row["text"] is not None]
        return texts if all(isinstance(one, str) and one.encode() is not None for one in texts) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _compressed(chance: Random, content: bytes) -> tuple[bytes, str]:
    kind = chance.choice(("", "", "gzip", "bz2", "xz", "zstd", "lz4"))
    if kind == "gzip":
        half = chance.randrange(len(content) + 1)
        return gzip.compress(content[:half]) + gzip.compress(content[half:]) + bytes(chance.choice((0, 0, 512))), ".gz"
    if kind in ("bz2", "xz"):
        return (bz2.compress(content), ".bz2") if kind == "bz2" else (lzma.compress(content), ".xz")
    if not kind:
        return content, ""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, kind) as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes(), {"zstd": ".zst", "lz4": ".lz4"}[kind]


def _parquet(chance: Random) -> tuple[bytes, list[str] | None]:
    texts = [text(chance) if chance.random() < 0.9 else None for _ in range(chance.randint(1, 6))]
    kind = chance.choice((*PARQUET, pa.list_(pa.string()), pa.int64(), pa.binary()))
    right = kind in PARQUET
    values = (
        texts
        if right or kind == pa.binary()
        else [[one] for one in texts]
        if kind != pa.int64()
        else [1 for _ in texts]
    )
    sink = pa.BufferOutputStream()
    column = pa.array(values, pa.string() if pa.types.is_dictionary(kind) else kind)
    column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column
    pq.write_table(pa.table({"text": column, "id": [1] * len(texts)}), sink)
    return sink.getvalue().to_pybytes(), [one for one in texts if one is not None] if right else None
