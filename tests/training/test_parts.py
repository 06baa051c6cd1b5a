"""N-hot embeddings in runs: trained, written, opened and resumed, and what users may get wrong."""

import pytest
import torch
from torch.testing import assert_close

from maskwright import load
from maskwright.cli import app
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer


@pytest.fixture
def settings(settings):
    settings["model"]["nhot"] = {"fusion": "frequency"}
    settings["training"] |= {"steps": 8, "checkpoint_every": 4}
    settings["evaluation"]["every"] = 8
    return settings


def logits(model, tokens):
    with torch.no_grad():
        return model.logits(model(tokens).flatten(0, 1))


@pytest.mark.parametrize("fusion", ["add", "attention"])
def test_a_trained_model_opens_with_its_parts(settings, tmp_path, fusion):
    settings["model"]["nhot"]["fusion"] = fusion
    trainer = Trainer(Config.of(settings), tmp_path, show=False)
    trainer.train()
    tokens = torch.arange(60).view(2, 30)
    opened_here = load(tmp_path).model
    assert len(opened_here.nhot.parts) > 100
    assert opened_here.nhot.table.weight.any()
    assert_close(logits(opened_here, tokens), logits(trainer.model.eval(), tokens), rtol=0, atol=0)
    for place in (tmp_path, tmp_path / "checkpoints" / "step-8"):
        assert_close(logits(load(place).model, tokens), logits(opened_here, tokens), rtol=0, atol=0)


def test_a_run_goes_on_where_it_stopped(settings, tmp_path):
    whole = Trainer(Config.of(settings), tmp_path, show=False)
    whole.train()
    (tmp_path / "checkpoints" / "step-8").rename(tmp_path / "gone")
    resumed = Trainer(Config.of(settings), tmp_path, resume=True, show=False)
    assert resumed.step == 4
    resumed.train()
    assert_close(dict(resumed.model.state_dict()), dict(whole.model.state_dict()), rtol=0, atol=0)


def command(monkeypatch, *arguments):
    """The exit code of `maskwright` with these arguments."""
    monkeypatch.setattr("sys.argv", ["maskwright", *map(str, arguments)])
    monkeypatch.setattr(app.app, "registered_commands", [])
    with pytest.raises(SystemExit) as end:
        app.main()
    return end.value.code or 0


def test_parts_are_set_on_the_command_line(settings, tmp_path, monkeypatch, capsys):
    del settings["model"]["nhot"]
    Config.of(settings).write(tmp_path / "run.yaml")
    train = ["train", tmp_path / "run.yaml", "--out", tmp_path / "out", "model.nhot.fusion=gate"]
    assert command(monkeypatch, *train, "model.nhot.min_length=30", "model.nhot.max_length=30") == 2
    complaint = " ".join(capsys.readouterr().err.split())
    assert complaint.count("model.nhot: no token holds another of min_length=30 to max_length=30 characters") == 1
    assert command(monkeypatch, *train, "model.nhot.min_length=3") == 0
    parts = Config.load(tmp_path / "out").model.nhot
    assert (parts.fusion, parts.min_length, parts.max_length) == ("gate", 3, 16)
    assert load(tmp_path / "out").model.nhot.settings == parts


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("min_length=17", r"^model: nhot\.min_length=17 must be at most nhot\.max_length=16$"),
        ("max_substrings=0", r"^model\.nhot\.max_substrings=0: input should be greater than or equal to 1$"),
        ("fusion=sum", r"^model\.nhot\.fusion='sum': input should be 'add', 'gate', 'attention' or 'frequency'$"),
        ("min_lenth=3", r"^unknown key model\.nhot\.min_lenth: did you mean 'min_length'\?$"),
    ],
)
def test_mistakes_are_one_sentence(settings, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config.of(settings, [f"model.nhot.{wrong}"])
