"""Every snippet of docs/python.md runs, one after another, in an empty folder, and prints what the page says of it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_the_snippets_run(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is an extra")
    pytest.importorskip("pandas", reason="a snippet makes a table of pandas")
    assert len(SNIPPETS) >= 9
    script = tmp_path / "page.py"
    script.write_text("\n".join(SNIPPETS), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("<Run spans: modern trained by span, step 40>\n")
    for printed in ("bits a byte", "36 40", "nats: The(", "ModernBertForMaskedLM, native", "EveryOther("):
        assert printed in ran.stdout
    assert {path.name for path in tmp_path.iterdir()} >= {"spans", "own", "exported"}
