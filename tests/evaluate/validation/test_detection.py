"""False alarms and misses: figures by hand, a detector that knows, one that calls everything wrong, and a run."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from maskwright.display.run_report import write
from maskwright.evaluate.suites import detection as suite
from maskwright.evaluate.suites import likelihood as price
from maskwright.evaluate.validation.detection import detection, score
from maskwright.evaluate.validation.likelihood import likelihood
from maskwright.objectives.causal import Causal
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.remask import Remask
from maskwright.objectives.remask_binary import RemaskBinary
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.training.trainer import Trainer

from ...handmade import VOCABULARY, packed


def test_figures_by_hand():
    p_wrong, wrong = np.array([0.9, 0.6, 0.6, 0.2, 0.1, 0.6]), np.array([1, 1, 0, 0, 0, 1]).astype(bool)
    found = score(p_wrong, wrong)
    pairs = list(product(p_wrong[wrong], p_wrong[~wrong]))
    assert found["auroc"] == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))
    assert (found["precision"], found["recall"], found["false_alarms"]) == (3 / 4, 1, 1 / 3)
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.36 + 0.04 + 0.01 + 0.16) / 6)
    assert found["calibration"] == pytest.approx((0.1 + abs(1.8 - 2) + 0.2 + 0.1) / 6)


def test_what_has_no_meaning_is_left_out():
    assert set(score(np.array([0.1, 0.2]), np.zeros(2, bool))) == {
        "share",
        "brier",
        "calibration",
        "false_alarms",
        "precision",
    }


class Said(torch.nn.Module):
    """Says wrong with the scores that a function of the inputs gives."""

    def __init__(self, doubt):
        super().__init__()
        self.doubt, self.weight = doubt, torch.nn.Parameter(torch.zeros(1))

    def forward(self, tokens, mask, positions, asked=None):
        hidden = self.doubt(tokens)
        return hidden if asked is None else hidden.flatten()[asked]

    def logits(self, hidden):
        scores = torch.full((len(hidden), VOCABULARY.size), -50.0)
        scores[:, VOCABULARY.wrong], scores[:, VOCABULARY.right] = hidden, 0.0
        return scores


def test_a_detector_that_calls_everything_wrong_is_seen_through():
    found = detection(Said(lambda tokens: torch.full(tokens.shape, 9.0)), packed(), Remask())
    assert found["recall"] == found["false_alarms"] == 1
    assert found["auroc"] == 0.5
    assert found["precision"] == pytest.approx(found["share"])


def test_a_detector_may_name_the_kind():
    labels = {"wrong_random": 117, "wrong_fragment": 118}
    known = replace(VOCABULARY, special=VOCABULARY.special | {117, 118}, **labels)
    model = Said(lambda tokens: torch.full(tokens.shape, 9.0))
    model.logits = lambda hidden: torch.zeros(len(hidden), known.size).index_fill(1, torch.tensor([117]), 9.0)
    for kind, accuracy in (("random", 1.0), ("fragment", 0.0)):
        objective = Remask(corruption={kind: 1.0}, wrong_labels="by_kind")
        found = detection(model, replace(packed(), vocabulary=known), objective)
        assert (found["kind_accuracy"], found["recall"]) == (accuracy, 1.0)
    assert "kind_accuracy" not in detection(model, packed(), Remask())


def test_a_detector_that_knows_is_perfect():
    """Every token of this text is below 60, and every wrong one above."""
    high = VOCABULARY.ordinary[VOCABULARY.ordinary >= 60]
    pack = packed()
    pack = replace(pack, split=SimpleNamespace(**{**vars(pack.split), "tokens": pack.split.tokens % 50 + 5}))
    pack = replace(pack, vocabulary=replace(VOCABULARY))
    pack.vocabulary.__dict__["ordinary"] = high
    found = detection(Said(lambda tokens: torch.where(tokens >= 60, 9.0, -9.0)), pack, RemaskBinary())
    assert found["recall"] == found["precision"] == found["auroc"] == 1
    assert found["calibration"] < 0.001


def test_the_price_of_a_text_for_a_model_without_context():
    pack = packed()
    pack = replace(pack, split=SimpleNamespace(**vars(pack.split), bytes=np.array([1000])))
    model = Said(lambda tokens: torch.zeros(tokens.shape))
    model.logits = lambda hidden: torch.zeros(len(hidden), VOCABULARY.size)
    found = likelihood(model, pack, Diffusion(levels=3))
    assert found["perplexity"] == pytest.approx(VOCABULARY.size, rel=1e-4)
    more = likelihood(model, pack, Causal())
    assert more["nats_per_token"] > found["nats_per_token"]  # the end of a document costs too
    tokens = int((~VOCABULARY.is_special[pack.split.tokens]).sum())
    assert found["bits_per_byte"] == pytest.approx(np.log2(VOCABULARY.size) * tokens / 1000, rel=1e-4)


def test_a_run_reports_both(settings: dict, tmp_path):
    settings["training"]["steps"] = 10
    unmasker, finder = (Config.of(settings | {"objective": {"name": name}}) for name in ("diffusion", "remask"))
    Trainer(unmasker, tmp_path / "unmasker", show=False).train()
    final = Trainer(finder, tmp_path / "finder", show=False).train().metrics
    assert {"valid/detection/auroc", "valid/detection/recall", "valid/detection/precision"} <= final.keys()
    asked = {part for name in final for part in name.split("/")}
    assert {"accuracy", "unigram", "margin"} <= asked
    assert not asked & {"top5", "perplexity", "bits_per_byte", "frequency"}, "its answers are no tokens"
    assert "top-5" not in write(tmp_path / "finder")
    page = (tmp_path / "finder/report.html").read_text(encoding="utf-8")
    assert not [words for words in ("how often a token", "in yellow") if words in page]
    found = suite.evaluate(load(tmp_path / "finder"), tmp_path / "unmasker")
    assert {name.partition("/")[0] for name in found} == {"own", "random", "fragment", "synthetic"}
    assert found["own/auroc"] == pytest.approx(final["valid/detection/auroc"])
    assert price.evaluate(load(tmp_path / "unmasker"), None)["bits_per_byte"] > 0
    with pytest.raises(ValueError, match=r"was not trained to find wrong tokens: train with objective\.name=remask"):
        suite.evaluate(load(tmp_path / "unmasker"), None)
