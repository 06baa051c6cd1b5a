"""Validation is one fixed exam over everything held out, and its means are plain means."""

from dataclasses import dataclass
from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.loader import validation_batches
from maskwright.evaluate.validation.common import MASKED
from maskwright.evaluate.validation.frequency import by_frequency
from maskwright.evaluate.validation.plan import ValidationPlan, validation_plan
from maskwright.evaluate.validation.unigram import unigram
from maskwright.evaluate.validation.validate import EXAM, take_exam, validate
from maskwright.objectives.base.objective import IGNORE
from maskwright.objectives.causal import Causal
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.remask_binary import RemaskBinary
from maskwright.run import build
from maskwright.run.config import Config


@dataclass
class Sized:
    """What a plan needs of the validation rows."""

    rows: int
    length: int = 64

    def __len__(self) -> int:
        return self.rows


@pytest.fixture
def parts(config: Config):
    data = build.data(config, show=False)
    return data, build.model(config, data.shards, torch.device("cpu")).eval()


@torch.no_grad()
def test_the_means_are_those_of_a_plain_loop(parts) -> None:
    data, model = parts
    numbers = validate(model, data.valid, Mlm(), data.shards.domains, batch_tokens=96)
    losses, rights, fives = [], [], []
    for rows in validation_batches(data.valid, 1):
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


def test_a_part_of_the_rows_has_the_questions_that_they_have_in_the_whole(parts) -> None:
    data, model = parts
    whole, some = take_exam(model, data.valid, MASKED), take_exam(model, data.valid, MASKED, 96, 3)
    every, third = list(validation_batches(data.valid, 1)), list(validation_batches(data.valid, 2, 3))
    assert [int(i) for rows in third for i in rows.ids] == [int(rows.ids[0]) for rows in every[::3]]
    asked = [int((MASKED(rows, EXAM).targets != IGNORE).sum()) for rows in every]
    row = np.repeat(np.arange(len(every)), asked)
    assert some.target.tolist() == whole.target[row % 3 == 0].tolist()
    assert some.loss == pytest.approx(whole.loss[row % 3 == 0], abs=1e-5)


def plan(rows: int, steps: int, batch: int, every: int | None = None) -> ValidationPlan:
    """That of a run with so many rows held out."""
    config = Config(training={"batch_tokens": batch}, evaluation={"every": every})
    return validation_plan(config, Sized(rows), steps)


@given(st.integers(1, 3000), st.integers(64, 100_000), st.integers(1, 3000))
def test_validations_on_the_way_read_at_most_a_tenth_of_what_training_does(steps, batch, rows) -> None:
    found = plan(rows, steps, batch)
    times = (steps - 1) // found.every
    assert times <= 9
    assert times * len(range(0, rows, found.stride)) * 64 <= steps * batch / 10 + 64 * times
    assert plan(rows, steps, batch, every=7) == ValidationPlan(7, 1)


def test_a_long_run_is_validated_nine_times_on_all_rows() -> None:
    assert plan(100, 1000, 1000) == ValidationPlan(100, 1)
    assert plan(1000, 1000, 1000) == ValidationPlan(100, 6)
    assert plan(1000, 20, 2000).every == 20


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


def test_the_floor_is_what_one_constant_guess_scores_on_the_same_questions(parts) -> None:
    data, model = parts
    train, vocabulary = data.shards.train, data.shards.vocabulary
    numbers = validate(model, data.valid, Mlm(ratio=0.4), data.shards.domains, train=train)
    asked = take_exam(model, data.valid, MASKED).target
    counts = np.bincount(train.tokens, minlength=vocabulary.size)
    best = np.argsort(-counts, kind="stable")
    assert numbers["masked/unigram/accuracy"] == pytest.approx((asked == best[0]).mean(), abs=1e-9)
    assert numbers["masked/unigram/top5"] == pytest.approx(np.isin(asked, best[:5]).mean(), abs=1e-9)
    p = (counts + 1) / (counts + 1)[vocabulary.ordinary].sum()
    assert numbers["masked/unigram/loss"] == pytest.approx(-np.log(p[asked]).mean())
    assert numbers["unigram/loss"] != numbers["masked/unigram/loss"]  # it masks more tokens


def test_bands_of_frequency_are_the_targets_that_occur_so_often_and_add_up(parts) -> None:
    data, model = parts
    train, vocabulary = data.shards.train, data.shards.vocabulary
    numbers = validate(model, data.valid, Mlm(ratio=0.4), data.shards.domains, train=train)
    exam = take_exam(model, data.valid, MASKED)
    seen = np.bincount(train.tokens, minlength=vocabulary.size)[exam.target]
    for name, low, high in (("0-9", 0, 10), ("10-99", 10, 100), ("100-999", 100, 1000)):
        of_band = (seen >= low) & (seen < high)
        assert of_band.any()
        assert numbers[f"masked/frequency/{name}/loss"] == pytest.approx(exam.loss[of_band].mean())
        assert numbers[f"masked/frequency/{name}/share"] == pytest.approx(of_band.mean())
    shares = [value for name, value in numbers.items() if name.startswith("frequency/") and name.endswith("/share")]
    assert sum(shares) == pytest.approx(1)


def test_special_tokens_are_in_no_band_of_frequency(parts) -> None:
    data, model = parts
    asked = take_exam(model, data.valid, RemaskBinary(balanced=False))
    counts = data.shards.train.counts(data.shards.vocabulary.size)
    assert not list(by_frequency(asked, counts, data.shards.vocabulary))


def test_the_floor_has_the_weights_of_the_exam(parts) -> None:
    data, model = parts
    asked = take_exam(model, data.valid, Diffusion())
    counts = data.shards.train.counts(data.shards.vocabulary.size)
    right = asked.target == counts.argmax()
    floor = unigram(asked, counts, data.shards.vocabulary).mean()
    assert np.ptp(asked.weight) > 0
    assert floor["accuracy"] == pytest.approx((right * asked.weight).sum() / asked.weight.sum())


def test_the_floor_of_an_exam_about_special_tokens_is_the_majority(parts) -> None:
    data, model = parts
    asked = take_exam(model, data.valid, RemaskBinary(balanced=False))
    counts = data.shards.train.counts(data.shards.vocabulary.size)
    floor = unigram(asked, counts, data.shards.vocabulary).mean()
    right = (asked.target == data.shards.vocabulary.id("right")).mean()
    assert floor["accuracy"] == pytest.approx(max(right, 1 - right))
    assert floor["loss"] == pytest.approx(-right * log(right) - (1 - right) * log(1 - right))


def test_the_end_of_a_document_counts_in_the_forward_floor(parts) -> None:
    data, model = parts
    numbers = validate(model, data.valid, Causal(), data.shards.domains, train=data.shards.train)
    asked = take_exam(model, data.valid, Causal())
    assert (asked.target == data.shards.vocabulary.sep).sum() == len(data.shards.valid.bytes)
    assert 0 < numbers["forward/unigram/loss"] < log(data.shards.vocabulary.size)
