"""Jobs over several processes, from whatever script they are asked."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
from pathlib import Path

from maskwright.evaluate.babylm.jobs import Job, carry_out

with open("times", "a") as file:
    file.write("once\\n")
try:
    carry_out([Job(Path("none"), "blimp", Path("none"), (), Path(place)) for place in ("a", "b")], workers=2)
except ValueError as error:
    print(error)
"""


def test_a_script_that_evaluates_needs_no_main_guard(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert "none" in done.stdout, done.stderr
    assert (tmp_path / "times").read_text() == "once\n"
