"""Commands that write, killed at any moment or given a disk that is full: then they are run again, undisturbed.

Each runs in a process of its own, which begins as a copy of this one.
"""

import json
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from random import Random

from faults.commands import called
from faults.finished import folder as run_folder
from faults.outcome import expect

LONGEST = 120.0
"""Seconds after which a command hangs."""


def attempt(chance: Random, folder: Path) -> bool:
    """Disturb a command; it says so in a sentence or was killed, and what it writes the next time is whole."""
    run = folder / "run"
    shutil.copytree(run_folder(), run)
    words = _words(chance, run, folder)
    full = chance.random() < 0.5
    limit = chance.choice((0, 1, 300, 2000, 20_000, 200_000)) if full else None
    code, said = _disturbed(words, folder, limit, None if full else chance.uniform(0, 1.5))
    (folder / "command.txt").write_text(f"{words} {limit=}\n{code}\n{said}", encoding="utf-8")
    expect("Traceback" not in said and code in (0, 1, 2, -signal.SIGKILL), f"exit code {code}: {said}")
    expect(code in (0, -signal.SIGKILL) or bool(said.strip()), f"exit code {code} without a word")
    again, said = _disturbed(words, folder, None, None)
    written_already = again == 2 and code != 0 and ("already" in said or "is not empty" in said)
    expect(again == 0 or (code == 0 and again == 2) or written_already, f"run again, exit code {again}: {said}")
    for path in [*run.rglob("*.json"), *folder.glob("out/**/*.json")]:
        expect(_is_json(path), f"{path.name} is torn")
    return code == 0


def _words(chance: Random, run: Path, folder: Path) -> list[str]:
    (folder / "zorro").mkdir()
    (folder / "zorro/a-b.txt").write_text("the cats sits\nthe cats sit\n" * 4)
    task = folder / "task"
    task.mkdir()
    lines = "".join(json.dumps({"sentence": f"the cat {n}", "label": n % 2}) + "\n" for n in range(8))
    for name in ("train.jsonl", "valid.jsonl"):
        (task / name).write_text(lines)
    predictions = f"predictions={folder / 'out'}"
    return chance.choice([
        ["evaluate", str(run), "validation"],
        ["evaluate", str(run), "zorro", "--data", str(folder / "zorro"), predictions],
        ["evaluate", str(run), "classification", "--data", str(task), "seeds=1", "epochs=1", predictions],
        ["sample", str(run), "--steps", "2", "--length", "8", "--html", str(folder / "page.html")],
        ["export", str(run), str(folder / "out")],
        ["merge", str(run), str(run), "--out", str(folder / "out")],
        ["tokenize", str(run / "config.yaml"), "--out", str(folder / "out")],
    ])  # fmt: skip


def _disturbed(words: list[str], folder: Path, limit: int | None, seconds: float | None) -> tuple[int, str]:
    """Exit code and standard error of a command whose files may have `limit` bytes, killed after `seconds`."""
    said = folder / "said.txt"
    child = os.fork()
    if not child:
        _run(words, said, limit)
    begin, ended = time.monotonic(), (0, 0)
    while not ended[0] and time.monotonic() - begin < (LONGEST if seconds is None else seconds):
        ended = os.waitpid(child, os.WNOHANG)
        time.sleep(0.005)
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
        ended = os.waitpid(child, 0)
        expect(seconds is not None, f"{words[0]} hangs")
    return os.waitstatus_to_exitcode(ended[1]), said.read_text() if said.exists() else ""


def _run(words: list[str], said: Path, limit: int | None) -> None:
    """In the new process: call, write what was said, and end."""
    code, err = 3, ""
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        os.environ["XDG_CACHE_HOME"] = str(said.parent / "cache")
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        code, _, err = called(words)
    except BaseException as error:
        err = f"Traceback: {error!r}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    said.write_text(err)
    sys.stdout.flush()
    os._exit(code)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True
