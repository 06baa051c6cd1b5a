"""A model without its last layers is the model that was built with fewer, and every exam is asked of it."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from maskwright.attention import mask, positions
from maskwright.evaluate.validation.layer_ablation import ablate, first_layers
from maskwright.evaluate.validation.validate import validate
from maskwright.objectives.causal import Causal
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.mlm import Mlm
from maskwright.run import build
from maskwright.run.config import Config
from maskwright.settings import registry
from maskwright.text.shards.shards import Shards

SIZES = {"hidden": 32, "heads": 2, "intermediate": 48, "max_length": 16, "dropout": 0.0}


def shaken(settings, seed=0):
    generator = torch.Generator().manual_seed(seed)
    model = settings.build(60, generator)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return model


@pytest.mark.parametrize("stem", registry.files("models"))
def test_dropping_layers_is_having_fewer(stem):
    kind, _ = registry.load("models", stem)
    whole = shaken(kind(**SIZES, layers=4))
    tokens = torch.randint(60, (3, 12), generator=torch.Generator().manual_seed(1))
    document = torch.tensor([[0] * 5 + [1] * 7]).expand(3, -1)
    seen, places, asked = mask(document, torch.tensor([0, 1, 2])), positions(document), torch.tensor([7, 0, 30])
    everything = whole(tokens, seen, places)
    for count in (1, 2, 3):
        small = shaken(kind(**SIZES, layers=count), seed=1)
        names = small.state_dict().keys()
        small.load_state_dict({name: tensor for name, tensor in whole.state_dict().items() if name in names})
        with first_layers(whole, count) as cut:
            hidden, some = cut(tokens, seen, places), cut(tokens, seen, places, asked)
            assert_close(cut.logits(some), small.logits(small(tokens, seen, places, asked)), rtol=0, atol=0)
        assert_close(hidden, small(tokens, seen, places), rtol=0, atol=0)
        assert not torch.allclose(hidden, everything)
    assert torch.equal(whole(tokens, seen, places), everything)


def test_the_model_is_whole_again_even_after_a_fault():
    kind, _ = registry.load("models", "modern")
    model = shaken(kind(**SIZES, layers=2))
    with pytest.raises(KeyError), first_layers(model, 1):
        raise KeyError
    assert len(model.layers) == 2


@pytest.fixture
def parts(settings: dict):
    settings["model"]["layers"] = 3
    config = Config.of(settings)
    data = build.data(config, show=False)
    return data, shaken_of(config, data.shards)


def shaken_of(config: Config, shards: Shards) -> nn.Module:
    model = build.model(config, shards, torch.device("cpu"))
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1, generator=generator)
    return model


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        (Mirror(), {"forward", "backward"}),
        (Causal(direction="backward"), {"backward"}),
        (Mlm(), {"masked"}),
        (Hybrid(), {"masked", "forward"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_exam_that_the_objective_can_take_is_asked_of_every_depth(parts, objective, names):
    data, model = parts
    numbers = ablate(model, data.valid, objective)
    metrics = ("loss", "accuracy", "top5", "perplexity")
    assert set(numbers) == {f"layers/{n}/{exam}/{metric}" for n in (3, 2, 1) for exam in names for metric in metrics}
    whole = validate(model, data.valid, objective, data.shards.domains)
    shared = {name: number for name, number in whole.items() if f"layers/3/{name}" in numbers}
    assert len(shared) == 4 * len(names)
    assert {name: numbers[f"layers/3/{name}"] for name in shared} == shared
    for exam in names:
        assert len({numbers[f"layers/{n}/{exam}/loss"] for n in (3, 2, 1)}) == 3


def test_an_objective_without_a_common_exam_is_asked_its_own(parts):
    data, model = parts

    class Own(Mlm):
        capabilities = frozenset()

    numbers = ablate(model, data.valid, Own())
    whole = validate(model, data.valid, Own(), data.shards.domains)
    assert numbers["layers/3/own/loss"] == whole["loss"]
