"""Configs in Python: quickstart and what changes, as names, mappings, objects or `a.b=c`; a value like any other."""

import pickle

import pytest

from maskwright import Config, Trainer, load
from maskwright.models.modern import Modern
from maskwright.objectives.span import Span
from maskwright.run.sections import Training
from maskwright.text.corpora.memory import Memory


def test_without_anything_it_is_quickstart():
    assert Config() == Config.load("quickstart")
    assert hash(Config()) == hash(Config.load("quickstart"))
    assert Config() != Config(seed=1)
    assert pickle.loads(pickle.dumps(Config(objective="span"))) == Config(objective="span")


@pytest.mark.parametrize(
    "changed",
    [
        Config("objective.name=span").replace(training={"steps": 500}),
        Config(["objective.name=span", "training.steps=500"]),
        Config(objective="span", training={"steps": 500}),
        Config("training.steps=500", objective=Span()),
        Config.load("quickstart", objective="span", training={"steps": 500}),
        Config.load("quickstart", ["objective.name=span", "training.steps=500"]),
        Config.load("quickstart", "training.steps=500", objective={"name": "span"}),
        Config().replace(["training.steps=500"], objective=Span()),
        Config().replace(objective="span").replace("training.steps=500"),
    ],
)
def test_every_way_of_saying_it_is_the_same(changed):
    assert changed.objective == Span()
    assert changed.training.steps == 500
    assert changed.training.warmup == Config().training.warmup == 0.05
    assert changed == Config(objective="span", training={"steps": 500})
    assert Config.of(changed.tree()) == changed


def test_a_mapping_changes_and_an_object_replaces():
    assert Config(objective={"ratio": 0.4}).objective.ratio == 0.4
    assert Config(objective={"name": "mlm"}).objective.ratio == 0.3, "the recipe's own"
    assert Config(objective={"name": "whole_word"}).objective.ratio == 0.15, "its options went with the other name"
    assert Config(training=Training(steps=3)).training.warmup == Training(steps=3).warmup
    assert Config(model=Modern(hidden=96)).model == Modern(hidden=96)
    assert Config(model="modern-small").model.hidden != Config().model.hidden
    assert Config().replace("model.hidden=64").model.layers == 3
    assert Config(model={"nhot": {"fusion": "gate"}}).replace("model.nhot.max_substrings=3").model.nhot.fusion == "gate"


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"objectiv": "span"}, "unknown section objectiv: did you mean 'objective'?"),
        ({"objective": "spam"}, "no objective 'spam': did you mean 'span'?"),
        ({"objective": {"ratoi": 0.3}}, "unknown key objective.ratoi: did you mean 'ratio'?"),
        ({"objective": {"ratio": 2}}, "objective.ratio=2: "),
        ({"objective": 3}, "objective=3: a section is a mapping of options"),
        ({"training": "long"}, "training='long': a section is a mapping of options"),
        ({"training": Span()}, "training=Span("),
        ({"model": Span()}, "model=Span("),
        ({"seed": -1}, "seed=-1: "),
    ],
)
def test_what_does_not_fit_is_one_sentence(sections, sentence):
    for change in (Config, Config().replace, lambda **given: Config.load("quickstart", **given)):
        with pytest.raises(ValueError, match=r".") as refused:
            change(**sections)
        assert str(refused.value).startswith(sentence)
        assert "\n" not in str(refused.value)


def test_texts_in_memory_are_a_corpus(settings, text, tmp_path):
    texts = text.read_text(encoding="utf-8").split("\n\n")
    config = Config.of(settings, corpus=texts, training={"steps": 2})
    assert config.corpus == Memory(texts=tuple(texts))
    run = Trainer(config, tmp_path / "run", show=False).train()
    assert load(tmp_path / "run").config == config
    assert int(run.data.shards.train.words.sum()) > 0.5 * sum(len(one.split()) for one in texts)
    with pytest.raises(ValueError, match=r"corpus\.texts is empty: give a list of texts"):
        Trainer(config.replace(corpus=["", " "]), tmp_path / "other", show=False)
