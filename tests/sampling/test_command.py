"""maskwright sample: texts, the page, and one sentence for what does not fit."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.display import replay
from maskwright.display.samples import write
from maskwright.run.config import Config
from maskwright.sampling.canvas import blank
from maskwright.sampling.request import SampleRequest, load_models, mask_schedule, stream
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training.trainer import Trainer


@pytest.fixture
def runs(settings: dict, tmp_path: Path) -> Path:
    """A folder with the runs unmasker, remasker, other (another tokenizer), causal."""
    settings["training"] |= {"steps": 6, "log_every": 6}
    size = {"tokenizer": {"kind": "bpe", "size": 380}}
    kinds = {"unmasker": "diffusion", "remasker": "remask", "other": "remask_binary", "causal": "causal"}
    for name, objective in kinds.items():
        tree = settings | {"objective": {"name": objective}} | (size if name == "other" else {})
        Trainer(Config.of(tree), tmp_path / name, show=False).train()
    return tmp_path


def test_texts_are_written_shown_and_replayed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.app, "registered_commands", [])
    app.register()
    arguments = [
        "sample", str(runs / "unmasker"), "--remasker", str(runs / "remasker"), "--sampler", "learned",
        "randomness=0.5", "--prompt", "The ", "--length", "12", "--steps", "5", "--count", "2",
        "--temperature", "{start: 1.2, end: 0.5, shape: cosine}",
        "--html", str(runs / "page.html"), "--json",
    ]  # fmt: skip
    said = CliRunner().invoke(app.app, arguments)
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert len(found["texts"]) == 2
    assert all(text.startswith("The") for text in found["texts"])
    html = (runs / "page.html").read_text()
    assert html.count("<script>") == 1
    assert "http" not in html
    steps = json.loads(html.partition("const data = ")[2].partition("\n")[0])["steps"]
    assert len(steps) == 6
    assert "".join(piece for piece, _ in steps[-1][1]).strip() == found["texts"][1]

    wish = SampleRequest(run=runs / "unmasker", prompt="One [MASK] of [MASK].", steps=3)
    models = load_models(wish)
    tokenizer, frames = models.tokenizer, stream(wish, models)
    last = list(frames)[-1]
    assert (last.tokens == tokenizer.vocabulary.mask).sum() == 0
    (text,) = write(wish).texts
    assert text.startswith("One")
    assert text.endswith(".")
    unmasked = replay.view(last, tokenizer)
    assert "remasked" in str(unmasked.renderables[0])
    (edited,) = write(SampleRequest(run=runs / "unmasker", sampler="remdm", edit="One [MASK] of many.", steps=4)).texts
    assert edited

    for change, sentence in REFUSED:
        wished = {"run": "unmasker", "steps": 3} | change
        wished |= {name: runs / wished[name] for name in ("run", "remasker") if name in wished}
        with pytest.raises(ValueError, match=sentence):
            write(SampleRequest(**wished))


def test_a_list_of_mask_ratios_may_stand_in_brackets() -> None:
    custom = [mask_schedule(SampleRequest(run=Path("d"), schedule=text)).custom for text in ("[.9, 0.5]", ".9,0.5")]
    assert custom == [(0.9, 0.5)] * 2


def test_what_the_tokenizer_does_not_know_is_refused() -> None:
    tokenizer = Tokenizer.train(["a cab, a bad cab"] * 9, TokenizerSettings(kind="wordpiece", size=64))
    with pytest.raises(ValueError, match="the tokenizer does not know what follows 'a cab' in 'a cab ☃ a'"):
        blank(tokenizer, "a cab ☃ a", 9, 1, 64)


REFUSED = [
    ({"steps": 0}, "steps"),
    ({"prompt": "a long prompt of many tokens", "length": 2}, r"the prompt has \d+ tokens and length=2"),
    ({"length": 500}, "length=500: the model takes at most 62 tokens"),
    ({"prompt": "all is said", "length": None, "sampler": "mdlm", "edit": ""}, "nothing to write"),
    ({"sampler": "learned"}, "sampler learned needs a model that detects wrong tokens"),
    ({"sampler": "learned", "remasker": "unmasker"}, "was not trained to detect wrong tokens"),
    ({"sampler": "learned", "remasker": "other"}, "has another tokenizer than"),
    (
        {"run": "causal", "sampler": "mdlm"},
        "sampler mdlm needs a model with the capability unmask or mntp",
    ),
    ({"sampler": "left_to_right"}, "sampler left_to_right needs a model with the capability forward; .* has unmask$"),
    ({"run": "remasker"}, "with remask, which neither fills masks nor predicts the next token"),
    ({"run": "causal", "prompt": "One [MASK] of many"}, "there is text after a"),
    ({"run": "causal", "edit": "One of many"}, "sampler left_to_right never masks a token again"),
    ({"guidance": 1.0}, "guidance=1 is towards a prompt: give --prompt"),
    ({"run": "causal", "guidance": 1.0}, "guidance=1: it needs a model that fills masks, not one that reads forward"),
    ({"guidance": -1.0}, "guidance"),
    ({"temperature": {"start": 1.0, "end": -1.0}}, "temperature"),
    ({"sampler": "mdlmm"}, "no sampler 'mdlmm': did you mean 'mdlm'"),
    ({"sampler": "remdm", "sampler_options": ("eta=2",)}, "remdm.eta=2"),
    ({"sampler": "remdm", "sampler_options": ("etta=2",)}, "unknown key remdm.etta: did you mean 'eta'"),
    ({"schedule": "sine"}, "schedule='sine': give linear, cosine, exponential, or mask ratios"),
    ({"schedule": "0.5,1.5"}, "schedule"),
    ({"top_p": 0.0}, "top_p is in"),
]
"""What is wished for, and what is said."""
