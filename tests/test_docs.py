"""What the pages say can be typed: commands of recipes are whole configs, and tables leave nothing out."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from maskwright.cli.commands.compare import command
from maskwright.compare.experiments import arms
from maskwright.masking.select import IGNORE
from maskwright.objectives.base.contract import check, maker
from maskwright.run.config import Config, recipes
from maskwright.run.sections import Evaluation, Rows, Training
from maskwright.settings import field_names
from maskwright.settings.registry import entries, files
from maskwright.text.tokenizers.training import TokenizerSettings

from .handmade import TEXT, rows

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
SCRIPTS = [path for path in sorted((ROOT / "runs").rglob("study.*")) if path.suffix in (".sh", ".py")]
PLUG_INS = {
    "corpus": "text.corpora",
    "order": "data.orders",
    "model": "models",
    "objective": "objectives",
    "optimizer": "optimizers",
}
"""The sections whose options are those of what they name, and the folder of each."""
SECTIONS = {"tokenizer": TokenizerSettings, "rows": Rows, "training": Training, "evaluation": Evaluation}
PAGES = [*DOCS, *(ROOT / name for name in ("README.md", "LOG.md", "runs/README.md"))]


def typed(page: Path, command: str) -> list[str]:
    """What stands after `maskwright COMMAND`, that included, to the end of the line or of the quotation."""
    whole = page.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"maskwright {command} [^\n`#|;)]*", whole)


def commands(page: Path) -> list[list[str]]:
    """The words of every `maskwright train RECIPE …` with a recipe of ours."""
    split = [shlex.split(line)[2:] for line in typed(page, "train")]
    return [words for words in split if words and words[0] in recipes()]


def comparisons(page: Path) -> list[dict[str, Any]]:
    """The parameters of every `maskwright compare …`, as the command takes them, but for arms that a variable holds."""
    words = [[word for word in shlex.split(line)[2:] if not word.startswith("$")] for line in typed(page, "compare")]
    program = typer.Typer(add_completion=False)
    program.command()(command)
    compare = typer.main.get_command(program)
    return [compare.make_context("compare", some, resilient_parsing=True).params for some in words]


def my_objectives() -> str:
    """The file that the page on extending shows."""
    page = (DOCS[0].parent / "extending.md").read_text(encoding="utf-8")
    return page.partition("```python\n")[2].partition("```")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_line_of_a_block_can_be_pasted(page: Path) -> None:
    """What is said of a command stands behind a #, where a shell does not read it."""
    remark = r"^ {4}(?:maskwright|python|pip|make|hf) .*\S {2,}(?![# ]).*$"
    assert re.findall(remark, page.read_text(encoding="utf-8"), flags=re.MULTILINE) == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a reader who has written that file, and downloaded a model."""
    (tmp_path / "my_objectives.py").write_text(my_objectives())
    (tmp_path / "bert-base-uncased").mkdir()
    (tmp_path / "bert-base-uncased/config.json").write_text(
        '{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
    )
    (tmp_path / "general").symlink_to("bert-base-uncased")  # what a page has trained before
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_commands_are_whole_configs(page: Path, folder: Path) -> None:
    for recipe, *words in commands(page):
        Config.load(recipe, [word for word in words if "=" in word and not word.startswith("--")])
    for found in comparisons(page):
        written = [arm for arm in found["recipes"] or () if not arm.endswith((".yaml", "…"))]
        if len(written) > 1:
            arms(written, found["changes"] or (), found["budget"])


def test_every_objective_is_in_the_table_with_a_command_that_works() -> None:
    table = (DOCS[0].parent / "objectives.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(objective\.name=[^`]*)` \|$", table, flags=re.MULTILINE))
    assert rows.keys() == set(files("objectives"))
    for name, words in rows.items():
        config = Config.load("quickstart", words.split())
        assert type(config.objective).__module__.endswith(f".{name}")


def test_the_objective_on_the_page_keeps_what_the_page_prints(folder: Path) -> None:
    config = Config.load("quickstart", ["objective.name=my_objectives.py:EveryOther"])
    found = check(maker(config.objective, TEXT), rows())
    printed = "".join(f"    ✓ {finding.promise}\n" for finding in found)
    assert not any(finding.counterexample for finding in found)
    assert printed in (DOCS[0].parent / "extending.md").read_text(encoding="utf-8")


def test_the_objective_with_state_on_the_page_goes_on_where_it_was() -> None:
    page = (DOCS[0].parent / "extending.md").read_text(encoding="utf-8")
    code: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[:2]:
        exec(block, code)
    value, some = code["Alternating"](), rows()
    live, other = value.build(TEXT, 0), value.build(TEXT, 0)
    first = live(some, 0)
    live.end_step()
    assert not (((first.targets != IGNORE) & (live(some, 0).targets != IGNORE)).any())
    assert other(some, 0).targets.equal(first.targets)
    other.load_state_dict(live.state_dict())
    assert other(some, 0).targets.equal(live(some, 0).targets)


def known_options() -> set[str]:
    """Every `section.option` that a config may have, whatever is chosen for the section."""
    kinds = [*SECTIONS.items(), *((section, kind) for section, at in PLUG_INS.items() for kind in entries(at).values())]
    return {f"{section}.{name}" for section, kind in kinds for name in ("name", *field_names(kind))}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_scripts_of_studies_name_options_that_exist(script: Path) -> None:
    section = "|".join([*SECTIONS, *PLUG_INS])
    assert set(re.findall(rf"\b((?:{section})\.[a-z_]+)[.a-z_]*=", script.read_text())) <= known_options()
