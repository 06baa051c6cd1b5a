"""What a benchmark finds is kept by machine and command."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

KEEP = Path(__file__).parents[1] / "benchmarks" / "keep.py"
SCRIPT = 'import json, sys\nprint(json.dumps({"case": {"ours": len(sys.argv)}}))\n'


def test_each_command_has_its_entry_and_again_replaces_it(tmp_path: Path) -> None:
    script = tmp_path / "timing.py"
    script.write_text(SCRIPT)
    for arguments in (["--busy"], ["--only", "a b"], ["--busy"]):
        done = subprocess.run([sys.executable, KEEP, script, *arguments], capture_output=True, text=True, check=True)
    (path,) = (tmp_path / "results").glob("timing-*.json")
    assert done.stdout.strip() == str(path)
    kept = json.loads(path.read_text())
    assert {command: run["cases"]["case"]["ours"] for command, run in kept["runs"].items()} == {
        "python benchmarks/timing.py --busy": 3,
        "python benchmarks/timing.py --only 'a b'": 4,
    }
    assert {"processor", "PyTorch"} <= kept["machine"].keys()
    assert all(run.keys() == {"date", "load before", "threads", "cases"} for run in kept["runs"].values())


def test_what_a_command_of_maskwright_prints_is_kept_too(tmp_path: Path) -> None:
    copy = shutil.copy(KEEP, tmp_path)
    subprocess.run([sys.executable, copy, "maskwright", "doctor"], capture_output=True, check=True)
    (path,) = (tmp_path / "results").glob("doctor-*.json")
    runs = json.loads(path.read_text())["runs"]
    assert "processor" in runs["maskwright doctor"]["cases"]
