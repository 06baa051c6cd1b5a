"""What stands in a table is what was put there, whatever signs it has."""

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Column
from rich.text import Text

from maskwright import progress
from maskwright.display import accuracies, metrics, preflight, series, side_by_side, text_scores
from maskwright.display.adaptive import weight_plots
from maskwright.display.elements.painted import painted
from maskwright.display.elements.table import Table, written
from maskwright.hub.preflight.checks import Finding
from maskwright.progress import Bar, warn
from maskwright.sampling.fill import Blank

NAMES = ["[x]", "[/]", "a[bold]b[/bold]", ":smile:", "$_<|", r"\[x]", "שלום नमस्ते ไทย 🙂 e\u0301"]


def printed(shown: object) -> str:
    console = Console(file=StringIO(), width=400)
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_a_table_is_text(name: str) -> None:
    table = Table(name, Column(""), title=f"title {name}", caption=f"caption {name}")
    table.add_column(f"more {name}")
    table.add_row(f"cell {name}", Text(name))
    assert all(f"{part}{name}" in printed(table) for part in ("title ", "caption ", "more ", "cell ", ""))


@pytest.mark.parametrize("name", NAMES)
def test_names_in_every_table_are_text(name: str) -> None:
    bounds = {f"{name}/accuracy": 0.5, f"{name}/low": 0.4, f"{name}/high": 0.6}
    line = {"token": name, "weight": 1.0, "difficulty": 0.5, "count": 3}
    scored = {"text": name, **dict.fromkeys(text_scores.COLUMNS, 0.0)}
    shown = [
        accuracies.table(accuracies.scores(bounds)),
        side_by_side.table({name: {"": (1.0, 0.5, 2.0)}}),
        series.table(name, {3: {name: 1.0}}),
        metrics.metrics({name.replace("/", ""): 1.0}) if "/" not in name else Text(name),
        metrics.blanks("a [MASK]", [Blank(1, [(name, 0.5)])]),
        text_scores.table([scored]),
        weight_plots.table(name, [line]),
        preflight.table([Finding(name, True, name)]),
    ]
    for table in shown:
        assert name in printed(table).replace("\\\\", "\\").replace("\n", "/"), table


@pytest.mark.parametrize("name", NAMES)
def test_warnings_and_bars_are_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.console, "_file", StringIO())  # `file` would be put back as the stderr of now
    warn(f"{name} is odd")
    from rich.progress import TextColumn

    with Bar(TextColumn("{task.description}")) as bar:
        bar.add_task(f"copying {name}", total=1)
        progress.console.print(bar.get_renderable())
    said = progress.console.file.getvalue()  # type: ignore[attr-defined]
    assert f"warning: {name} is odd" in said
    assert f"copying {name}" in said


def test_no_colour_ends_within_a_character() -> None:
    parts = [
        ("e", "red"),
        ("\u0301\u0323 ", "blue"),
        ("👩", "red"),
        ("\u200d", ""),
        ("👧", "blue"),
        ("👍", "red"),
        ("🏽", ""),
    ]
    text = painted(parts)
    assert text.plain == "".join(part for part, _ in parts)
    ends = {place for span in text.spans for place in (span.start, span.end)}
    assert ends == {0, 3, 4, 7, 9}
    line = Table()
    line.add_row(painted([("नम", "red"), ("स्", "blue"), ("ते 👩\u200d", "red"), ("👧 |", "blue")]))
    assert "नमस्ते 👩\u200d👧 |" in printed(line)


def test_guesses_that_differ_by_a_blank_are_told_apart() -> None:
    guesses = [(" .", 0.4), (".", 0.3), ("\n", 0.2), (" the", 0.1)]
    assert [text for text, _ in metrics.readable(guesses)] == ["' .'", "'.'", "'\\n'", "the"]


@pytest.mark.parametrize(
    "carried", [{}, {"item": ["a long name", "b"], "condition": ["repeated", "new"], "list": ["x"] * 2}]
)
def test_no_digit_is_cut_in_a_narrow_terminal_and_a_row_is_a_line(
    carried: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    columns = {
        "text_number": [1, 12], **carried, "position": [1, 12], "word": ["a\nb", "extraordinarily"], "start": [0, 120],
        "end": [3, 134], "tokens": [1, 2], "log_prob_nats": [-101.03, -1234.5], "entropy_nats": [6.1, None],
        "length": [3, 15], "log_frequency_nats": [-11.842, None],
    }  # fmt: skip
    monkeypatch.setenv("COLUMNS", "80")
    Console().print(text_scores.columns_table(columns, 80), crop=False)
    said = capsys.readouterr().out
    assert "…" not in said
    assert all(sign in said for sign in ("-101.030", "-1,234.500", "-11.842", "frequency", "a⏎b", "extraord"))
    assert (max(map(len, said.splitlines())) <= 80) == (not carried)


def test_counts_are_whole_and_measures_have_decimals() -> None:
    assert [written(number) for number in (5, 5.0, 12345, None)] == ["5", "5.0000", "12,345", ""]
