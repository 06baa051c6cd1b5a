"""What the evaluation would trip over is found before it starts, one need at a time."""

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import yaml
from tokenizers import Tokenizer as Backend
from tokenizers.normalizers import Replace
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.hub.export.run import export
from maskwright.hub.preflight.checks import NEEDS, preflight
from maskwright.hub.preflight.run import findings
from maskwright.run import saved
from maskwright.settings.outside import trusting


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, request) -> Path:
    return tmp_path_factory.mktemp("models") / "model"


@pytest.fixture
def folder(model: Path, source, tmp_path: Path) -> Path:
    """An exported model, to be spoilt."""
    if not model.exists():
        export(source("modern", "mlm"), model)
    return Path(shutil.copytree(model, tmp_path / "copy"))


def edit(path: Path, **changes) -> None:
    facts = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in facts.items() if value is not None}))


def test_a_good_model_has_all(folder: Path) -> None:
    found = preflight(folder, 64)
    assert [finding.need for finding in found] == list(NEEDS)
    assert all(finding.met for finding in found), found


def no_mask(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", mask_token=None)
    (folder / "special_tokens_map.json").unlink()


def weights(change):
    def spoil(folder: Path) -> None:
        path = folder / "model.safetensors"
        safetensors.torch.save_file(change(safetensors.torch.load_file(path)), path, {"format": "pt"})

    return spoil


def loses_text(folder: Path) -> None:
    backend = Backend.from_file(str(folder / "tokenizer.json"))
    backend.normalizer = Replace("café", "")
    backend.save(str(folder / "tokenizer.json"))


def no_start(folder: Path) -> None:
    facts = json.loads((folder / "tokenizer.json").read_text()) | {"post_processor": None}
    (folder / "tokenizer.json").write_text(json.dumps(facts))


def asked_behind_its_end(folder: Path) -> None:
    edit(folder / "config.json", architectures=["ModernBertDecoderForCausalLM"])


FAULTS = {
    "end of a text": (asked_behind_its_end, "[SEP] follows a text"),
    "mask token": (no_mask, "no mask token"),
    "fast tokenizer": (loses_text, "offsets cover 'c'"),
    "token before a text": (no_start, "no special token precedes"),
    "scoring": (weights(lambda found: {n: w for n, w in found.items() if "Wqkv" not in n}), "drawn anew"),
    "version": (
        lambda folder: edit(folder / "config.json", model_type="modernbert-decoder"),
        "export it with --to hf-code",
    ),
    "padding": (weights(lambda found: {n: w * float("nan") for n, w in found.items()}), "padding changes logits"),
    "body": (lambda folder: edit(folder / "config.json", model_type="unheard"), "unheard"),
    "length": (lambda folder: edit(folder / "tokenizer_config.json", model_max_length=32), "at most 32"),
    "checkpoints": (lambda folder: shutil.copytree(folder, folder / "chck_1M"), "chck_1M lie inside"),
    "name": (lambda folder: None, "without dots"),
}


@pytest.mark.parametrize("need", FAULTS)
def test_a_fault_is_found_and_mended(need: str, folder: Path, tmp_path: Path) -> None:
    spoil, told = FAULTS[need]
    spoil(folder)
    place = folder.rename(tmp_path / "v1.5") if need == "name" else folder
    found = {finding.need: finding for finding in preflight(place, 64)}
    assert not found[need].met
    assert told in found[need].message
    assert found["mask token" if need == "name" else "name"].met


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_a_folder_runs_only_when_it_may(file: str, folder: Path, tmp_path: Path) -> None:
    kind = "AutoConfig" if file == "config.json" else "AutoTokenizer"
    edit(folder / file, auto_map={kind: "theirs.Kind" if file == "config.json" else [None, "theirs.Kind"]})
    edit(folder / "config.json", model_type="theirs")
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Kind: ...\n")
    with pytest.raises(ValueError, match=r"theirs\.py is code from outside maskwright.*--trust-code"):
        findings(str(folder), 64)
    assert not (tmp_path / "ran").exists()
    with trusting(everything=True):
        findings(str(folder), 64)
    assert (tmp_path / "ran").exists()


def test_code_of_ours_that_is_exported_on_the_way_needs_no_word(source, tmp_path: Path) -> None:
    out = tmp_path / "run"
    made = source("ltg_bert", "mlm", max_length=128)
    saved.save(out / "final", made.model.state_dict(), made.model_settings, made.tokenizer, "text")
    made.config.write(out / "config.yaml")
    found = findings(str(out), 64)
    assert all(finding.met for finding in found), found
    export(made, tmp_path / "model")
    with pytest.raises(ValueError, match=r"modeling_maskwright\.py is code from outside"):
        findings(str(tmp_path / "model"), 64)


def test_a_run_that_has_not_begun(settings: dict, tmp_path: Path) -> None:
    """The command says ✗ once, for what the model has no room for, and leaves with 1."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings))
    app.app.registered_commands.clear()
    app.register()
    said = CliRunner().invoke(app.app, ["preflight", str(recipe)])
    app.app.registered_commands.clear()
    assert said.exit_code == 1, said.output
    assert said.output.count("✗") == 1
    assert "train with model.max_length" in said.output


def test_words_are_counted_against_the_budget_of_a_track(settings: dict, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    for words, met in (("100M", True), ("120M", False)):
        overrides = ["training.steps=null", "training.epochs=null", f"training.words={words}"]
        found = {one.need: one for one in findings(str(tmp_path / "recipe.yaml"), 64, overrides, "strict-small")}
        assert found["words"].met == met
        assert f"{words[:-1]},000,000 words" in found["words"].message
    with pytest.raises(ValueError, match="no track 'strict_smal': did you mean 'strict-small'"):
        findings(str(tmp_path / "recipe.yaml"), 64, [], "strict_smal")


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no model and no config"):
        findings(str(tmp_path), 64)
    with pytest.raises(ValueError, match="no model of transformers"):
        preflight(tmp_path, 64)


def test_changes_are_those_of_a_config_and_not_of_a_model(folder: Path, settings: dict, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    found = {one.need: one for one in findings(str(tmp_path / "recipe.yaml"), 64, ["model.max_length=48"])}
    assert "at most 48" in found["length"].message
    with pytest.raises(ValueError, match="is trained already"):
        findings(str(folder), 64, ["model.max_length=48"])


def test_the_evaluation_asks_nothing_that_a_detector_has_learned(settings: dict, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    for name, met, told in (("mntp", True, "mntp: --backend mntp"), ("electra", False, "whether a token is corrupted")):
        found = {one.need: one for one in findings(str(tmp_path / "recipe.yaml"), 64, [f"objective.name={name}"])}
        assert (found["objective"].met, told in found["objective"].message) == (met, True), found["objective"]
