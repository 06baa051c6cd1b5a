"""metrics.jsonl after a crash: a garbled end is cut off and named, and training goes on."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.run.config import Config
from maskwright.run.metrics_log import read, read_lines
from maskwright.training import token_weights
from maskwright.training.trainer import Trainer

from ..training.test_trainer import interrupted

WHOLE = [{"step": 1, "loss": 2.5}, {"step": 2, "loss": 2.25}]
START = "".join(json.dumps(line) + "\n" for line in WHOLE).encode()

ENDS = [
    b"\n",
    b" \n\n",
    b"\0" * 99,
    b"{}",
    b"[1]\n",
    b"null",
    b'{"step": "3"}',
    b"\xff\n",
    b'{"step": 3, "a\xff": 1}\n',
]


@given(st.binary(max_size=40) | st.sampled_from(ENDS))
def test_whatever_follows_the_whole_lines_is_left_out(tmp_path_factory: pytest.TempPathFactory, end: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "garbled.jsonl"
    path.write_bytes(START + end)
    found, told = read(path)
    assert found == WHOLE
    assert bool(told) == bool(end.decode(errors="replace").strip()), told


def test_a_line_that_was_cut_anywhere_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    last = json.dumps({"step": 3, "loss": 1.0}).encode()
    for end in range(1, len(last)):
        path.write_bytes(START + last[:end])
        assert read(path) == (WHOLE, f"{path}: line 3 is garbled and left out")
    path.write_bytes(START + last)
    assert len(read_lines(path)) == 3


def test_a_garbled_line_between_whole_ones_is_named(tmp_path: Path) -> None:
    (path := tmp_path / "metrics.jsonl").write_bytes(START + b'{"ste\n' + START)
    with pytest.raises(ValueError, match=r"metrics\.jsonl:3 is not an object of a step"):
        read_lines(path)


def test_training_goes_on_after_a_garbled_end(settings: dict, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    settings["training"] |= {"steps": 4, "checkpoint_every": 2}
    settings["objective"] = {"name": "adaptive"}
    settings["evaluation"]["every"] = 2
    config, out = Config.of(settings), tmp_path / "run"
    interrupted(config, out, 2)
    with (out / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 3, "lo\0\0\xff\n')
    (out / token_weights.NAME).write_bytes(b"PAR1 cut")
    Trainer(config, out, resume=True, show=False).train()
    assert "metrics.jsonl: line 4 is garbled and left out" in " ".join(capsys.readouterr().err.split())
    assert [line["step"] for line in read_lines(out / "metrics.jsonl")] == [1, 2, 2, 3, 4, 4]
    assert set(token_weights.read(out)["step"]) == {4}
