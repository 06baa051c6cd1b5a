"""A model of `transformers` becomes one of ours without a number changed, and trains on."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from torch.testing import assert_close
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.hub.convert import gpt_bert
from maskwright.hub.convert.model import adopt as adopt_folder
from maskwright.hub.convert.weights import adopt, resized
from maskwright.hub.export.run import export
from maskwright.models.ltg_bert import GPT_BERT
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..families import needs

DEBERTA = {"buckets": 16, "max_distance": 64}
FAMILIES = {
    "modern": ("mlm", {"theta": 500.0}),
    "modern local": ("mlm", {"theta": 500.0, "window": 4, "global_every": 2, "local_theta": 90.0}),
    "modern causal": ("causal", {"theta": 500.0}),
    "deberta": ("mlm", DEBERTA),
}
if not hasattr(transformers, "ModernBertDecoderConfig"):
    del FAMILIES["modern causal"]


@pytest.mark.parametrize("family", FAMILIES)
def test_there_and_back(family: str, source, tmp_path: Path) -> None:
    objective, options = FAMILIES[family]
    made = source(family.split()[0], objective, **options)
    export(made, tmp_path / "theirs")
    settings, weights, trained_by = adopt(tmp_path / "theirs")
    assert settings == made.model_settings
    assert trained_by == objective
    assert_close(weights, dict(made.model.state_dict()), rtol=0, atol=0)


def published(made, folder: Path, name: str = "pytorch_model.bin") -> dict[str, torch.Tensor]:
    """Write a GPT-BERT as its repository does."""
    settings, state = made.model_settings, made.model.state_dict()
    made.tokenizer.save(folder)
    config = {theirs: getattr(settings, ours) for theirs, ours in gpt_bert.SIZES.items()}
    config |= {"vocab_size": made.tokenizer.vocabulary.size, "max_position_embeddings": settings.max_length}
    (folder / "config.json").write_text(json.dumps(config))
    theirs = {gpt_bert.public_name(name): weight for name, weight in state.items()}
    theirs["transformer.attention_layers.0.position_indices"] = torch.zeros(3)
    torch.save({f"module.{name}": weight for name, weight in theirs.items()}, folder / name)
    return theirs


def test_a_published_gpt_bert_is_carried(source, tmp_path: Path) -> None:
    made = source("ltg_bert", "hybrid", **GPT_BERT, max_distance=64)
    theirs = published(made, tmp_path / "theirs")
    assert "transformer.mlp_layers.1.mlp.4.weight" in theirs
    assert "transformer.attention_layers.0.in_proj_vg.bias" in theirs
    assert theirs["transformer.dwa_modules.alphas.3"].shape == (5,)
    adopt_folder(tmp_path / "theirs", tmp_path / "ours")
    model, tokenizer = saved.load(tmp_path / "ours")
    assert tokenizer.fingerprint == made.tokenizer.fingerprint
    assert_close(dict(model.state_dict()), dict(made.model.state_dict()), rtol=0, atol=0)
    config = Config.load(tmp_path / "ours" / "config.yaml")
    assert (config.model, config.objective) == (made.model_settings, made.config.objective)
    (tmp_path / "theirs" / "pytorch_model.bin").unlink()
    with pytest.raises(ValueError, match=r"has no weights: model.safetensors or pytorch_model.bin"):
        adopt(tmp_path / "theirs")
    for gone, sentence in {
        gpt_bert.MARK: "GPT-BERT with its weighted sums",
        "classifier.nonlinearity.1.bias": "lacks 1",
    }.items():
        left = {name: weight for name, weight in theirs.items() if name != gone}
        torch.save(left, tmp_path / "theirs" / "pytorch_model.bin")
        with pytest.raises(ValueError, match=sentence):
            adopt(tmp_path / "theirs")


def test_rows_follow_the_tokenizer() -> None:
    weights = {"embedding.weight": torch.arange(6.0).view(3, 2), "decoder_bias": torch.arange(3.0), "x": torch.ones(1)}
    more, less = resized(weights, 5), resized(weights, 2)
    assert_close(more["embedding.weight"][2:], torch.tensor([[4.0, 5.0], [2.0, 3.0], [2.0, 3.0]]))
    assert more["decoder_bias"].tolist() == [0, 1, 2, 1, 1]
    assert_close(less["embedding.weight"], weights["embedding.weight"][:2])


def test_training_goes_on(source, text: Path, tmp_path: Path) -> None:
    """By the command and the config that it wrote; with nothing learned, the weights are still those that came."""
    made = source("modern", "mlm")
    export(made, tmp_path / "theirs")
    app.app.registered_commands.clear()
    app.register()
    said = CliRunner().invoke(app.app, ["import-model", str(tmp_path / "theirs"), str(tmp_path / "ours")])
    app.app.registered_commands.clear()
    assert said.exit_code == 0, said.exception
    words = [f"corpus.files=[{text}]", "objective.name=whole_word", "rows.length=32", "training.epochs=null"]
    words += ["training.steps=1", "training.batch_tokens=256", "optimizer.name=sgd", "optimizer.lr=1e-30"]
    config = Config.load(tmp_path / "ours" / "config.yaml", words)
    Trainer(config, tmp_path / "run", show=False).train()
    model, tokenizer = saved.load(tmp_path / "run")
    assert tokenizer.fingerprint == made.tokenizer.fingerprint
    assert_close(dict(model.state_dict()), dict(made.model.state_dict()))


REFUSED = {
    "local attention": ({"layer_types": ["sliding_attention", "full_attention"]}, "modern has every n-th layer global"),
    "activation": ({"hidden_activation": "relu"}, "hidden_activation='relu' has no counterpart"),
    "family": ({"model_type": "bert"}, "holds bert, and .* modernbert.* as it is: model.name=transformers"),
    "dropout": ({"mlp_dropout": 0.5}, "modern has one dropout"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_carried_is_refused(fault: str, source, tmp_path: Path) -> None:
    changes, sentence = REFUSED[fault]
    export(source("modern", "mlm"), tmp_path / "theirs")
    path = tmp_path / "theirs" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ValueError, match=sentence):
        adopt(tmp_path / "theirs")
    shutil.rmtree(tmp_path / "theirs")
    with pytest.raises(ValueError, match="holds no model of transformers"):
        adopt(tmp_path / "theirs")


def test_a_config_of_transformers_before_5_is_read(source, tmp_path: Path) -> None:
    """What it writes: a number for local attention, and two thetas; what it does not: types of layers, parameters."""
    made = source("modern", "mlm", theta=500.0)
    export(made, tmp_path / "theirs")
    path = tmp_path / "theirs" / "config.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({name: facts[name] for name in facts if name not in ("layer_types", "rope_parameters")}))
    assert adopt(tmp_path / "theirs")[0] == made.model_settings
    path.write_text(json.dumps(json.loads(path.read_text()) | {"global_attn_every_n_layers": 2}))
    local = adopt(tmp_path / "theirs")[0]
    assert (local.window, local.global_every, local.theta, local.local_theta) == (64, 2, 500.0, 500.0)


@pytest.mark.parametrize("objective", ["mlm", "causal"])
def test_local_attention_comes_back_as_it_went(source, tmp_path: Path, objective) -> None:
    if objective == "causal":
        needs("modernbert-decoder")
    made = source("modern", objective, window=5, global_every=2, theta=900.0, local_theta=70.0)
    export(made, tmp_path / "theirs")
    assert adopt(tmp_path / "theirs")[0] == made.model_settings
