"""A folder of `transformers` as if it were a run: scored, filled, evaluated, trained on, and handed out as it came."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer, pipeline

from maskwright import Config, load
from maskwright.hub.export import foreign
from maskwright.models.transformers import Transformers
from maskwright.models.transformers.quiet import silence
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training.trainer import Trainer

from ..families import needs

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 40}
Command = Callable[..., tuple[int, str, str]]


def written(family: str, text: Path, out: Path) -> Path:
    """A small model with a tokenizer of its own, as `save_pretrained` writes it."""
    needs(family)
    texts = text.read_text(encoding="utf-8").split("\n\n")
    tokenizer = Tokenizer.train(texts, TokenizerSettings(kind="wordpiece", size=300, lowercase=True))
    network: Any = Transformers(architecture=family, **SIZES).build(300, torch.Generator().manual_seed(0)).network
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(len(parameter)))
    with silence():
        network.save_pretrained(out)
    tokenizer.save(out)
    (out / "vocab.txt").write_text("kept as it is", encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def bert(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written("bert", text, tmp_path_factory.mktemp("public") / "bert")


@pytest.fixture(scope="module")
def gpt2(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written("gpt2", text, tmp_path_factory.mktemp("public") / "gpt2")


def trained(folder: Path, text: Path, out: Path, *changes: str) -> Path:
    config = Config(
        [
            f"corpus.files=[{text}]", "model.name=transformers", f"model.path={folder}", f"tokenizer.file={folder}",
            "rows.length=32", "training.steps=3", "training.batch_tokens=256", "evaluation.held_out=0.2",
            "training.compile=false", "optimizer.name=adamw", *changes,
        ]
    )  # fmt: skip
    Trainer(config, out, show=False).train()
    return out


@torch.no_grad()
def test_a_public_masked_model_fills_and_scores_as_its_class_does(bert: Path) -> None:
    run, text = load(bert), "the value of the object"
    tokenizer, peer = AutoTokenizer.from_pretrained(bert), AutoModelForMaskedLM.from_pretrained(bert).eval()
    ids = tokenizer(text, return_tensors="pt").input_ids
    total = 0.0
    for place in range(1, ids.shape[1] - 1):
        asked = ids.clone()
        asked[0, place] = tokenizer.mask_token_id
        total += float(peer(input_ids=asked).logits[0, place].log_softmax(-1)[ids[0, place]])
    assert run.score(text)[0]["log_likelihood"] == pytest.approx(total, abs=1e-3)
    assert repr(run) == f"<Run {bert}: transformers trained by mlm>"
    assert len(run.weights) == 64


@torch.no_grad()
def test_a_public_causal_model_scores_as_its_class_does(gpt2: Path) -> None:
    text = "the value of the object"
    tokenizer, peer = AutoTokenizer.from_pretrained(gpt2), AutoModelForCausalLM.from_pretrained(gpt2).eval()
    ids = tokenizer(text, return_tensors="pt").input_ids[:, :-1]
    each = peer(input_ids=ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])
    assert load(gpt2).score(text)[0]["log_likelihood"] == pytest.approx(float(each.sum()), abs=1e-3)


def test_suites_and_commands_take_a_folder(bert: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "blimp").mkdir()
    item = '{"sentence_good": "the value is", "sentence_bad": "value the is", "UID": "order", '
    item += '"field": "syntax", "linguistics_term": "order"}\n'
    (tmp_path / "blimp/one.jsonl").write_text(item, encoding="utf-8")
    code, out, _ = command("evaluate", bert, "blimp", "--data", tmp_path / "blimp", "--json")
    assert (code, "accuracy" in out) == (0, True)
    assert list((bert / "evaluations").glob("blimp*.json"))
    assert command("fill", bert, "the [MASK] is")[0] == 0
    code, _, complaint = command("evaluate", bert, "validation")
    assert code == 2
    assert "does not say how it was trained" in complaint


def test_what_came_in_goes_out_as_it_was(bert: Path, tmp_path: Path) -> None:
    load(bert).export(tmp_path / "out")
    assert_close(load_file(tmp_path / "out/model.safetensors"), load_file(bert / "model.safetensors"), rtol=0, atol=0)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (bert / name).read_bytes()
    assert str(bert.parent) not in (tmp_path / "out/model.json").read_text(encoding="utf-8")
    assert load(tmp_path / "out").score("the value") == load(bert).score("the value")


def test_a_trained_one_goes_out_under_its_class_and_comes_back(bert: Path, text: Path, tmp_path: Path) -> None:
    run = load(trained(bert, text, tmp_path / "run"))
    said = run.export(tmp_path / "out")
    assert said.startswith("BertForMaskedLM, native")
    first, last = load_file(bert / "model.safetensors"), load_file(tmp_path / "out/model.safetensors")
    assert first.keys() == last.keys()
    assert not [name for name in first if "pooler" not in name and torch.equal(first[name], last[name])]
    guess = pipeline("fill-mask", model=str(tmp_path / "out"))("the [MASK] is", top_k=300)
    ours = dict(load(tmp_path / "out").fill("the [MASK] is", 1)[0].guesses)
    assert next(iter(ours)) == next(each["token_str"] for each in guess if not each["token_str"].startswith("["))
    assert str(bert.parent) not in (tmp_path / "out/config.yaml").read_text(encoding="utf-8")
    assert load(tmp_path / "run/checkpoints/step-3").score("the value") == run.score("the value")


@pytest.mark.parametrize("objective", ["causal", "diffusion"])
def test_a_causal_model_learns_under_any_objective(gpt2: Path, text: Path, tmp_path: Path, objective: str) -> None:
    run = load(trained(gpt2, text, tmp_path / "run", f"objective.name={objective}"))
    said = run.export(tmp_path / "out")
    assert said.startswith("GPT2LMHeadModel, native")
    assert ("reads forward only, and was trained both ways" in said) == (objective != "causal")
    assert load(tmp_path / "out").score("the value") == run.score("the value")


def test_a_masked_model_becomes_a_causal_one(bert: Path, text: Path, tmp_path: Path) -> None:
    run = load(trained(bert, text, tmp_path / "run", "objective.name=causal"))
    assert "reads both ways, and was trained forward only" in run.export(tmp_path / "out")


def test_a_run_begins_with_the_weights_of_the_folder(bert: Path, text: Path, tmp_path: Path) -> None:
    begin = [f"corpus.files=[{text}]", f"tokenizer.file={bert}", "rows.length=32", "training.batch_tokens=256"]
    config = Config([*begin, "model.name=transformers", f"model.path={bert}"])
    trainer = Trainer(config, tmp_path / "run", show=False)
    assert_close(trainer.model.network.state_dict(), AutoModelForMaskedLM.from_pretrained(bert).state_dict())
    with pytest.raises(ValueError, match=r"has another tokenizer: take that one, tokenizer\.file="):
        Trainer(config.replace("tokenizer.file=null"), tmp_path / "other", show=False)
    with pytest.raises(ValueError, match=r"is another model: take that one, model\.name=transformers"):
        Trainer(Config([*begin, f"training.init_from={bert}"]), tmp_path / "third", show=False)
    with pytest.raises(ValueError, match=r"rows\.length=64 is over the model's max_length=40"):
        config.replace("rows.length=64")


def test_another_tokenizer_brings_its_special_ids_and_the_folders_own_leaves_what_is_there(bert: Path) -> None:
    run = load(bert)
    own = foreign.ids(run.tokenizer.vocabulary)
    run.model.network.config.eos_token_id = 9
    assert foreign.to_transformers(run.model, run.model_settings, **own).config.eos_token_id == 9
    other = own | {"eos_token_id": 17}
    assert foreign.to_transformers(run.model, run.model_settings, **other).config.eos_token_id == 17


def test_a_tokenizer_of_another_size_is_refused(bert: Path, text: Path, tmp_path: Path) -> None:
    other = written("bert", text, tmp_path / "other")
    texts = text.read_text(encoding="utf-8").split("\n\n")
    for size in (400, 200):
        Tokenizer.train(texts, TokenizerSettings(kind="wordpiece", size=size)).save(other)
        with pytest.raises(ValueError, match=f"has 300 rows of embeddings and a tokenizer of {size} ids"):
            load(other)
