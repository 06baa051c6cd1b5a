"""The folder is the registry: what lies in it is found by its name, what does not is refused with the nearest."""

import pytest

from maskwright.models.modern import Modern
from maskwright.objectives.whole_word import WholeWord
from maskwright.optimizers.library import Adamw
from maskwright.settings import registry


def test_a_file_is_a_name():
    assert registry.load("objectives", "whole_word") == (WholeWord, {})
    assert registry.load("objectives", "whole-word") == (WholeWord, {})
    assert registry.name_of(WholeWord()) == "whole_word"


def test_a_file_may_offer_several_names():
    assert registry.load("optimizers", "adamw") == (Adamw, {})
    assert registry.name_of(Adamw()) == "adamw"
    assert set(registry.entries("optimizers")) > {"adam", "adamw", "sgd", "muon", "lamb"}
    assert "library" not in registry.names("optimizers")
    with pytest.raises(ValueError, match=r"^no optimizer 'library'"):
        registry.load("optimizers", "library")


def test_what_follows_the_name_is_a_preset():
    kind, options = registry.load("models", "modern-tiny")
    assert (kind, set(options)) == (Modern, {"hidden", "layers", "heads", "intermediate"})
    assert "modern-tiny" in registry.names("models")


@pytest.mark.parametrize("folder", ["objectives", "models", "optimizers", "text.corpora", "data.orders"])
def test_every_name_loads_and_is_the_name_of_its_class(folder):
    for name in registry.names(folder):
        kind, _ = registry.load(folder, name)
        assert kind.__module__.startswith(f"maskwright.{folder}.")
        assert name.replace("-", "_").startswith(registry.name_of(kind.__new__(kind)))


@pytest.mark.parametrize(("folder", "name", "sentence"), [
    ("objectives", "whole_wrd", "no objective 'whole_wrd': did you mean 'whole_word'?"),
    ("objectives", "whole_word-tiny", "no objective 'whole_word-tiny': did you mean 'whole_word'?"),
    ("objectives", "zzz", "no objective 'zzz': choose from "),
    ("optimizers", "adamv", "no optimizer 'adamv': did you mean 'adam"),
])  # fmt: skip
def test_a_wrong_name_is_refused(folder, name, sentence):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the sentence is compared below
        registry.load(folder, name)
    assert str(refusal.value).startswith(sentence)
