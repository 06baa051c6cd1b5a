"""Inputs of every kind, without end: is each taken as it stands, or refused in one sentence?

    python benchmarks/fuzz.py --minutes 60 --keep failing --json

Each kind has the same time. What fails is kept in a folder of its own, with the error and the command that makes it
again. An input depends on its kind and number alone.
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from random import Random

from faults.outcome import signature

FAULTS = Path(__file__).parent / "faults"
KINDS = sorted(path.stem for path in FAULTS.glob("[a-z]*.py") if "def attempt" in path.read_text("utf-8"))
MOST = 3
"""Inputs that are kept of one place that fails."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="no input comes after this")
    parser.add_argument("--kinds", default=",".join(KINDS), help="names, separated by commas")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input of each kind")
    parser.add_argument("--inputs", type=int, help="at most so many of each kind")
    parser.add_argument("--keep", type=Path, default=Path("failing"), help="the folder for inputs that fail")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    found = fuzz(arguments.kinds.split(","), arguments.minutes, arguments.first, arguments.inputs, arguments.keep)
    print(json.dumps(found) if arguments.json else "\n".join(f"{name}: {row}" for name, row in found.items()))
    sys.exit(any(row["ours"] != row["peer"] for row in found.values()))


def fuzz(kinds: list[str], minutes: float, first: int, most: int | None, keep: Path) -> dict[str, dict]:
    """For each kind how many inputs were taken or refused, of how many."""
    attempts = {kind: import_module(f"faults.{kind}").attempt for kind in kinds}
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    logging.disable()  # what was skipped is said again and again
    seen: Counter[str] = Counter()
    for kind, number in schedule(kinds, 60 * minutes, first, most):
        outcome = tested(attempts[kind], kind, number, keep, seen)
        counts[kind][outcome] += 1
    return {kind: row(found) for kind, found in counts.items()}


def schedule(kinds: list[str], seconds: float, first: int, most: int | None) -> Iterator[tuple[str, int]]:
    """Kind and number: the kind that has had the least time comes next."""
    begin, spent, done = time.monotonic(), defaultdict(float), Counter[str]()
    while time.monotonic() - begin < seconds:
        open_ = [kind for kind in kinds if most is None or done[kind] < most]
        if not open_:
            return
        kind, start = min(open_, key=lambda kind: spent[kind]), time.monotonic()
        yield kind, first + done[kind]
        spent[kind] += time.monotonic() - start
        done[kind] += 1


def tested(attempt: Callable[[Random, Path], bool], kind: str, number: int, keep: Path, seen: Counter[str]) -> str:
    """`taken`, `refused` or `failed`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "input"
        folder.mkdir()
        try:
            return "taken" if attempt(Random(f"{kind}/{number}"), folder) else "refused"
        except Exception as error:
            place = f"{kind} {signature(error)}"
            seen[place] += 1
            if seen[place] <= MOST:
                kept(keep / f"{kind}-{number}", folder, kind, number, place)
            return "failed"


def kept(place: Path, folder: Path, kind: str, number: int, what: str) -> None:
    """The input, the error, and the command that makes it again."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place, symlinks=True)
    command = f"python benchmarks/fuzz.py --kinds {kind} --first {number} --inputs 1"
    (place / "error.txt").write_text(f"{what}\n{command}\n\n{traceback.format_exc()}", "utf-8", "backslashreplace")
    print(f"failed: {what} ({place})", file=sys.stderr)


def row(found: Counter[str]) -> dict:
    """The counts of one kind."""
    well, every = found["taken"] + found["refused"], sum(found.values())
    ratio = well / max(every, 1)
    return {"ours": well, "peer": every, "unit": "inputs", "ratio": ratio, "spread": [ratio, ratio], **found}


if __name__ == "__main__":
    main()
