"""Our suites give the choices and numbers of the official computations of 2026, written plainly in `plain`."""

import csv
import json
import math

import numpy as np
import pytest

from maskwright.evaluate.suites import ewok
from maskwright.evaluate.suites._evaluate import evaluate_folder

from . import data as files
from .conftest import KINDS
from .plain import Plain, choice

YEARS = (2026, 2025)
PLACES = {
    "blimp": ("blimp", "blimp_filtered"),
    "blimp_supplement": ("blimp", "supplement_filtered"),
    "ewok": ("ewok", "ewok_filtered"),
    "entity_tracking": ("entity_tracking", "entity_tracking"),
    "comps": ("comps", "comps"),
    "global_piqa_parallel": ("global_piqa_parallel", "global_piqa_parallel"),
    "global_piqa_nonparallel": ("global_piqa_nonparallel", "global_piqa_nonparallel"),
}
"""Suite to the official task and its folder."""


def written(out, *place: str) -> dict:
    return json.loads((out.joinpath("run", *place)).read_text())


@pytest.mark.parametrize("objective", KINDS)
def test_choices_are_those_of_the_plain_computation(objective, run, exported, tmp_path) -> None:
    data, plain = files.write(tmp_path), Plain(exported(objective), objective)
    for suite, (task, dataset) in PLACES.items():
        numbers = evaluate_folder(suite, run(objective), data, [f"predictions={tmp_path}"])
        made = written(tmp_path, "main/zero_shot", objective, task, dataset, "predictions.json")
        found: dict[str, list[str]] = {}
        right: dict[str, list[bool]] = {}
        for path in sorted((data / "full_eval" / dataset).glob("*.jsonl")):
            for line in map(json.loads, path.read_text().splitlines()):
                if any("nothing" in option for option in line.get("options", ())):
                    continue
                name = uid(suite, path.stem, line)
                pred, fits = choice(plain, task, line)
                found.setdefault(name, []).append(pred)
                right.setdefault(name, []).append(fits)
        assert {name: [one["pred"] for one in made[name]["predictions"]] for name in made} == found
        assert all(one["id"] == f"{name}_{i}" for name in made for i, one in enumerate(made[name]["predictions"]))
        means = {name: np.mean(some) for name, some in right.items()}
        splits = [[means[name] for name in means if name.startswith(split)] for split in ("regular", "ambi", "move")]
        official = (
            np.mean([np.mean(some) for some in splits]) if task == "entity_tracking" else np.mean([*means.values()])
        )
        assert numbers.get("official", numbers["accuracy"]) == pytest.approx(official)
        assert numbers.get("dropped", 3) == 3


def uid(suite: str, stem: str, line: dict) -> str:
    if suite == "blimp_supplement":
        return stem
    if suite == "entity_tracking":
        return f"{stem}_{line['numops']}_ops"
    if suite == "comps":
        return stem.removeprefix("comps_").replace("-", "_")
    return next(line[name] for name in ("UID", "Domain", "example_id") if name in line)


@pytest.mark.parametrize("objective", KINDS)
def test_reading_is_that_of_the_plain_computation(objective, run, exported, tmp_path) -> None:
    data, plain = files.write(tmp_path), Plain(exported(objective), objective)
    numbers = evaluate_folder("reading", run(objective), data, [f"predictions={tmp_path}"])
    made = written(tmp_path, "main/zero_shot", objective, "reading/predictions.json")["reading"]["predictions"]
    rows = list(csv.DictReader((data / "full_eval/reading/reading_data.csv").read_text().splitlines()))
    pred = [plain.word(row["item"] or "None", row["word"]) for row in rows]
    before = [plain.word(row["prev_item"], row["prev_word"]) if row["prev_item"] else math.nan for row in rows]
    assert [line["id"] for line in made] == list(range(len(rows)))
    np.testing.assert_allclose([line["pred"] for line in made], pred, atol=1e-3)
    np.testing.assert_allclose([line["prev_pred"] for line in made], before, atol=1e-3)
    table = {name: np.array([float(row[name]) for row in rows]) for name in files.NUMBERS}
    table |= {"pred": np.array(pred), "prev_pred": np.array(before)}
    base = ["Subtlex_log10", "length", "context_length"]
    eyes = [delta(table, name, base) for name in files.NUMBERS[:4]]
    assert numbers["eye_tracking"] == pytest.approx(np.mean(eyes), abs=1e-3)
    pace = delta(table, "self_paced_reading_time", [*base, "prev_length", "prev_pred"])
    assert numbers["self_paced"] == pytest.approx(pace, abs=1e-3)


def delta(table: dict, target: str, base: list[str]) -> float:
    """(R² with the word's surprisal − R² without) / (1 − R² without)."""
    known = ~np.isnan(np.stack([table[name] for name in (target, *base)])).any(0)
    columns, y = [table[name][known] for name in base], table[target][known]
    columns += [a * b for i, a in enumerate(columns) for b in columns[i + 1 :]]
    shares = []
    for more in ([], [table["pred"][known]]):
        x = np.stack([np.ones(len(y)), *columns, *more], 1)
        left = y - x @ np.linalg.pinv(x) @ y
        shares.append(1 - left @ left / ((y - y.mean()) ** 2).sum())
    return (shares[1] - shares[0]) / (1 - shares[0])


@pytest.mark.parametrize("objective", KINDS)
def test_words_are_asked_in_nats_of_every_checkpoint(objective, run, exported, tmp_path) -> None:
    data = files.write(tmp_path)
    words = run(objective) / "words"
    numbers = evaluate_folder("aoa", words, data, [f"predictions={tmp_path}"])
    assert (numbers["asked"], numbers["skipped"]) == (6, 2)
    made = written(tmp_path, "main/zero_shot", objective, "AoA_word/surprisal.json")
    assert made["metadata"] == {"model_name": "run", "use_bos_only": False, "total_steps": 3, "completed_steps": 3}
    assert [line["step"] for line in made["results"][::12]] == ["chck_1M", "chck_2M", "chck_3M"]
    assert [line["word_count"] for line in made["results"][::12]] == [1_000_000, 2_000_000, 3_000_000]
    score = written(tmp_path, "main/zero_shot", objective, "AoA_word/aoa_score.json")
    assert score == {"aoa": numbers["correlation"]}


def test_a_word_of_a_checkpoint_has_the_surprisal_of_the_plain_computation(run, exported, tmp_path) -> None:
    data, plain = files.write(tmp_path), Plain(exported("mntp"), "mntp")
    words = tmp_path / "words"
    for name in ("chck_1M", "chck_10M", "chck_100M"):
        (words / name).parent.mkdir(exist_ok=True)
        (words / name).symlink_to(run("mntp"))
    evaluate_folder("aoa", words, data, [f"predictions={tmp_path}"])
    made = json.loads((tmp_path / tmp_path.name / "main/zero_shot/mntp/AoA_word/surprisal.json").read_text())
    line = made["results"][1]
    text = f"{line['context'].strip()} {line['target_word']}"
    assert line["surprisal"] == pytest.approx(-sum(plain.completion(text, line["target_word"])), abs=1e-3)


def test_the_rules_of_2025_compare_targets_keep_every_box_and_are_recorded(run, tmp_path) -> None:
    data, folder = files.write(tmp_path), run("mlm")
    new, old = (evaluate_folder("entity_tracking", folder, data, [f"rules={year}"]) for year in YEARS)
    assert (new["dropped"], old["dropped"], old["items"] - new["items"]) == (3, 0, 3)
    texts = [[text.text for text in next(ewok.items(data / "full_eval/ewok_filtered", year)).texts] for year in YEARS]
    one, other = "The value is large.", "It is not small."
    assert texts == [[f"{one} {other}", f"The value is small. {other}"], [f"{one} {other}", f"{one} They are large."]]
    evaluate_folder("ewok", folder, data, ["rules=2025", f"predictions={tmp_path}"])
    made = written(tmp_path, "main/zero_shot/mlm/ewok/ewok_filtered/predictions.json")
    assert made["spatial-relations"]["predictions"][0]["pred"] in (" It is not small.", " They are large.")
    for name in ("ewok", "entity_tracking"):
        kept = json.loads((folder / f"evaluations/{name},data=evaluation_data,rules=2025.json").read_text())
        assert kept["rules"] == 2025


def test_inflections_are_of_2025_and_solutions_of_2026(run, tmp_path) -> None:
    data = files.write(tmp_path)
    with pytest.raises(ValueError, match=r"rules.*2025"):
        evaluate_folder("wug_past", run("mlm"), data, ["rules=2026"])
    with pytest.raises(ValueError, match=r"rules.*2026"):
        evaluate_folder("global_piqa_parallel", run("mlm"), data, ["rules=2025"])
    with pytest.raises(ValueError, match=r"per.*token"):
        evaluate_folder("global_piqa_parallel", run("mlm"), data, ["per=text"])


def test_models_of_other_kinds_are_refused_by_name(run, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"enc_dec_mask is for encoder-decoder models.* mlm, mntp or causal"):
        evaluate_folder("blimp", run("mlm"), files.write(tmp_path), ["backend=enc_dec_mask"])


def test_a_solution_without_its_label_is_named(run, tmp_path) -> None:
    data = files.write(tmp_path)
    files.lines(data / "full_eval/global_piqa_parallel/eng_latn.jsonl", [files.piqa(2)[0] | {"label": 2}])
    with pytest.raises(ValueError, match=r"eng_latn\.jsonl:1: label=2: give one of 0 to 1"):
        evaluate_folder("global_piqa_parallel", run("mlm"), data)


def test_characters_of_hanzi_that_the_tokenizer_does_not_know_are_missed(run, tmp_path) -> None:
    pairs = [("The values are bound.", "The values is bound."), ("鰻", "The")]
    lines = [{"sentence_good": good, "sentence_bad": bad} for good, bad in pairs]
    files.lines(tmp_path / "hanzi_structure/train.jsonl", lines)
    numbers = evaluate_folder("hanzi_structure", run("mlm"), tmp_path)
    assert numbers["unknown"] == 1 / 2
    assert numbers["accuracy"] in (0, 1 / 2)
