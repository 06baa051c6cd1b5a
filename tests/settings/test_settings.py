"""Every mistake in a config is one sentence that names the option, the value and what would be right."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.objectives.span import Span
from maskwright.settings import Listed, Names, field_names, from_mapping, override, settings

MISTAKES = {
    "misspelt": ({"ration": 0.2}, "unknown key objective.ration: did you mean 'ratio'?"),
    "strange": ({"zzz": 1}, "unknown key objective.zzz: choose from at_least_one, balance, "),
    "no name": ({0: None}, "unknown key objective.0: choose from at_least_one, balance, "),
    "type": ({"max_span_length": "many"}, "objective.max_span_length='many': input should be a valid integer"),
    "range": ({"max_span_length": 0}, "objective.max_span_length=0: input should be greater than or equal to 1"),
    "choice": ({"corruption_unit": "word"}, "objective.corruption_unit='word': input should be 'token' or 'span'"),
    "sum": (
        {"random_prob": 0.6, "keep_prob": 0.6},
        "objective: random_prob + keep_prob = 1.2: their sum is a probability, at most 1",
    ),
    "conflict": ({"balance": True}, "objective: balance=true: spans at random positions cannot be balanced"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_settings_is_one_sentence(mistake):
    values, sentence = MISTAKES[mistake]
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the sentence is compared below
        from_mapping(Span, values, "objective")
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


@settings
class Inner:
    """Settings inside settings."""

    size: int = 1
    """A size."""


@settings
class Outer:
    """Settings that hold others."""

    inner: Inner | None = None
    """Others, or none."""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"inner": {"size": "many"}}, "outer.inner.size='many': input should be a valid integer"),
        ({"inner": {"sise": 1}}, "unknown key outer.inner.sise: did you mean 'size'?"),
        ({"iner": {}}, "unknown key outer.iner: did you mean 'inner'?"),
        ({"inner": 3}, "outer.inner=3: a mapping of options belongs here"),
    ],
)
def test_a_mistake_inside_a_section_is_named_by_its_whole_path(values, sentence):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the sentence is compared below
        from_mapping(Outer, values, "outer")
    assert str(refusal.value).startswith(sentence)


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        Span().ratio = 0.3


def test_every_option_is_documented():
    homes = [vars(base).get("__pydantic_fields__", {}) for base in Span.__mro__]
    assert all(any(option in fields and fields[option].description for fields in homes) for option in field_names(Span))


def test_overrides_are_yaml_at_a_path():
    tree = {"objective": {"name": "mlm", "ratio": 0.15}}
    changed = override(tree, ["objective.ratio={start: 0.4, end: 0.1}", "training.steps=5", "seed=1"])
    assert changed == {
        "objective": {"name": "mlm", "ratio": {"start": 0.4, "end": 0.1}},
        "training": {"steps": 5},
        "seed": 1,
    }
    assert tree == {"objective": {"name": "mlm", "ratio": 0.15}}


@pytest.mark.parametrize("order", [1, -1])
def test_a_new_name_drops_the_options_of_the_old_one(order):
    tree = {"objective": {"name": "span", "longest": 3}}
    overrides = ["objective.name=mlm", "objective.ratio=0.3"][::order]
    assert override(tree, overrides) == {"objective": {"name": "mlm", "ratio": 0.3}}


def test_the_same_name_keeps_its_options():
    tree = {"objective": {"name": "span", "longest": 3}}
    assert override(tree, ["objective.name=span"]) == tree


@pytest.mark.parametrize(("assignment", "sentence"), [
    ("objective.ratio", "an override reads section.key=value"),
    ("seed.of=1", "seed is a value, not a section"),
])  # fmt: skip
def test_an_override_that_makes_no_sense_is_refused(assignment, sentence):
    with pytest.raises(ValueError, match=sentence):
        override({"seed": 3}, [assignment])


@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from("xyz"), st.integers())))
def test_no_override_changes_nothing(tree):
    assert override(tree, []) == tree


@settings
class Loose:
    """Settings of every kind that YAML may mean otherwise."""

    names: Names = ()
    """Names."""
    numbers: Annotated[tuple[float, ...], Listed] = ()
    """Numbers."""
    word: str | None = None
    """A word."""
    count: int = 1
    """A count."""
    share: float = 0.5
    """A share."""
    switch: bool | Literal["auto"] = "auto"
    """A switch."""


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("names=a", ("a",)), ("names=[a, b]", ("a", "b")), ("names='a, b'", ("a", "b")), ("names=null", ()),
        ("names=no", ("no",)), ("numbers=2", (2.0,)), ("numbers=", ()), ("word=no", "no"), ("word='2023'", "2023"),
        ("word=2024-01-31", "2024-01-31"), ("count='5'", 5), ("count=1e3", 1000), ("count=007", 7),
        ("share=1e-3", 0.001),
        ("share='0.25'", 0.25), ("switch=no", False), ("switch=on", True), ("switch=auto", "auto"),
        ("switch=True", True),
    ],
)  # fmt: skip
def test_what_is_meant_is_taken(written, value):
    made = from_mapping(Loose, override({}, [written]), "")
    assert getattr(made, written.partition("=")[0]) == value


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("word=2023", "loose.word=2023: a text belongs here; what looks like a number"),
        ("word=true", "loose.word=True: "),
        ("names=[a, 1.10]", "loose.names=1.1: a text belongs here; what looks like a number"),
        ("count=true", "loose.count=True: true and false belong to switches"),
        ("share=false", "loose.share=False: true and false belong to switches"),
        ("share=.nan", "loose.share=nan: input should be a finite number"),
        ("share=.inf", "loose.share=inf: input should be a finite number"),
        ("share=1e999", "loose.share=inf: input should be a finite number"),
        ("switch=maybe", "loose.switch='maybe': true or false belongs here"),
        ("count={a: 1, a: 2}", "count='{a: 1, a: 2}': the key 'a' occurs twice"),
    ],
)
def test_what_cannot_be_meant_is_said(written, sentence):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the sentence is compared below
        from_mapping(Loose, override({}, [written]), "loose")
    assert str(refusal.value).startswith(sentence)
