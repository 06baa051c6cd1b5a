"""The folder is the registry: what lies in it is found by its name, what does not is refused with the nearest."""

import pytest

from maskwright.objectives.whole_word import WholeWord
from maskwright.settings import registry as folder


def test_a_file_is_a_name():
    assert folder.load("objectives", "whole_word") == (WholeWord, {})
    assert folder.load("objectives", "whole-word") == (WholeWord, {})
    assert folder.name_of(WholeWord()) == "whole_word"


@pytest.mark.parametrize("registry", ["objectives", "models", "optimizers"])
def test_every_name_loads(registry):
    for name in folder.names(registry):
        cls, knobs = folder.load(registry, name)
        assert cls.__module__.startswith(f"maskwright.{registry}.")
        assert name.replace("-", "_").startswith(folder.name_of(cls(**knobs)))


@pytest.mark.parametrize(("registry", "name", "sentence"), [
    ("objectives", "whole_wrd", "no objective 'whole_wrd': did you mean 'whole_word'?"),
    ("objectives", "whole_word-tiny", "no objective 'whole_word-tiny': did you mean 'whole_word'?"),
    ("objectives", "zzz", "no objective 'zzz': there is "),
])  # fmt: skip
def test_a_wrong_name_is_refused(registry, name, sentence):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the sentence is compared below
        folder.load(registry, name)
    assert str(refusal.value).startswith(sentence)
