"""The site builds without warnings, takes along what pages refer to, and has every public name."""

import logging
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

import maskwright

ROOT = Path(__file__).parents[1]


@pytest.mark.filterwarnings("ignore")  # those of the builder's own libraries; its own are errors, by `strict`
def test_the_site_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    monkeypatch.setattr(logging.getLogger("mkdocs"), "handlers", [])
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path)))
    pages = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} < pages.keys()
    assert all(f'id="maskwright.{maskwright._HOMES[name]}.{name}"' in pages["reference"] for name in maskwright.__all__)
    assert 'href="runs/index.html"' in pages["index"]
    assert (tmp_path / "pictures" / "views.svg").exists()
    assert (tmp_path / "benchmarks" / "results" / "demo.json").exists()
