"""Another tokenizer for the same model: rows of tokens that both have, and what new ones begin with."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from maskwright.hub.export.run import export
from maskwright.models.transformers import Transformers, in_folder
from maskwright.models.transformers.quiet import silence
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.run.starting.vocabulary_transfer import sources, tables, transfer
from maskwright.settings import from_mapping
from maskwright.settings.registry import load as registered
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training.trainer import Trainer

from ..families import needs

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 40}
SHORT = ["rows.length=32", "training.batch_tokens=256", "evaluation.held_out=0.2", "training.compile=false"]


@pytest.fixture(scope="module")
def tokenizers(text: Path) -> tuple[Tokenizer, Tokenizer]:
    whole = [text.read_text()]
    return tuple(Tokenizer.train(whole, TokenizerSettings(kind="bpe", size=size)) for size in (320, 404))


def test_a_new_token_is_made_of_the_old_tokens_of_its_text(tokenizers) -> None:
    old, new = tokenizers
    found = sources(old, new)
    for token, pieces in zip(new.tokens, found, strict=True):
        if token in old.tokens:
            assert pieces.tolist() == [old.tokens.index(token)]
        else:
            assert "".join(old.tokens[piece] for piece in pieces) == token
            assert len(pieces) > 1


def test_special_tokens_go_by_what_they_are_for(text, tokenizers) -> None:
    renamed = Tokenizer.train([text.read_text()], TokenizerSettings(kind="wordpiece", size=300))
    found = sources(tokenizers[0], renamed)
    for role in ("pad", "cls", "sep", "mask"):
        assert found[renamed._id(renamed.names[role])].tolist() == [tokenizers[0]._id(tokenizers[0].names[role])]


@pytest.mark.parametrize("name", ["modern", "deberta", "ltg-bert", "minigpt"])
@pytest.mark.parametrize("how", ["pieces", "mean", "random"])
def test_every_other_weight_stays_and_tables_are_as_they_say(tokenizers, name, how) -> None:
    old_one, new_one = tokenizers
    kind, preset = registered("models", name)
    settings = from_mapping(kind, preset | SIZES, "model")
    old, new, drawn = (settings.build(t.vocabulary.size, torch.Generator().manual_seed(s)) for t, s in
                       ((old_one, 0), (new_one, 1), (new_one, 1)))  # fmt: skip
    for parameter in old.parameters():
        torch.nn.init.normal_(parameter)
    transfer(new, old, tokenizers, how)
    was, fresh = old.state_dict(), drawn.state_dict()
    assert "embedding.weight" in tables(old)
    for key, tensor in new.state_dict().items():
        if key not in tables(old):
            assert torch.equal(tensor, was[key])
            continue
        for row, pieces in zip(tensor, sources(old_one, new_one), strict=True):
            place = len(pieces) > 1 and how
            expected = was[key].mean(0) if place == "mean" else was[key][np.array(pieces)].mean(0)
            assert place == "random" or torch.allclose(row, expected, atol=1e-6)
        new_rows = [i for i, pieces in enumerate(sources(old_one, new_one)) if len(pieces) > 1]
        if how == "random":
            assert torch.equal(tensor[new_rows], fresh[key][new_rows])


def saved(family: str, tokenizer: Tokenizer, out: Path) -> Path:
    needs(family)
    made = Transformers(architecture=family, **SIZES).build(tokenizer.vocabulary.size, torch.Generator().manual_seed(0))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with silence():
        made.network.save_pretrained(out)
    tokenizer.save(out)
    return out


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "modernbert", "gpt2", "llama"])
def test_a_public_model_takes_another_tokenizer_and_tied_tables_stay_tied(tokenizers, family, tmp_path) -> None:
    folder = saved(family, tokenizers[0], tmp_path / family)
    settings = in_folder(folder)
    old, new = (settings.build(t.vocabulary.size, torch.Generator().manual_seed(0)) for t in tokenizers)
    was = old.state_dict()
    transfer(new, old, tokenizers, "pieces")
    (embedding,) = [key for key in was if was[key].data_ptr() == old.embedding.weight.data_ptr()]
    expected = torch.stack([was[embedding][torch.from_numpy(p)].mean(0) for p in sources(*tokenizers)])
    assert torch.allclose(new.embedding.weight, expected, atol=1e-6)
    assert new.tied == old.tied
    for key in was:
        assert (key in tables(old)) == (was[key].shape != new.state_dict()[key].shape)


def test_a_smaller_vocabulary_leaves_no_old_rows(tokenizers, tmp_path) -> None:
    folder = saved("bert", tokenizers[1], tmp_path / "bert")
    assert len(in_folder(folder).build(320, torch.Generator().manual_seed(0)).embedding.weight) == 320
    assert len(in_folder(folder).build(400, torch.Generator().manual_seed(0)).embedding.weight) == 404


@pytest.mark.parametrize("changes", [["tokenizer.size=330"], ["tokenizer.new_words=5"]])
def test_a_run_begins_with_a_tokenizer_of_its_own_and_goes_out_with_it(text, tokenizers, tmp_path, changes) -> None:
    folder = saved("bert", tokenizers[1], tmp_path / "bert")
    begin = [f"training.init_from={folder}", f"corpus.files=[{text}]", *SHORT, "training.epochs=0.1"]
    trainer = Trainer(Config.load("adapt", [*begin, *changes]), tmp_path / "run", show=False)
    tokenizer = trainer.data.shards.tokenizer
    assert tokenizer.fingerprint != Tokenizer.load(folder).fingerprint
    assert len(trainer.model.embedding.weight) == tokenizer.vocabulary.size
    trainer.train()
    export(load(tmp_path / "run"), tmp_path / "out")
    peer, there = (
        AutoModelForMaskedLM.from_pretrained(tmp_path / "out"),
        AutoTokenizer.from_pretrained(tmp_path / "out"),
    )
    assert peer.config.vocab_size == len(there) == tokenizer.vocabulary.size
    assert peer.config.pad_token_id == there.pad_token_id


def test_n_hot_embeddings_are_refused(text, tokenizers, tmp_path) -> None:
    kind, _ = registered("models", "modern")
    settings = from_mapping(kind, SIZES | {"nhot": {"fusion": "add"}}, "model")
    models = [settings.build(t.vocabulary.size, torch.Generator().manual_seed(0)) for t in tokenizers]
    with pytest.raises(ValueError, match=r"n-hot embeddings are of one tokenizer's parts; leave out model\.nhot"):
        transfer(models[1], models[0], tokenizers, "pieces")
