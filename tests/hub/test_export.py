"""An exported model is the model: `transformers` opens the folder by its auto classes and says the same."""

import ast
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
import yaml
from torch.testing import assert_close
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.evaluate.scoring.backends import choose
from maskwright.evaluate.scoring.scorer import Scorer, Text
from maskwright.hub.export import modern_bert
from maskwright.hub.export.run import export, way
from maskwright.hub.export.transformers import bundle
from maskwright.models.ltg_bert import GPT_BERT
from maskwright.models.transformers.quiet import silence
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.settings.registry import files, module
from maskwright.text.tokenizers.tokenizer import Tokenizer

from ..families import needs
from ..models.test_variants import ALL, VARIANTS

DECODER = "ModernBertDecoderForCausalLM"
if not hasattr(transformers, DECODER):
    DECODER = "MaskwrightForCausalLM"
DEBERTA = {"buckets": 16, "max_distance": 64}
VARIED = ALL | {"distinct_layers": 1, "mask_later": 1}
TEXTS = ["A list is a sequence of objects.", "Names refer to objects, which are introduced by binding operations."]

CASES = {
    "modern": ("modern", {}, "mlm", "ModernBertForMaskedLM"),
    "modern hybrid": ("modern", {"theta": 5000.0}, "hybrid", "ModernBertForMaskedLM"),
    "modern causal": ("modern", {}, "causal", DECODER),
    "modern causal by our code": ("modern", {}, "causal", "MaskwrightForCausalLM"),
    "modern local": ("modern", {"window": 4, "global_every": 2, "theta": 9e4}, "mlm", "ModernBertForMaskedLM"),
    "modern local causal": ("modern", {"window": 4, "global_every": 2}, "causal", "ModernBertDecoderForCausalLM"),
    "modern learned": ("modern", {"positions": "learned"}, "span", "MaskwrightForMaskedLM"),
    "modern variants": ("modern", VARIED, "mlm", "MaskwrightForMaskedLM"),
    "modern variants causal": ("modern", VARIED | {"mask_later": None}, "causal", "MaskwrightForCausalLM"),
    "deberta": ("deberta", DEBERTA, "mlm", "DebertaV2ForMaskedLM"),
    "deberta causal": ("deberta", DEBERTA, "mirror", "MaskwrightForCausalLM"),
    "deberta n-hot": ("deberta", DEBERTA | {"nhot": {"fusion": "gate", "width": 8}}, "mlm", "MaskwrightForMaskedLM"),
    "ltg_bert": ("ltg_bert", {}, "mlm", "MaskwrightForMaskedLM"),
    "ltg_bert causal n-hot": ("ltg_bert", {"nhot": {"fusion": "frequency"}}, "causal", "MaskwrightForCausalLM"),
    "gpt_bert": ("ltg_bert", GPT_BERT, "hybrid", "MaskwrightForMaskedLM"),
    "elc_bert causal": ("ltg_bert", {"residual": "elc"}, "causal", "MaskwrightForCausalLM"),
    "minigpt": ("minigpt", {}, "diffusion", "MaskwrightForMaskedLM"),
    "hlb_gpt": ("hlb_gpt", {"intermediate": 96}, "mirror", "MaskwrightForCausalLM"),
    "minigpt causal": ("minigpt", {"nhot": {"fusion": "attention"}}, "causal", "MaskwrightForCausalLM"),
}
"""Model, options, objective, and the class that must come of it."""


def ours(source, tokens: torch.Tensor, real: torch.Tensor, causal: bool) -> torch.Tensor:
    """The logits of rows [B, L], padded on the right."""
    length = tokens.shape[1]
    mask = real[:, None, None] | torch.eye(length, dtype=torch.bool)
    mask = mask & (torch.ones(length, length).tril().bool() if causal else True)
    return source.model.logits(source.model(tokens, mask))


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_logits_are_ours(case: str, source, tmp_path: Path) -> None:
    name, options, objective, kind = CASES[case]
    if kind == "ModernBertDecoderForCausalLM":
        needs("modernbert-decoder")
    made, causal, remote = source(name, objective, **options), "Causal" in kind, "Maskwright" in kind
    out = tmp_path / case.replace(" ", "-")
    assert export(made, out, own_code="our code" in case).startswith(f"{kind}, {'with code' if remote else 'native'}")
    auto = AutoModelForCausalLM if causal else AutoModelForMaskedLM
    theirs, told = auto.from_pretrained(out, trust_remote_code=remote, output_loading_info=True)
    assert type(theirs).__name__ == kind
    assert not any(told[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    batch = AutoTokenizer.from_pretrained(out)(TEXTS, padding=True, return_tensors="pt")
    real = batch["attention_mask"].bool()
    assert not real.all()
    reference = ours(made, batch["input_ids"], real, causal)
    assert reference.std() > 0.1
    assert_close(theirs.eval()(**batch).logits[real], reference[real], atol=1e-4, rtol=1e-4)
    alone = batch["input_ids"][:1, : real[0].sum()]
    assert_close(theirs(alone).logits, ours(made, alone, torch.ones_like(alone).bool(), causal), atol=1e-4, rtol=1e-4)
    check_others(out, batch, remote)
    if remote or transformers.__version__ >= "5":  # before, ModernBERT's states lacked the last norm, tuples the states
        check_states(theirs, batch)
    check_interface(theirs, made, batch)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_not_written_as_what_cannot_hold_it(name: str, source) -> None:
    made = source("modern", "mlm", **VARIANTS[name], layers=4)
    with pytest.raises(ValueError, match=r"^model\.\w+=.* has no counterpart in ModernBERT; it takes "):
        modern_bert.config(made.model_settings, 404)


@torch.no_grad()
def test_masks_enter_late_in_an_exported_model_too(source, tmp_path: Path) -> None:
    made = source("modern", "mlm", mask_later=1)
    export(made, tmp_path / "model")
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path / "model", trust_remote_code=True).eval()
    known = made.tokenizer.vocabulary
    ids = torch.tensor([[known.cls, 30, known.mask, 31, known.mask], [known.cls, 40, 41, known.mask, known.pad]])
    real = ids != known.pad
    states = theirs(ids, attention_mask=real.long(), output_hidden_states=True)
    assert [state.shape[1] for state in states.hidden_states] == [4, 5, 5]  # a [MASK] fills up the first row
    assert_close(states.logits[real], ours(made, ids, real, False)[real], atol=1e-4, rtol=1e-4)
    assert (states.logits - made.model.logits(made.model(ids))).abs().max() > 1e-3


def check_states(theirs, batch: dict) -> None:
    """The last state is what the body gives, and a tuple has the states too."""
    states = theirs(**batch, output_hidden_states=True).hidden_states
    assert_close(states[-1], theirs.base_model(**batch).last_hidden_state)
    as_tuple = theirs(**batch, output_hidden_states=True, return_dict=False)
    assert_close(as_tuple[0], theirs(**batch).logits)
    assert any(isinstance(part, tuple) and len(part) == len(states) for part in as_tuple)


def check_interface(theirs, made, batch: dict) -> None:
    """What tools ask of every model of `transformers`: states by layer, vectors as input, checkpointing, new tokens."""
    ids, real = batch["input_ids"], batch["attention_mask"].bool()
    for model in (theirs, theirs.base_model):
        states = model(**batch, output_hidden_states=True).hidden_states
        assert len(states) == made.model_settings.layers + 1
        assert all(state.shape == (*ids.shape, made.model_settings.hidden) for state in states)
        assert model(**batch).hidden_states is None
    vectors = theirs.get_input_embeddings()(ids)
    given = theirs(inputs_embeds=vectors, attention_mask=batch["attention_mask"]).logits
    assert_close(given, theirs(**batch).logits)
    check_gradients(theirs, batch)
    logits = theirs.eval()(**batch).logits
    size = logits.shape[-1]
    theirs.resize_token_embeddings(size + 3)
    assert theirs.get_input_embeddings().weight.shape[0] == theirs.config.vocab_size == size + 3
    grown = theirs(torch.cat([ids, torch.full_like(ids[:, :1], size + 2)], 1)).logits
    assert grown.shape[-1] == size + 3
    assert grown.isfinite().all()
    assert_close(theirs(**batch).logits[real][:, :size], logits[real])
    theirs.resize_token_embeddings(size)
    assert_close(theirs(**batch).logits[real], logits[real])


def check_gradients(theirs, batch: dict) -> None:
    """Checkpointed layers compute twice, and give the same gradients."""
    theirs.train()
    found, calls = [], []
    layer = next(module for name, module in theirs.named_modules() if name.endswith("layers.0") or "layer.0" in name)
    inner = next(module for module in layer.modules() if isinstance(module, torch.nn.Linear))
    inner.register_forward_hook(lambda *_: calls.append(len(found)))
    with torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the other name that the method is getting
        for change in (theirs.gradient_checkpointing_disable, theirs.gradient_checkpointing_enable):
            change()
            theirs.zero_grad()
            torch.manual_seed(0)  # of dropout
            theirs(**batch, labels=batch["input_ids"]).loss.backward()
            found.append([weight.grad.clone() for weight in theirs.parameters() if weight.grad is not None])
    assert calls.count(1) == 2 * calls.count(0)
    for one, other in zip(*found, strict=True):
        assert_close(one, other)


def check_others(out: Path, batch: dict, remote: bool) -> None:
    """The body and a classifier open too, with the weights of the body."""
    how = {"trust_remote_code": remote, "output_loading_info": True}
    body, told = AutoModel.from_pretrained(out, **how)
    assert not told["missing_keys"]
    assert body(**batch).last_hidden_state.shape == (*batch["input_ids"].shape, body.config.hidden_size)
    with silence():
        classifier, told = AutoModelForSequenceClassification.from_pretrained(out, num_labels=3, **how)
    assert {name.split(".")[0] for name in told["missing_keys"]} <= {"classifier", "head", "pooler"}
    assert classifier(**batch).logits.shape == (len(TEXTS), 3)


@pytest.mark.parametrize("name", sorted({*files("models")} - {"transformers"}))  # which has classes of its own
def test_the_modelling_file_stands_alone(name: str) -> None:
    """It imports torch and transformers, and no name is that of two things."""
    found = module("models", name)
    kind = getattr(found, name.title().replace("_", ""))
    tree = ast.parse(bundle.source(found, {"settings": kind, "network": getattr(found, f"{kind.__name__}Model")}))
    roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    roots |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {root.partition(".")[0] for root in roots} - sys.stdlib_module_names == {"torch", "transformers"}
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert len(names) == len(set(names))
    values = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    targets = [value.partition(" = ")[0] for value in set(values)]
    assert len(targets) == len(set(targets))


def test_a_remote_causal_model_writes_on(source, tmp_path: Path) -> None:
    made = source("minigpt", "causal")
    export(made, tmp_path / "model")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "model", trust_remote_code=True).eval()
    prompt = torch.tensor([[2, 30, 31], [0, 2, 40]])
    told = theirs.generate(prompt, attention_mask=(prompt > 0).long(), max_new_tokens=3, do_sample=False)
    row = prompt[:1]
    for _ in range(3):
        best = ours(made, row, torch.ones_like(row).bool(), True)[:, -1:].argmax(-1)
        row = torch.cat([row, best], 1)
    assert told[0].tolist() == row[0].tolist()
    short = theirs.generate(prompt[1:, 1:], max_new_tokens=3, do_sample=False)
    assert told[1, 1:].tolist() == short[0].tolist()


def test_a_remote_causal_model_reads_each_token_once(source, tmp_path: Path) -> None:
    export(source("minigpt", "causal"), tmp_path / "model")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "model", trust_remote_code=True).eval()
    prompt, read = torch.tensor([[2, 30, 31], [0, 2, 40]]), []
    theirs.model.network.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].shape[1]))
    options = {"attention_mask": (prompt > 0).long(), "max_new_tokens": 6, "do_sample": False}
    kept = theirs.generate(prompt, **options, use_cache=True)
    assert read == [3, 1, 1, 1, 1, 1][: len(read)]
    assert len(read) > 3
    assert torch.equal(kept, theirs.generate(prompt, **options, use_cache=False))
    assert max(read) > 5
    beams = [theirs.generate(prompt, **options, num_beams=3, use_cache=use) for use in (True, False)]
    assert torch.equal(*beams)


def test_a_way_that_was_not_learned_is_refused() -> None:
    def objective(name: str, **options):
        return Config.of({"objective": {"name": name, **options}, "training": {"steps": 1}}).objective

    assert way(objective("hybrid"), None) == (False, "mntp")
    assert way(objective("hybrid"), True) == (True, "causal")
    assert way(objective("mirror"), None) == (True, "causal")
    with pytest.raises(ValueError, match="trained by mlm, which does not give a causal model: use --masked"):
        way(objective("mlm"), True)
    with pytest.raises(ValueError, match="only reads backward"):
        way(objective("causal", direction="backward"), None)
    with pytest.raises(ValueError, match="say whether it is --masked or --causal"):
        way(None, None)


@pytest.fixture
def run(source, tmp_path: Path) -> Path:
    """A finished run."""
    made, folder = source("modern", "whole_word"), tmp_path / "run"
    saved.save(folder / "final", made.model.state_dict(), made.model_settings, made.tokenizer, "text")
    made.config.write(folder / "config.yaml")
    (folder / "final.json").write_text(json.dumps({"step": 7, "words": 1234, "valid/loss": 2.5}))
    return folder


@pytest.fixture
def call():
    app.app.registered_commands.clear()
    app.register()
    yield lambda *words: CliRunner().invoke(app.app, [str(word) for word in words])
    app.app.registered_commands.clear()


def test_a_run_is_exported_with_its_card(call, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    said = call("export", run, out)
    assert said.exit_code == 0, said.exception
    assert "ModernBertForMaskedLM, native" in said.output
    card = (out / "README.md").read_text()
    head, config = (yaml.safe_load(part) for part in (card.split("---")[1], card.split("```yaml")[1].split("```")[0]))
    assert head["pipeline_tag"] == "fill-mask"
    assert config == Config.load(run).tree() or Config.of(config) == Config.load(run)
    for told in (
        "`whole_word`, on rows of ",
        "| words | 1,234 |",
        "| seed | 0 |",
        "| loss | 2.5 |",
        "AutoModelForMaskedLM",
    ):
        assert told in card
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.is_fast
    assert tokenizer.model_max_length == 64
    (start, end) = tokenizer("A list", return_offsets_mapping=True)["offset_mapping"][1]
    assert "A list"[start:end] == "A"
    again = call("export", run, out)
    assert "is not empty" in str(again.exception)
    assert "holds no trained model" in str(call("export", tmp_path / "nowhere", tmp_path / "b").exception)
    assert not (tmp_path / "b").exists()


@torch.no_grad()
def test_a_text_opens_with_what_the_model_was_trained_on(source, tmp_path: Path) -> None:
    made = source("modern", "mirror")
    told = replace(
        made, config=Config.of(made.config.tree() | {"objective": {"name": "mirror", "direction_tokens": True}})
    )
    for one, role in ((made, "cls"), (told, "forward")):
        export(one, out := tmp_path / role)
        opening = getattr(one.tokenizer.vocabulary, role)
        tokenizer, theirs = (
            AutoTokenizer.from_pretrained(out),
            AutoModelForCausalLM.from_pretrained(out, trust_remote_code=True).eval(),
        )
        ids = tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
        assert (int(ids[0, 0]), tokenizer.bos_token_id, theirs.config.bos_token_id) == (opening,) * 3
        assert int(ids[0, -1]) == one.tokenizer.encode(TEXTS[0])[0][-1], "nothing follows the text"
        assert tokenizer.decode(ids[0], skip_special_tokens=True).strip() == TEXTS[0]
        chances = theirs(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])
        _, ask = choose(None, one.config.objective)
        ours = Scorer(one.model, one.tokenizer, ask)([Text(TEXTS[0])])
        assert float(chances.sum()) == pytest.approx(ours.total[0, 0], abs=1e-3)
    plain = Tokenizer.load(tmp_path / "forward")
    assert plain.vocabulary == replace(told.tokenizer.vocabulary, cls=told.tokenizer.vocabulary.forward)


def test_what_a_remote_model_cannot_do_is_refused(source, tmp_path: Path) -> None:
    export(source("ltg_bert", "mlm"), tmp_path / "model")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "model", trust_remote_code=True)
    ids = torch.tensor([[2, 30, 31]])
    with pytest.raises(ValueError, match="the weights of attention are never computed"):
        model(ids, output_attentions=True)
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        model()
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        model(ids, inputs_embeds=model.get_input_embeddings()(ids))
    with pytest.raises(ValueError, match="a text of 65 tokens is over max_length=64: truncation=True"):
        model(torch.full((1, 65), 30))


def test_positions_that_are_given_are_used(source, tmp_path: Path) -> None:
    export(source("minigpt", "diffusion"), tmp_path / "model")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "model", trust_remote_code=True).eval()
    ids = torch.tensor([[2, 30, 31]])
    assert_close(model(ids, position_ids=torch.arange(3)[None]).logits, model(ids).logits)
    assert (model(ids, position_ids=torch.arange(5, 8)[None]).logits - model(ids).logits).abs().max() > 1e-3


def test_the_tokenizer_opens_without_code(source, tmp_path: Path) -> None:
    export(source("ltg_bert", "mlm"), tmp_path / "model")
    modelling = tmp_path / "model" / f"{bundle.FILE}.py"
    modelling.write_text("raise SystemExit('code was run')")
    assert AutoTokenizer.from_pretrained(tmp_path / "model").mask_token_id is not None
