"""A checkpoint opens wherever a run does."""

import shutil
from pathlib import Path

import pytest

from maskwright.serving.models import opened


@pytest.mark.parametrize(
    "arguments",
    [
        ("fill", "RUN", "A [MASK]."),
        ("sample", "RUN", "--length", 4, "--steps", 1),
        ("score", "RUN", "TEXTS"),
        ("evaluate", "RUN", "validation"),
        ("export", "RUN", "OUT"),
        ("merge", "RUN", "RUN", "--out", "OUT"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_opens_a_checkpoint(command, trained, tmp_path: Path, arguments: tuple) -> None:
    (tmp_path / "texts.txt").write_text("A name is bound.\n")
    places = {
        "RUN": trained.path / "checkpoints" / "step-1", "TEXTS": tmp_path / "texts.txt", "OUT": tmp_path / "out"
    }  # fmt: skip
    code, said, complaint = command(*(places.get(word, word) for word in arguments))
    assert code == 0, complaint
    assert said


def test_a_page_serves_a_checkpoint(trained) -> None:
    assert opened(trained.path / "checkpoints" / "step-1", None, 40).trained == "mlm"


def test_a_run_without_an_end_and_a_folder_of_checkpoints_name_one_that_opens(command, trained, tmp_path: Path) -> None:
    checkpoints = Path(shutil.copytree(trained.path / "checkpoints", tmp_path / "run" / "checkpoints"))
    for place, told in ((checkpoints.parent, f"open {checkpoints}/step-2"), (checkpoints, "such as step-2")):
        code, _, complaint = command("fill", place, "A [MASK].")
        assert (code, told in complaint) == (2, True)
