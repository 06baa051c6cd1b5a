"""The command line, in this process: commands with arguments that fit, and that do not."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from random import Random

from faults.finished import folder as run_folder
from faults.outcome import Fault, expect
from faults.pieces import odd, text
from maskwright.cli import app

ENDED = {0, 1, 2}
SAMPLERS = ("mdlm", "maskgit", "llada", "p2", "remdm", "dream", "renoise", "left_to_right", "nothing", "learned")
OPTIONS = ("steps", "temperature", "length", "sampler", "objective.ratio", "nothing", "")
JSON = ("fill", "score", "evaluate")
"""Commands that take `--json`."""


def attempt(chance: Random, folder: Path) -> bool:
    """Call a command; it ends well, or with a sentence on standard error and exit code 2."""
    words = _words(chance, folder)
    as_json = words[0] in JSON and chance.random() < 0.4
    words += ["--json"] if as_json else []
    (folder / "arguments.txt").write_text(repr(words), encoding="utf-8", errors="backslashreplace")
    code, out, err = called(words)
    expect(code in ENDED and "Traceback" not in err, f"exit code {code}: {err}")
    expect(code == 0 or bool(err.strip()), f"exit code {code} without a word")
    if as_json and code == 0:
        json.loads(out)
    return code == 0


def called(words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `maskwright` with these words."""
    app.app.registered_commands = []
    before, sys.argv = sys.argv, ["maskwright", *words]
    out, err = io.StringIO(), io.StringIO()
    os.environ.pop("MASKWRIGHT_TRUST_CODE", None)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            app.main()
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    finally:
        sys.argv = before
    raise Fault("it did not exit")


def _words(chance: Random, folder: Path) -> list[str]:
    run = (
        str(run_folder()) if chance.random() < 0.9 else chance.choice((str(folder), "nothing", "", "\x00", "/dev/null"))
    )
    file = folder / chance.choice(("texts.txt", "texts.jsonl", "texts.json"))
    lines = [text(chance).replace("\n", " ") for _ in range(chance.randint(0, 4))]
    name = chance.choice(("text", "text", "other"))
    made = (json.dumps({name: line}) if "json" in file.name else line for line in lines)
    file.write_text("\n".join(made), encoding="utf-8")
    number = str(chance.choice((0, 1, 2, 3, -1, 1.5, "x", "nan")))
    pair = f"{chance.choice(OPTIONS)}={odd(chance)}"[:200]
    commands = [
        ["fill", run, text(chance) + chance.choice((" [MASK]", "")), *chance.choice(([], ["--top", number]))],
        ["score", run, str(file)],
        ["sample", run, "--length", "8", "--steps", chance.choice(("2", number)), "--sampler", chance.choice(SAMPLERS)],
        ["sample", run, "--steps", "2", "--prompt", text(chance), "--length", number],
        ["sample", run, "--steps", "2", "--html", str(folder / chance.choice(("page.html", "no/page.html", "")))],
        ["evaluate", run, chance.choice(("validation", "layers", "unknown", "blimp")), *chance.choice(([], [pair]))],
        ["masks", text(chance), "--objective", "mlm", *chance.choice(([], ["--ratio", number], ["--epochs", number]))],
        ["options", *chance.choice(([], ["objective"], ["suite"], [text(chance, 2)]))],
        ["import-config", str(file), "--out", str(folder / "run.yaml")],
        [
            "tokenize",
            chance.choice(("quickstart", str(file))),
            f"corpus.files=[{file}]",
            pair,
            "--out",
            str(folder / "shards"),
        ],
        ["export", run, str(folder / "exported")],
        ["merge", run, run, "--out", str(folder / "merged")],
    ]
    return [word.replace("\ud800", "?") for word in chance.choice(commands)]
