"""Validation is one fixed exam over everything held out, and its means are plain means."""

from math import log

import numpy as np
import pytest
import torch

from maskwright.data.loader import exam
from maskwright.evaluate.validation.common import MASKED
from maskwright.evaluate.validation.unigram import unigram
from maskwright.evaluate.validation.validate import EXAM, validate
from maskwright.objectives.base.objective import IGNORE
from maskwright.objectives.mlm import Mlm
from maskwright.run import build
from maskwright.run.config import Config


@pytest.fixture
def parts(config: Config):
    data = build.data(config, show=False)
    return data, build.model(config, data.shards, torch.device("cpu")).eval()


@torch.no_grad()
def test_the_means_are_those_of_a_plain_loop(parts) -> None:
    data, model = parts
    numbers = validate(model, data.valid, Mlm(), data.shards.domains, batch_tokens=96)
    losses, rights, fives = [], [], []
    for rows in exam(data.valid, 1):
        problem = MASKED(rows, EXAM)
        alone = rows.document[:, :, None] == rows.document[:, None]
        logits = model.logits(model(problem.inputs, alone[:, None], None)[0]).log_softmax(-1)
        for place in torch.nonzero(problem.targets[0] != IGNORE)[:, 0]:
            target = int(problem.targets[0, place])
            losses.append(-float(logits[place, target]))
            rights.append(int(logits[place].argmax()) == target)
            fives.append(target in logits[place].topk(5).indices)
    assert numbers["masked/loss"] == pytest.approx(np.mean(losses), abs=1e-5)
    assert numbers["masked/accuracy"] == pytest.approx(np.mean(rights), abs=1e-9)
    assert numbers["masked/top5"] == pytest.approx(np.mean(fives), abs=1e-9)


def test_bits_per_byte_spread_the_loss_over_the_text(parts) -> None:
    data, model = parts
    numbers = validate(model, data.valid, Mlm(), data.shards.domains)
    tokens, size = len(data.shards.valid.tokens), data.shards.valid.bytes.sum()
    assert numbers["bits_per_byte"] == pytest.approx(numbers["loss"] / log(2) * tokens / size)
    assert numbers["perplexity"] == pytest.approx(np.exp(numbers["loss"]))


def test_the_exam_is_the_same_for_every_batch_size_and_every_seed(parts, settings: dict) -> None:
    data, model = parts
    first = validate(model, data.valid, Mlm(), data.shards.domains, batch_tokens=64)
    other = build.data(Config.of(settings | {"seed": 5}), show=False)
    again = validate(model, other.valid, Mlm(), data.shards.domains, batch_tokens=4096)
    assert again == pytest.approx(first, abs=1e-5)


def test_domains_add_up_to_the_whole(settings: dict, text, tmp_path) -> None:
    half = text.read_text().split("\n\n")
    for name, part in (("first", half[::2]), ("second", half[1::2])):
        (tmp_path / f"{name}.txt").write_text("\n\n".join(part))
    settings["corpus"] = {"files": [str(tmp_path)]}
    data = build.data(config := Config.of(settings), show=False)
    model = build.model(config, data.shards, torch.device("cpu"))
    numbers = validate(model, data.valid, config.objective, data.shards.domains)
    parts = [numbers[f"domain/{name}/loss"] for name in ("first", "second")]
    assert min(parts) - 1e-9 <= numbers["loss"] <= max(parts) + 1e-9
    assert model.training


def test_a_model_that_says_one_thing_scores_that_things_share(parts) -> None:
    data, _ = parts
    base = unigram(data.shards.train, data.shards.valid, data.shards.vocabulary)
    counts = np.bincount(data.shards.train.tokens, minlength=data.shards.vocabulary.size)
    best = counts.argmax()
    assert base["accuracy"] == pytest.approx((data.shards.valid.tokens == best).mean(), abs=1e-9)
    assert base["accuracy"] < base["top5"] < 1
    share = (counts + 1) / (counts + 1)[data.shards.vocabulary.ordinary].sum()
    assert base["loss"] == pytest.approx(-np.log(share[np.asarray(data.shards.valid.tokens)]).mean())
