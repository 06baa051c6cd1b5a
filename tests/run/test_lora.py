"""Adapters: they alone learn, every one has an effect, and merged they are the model that was trained."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from maskwright.hub.export.run import export
from maskwright.models.transformers import Transformers
from maskwright.prediction import logits
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.run.starting import lora
from maskwright.settings import from_mapping, registry
from maskwright.training.trainer import Trainer

from ..distributed.test_ranks import recipe, run

PeftModel = pytest.importorskip("peft", reason="peft is an extra").PeftModel

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 24}
OURS = [name for name in registry.files("models") if name != "transformers"]
FAMILIES = ["bert", "distilbert", "albert", "modernbert", "deberta-v2", "gpt2", "llama"]
SHORT = ["rows.length=32", "training.batch_tokens=256", "evaluation.held_out=0.1", "training.compile=false"]


def built(name: str) -> nn.Module:
    if name in FAMILIES:
        settings: object = Transformers(architecture=name, **SIZES)
    else:
        kind, preset = registry.load("models", name)
        sizes = {key: value for key, value in SIZES.items() if key in kind.__pydantic_fields__}
        settings = from_mapping(kind, {**preset, **sizes}, "model")
    model: nn.Module = settings.build(60, torch.Generator().manual_seed(0))  # type: ignore[attr-defined]
    for weight in model.parameters():  # branches may end in zeros, behind which nothing has a gradient
        weight.data.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())) * 0.02)
    return model.eval()


@pytest.mark.parametrize("name", [*OURS, *FAMILIES])
def test_every_adapter_has_an_effect_and_merging_changes_nothing(name: str) -> None:
    model, tokens = built(name), torch.arange(12).view(2, 6) + 3
    places = torch.tensor([[1, 3], [0, 5]])
    plain = built(name)
    lora.add(model, lora.Lora(rank=4), seed=1, above=0)
    assert_close(model(tokens), plain(tokens)), "an adapter begins as nothing"
    for _, layer in lora.adapted(model):
        nn.init.normal_(layer.lora_B["default"].weight, std=0.3)
    plain.load_state_dict(lora.merged(model))
    for asked in (None, torch.tensor([1, 8]), places):
        assert_close(model(tokens, target_positions=asked), plain(tokens, target_positions=asked), atol=1e-4, rtol=1e-4)
        scores = logits(model, model(tokens, target_positions=asked).flatten(0, -2))
        model.zero_grad()
        scores[:, ::3].square().sum().backward()
        learned = {key for key, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()}
        wanted = {key for key, _ in model.named_parameters() if ".lora_" in key}
        assert learned == wanted


@pytest.fixture(scope="module")
def first(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three layers."""
    out = tmp_path_factory.mktemp("runs") / "first"
    model = ["model.hidden=32", "model.layers=3", "model.heads=2", "model.intermediate=48", "tokenizer.size=300"]
    Trainer(Config([f"corpus.files=[{text}]", *model, "training.steps=2", *SHORT]), out, show=False).train()
    return out


def begun(text: Path, first: Path, *changes: str) -> Config:
    begin = [f"training.init_from={first}", f"corpus.files=[{text}]", *SHORT, "training.epochs=null"]
    return Config.load("adapt", [*begin, "training.steps=6", "optimizer.lr=0.02", "training.lora.rank=4", *changes])


def test_only_adapters_learn_and_what_is_finished_is_a_model_like_any(text: Path, first: Path, tmp_path: Path) -> None:
    config = begun(text, first, "training.freeze_layers=1", "training.ema=0.5", "training.checkpoint_every=3")
    trainer = Trainer(config, tmp_path / "run", show=False)
    before = load(first).model.state_dict()
    optimized = [weight for group in trainer.state.optimizer.param_groups for weight in group["params"]]
    adapters = {name: weight for name, weight in trainer.model.named_parameters() if ".lora_" in name}
    assert {id(weight) for weight in optimized} == {id(weight) for weight in adapters.values()}
    assert not [name for name in adapters if name.startswith("layers.0.")], "frozen layers get none"
    assert f"lora       {len(adapters) // 2} adapters: " in trainer.describe()
    after = trainer.train().model.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {name.removesuffix(".lora_A.default.weight") + ".weight" for name in adapters if "lora_A" in name}
    assert_close(load(tmp_path / "run/checkpoints/step-6").model.state_dict(), dict(after))
    assert "its adapters of rank 4 are added to its matrices" in export(load(tmp_path / "run"), tmp_path / "out")


def test_a_run_with_adapters_resumes_to_the_same_bits(text: Path, first: Path, tmp_path: Path) -> None:
    config = begun(text, first, "training.checkpoint_every=3", "training.layer_decay=0.8")
    whole = Trainer(config, tmp_path / "whole", show=False).train()
    half = Trainer(config, tmp_path / "run", show=False)
    for rows in half.data.loader.batches(0, 3):
        half.update(rows)
    with half.folder.claimed(0):
        half._save()
    resumed = Trainer(config, tmp_path / "run", resume=True, show=False).train()
    assert_close(resumed.model.state_dict(), whole.model.state_dict(), rtol=0, atol=0)


def test_adapters_of_two_ranks_are_those_of_one(text: Path, first: Path, tmp_path: Path) -> None:
    config = begun(text, first, "training.precision=fp32")
    one = Trainer(config, tmp_path / "one", show=False).train().model.state_dict()
    source = recipe(config.tree(), tmp_path)
    two = run(source, tmp_path / "two", "--nproc", "2")
    assert two.returncode == 0, two.stderr
    assert_close(load(tmp_path / "two").model.state_dict(), dict(one), rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_a_folder_of_peft_is_the_model_that_was_trained(name: str, text: Path, first: Path, tmp_path: Path) -> None:
    """On the model of `transformers` that the run began with, its adapters give the logits of the finished model."""
    base, tokenizer = tmp_path / "base", load(first).tokenizer
    network = Transformers(architecture=name, **{**SIZES, "max_length": 32}).build(300, torch.Generator()).network
    network.save_pretrained(base)
    tokenizer.save(base)
    run = Trainer(
        begun(text, base, "training.lora.targets=[]", "training.ema=0.5"), tmp_path / "run", show=False
    ).train()
    auto = AutoModelForCausalLM if name == "gpt2" else AutoModelForMaskedLM
    asked = torch.arange(5, 25).view(2, 10)
    plain = auto.from_pretrained(base).eval()
    before = plain(asked).logits
    adapted = PeftModel.from_pretrained(plain, tmp_path / "run/adapter").eval()
    export(run, tmp_path / "whole")
    after = auto.from_pretrained(tmp_path / "whole").eval()(asked).logits
    assert (after - before).abs().max() > 0.1
    assert_close(adapted(asked).logits, after, atol=1e-4, rtol=1e-4)
    facts = json.loads((tmp_path / "run/adapter/adapter_config.json").read_text())
    assert (facts["base_model_name_or_path"], facts["r"]) == (str(base), 4)


def test_a_model_of_ours_has_no_folder_of_peft(text: Path, first: Path, tmp_path: Path) -> None:
    Trainer(begun(text, first), tmp_path / "run", show=False).train()
    assert not (tmp_path / "run/adapter").exists()


def test_new_tokens_need_embeddings_that_learn(text: Path, first: Path, tmp_path: Path) -> None:
    other = "tokenizer.kind=bpe", "tokenizer.size=320"
    with pytest.raises(ValueError, match=r"new tokens would never learn; give lora\.embeddings=true"):
        Trainer(begun(text, first, *other), tmp_path / "run", show=False)
    trainer = Trainer(begun(text, first, *other, "training.lora.embeddings=true"), tmp_path / "run", show=False)
    before = trainer.model.embedding.weight.detach().clone()
    trainer.train()
    assert not torch.equal(before, trainer.model.embedding.weight)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["training.freeze=0.5"], r"lora trains adapters alone, which freeze=0\.5 does not go with"),
        (["training.precision=fp8"], "which precision=fp8 does not go with"),
        (["training.parallel=fsdp"], "which parallel=fsdp does not go with"),
        (["training.lora.targets=[quary]"], r"targets=quary: no matrix .*there are attention\.out, attention\.query"),
        (["training.lora.dropout=0.1"], r"training\.lora\.dropout=0\.1: a model of ours has adapters without dropout"),
        (["training.lora.rank=0"], r"training\.lora\.rank=0"),
    ],
)
def test_what_adapters_do_not_go_with_is_refused(change: list[str], sentence: str, text, first, tmp_path) -> None:
    with pytest.raises(ValueError, match=sentence):
        Trainer(begun(text, first, *change), tmp_path / "run", show=False)


def test_every_option_of_adapters_has_an_effect() -> None:
    def learning(**options: object) -> dict[str, torch.Tensor]:
        model = built("bert")
        lora.add(model, lora.Lora(**options), seed=1, above=0)  # type: ignore[arg-type]
        return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}

    assert {weight.shape[0] for name, weight in learning(rank=3).items() if "lora_A" in name} == {3}
    queries = {name.partition(".lora")[0] for name in learning(targets=["query", "attention.output.dense"])}
    assert len(queries) == 4
    assert all(name.endswith(("query", "attention.output.dense")) for name in queries)
    assert [name for name in learning(embeddings=True) if ".lora_" not in name] == [
        "network.bert.embeddings.word_embeddings.weight"
    ]
    added = []
    for options in ({}, {"alpha": 32.0}, {"dropout": 0.5}):
        model = built("bert").train()
        lora.add(model, lora.Lora(**options), seed=1, above=0)
        (_, layer), *_ = lora.adapted(model)
        nn.init.ones_(layer.lora_B["default"].weight)
        vectors = torch.ones(1, 32)
        added.append(layer(vectors) - layer.get_base_layer()(vectors))
    assert_close(added[1], 2 * added[0])
    assert not torch.allclose(added[2], added[0])
