"""Configs of other systems, with the settings of their own examples, and what becomes of each setting."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from maskwright.hub.convert.config import FOLDER, convert, flags
from maskwright.hub.convert.systems.ltg_bert import _means
from maskwright.run.config import Config, read
from maskwright.settings.registry import module
from maskwright.training.trainer import Trainer

from ..training.test_recipes import SMALL

LTG_BERT = {
    "block_size": 128, "batch_size": 128, "grad_accum": 24, "_world_size_hint": 3, "num_epochs": 225,
    "vocab_size": 16384, "masking_strategy": "whole_word", "mask_p": 0.15, "random_p": 0.1, "keep_p": 0.1,
    "max_span_length": 5, "use_dynamic_masking": True, "merge_test_into_val": True, "optimizer": "lamb",
    "learning_rate": 3e-4, "lr_scale_alpha": 0.3, "peak_lr_cap": 0.05, "min_lr": 1e-5, "weight_decay": 0.01,
    "warmup_steps_proportion": 0.02, "optimizer_eps": 1e-6, "head_weight_decay": 0.1, "max_grad_norm": 1.0,
    "reinitialize_scheduler": False, "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1,
    "hidden_size": 768, "intermediate_size": 2048, "num_attention_heads": 12, "num_hidden_layers": 12,
    "position_bucket_size": 32, "max_position_embeddings": 512,
    "monitoring": {"spike_threshold": 0.6, "oscillation_threshold": 0.3, "window_size": 100},
}  # fmt: skip
AETHER = """
# python train.py --config configs/mlm_example.yaml
model: {name: minigpt-linear, architecture: linear, maxlen: 512, vocab_size: 50257, embed_dim: 768, num_heads: 12,
  feed_forward_dim: 768, num_transformer_blocks: 12, dropout_rate: 0.1}
training: {training_mode: mlm, mlm_mask_prob: 0.15, mlm_replace_prob: 0.8, mlm_random_prob: 0.1, batch_size: 32,
  learning_rate: 1e-4, max_tokens_to_process: 1000000000, eval_interval: 2000, eval_steps: 1000, val_set_size: 20000,
  checkpoint_interval: 10000, optimizer: adamw, weight_decay: 0.01, lr_scheduler: warmup_cosine,
  lr_scheduler_alpha: 0.1, lr_scheduler_warmup_steps: 1000, final_evaluation: true}
data: {dataset_name: HuggingFaceFW/fineweb, split: train, streaming: true, tokenizer_name: gpt2}
logging: {wandb_project: aether, checkpoint_dir: ./checkpoints}
"""
AMLM = r"""
python train_mask.py --train_data data/bb24.train --valid_data=data/bb25_small.dev --tokenizer tokenizers/bb24.model \
  --output_path models/test_model/ --mask_update_steps 200 --logging_steps 200 --intermediate_size 1280 \
  --hidden_size 384 --max_seq_len 0:64,5:256 --lamb --all_checkpoints --mlm_prob 0.4 --mask_decay 0.25 --seed 3
"""


@pytest.fixture
def imported(tmp_path: Path):
    """Convert settings of LTG-BERT, or the text of a file with the given name, and load what comes out."""

    def call(given: dict | str, name: str = "given.json") -> tuple:
        path = tmp_path / name
        path.write_text(given if isinstance(given, str) else json.dumps(given))
        result = convert(path)
        (tmp_path / "ours.yaml").write_text(result.text())
        return result, Config.load(tmp_path / "ours.yaml")

    return call


def test_the_json_of_ltg_bert(imported) -> None:
    result, config = imported(LTG_BERT)
    assert result.system == "ltg_bert"
    assert type(config.objective).__name__ == "WholeWord"
    assert (config.objective.ratio, config.objective.random_prob, config.objective.keep_prob) == (0.15, 0.1, 0.1)
    assert (config.objective.corruption_unit, config.objective.num_static_masks) == ("span", None)
    assert config.training.batch_tokens == 1_179_648
    assert config.optimizer.lr == pytest.approx(3e-4 * (9216 / 256) ** 0.3, rel=1e-5)
    assert config.training.floor == pytest.approx(1e-5 / config.optimizer.lr, rel=1e-4)
    assert (config.optimizer.betas, config.optimizer.eps) == ((0.9, 0.98), 1e-6)
    model = config.model
    assert (model.hidden, model.intermediate, model.heads, model.layers) == (768, 2048, 12, 12)
    expected = {"max_span_length", "head_weight_decay", "reinitialize_scheduler", "merge_test_into_val"}
    assert result.left.keys() == expected | {f"monitoring.{key}" for key in LTG_BERT["monitoring"]}


def test_static_means_static(imported) -> None:
    result, config = imported(LTG_BERT | {"use_dynamic_masking": False})
    assert config.objective.num_static_masks == 1
    assert any("there the switch was not read" in remark for remark in result.remarks)


def test_spans_are_truncated_and_that_is_said(imported) -> None:
    result, config = imported(LTG_BERT | {"masking_strategy": "span", "max_span_length": 3})
    assert (type(config.objective).__name__, config.objective.max_span_length) == ("Span", 3)
    (remark,) = [remark for remark in result.remarks if "max_span_length" in remark]
    assert "1.74 tokens in the mean" in remark
    assert "modulo 3, 1.11 in the mean" in remark
    assert config.objective.lengths_at(0) @ np.arange(1, 4) == pytest.approx(1.74, abs=0.01)
    result, _ = imported(LTG_BERT | {"masking_strategy": "span", "max_span_length": 1})
    assert any("which never ended" in remark for remark in result.remarks)


@pytest.mark.parametrize("longest", [3, 5, 10])
def test_the_lengths_of_the_public_code(longest: int) -> None:
    drawn = np.random.default_rng(0).geometric(1 / 3, 200_000)
    there, here = _means(longest)
    assert (drawn % longest).mean() == pytest.approx(there, rel=0.02)
    assert drawn[drawn <= longest].mean() == pytest.approx(here, rel=0.02)


def test_the_yaml_of_aether(imported) -> None:
    result, config = imported(AETHER, "mlm_example.yaml")
    example = Config.load("mlm_example")
    assert result.system == "aether"
    assert config.objective == example.objective
    assert config.optimizer == example.optimizer
    assert config.rows.length == example.rows.length
    assert config.rows.block_chars
    for name in ("tokens", "batch_tokens", "decay", "floor", "clip", "checkpoint_every", "precision"):
        assert getattr(config.training, name) == getattr(example.training, name)
    assert config.training.warmup == pytest.approx(example.training.warmup, abs=1e-4)
    assert (config.corpus.dataset, config.corpus.split) == ("HuggingFaceFW/fineweb", "train")
    assert {"training.final_evaluation", "training.val_set_size", "data.tokenizer_name"} <= result.left.keys()


def test_aether_is_causal_by_default(imported) -> None:
    result, config = imported('{"model": {"maxlen": 1024}, "training": {"mlm_mask_prob": 0.3}}')
    example = Config.load("clm_example")
    assert (config.objective, config.optimizer, config.model) == (example.objective, example.optimizer, example.model)
    assert result.left["training.mlm_mask_prob"] == "training_mode is clm: nothing is hidden"
    assert "corpus.max_documents" in result.left["data"]


@pytest.mark.parametrize("name", module(FOLDER, "aether").OPTIMIZERS)
def test_every_optimizer_of_aether(imported, name: str) -> None:
    _, config = imported({"model": {"maxlen": 64}, "training": {"optimizer": name, "learning_rate": 0.003}})
    assert type(config.optimizer).__name__.lower() == name
    assert config.optimizer.lr == 0.003


def test_the_flags_of_amlm(imported) -> None:
    result, config = imported(AMLM + " --regular_mlm", "train.sh")
    assert result.system == "amlm"
    ratio = config.objective.ratio
    assert (ratio.start, ratio.end, ratio.shape) == (0.4, 0.15, "linear")
    assert config.rows.length == "0:64,5:256"
    assert (config.training.batch_tokens, config.training.epochs, config.training.log_every) == (256 * 64, 10, 200)
    assert (config.optimizer.lr, config.optimizer.weight_decay, config.seed) == (0.007, 0.1, 3)
    assert (config.corpus.files, config.corpus.valid) == (("data/bb24.train",), ("data/bb25_small.dev",))
    assert (config.model.hidden, config.model.layers, config.model.heads) == (384, 12, 12)
    assert set(result.left) == {"output_path", "mask_update_steps"}
    assert config.training.keep_at == Config.load("babylm/strict_small/amlm").training.keep_at
    assert any("all_checkpoints is training.keep_at=babylm" in remark for remark in result.remarks)
    assert (config.optimizer.decay_embeddings, config.optimizer.decay_vectors) == (True, True)


@pytest.mark.parametrize("soft", [False, True])
def test_amlm_adapts(imported, soft: bool) -> None:
    _, config = imported(AMLM + " --soft" * soft, "train.sh")
    assert type(config.objective).__name__ == "Adaptive"
    assert (config.objective.score, config.objective.update_every) == ("soft" if soft else "hard", 200)
    assert config.objective.floor * 0.4 == pytest.approx(0.005)


def test_the_weights_that_amlm_logged_are_in_a_table(imported) -> None:
    told = [imported(AMLM + f" --log_mlm_probs{flag}", "train.sh")[0] for flag in ("", " --regular_mlm")]
    assert any("mask_weights.parquet" in remark and "evaluation.every=200" in remark for remark in told[0].remarks)
    assert "log_mlm_probs" not in told[0].left
    assert told[1].left["log_mlm_probs"] == "regular_mlm does not adapt"


@pytest.mark.parametrize(("given", "name"), [(LTG_BERT, "a.json"), (AETHER, "a.yaml"), (AMLM, "a.sh")])
def test_what_is_imported_trains(imported, text: Path, tmp_path: Path, given: dict | str, name: str) -> None:
    result, _ = imported(given, name)
    corpus = ["corpus.name=files", f"corpus.files=[{text}]", "corpus.valid=[]"]
    small = Config.of(result.tree, [*corpus, *SMALL])
    assert Trainer(small, tmp_path / "run", show=False).train().metrics["step"] == 3


def test_the_model_of_amlm(imported) -> None:
    _, config = imported(AMLM + " --custom nhot", "train.sh")
    nhot = config.model.nhot
    assert (nhot.fusion, nhot.min_length, nhot.max_substrings) == ("add", 1, 1000)
    result, config = imported(AMLM + " --custom pos --model_path bert-base-cased", "train.sh")
    assert config.model.nhot is None
    assert result.left["custom"] == "pos is not here; nhot is, as model.nhot"
    assert "bert-base-cased is not here" in result.left["model_path"]


def test_flags_are_read_as_a_shell_reads_them() -> None:
    line = "CUDA_VISIBLE_DEVICES=0 python x.py --a 1 --b='two words' --c --d -3 # --e 4\n--f"
    assert flags(line, "t.sh") == {"a": "1", "b": "two words", "c": True, "d": "-3", "f": True}
    with pytest.raises(ValueError, match="no closing quotation"):
        flags('--a "b', "t.sh")


@pytest.mark.parametrize(
    ("given", "name"), [(LTG_BERT, "given.json"), (AETHER, "given.yaml"), (AMLM + " --regular_mlm", "given.txt")]
)
def test_no_setting_is_dropped_without_a_word(imported, given: dict | str, name: str) -> None:
    if isinstance(given, dict):
        given = given | {"surprise": 1, "_note": "by hand"}
    elif name.endswith("yaml"):
        given = given + "surprise: 1\n"
    else:
        given = given + " --surprise"
    result, _ = imported(given, name)
    assert "unknown setting of" in result.left["surprise"]
    head = [line.removeprefix("# ") for line in result.text().splitlines() if line.startswith("#")]
    assert head == list(result.lines())
    assert all(f"  {key}: {reason}" in head for key, reason in result.left.items())
    assert yaml.safe_load(result.text()) == result.tree


@pytest.mark.parametrize(
    ("given", "name", "sentence"),
    [
        ("{}", "a.json", "is not a config of a known system: aether by model.maxlen"),
        ('{"objective": {"name": "mlm"}}', "a.json", "is not a config of a known system"),
        ("[1, 2]", "a.json", "holds no settings"),
        ("{", "a.json", "a.json is not JSON: "),
        ("a: [", "a.yaml", "a.yaml is not YAML: "),
        ("", "a.txt", "holds no settings"),
        ('{"mask_p": "much"}', "a.json", "mask_p='much': give a number, such as 0.15"),
        ('{"mask_p": 1.5}', "a.json", "objective.ratio=1.5"),
        ('{"mask_p": 0.15, "block_size": 12.5}', "a.json", "block_size=12.5: give a whole number, such as 512"),
        ('{"masking_strategy": "words"}', "a.json", "masking_strategy='words': it is one of span, subword, whole_word"),
        ('{"model": {"maxlen": 64}, "training": {"training_mode": "tlm"}}', "a.json", "it is clm or mlm"),
        ("--max_seq_len long", "a.sh", "max_seq_len='long': give positions"),
    ],
)
def test_a_foreign_config_that_cannot_be_read_is_one_sentence(imported, given: str, name: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".*") as refused:
        imported(given, name)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


SIZES = {"hidden_size": 96, "intermediate_size": 256, "num_attention_heads": 2, "num_hidden_layers": 2}
SIZES |= {"position_bucket_size": 32, "max_position_embeddings": 512, "vocab_size": 4096, "hidden_dropout_prob": 0.1}
SIZES |= {"layer_norm_eps": 1e-7, "hidden_act": "gelu"}


def test_the_sizes_of_a_model_alone_leave_training_to_the_recipe(imported) -> None:
    found, _ = imported(SIZES)
    assert (found.tree["model"]["hidden"], found.tree["tokenizer"]["size"]) == (96, 4096)
    for section in ("rows", "objective", "optimizer", "training"):
        assert found.tree[section] == read("ltg_bert")[section]
    told = "\n".join(found.lines())
    assert "4 sections (rows, objective, optimizer, training) are those of our recipe ltg_bert" in told
    assert "hidden_act: unknown setting" in told


def test_every_default_of_another_system_is_said(imported) -> None:
    found, _ = imported(SIZES | {"mask_p": 0.3})
    assert found.tree["objective"]["ratio"] == 0.3
    assert found.assumed["learning_rate"] == 1e-4
    assert "mask_p" not in found.assumed
    told = list(found.lines())
    (place,) = [number for number, line in enumerate(told) if f"by default ({len(found.assumed)}):" in line]
    assert told[place + 1 :][: len(found.assumed)] == [f"  {key}: {value}" for key, value in found.assumed.items()]
