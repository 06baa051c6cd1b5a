"""No module opens a file of the user's by itself: what is read goes through `maskwright.files`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import maskwright

ROOT = Path(maskwright.__file__).parent
READS = {"read_text", "read_bytes"}
LIBRARIES = {
    "json": {"load", "loads"}, "yaml": {"load", "safe_load"}, "csv": {"reader", "DictReader"}, "gzip": {"open"},
    "bz2": {"open"}, "lzma": {"open"}, "parquet": {"read_table", "ParquetFile"}, "pq": {"read_table", "ParquetFile"},
    "pd": {"read_csv"}, "pa": {"input_stream"},
}  # fmt: skip
ALLOWED = {
    "cli/waiting.py": "/proc/stat",
    "compare/report/page.py": "its own template",
    "compare/runner/local.py": "the log of a process it has started",
    "compare/runner/pool.py": "the end of a metrics.jsonl that is being written",
    "compare/tuning/report.py": "its own template",
    "display/elements/style.py": "its own style",
    "display/machine.py": "/proc/cpuinfo",
    "display/replay.py": "its own template",
    "display/run_report.py": "its own template, and config.yaml as it was written",
    "hardware.py": "/proc/cpuinfo",
    "hub/export/bundle.py": "its own source",
    "hub/push/repository.py": "the bytes of files to upload",
    "serving/app.py": "its own template",
    "serving/watch/app.py": "its own template",
    "settings/outside.py": "source code of one's own, as bytes",
    "storage/sealed.py": "sealed JSON, and hashes of files",
    "text/corpora/embedded.py": "the sources of Python, and the cache of the text in them",
    "text/shards/concatenate.py": "arrays of tokens",
    "text/shards/remote.py": "a sealed manifest",
    "text/tokenizers/added.py": "JSON of the package tokenizers",
    "text/tokenizers/extension.py": "JSON of the package tokenizers",
    "text/tokenizers/plain.py": "JSON of the package tokenizers",
    "text/tokenizers/sentencepiece.py": "a SentencePiece model, which is binary",
    "text/tokenizers/tokenizer.py": "JSON of the package tokenizers",
    "text/tokenizers/training.py": "JSON of the package tokenizers",
    "training/machine/memory.py": "/proc/meminfo, and the limits of a control group",
    "training/token_weights.py": "mask_weights.parquet, to which it appends",
}
"""What else a file reads."""


def reads(path: Path) -> Iterator[str]:
    """The calls in a file that read another."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _reads(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def _reads(call: ast.Call) -> bool:
    name = call.func
    if isinstance(name, ast.Name):
        return name.id == "open" and not _writes(call, 1)
    if not isinstance(name, ast.Attribute):
        return False
    owner = name.value.id if isinstance(name.value, ast.Name) else getattr(name.value, "attr", "")
    if name.attr == "open" and owner not in LIBRARIES:
        mode = call.args[0] if call.args else None
        return (mode is None or isinstance(mode, ast.Constant)) and not _writes(call, 0)
    return name.attr in READS or name.attr in LIBRARIES.get(owner, ())


def _writes(call: ast.Call, place: int) -> bool:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] + call.args[place : place + 1]
    return any(isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value)) for mode in given)


FILES = sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] != "files")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_read_by_one_reader(path: Path) -> None:
    found = list(reads(path))
    if path.relative_to(ROOT).as_posix() not in ALLOWED:
        assert not found, f"{path} reads by itself: {found}; take maskwright.files"
    else:
        assert found, f"{path} reads nothing by itself any more: take it out of ALLOWED"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open(path)", True),
        ("open(path, 'rb')", True),
        ("open(path, 'w')", False),
        ("path.open()", True),
        ("path.open(encoding='utf-8')", True),
        ("path.open('ab')", False),
        ("path.open(mode='w')", False),
        ("Shards.open(place)", False),
        ("path.read_text()", True),
        ("json.loads(line)", True),
        ("json.dumps(value)", False),
        ("csv.DictReader(file)", True),
        ("csv.DictWriter(file)", False),
        ("yaml.safe_load(text)", True),
        ("pa.parquet.read_table(path)", True),
    ],
)
def test_what_reads_is_known(tmp_path: Path, source: str, found: bool) -> None:
    (tmp_path / "a.py").write_text(source)
    assert bool(list(reads(tmp_path / "a.py"))) == found
