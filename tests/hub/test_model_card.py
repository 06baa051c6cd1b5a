"""The card says what is known of a run, and nothing of the machine that it was made on."""

import yaml

from maskwright.hub.export.model_card import card
from maskwright.hub.export.published import published
from maskwright.hub.export.run import way
from maskwright.objectives.base.capabilities import predicted
from maskwright.objectives.electra import Electra
from maskwright.run.config import Config

FACTS = {
    "name": "model", "revision": "", "kind": "BertForMaskedLM", "why": "it is", "causal": False, "remote": False,
    "backend": "mlm", "predicts": "a masked token", "parameters": 1000, "vocabulary": 404, "length": 512,
}  # fmt: skip
TREE = {
    "corpus": {"name": "files", "files": ["/home/me/secret/texts", "~/more.txt", "near/by.txt", "s3://bucket/far.txt"]},
    "rows": {"length": 64},
    "training": {"steps": 5000},
    "license": "apache-2.0",
    "language": ["de", "hsb"],
}


def test_licence_languages_and_the_length_of_rows_are_named() -> None:
    said = card(FACTS, Config.of(TREE).tree(), {"step": 3629})
    head = yaml.safe_load(said.split("---")[1])
    assert (head["license"], head["language"]) == ("apache-2.0", ["de", "hsb"])
    assert "on rows of 64 tokens. It takes texts of up to 512 tokens" in said
    assert "| step | 3,629 |" in said
    unknown = yaml.safe_load(
        card(FACTS, Config.of(TREE | {"license": None, "language": []}).tree(), {}).split("---")[1]
    )
    assert unknown.keys().isdisjoint({"license", "language"})


def test_of_a_local_path_only_the_name_is_told() -> None:
    said = card(FACTS, published(Config.of(TREE)).tree(), {})
    assert "secret" not in said
    files = yaml.safe_load(said.split("```yaml")[1].split("```")[0])["corpus"]["files"]
    assert files == ["texts", "more.txt", "by.txt", "s3://bucket/far.txt"]


def test_a_metric_stands_beside_its_margin_and_its_floor() -> None:
    known = {"masked/loss": 2.5, "masked/margin/loss": 0.125, "masked/unigram/loss": 6.25, "loss": 3.5}
    said = card(FACTS, Config.of(TREE).tree(), {f"valid/{name}": value for name, value in known.items()})
    assert "| masked/loss | 2.5 | 0.125 | 6.25 |" in said
    assert "| loss | 3.5 |  |  |" in said
    assert not {"unigram/", "margin/"} & {*said.split("|")}


def test_the_card_of_a_detector_says_so_and_offers_no_masks_to_fill() -> None:
    objective = Electra()
    facts = FACTS | {"backend": way(objective, None)[1], "predicts": " and ".join(predicted(objective))}
    said = card(facts, Config.of(TREE | {"objective": "electra"}).tree(), {})
    assert "It was trained to predict whether a token is corrupted" in said
    assert "not known" not in said
    assert "pipeline_tag" not in yaml.safe_load(said.split("---")[1])
    assert yaml.safe_load(card(FACTS, {}, {}).split("---")[1])["pipeline_tag"] == "fill-mask"
