"""The page's answers are those of the command line."""

import json
from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient

from maskwright.display.samples import write
from maskwright.evaluate.scoring.backends import choose
from maskwright.evaluate.scoring.scorer import Scorer, Text
from maskwright.objectives.base.objective import Objective
from maskwright.run.build import masked
from maskwright.sampling.fill import fill
from maskwright.sampling.generate import REMASKED
from maskwright.sampling.request import SampleRequest
from maskwright.serving.app import app
from maskwright.serving.concurrency import ConcurrencyLimit
from maskwright.serving.models import Models, opened
from maskwright.settings.registry import names

TEXT = "The statement assigns values, from left to right."
GAPS = "The [MASK] assigns [MASK]."


def test_about_says_what_there_is(client: TestClient, models: Models) -> None:
    told = client.get("/about").json()
    assert (told["run"], told["objective"], told["unavailable"]) == ("writer", "diffusion", {})
    assert told["limits"]["tokens"] == 40
    assert [one["name"] for one in told["samplers"]] == [
        name for name in names("sampling.samplers") if name not in ("left_to_right", "denoise", "edit")
    ]
    assert all(one["ready"] and one["description"] for one in told["samplers"])
    assert told["parameters"] == sum(weight.numel() for weight in models.model.parameters())


def test_a_sampler_without_its_remasker_is_not_ready(runs: Path) -> None:
    alone = TestClient(app(opened(runs / "writer", None, 40), ConcurrencyLimit(1, 1), None))
    ready = {one["name"]: one["ready"] for one in alone.get("/about").json()["samplers"]}
    assert ready["mdlm"]
    assert not ready["learned"]
    assert (
        "needs a model that detects wrong tokens" in alone.post("/sample", json={"sampler": "learned"}).json()["error"]
    )


def test_masks_are_those_of_every_objective(client: TestClient) -> None:
    asked = {"text": TEXT, "ratio": 0.4, "epochs": 2, "seed": 3}
    told = client.post("/masks", json=asked).json()
    shown = told["objectives"]
    assert len(shown) == sum(type(objective).build is Objective.build for objective in masked(None, 0.4)) > 3
    for epochs in shown.values():
        assert len(epochs) == 2
        for tokens in epochs:
            assert len(tokens) == told["tokens"]
            assert {fate for _, _, fate in tokens} <= {"", "masked", "random", "kept"}
            assert all(piece == "[MASK]" for _, piece, fate in tokens if fate == "masked")
    assert shown["mlm"][0] != shown["mlm"][1]
    assert client.post("/masks", json=asked).json() == told
    whole = client.post("/masks", json=asked | {"ratio": 0.01}).json()["objectives"]["mlm"][0]
    assert sum(bool(fate) for *_, fate in whole) == 1
    lost = next(i for i, (*_, fate) in enumerate(whole) if fate)
    assert TEXT.startswith("".join(blank + piece for blank, piece, _ in whole[:lost]))
    assert TEXT.endswith("".join(blank + piece for blank, piece, _ in whole[lost + 1 :]))


def test_fills_are_those_of_the_model(client: TestClient, models: Models) -> None:
    blanks = client.post("/fill", json={"text": GAPS, "top": 3}).json()["blanks"]
    found = fill(models.model, models.tokenizer, GAPS, 3)
    assert [(one["place"], [tuple(guess) for guess in one["guesses"]]) for one in blanks] == [
        (one.place, one.guesses) for one in found
    ]
    assert len(blanks) == 2


@pytest.mark.parametrize("run", ["writer", "causal"])
def test_tokens_add_up_to_the_text(runs: Path, run: str) -> None:
    models = opened(runs / run, None, 40)
    told = TestClient(app(models, ConcurrencyLimit(1, 1), None)).post("/score", json={"text": TEXT}).json()
    name, ask = choose(None, models.objective)
    scores = Scorer(models.model, models.tokenizer, ask)([Text(TEXT)])
    nats = [one["nats"] for one in told["tokens"]]
    assert told["backend"] == name
    assert len(nats) == scores.tokens[0] == len(models.tokenizer.encode(TEXT)[0])
    assert sum(nats) == pytest.approx(scores.total[0, 0], abs=1e-3)
    assert len(set(nats)) > 5
    assert told["per_token"] == pytest.approx(scores.per("token")[0, 0], abs=1e-3)
    assert told["per_byte"] == pytest.approx(scores.per("byte")[0, 0], abs=1e-3)
    assert "".join(one["blank"] + one["token"] for one in told["tokens"]) == TEXT


@torch.no_grad()
def test_a_token_has_the_likelihood_that_it_has_behind_a_mask(client: TestClient, models: Models) -> None:
    told = client.post("/score", json={"text": TEXT}).json()["tokens"]
    known, ids = models.tokenizer.vocabulary, models.tokenizer.encode(TEXT)[0]
    for place in (0, 3, len(ids) - 1):
        row = torch.tensor([[known.cls, *ids, known.sep]])
        row[0, place + 1] = known.mask
        chance = models.model.logits(models.model(row, None, None)[0, place + 1]).log_softmax(-1)[ids[place]]
        assert told[place]["nats"] == pytest.approx(float(chance), abs=1e-4)


def test_what_is_saved_is_the_table_of_the_command_line(client: TestClient, models: Models) -> None:
    told = client.post("/score", json={"text": TEXT}).json()
    table = told["table"]
    assert "".join(table["characters"]) == TEXT
    assert table["log_prob_nats"] == pytest.approx([token["nats"] for token in told["tokens"]])
    assert min(table["rank"]) >= 1
    assert told["pseudo"]


def steps(client: TestClient, **asked: object) -> list[dict]:
    said = client.post("/sample", json=asked)
    assert said.status_code == 200, said.text
    return [json.loads(line) for line in said.text.splitlines()]


def test_a_text_forms_as_on_the_command_line(client: TestClient, runs: Path) -> None:
    asked = {"text": "The", "sampler": "learned", "length": 12, "steps": 6, "seed": 5}
    found = steps(client, **asked)
    assert [one["step"] for one in found] == list(range(7))
    states = client.get("/about").json()["states"]
    assert {states[state] for one in found for _, state in one["pieces"]} >= {"given", "masked", "new", "remasked"}
    wish = {name: value for name, value in asked.items() if name != "text"}
    (text,) = write(SampleRequest(run=runs / "writer", remasker=runs / "remasker", prompt="The", **wish)).texts  # type: ignore[arg-type]
    assert "".join(piece for piece, _ in found[-1]["pieces"]).strip() == text


def test_gaps_are_filled_and_a_text_is_polished(client: TestClient) -> None:
    last = steps(client, text=GAPS, steps=3)[-1]["pieces"]
    assert "".join(piece for piece, _ in last).startswith("The")
    assert all(piece != "▒" for piece, _ in last)
    polished = steps(client, text=TEXT, edit=True, sampler="learned", steps=4)
    assert any(state == REMASKED for one in polished for _, state in one["pieces"])
    assert len(steps(client, text="", steps=1)[-1]["pieces"]) == 40  # as many as may be


def test_what_a_model_cannot_do_is_a_sentence(runs: Path) -> None:
    causal, judge = (
        TestClient(app(opened(runs / run, None, 40), ConcurrencyLimit(1, 1), None)) for run in ("causal", "remasker")
    )
    told = causal.get("/about").json()
    assert set(told["unavailable"]) == {"fill"}
    assert [one["name"] for one in told["samplers"]] == ["left_to_right"]
    assert steps(causal, text="The", length=6)[0]["pieces"][-4:] == [["▒", 1]] * 4
    said = causal.post("/fill", json={"text": GAPS})
    assert said.status_code == 422
    assert said.json() == {"error": "This model was trained with causal, which never fills a mask."}
    assert judge.post("/sample", json={}).json()["error"].endswith("neither fills masks nor predicts the next token.")
    assert causal.post("/masks", json={"text": TEXT}).status_code == 200
    assert judge.post("/score", json={"text": TEXT}).json()["error"].endswith("gives no likelihood of a text.")


def test_a_remasker_of_another_tokenizer_is_refused(runs: Path) -> None:
    with pytest.raises(ValueError, match="has another tokenizer than"):
        opened(runs / "writer", runs / "other", 40)
    with pytest.raises(ValueError, match="was not trained to detect wrong tokens"):
        opened(runs / "writer", runs / "masked", 40)


def test_the_longest_text_is_never_more_than_the_model_takes(runs: Path) -> None:
    assert opened(runs / "masked", None, 500).max_tokens == 62
