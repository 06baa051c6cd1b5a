"""The other suites of the official evaluation, each on a few lines of its layout."""

import json

import numpy as np
import pytest

from maskwright.evaluate.scoring.backends import choose
from maskwright.evaluate.scoring.scorer import Scorer, Text
from maskwright.evaluate.statistics.correlation import spearman
from maskwright.run import saved

EWOK = {
    "Context1": "The value is large.", "Context2": "The value is small.", "Target1": "It is not small.",
    "Target2": "It is not large.", "Domain": "material-properties", "ContextType": "direct",
    "ContextDiff": "antonym", "TargetDiff": "concept swap",
}  # fmt: skip
COMPS = {"prefix_acceptable": "A name", "prefix_unacceptable": "A statement", "property_phrase": "is bound."}
BOXES = {"input_prefix": "Box 0 holds the key. Box 0", "options": [" holds the key.", " is empty.", " is a name."]}


@pytest.fixture
def score(trained):
    """The log-likelihood of texts under the trained model, each alone."""
    model, tokenizer = saved.load(trained)
    scorer = Scorer(model, tokenizer, choose("mlm", None)[1])
    return lambda text, start=0: float(scorer([Text(text, start)]).total[0, 0])


def test_ewok_compares_contexts_before_the_first_target(suite, write, score, tmp_path) -> None:
    folder = write("full_eval/ewok_filtered/a.jsonl", EWOK, EWOK | {"Target1": "x", "Domain": "spatial"})
    numbers = suite("ewok", folder, f"predictions={tmp_path}")
    one, other = (score(f"{EWOK[name]} {EWOK['Target1']}", len(EWOK[name])) for name in ("Context1", "Context2"))
    assert numbers["domain/material-properties/accuracy"] == float(one > other)
    assert numbers["context_type/direct/items"] == 2
    made = json.loads((tmp_path / "run/main/zero_shot/mlm/ewok/ewok_filtered/predictions.json").read_text())
    whole = [f"{EWOK[name]} It is not small." for name in ("Context1", "Context2")]
    assert made["material-properties"]["predictions"][0]["pred"] in whole


def test_comps_compares_one_property_after_two_concepts(suite, write, score, tmp_path) -> None:
    write("comps/comps_base.jsonl", COMPS)
    folder = write("comps/comps_wugs_dist-in-between.jsonl", COMPS | {"prefix_unacceptable": "A"})
    numbers = suite("comps", folder, f"predictions={tmp_path}")
    good, bad = (score(f"{prefix} is bound.", len(prefix) + 1) for prefix in ("A name", "A statement"))
    assert numbers["part/base/accuracy"] == float(good > bad)
    assert numbers["part/wugs_dist_in_between/items"] == 1
    made = json.loads((tmp_path / "run/main/zero_shot/mlm/comps/comps/predictions.json").read_text())
    assert made["base"]["predictions"][0]["pred"] in ("A name is bound.", "A statement is bound.")


def test_entity_tracking_takes_the_best_of_many(suite, write, score) -> None:
    write("fast_eval/entity_tracking_fast/regular.jsonl", BOXES | {"numops": 0}, BOXES | {"numops": 2})
    folder = write("fast_eval/entity_tracking_fast/ambiref.jsonl", BOXES | {"options": ["a", "b"], "numops": 0})
    numbers = suite("entity_tracking", folder)
    scores = [score(BOXES["input_prefix"] + option, len(BOXES["input_prefix"])) for option in BOXES["options"]]
    assert numbers["paradigm/regular_0_ops/accuracy"] == float(np.argmax(scores) == 0)
    assert {"split/regular/items", "paradigm/ambiref_0_ops/items"} <= numbers.keys()
    write("fast_eval/entity_tracking_fast/ambiref.jsonl", BOXES | {"options": ["a"], "numops": 0})
    with pytest.raises(ValueError, match=r"ambiref\.jsonl:1: options=\['a'\]: give at least two texts"):
        suite("entity_tracking", folder)


def test_the_supplement_has_a_paradigm_a_file(suite, write) -> None:
    write("supplement_fast/hypernym.jsonl", {"sentence_good": "It is.", "sentence_bad": "It are."})
    folder = write("supplement_fast/turn_taking.jsonl", {"sentence_good": "a b", "sentence_bad": "a b"})
    numbers = suite("blimp_supplement", folder)
    assert numbers["paradigm/turn_taking/accuracy"] == 0.5
    assert "paradigm/turn_taking/official" not in numbers
    assert suite("blimp_supplement", folder, "rules=2025")["paradigm/turn_taking/official"] == 1.0
    assert numbers["accuracy"] == pytest.approx((numbers["paradigm/hypernym/accuracy"] + 0.5) / 2)


def test_zorro_has_the_wrong_sentence_first(suite, write, score) -> None:
    folder = write("zorro/agreement-across_nouns.txt", "look at this names .", "look at this name .")
    numbers = suite("zorro", folder)
    right = score("look at this name .") > score("look at this names .")
    assert numbers["paradigm/agreement-across_nouns/accuracy"] == float(right)
    assert numbers["phenomenon/agreement/items"] == 1
    write("zorro/agreement-across_nouns.txt", "only one .")
    with pytest.raises(ValueError, match=r"across_nouns\.txt:1: lines come in pairs"):
        suite("zorro", folder)


@pytest.mark.parametrize(("name", "place"), [("wug_adj", "wug_adj_nominalization"), ("wug_past", "wug_past_tense")])
def test_wug_correlates_preferences(suite, write, score, tmp_path, name, place) -> None:
    pairs, ratios = (
        [("a large", "large a"), ("it is", "is it"), ("the value", "value the"), ("x", "y")],
        [0.9, 0.2, 0.7, 0.5],
    )
    lines = [{"sentences": "\t".join(pair), "ratio": ratio} for pair, ratio in zip(pairs, ratios, strict=True)]
    numbers = suite(name, write(f"{place}/{place}.jsonl", *lines), f"predictions={tmp_path}")
    gaps = np.array([score(one) - score(other) for one, other in pairs])
    assert numbers["spearman"] == pytest.approx(spearman(1 / (1 + np.exp(-gaps)), np.array(ratios)))
    assert numbers["accuracy"] == pytest.approx(np.mean((gaps > 0)[:3] == [True, False, True]))
    made = json.loads((tmp_path / f"run/main/zero_shot/mlm/{name}/{place}/predictions.json").read_text())
    assert [line["prob"] for line in made[name]["predictions"]] == pytest.approx(1 / (1 + np.exp(-gaps)), abs=1e-4)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"sentences": "only one", "ratio": 0.5}, r":1: sentences='only one': give two, separated by a tab"),
        ({"sentences": "a\tb", "ratio": 1.5}, r":1: ratio=1.5: give the share of people, from 0 to 1"),
        ({"sentences": "long " * 900, "ratio": 0.5}, r":1: sentences='long .{30,80}': give two, separated by a tab"),
        ({"sentences": "a\tb", "ratio": 10**400}, r":1: ratio=1000.{30,80}: give the share of people"),
        ({"sentences": "a\tb", "ratio": "many"}, r":1: ratio='many': give the share of people"),
    ],
)
def test_a_bad_line_of_wug_is_named(suite, write, line, complaint) -> None:
    folder = write("wug_past_tense/a.jsonl", line)
    with pytest.raises(ValueError, match=complaint):
        suite("wug_past", folder)


COLUMNS = ["item", "word", "prev_item", "prev_word", "RTfirstfix", "RTfirstpass", "RTgopast", "RTrightbound"]
COLUMNS += ["self_paced_reading_time", "Subtlex_log10", "length", "context_length", "prev_length"]


def table(count: int) -> list[str]:
    draw, words = np.random.default_rng(0), ["names", "values", "statement", "is", "bound", "the"]
    lines = [",".join(COLUMNS)]
    for i in range(count):
        word, before = words[draw.integers(6)], words[draw.integers(6)]
        numbers = ",".join(f"{number:.3f}" for number in draw.random(9))
        lines.append(f"{before},{word},{before if i % 5 else ''},{before if i % 5 else ''},{numbers}")
    return lines


def test_reading_times_are_explained_by_what_was_read(suite, write, tmp_path) -> None:
    folder = write("reading/reading_data.csv", *table(60))
    numbers = suite("reading", folder, f"predictions={tmp_path}")
    assert all(-0.1 <= number < 0.6 for number in numbers.values())
    assert numbers["eye_tracking"] == pytest.approx(np.mean([numbers[name] for name in COLUMNS[4:8]]))
    made = json.loads((tmp_path / "run/main/zero_shot/mlm/reading/predictions.json").read_text())
    assert (
        np.isnan([line["prev_pred"] for line in made["reading"]["predictions"]]).tolist() == [True, *[False] * 4] * 12
    )
    write("reading/reading_data.csv", ",".join(COLUMNS[:-1]), "")
    with pytest.raises(ValueError, match=r"reading_data\.csv:1: no column 'prev_length'"):
        suite("reading", folder)
