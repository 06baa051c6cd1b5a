"""Families of `transformers` as models of ours: the contract of models, in each that people begin with; and folders."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor, nn
from torch.testing import assert_close

from maskwright.attention import BACKWARD, BOTH, FORWARD, mask, positions
from maskwright.models.transformers import Transformers, pretrained
from maskwright.settings import from_mapping

from ..families import INSTALLED, ONLY_SINCE_5, needs

VOCABULARY = 60
SIZES: dict[str, Any] = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 16, "dropout": 0.0}
FAMILIES = [
    "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert", "mpnet", "modernbert",
    "modernbert-decoder", "deberta-v2", "gpt2", "llama", "qwen3", "gemma3_text",
]  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "modernbert": {"local_attention": 6, "layer_types": ["full_attention", "sliding_attention"]},
    "modernbert-decoder": {"local_attention": 6, "layer_types": ["full_attention", "sliding_attention"]},
    "gemma3_text": {"sliding_window": 4, "layer_types": ["full_attention", "sliding_attention"]},
    "deberta-v2": {
        "relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True,
    },
}  # fmt: skip
"""With local layers, whose windows are shorter than the rows; and DeBERTa as its third version is."""


def settings_of(family: str, **more: Any) -> Transformers:
    return Transformers(architecture=family, options=OPTIONS.get(family, {}), **SIZES | more)


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> nn.Module:
    needs(request.param)
    return shaken(settings_of(request.param))


def shaken(settings: Transformers) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return model.eval()


@pytest.fixture
def tokens() -> Tensor:
    return torch.randint(2, VOCABULARY, (3, 12), generator=torch.Generator().manual_seed(1))


DOCUMENT = torch.tensor([0] * 5 + [1] * 7).expand(3, -1)
VIEWS = torch.tensor([BOTH, FORWARD, BACKWARD])


@torch.no_grad()
def test_views_and_documents_of_a_batch_are_each_alone(model: nn.Module, tokens: Tensor) -> None:
    seen, places = mask(DOCUMENT, VIEWS), positions(DOCUMENT)
    together = model(tokens, seen, places)
    for row, view in enumerate(VIEWS):
        for part in (slice(5), slice(5, 12)):
            alone = tokens[row : row + 1, part]
            only = mask(torch.zeros_like(alone), view[None])
            assert_close(together[row, part], model(alone, only)[0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_nothing_is_seen_through_a_view(model: nn.Module, tokens: Tensor) -> None:
    changed = tokens.clone()
    changed[:, 7:] = 3
    seen, places = mask(DOCUMENT, torch.full((3,), FORWARD)), positions(DOCUMENT)
    assert_close(model(tokens, seen, places)[:, :7], model(changed, seen, places)[:, :7], atol=1e-6, rtol=1e-5)
    assert not torch.allclose(model(tokens)[:, 5:7], model(changed)[:, 5:7], atol=1e-3)


@torch.no_grad()
def test_whole_rows_are_those_of_the_class(model: nn.Module, tokens: Tensor) -> None:
    """Local layers too, whose windows are shorter than the row."""
    causal = mask(torch.zeros_like(tokens), torch.full((3,), FORWARD)) if model.causal else None
    mine = model.logits(model(tokens, causal).flatten(0, 1))
    assert_close(mine, model.network(input_ids=tokens).logits.flatten(0, 1), atol=1e-4, rtol=1e-4)


def test_the_head_is_asked_where_asked(model: nn.Module, tokens: Tensor) -> None:
    asked = torch.tensor([5, 3, 20, 0, 0, 35])
    everywhere = model.logits(model(tokens).flatten(0, 1))
    assert_close(model.logits(model(tokens, None, None, asked)), everywhere[asked], atol=1e-5, rtol=1e-4)
    model.zero_grad()
    model.logits(model(tokens)[:, 3]).square().mean().backward()
    assert not [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]


BROKEN = {
    "fnet": "what a mask hides must not be seen",
    "convbert": "what a mask hides must not be seen",
    "nystromformer": "what a mask hides must not be seen",
    "longformer": "what a mask hides must not be seen",
    "opt": "without a mask it must be the class itself",
}


@pytest.mark.parametrize("family", BROKEN)
def test_a_family_that_breaks_a_contract_is_refused_with_it(family: str) -> None:
    with pytest.raises(ValueError, match=f"architecture={family} cannot be trained here: {BROKEN[family]}") as refused:
        settings_of(family).build(VOCABULARY, torch.Generator().manual_seed(0))
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(Version("5") <= INSTALLED, reason="transformers 5 has classes that take any mask")
@pytest.mark.parametrize("family", ONLY_SINCE_5)
def test_an_old_class_that_takes_no_mask_of_pairs_is_refused_in_a_sentence(family: str) -> None:
    def built() -> nn.Module:
        settings = from_mapping(Transformers, {"architecture": family, **SIZES}, "model")
        return settings.build(VOCABULARY, torch.Generator().manual_seed(0))

    with pytest.raises(ValueError, match=f"architecture={family}") as refused:
        built()
    assert "\n" not in str(refused.value)
    assert "AttributeError" not in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"architecture": "brt"}, "architecture=brt: transformers has no masked or causal class of it"),
        ({"architecture": "t5"}, "architecture=t5: transformers has no masked or causal class of it"),
        ({"architecture": "bloom"}, "architecture=bloom: it has no number of positions"),
        ({"heads": 5}, "architecture=bert: transformers makes no such model: .*hidden size"),
        ({"path": "google/bert"}, "path=google/bert: no model of transformers .* names of the Hub are not looked up"),
    ],
)
def test_what_is_no_model_of_transformers_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        from_mapping(Transformers, {**SIZES, **wrong}, "model")
    assert "\n" not in str(refused.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small RoBERTa as `save_pretrained` writes it."""
    network = shaken(settings_of("roberta", dropout=0.1)).network
    network.save_pretrained(tmp_path / "roberta")
    return tmp_path / "roberta"


def test_a_folder_gives_its_sizes_its_class_and_its_weights(folder: Path, tokens: Tensor) -> None:
    settings = Transformers(path=str(folder))
    assert (settings.architecture, settings.head, settings.max_length) == ("roberta", "masked", 16)
    model = settings.build(VOCABULARY, torch.Generator()).eval()
    assert pretrained.load(model, folder) == []
    expected = shaken(settings_of("roberta"))
    assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    assert settings.options["hidden_dropout_prob"] == 0.1
    assert (
        Transformers(path=str(folder), dropout=0.0)
        .build(VOCABULARY, torch.Generator())
        .network.config.hidden_dropout_prob
        == 0
    )
    folder.rename(folder.with_name("gone"))  # what it was is in the settings
    assert from_mapping(Transformers, vars(settings), "model") == settings


def test_tokens_without_a_row_begin_as_the_mean_and_rows_without_a_token_are_kept(folder: Path, tokens: Tensor) -> None:
    more = Transformers(path=str(folder)).build(VOCABULARY + 2, torch.Generator()).eval()
    pretrained.load(more, folder)
    assert_close(more.embedding.weight[VOCABULARY], more.embedding.weight[:VOCABULARY].mean(0))
    assert more.network.get_output_embeddings().weight is more.embedding.weight
    fewer = Transformers(path=str(folder)).build(VOCABULARY - 3, torch.Generator()).eval()
    pretrained.load(fewer, folder)
    assert len(fewer.embedding.weight) == VOCABULARY
    hidden = more(tokens.clamp(max=50))[0]
    assert_close(fewer.logits(hidden), more.logits(hidden)[:, : VOCABULARY - 3])


def test_a_folder_without_weights_or_with_sizes_of_ones_own_is_refused(folder: Path) -> None:
    model = Transformers(path=str(folder)).build(VOCABULARY, torch.Generator())
    with pytest.raises(ValueError, match=r"hidden=32: the sizes are those of path="):
        Transformers(path=str(folder), hidden=32)
    with pytest.raises(ValueError, match=r"max_length=17: .* has 16 positions"):
        Transformers(path=str(folder), max_length=17)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"holds the config of a model and no weights of it"):
        pretrained.load(model, folder)


def test_a_discriminator_lends_its_body(tmp_path: Path) -> None:
    from transformers import ElectraForPreTraining

    model = shaken(settings_of("electra"))
    ElectraForPreTraining(model.network.config).save_pretrained(tmp_path)
    lost = pretrained.load(model, tmp_path)
    assert {name.split(".")[0] for name in lost} == {"generator_lm_head", "generator_predictions"}


def test_a_folder_of_another_body_is_refused(tmp_path: Path, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}), encoding="utf-8")
    model = Transformers(path=str(folder)).build(VOCABULARY, torch.Generator())
    with pytest.raises(ValueError, match=r"lacks 16 weights of a RobertaForMaskedLM, as roberta\.encoder\.layer\.2"):
        pretrained.load(model, folder)


@pytest.mark.parametrize(
    ("rotary", "divisor"), [({"rope_type": "default"}, 1), ({"rope_type": "linear", "factor": 4.0}, 4)]
)
def test_rotary_positions_have_the_base_that_a_new_folder_names(rotary, divisor) -> None:
    settings = Transformers(architecture="llama", options={"rope_parameters": {"rope_theta": 5e5, **rotary}}, **SIZES)
    network: Any = settings.build(VOCABULARY, torch.Generator().manual_seed(0)).network
    assert_close(network.model.rotary_emb.inv_freq, 5e5 ** -(torch.arange(0, 16, 2) / 16) / divisor)
