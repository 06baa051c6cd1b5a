"""From a run and its checkpoints to the one file of a submission, by the commands of the challenge."""

import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from maskwright.display import submission
from maskwright.evaluate.babylm import collate, jobs, tasks
from maskwright.evaluate.babylm.collate import Source
from maskwright.evaluate.babylm.tasks import Sizes, checkpoints
from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.run.milestones import M

from . import data as files

FAST = ["fast=true", "workers=2"]


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """The counts of the small files in place of the official ones, and three checkpoints."""
    files.small(monkeypatch)
    monkeypatch.setitem(tasks.TRACKS, "strict-small", 3 * M)


@pytest.fixture(scope="module")
def evaluated(run, tmp_path_factory) -> Path:
    """A folder with the run, evaluated by the first two commands, and the data."""
    place = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(run("mntp"), place / "run", ignore=shutil.ignore_patterns("evaluations"))
    data = files.write(place, fast=True)
    for folder, options in ((place / "run/words", ["fast=true"]), (place / "run", [])):
        evaluate_folder("babylm", folder, data, [*options, "workers=1"])
    return place


@pytest.fixture
def place(evaluated, tmp_path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(evaluated, tmp_path / "copy"))


def source(place: Path) -> Source:
    return Source(place / "run", place / "run/results", place / "evaluation_data", "mntp")


def collated(place: Path) -> tuple[dict, collate.Submission]:
    path, made = collate.collate(source(place), "strict-small")
    assert path.name == "all_full_preds_and_fast_scores_mntp.json"
    return json.loads(path.read_text()), made


def test_the_file_has_the_official_schema_and_nothing_lacks(evaluated) -> None:
    content, made = collated(evaluated)
    assert made.lacking == []
    parts = ["blimp", "blimp_supplement", "ewok", "entity_tracking_filtered", "comps", "global_piqa_parallel"]
    parts += ["global_piqa_nonparallel", "reading", "aoa_surprisals", "aoa", "glue", "fast_eval_results"]
    assert list(content) == parts
    assert None not in content.values()
    assert set(content["glue"]) == set(tasks.GLUE)
    assert len(content["aoa_surprisals"]["results"]) == 3 * 12
    fast = content["fast_eval_results"]
    assert list(fast) == [name for name in parts[:8] if name != "comps"]
    assert all(len(rows) == 3 for rows in fast.values())
    assert set(fast["blimp"][0]) == {"UID_1", "UID_2"}
    assert [set(row) for row in fast["reading"]] == [{"spr", "rt"}] * 3
    for name in ("global_piqa_parallel", "global_piqa_nonparallel"):  # one number for all items, not one for each
        assert fast[name] == [{name: score} for score in made.curves[name]]


def test_scores_are_those_of_the_suites(evaluated) -> None:
    content, made = collated(evaluated)
    for task in collate.TASKS[:-1]:
        (kept,) = (evaluated / "run/evaluations").glob(f"{task.suite},*.json")
        numbers = json.loads(kept.read_text())
        assert made.columns[task.column] == pytest.approx(numbers["accuracy"]), task.suite
    assert set(made.columns) == set(submission.COLUMNS)
    assert submission.overall(made) == pytest.approx(np.mean(list(made.columns.values())))
    (whole,) = (evaluated / "run/evaluations").glob("babylm,*.json")
    assert json.loads(whole.read_text())["weights"] == jobs.weights(evaluated / "run")
    for i, name in enumerate(("chck_1M", "chck_2M", "chck_3M")):
        (kept,) = (evaluated / f"run/words/{name}/evaluations").glob("blimp,*.json")
        scored = content["fast_eval_results"]["blimp"][i]
        assert np.mean(list(scored.values())) == pytest.approx(json.loads(kept.read_text())["accuracy"])


def test_fast_ewok_is_0_in_the_file_as_upstream_and_as_meant_beside_it(evaluated) -> None:
    content, made = collated(evaluated)
    assert content["fast_eval_results"]["ewok"] == [{"spatial-relations": 0.0}] * 3
    for i, name in enumerate(("chck_1M", "chck_2M", "chck_3M")):
        (kept,) = (evaluated / f"run/words/{name}/evaluations").glob("ewok,*.json")
        assert made.curves["ewok"][i] == json.loads(kept.read_text())["accuracy"]
    assert "fast ewok is 0 in the file" in submission.notes(made)[0]


def test_what_was_asked_is_not_asked_again(place, monkeypatch, command) -> None:
    monkeypatch.setattr(jobs, "evaluate_run", None)
    monkeypatch.setattr(jobs, "evaluate_folder", None)
    code, out, _ = command(
        "evaluate", place / "run/words", "babylm", "--fast", "--data", place / "evaluation_data", "--json"
    )
    assert code == 0
    numbers = json.loads(out)
    assert {"words/1000000/blimp/accuracy", "words/3000000/reading/eye_tracking"} <= numbers.keys()
    (page,) = (place / "run/words/plots").glob("babylm*.html")
    assert "<svg" in page.read_text()
    (place / "run/results/run/chck_2M/zero_shot/mntp/blimp/blimp_fast/maskwright.json").unlink()
    with pytest.raises(TypeError):
        evaluate_folder("babylm", place / "run/words", place / "evaluation_data", ["fast=true", "workers=1"])


def test_several_workers_find_what_one_finds(place, monkeypatch) -> None:
    """Threads here in place of processes, which take long to begin."""
    monkeypatch.setattr(jobs, "_pool", ThreadPoolExecutor)
    before = {
        path: path.read_text() for path in place.glob("run/results/run/chck_*/zero_shot/mntp/*/*/predictions.json")
    }
    shutil.rmtree(place / "run/results")
    evaluate_folder(
        "babylm", place / "run/words", place / "evaluation_data", ["fast=true", "workers=3", "tasks=blimp,ewok"]
    )
    kept = [path for path in before if path.parts[-3] in ("blimp", "ewok") and "supplement" not in str(path)]
    assert len(kept) == 6
    assert all(path.read_text() == before[path] for path in kept)


def test_what_several_workers_had_done_when_they_ended_is_not_asked_again(place, monkeypatch) -> None:
    shutil.rmtree(place / "run/results")
    evaluate, asked = jobs.evaluate_run, []

    def evaluate_two(*what):
        asked.append(what)
        if len(asked) > 2:
            raise KeyboardInterrupt
        return evaluate(*what)

    monkeypatch.setattr(jobs, "_pool", ThreadPoolExecutor)
    monkeypatch.setattr(jobs, "evaluate_run", evaluate_two)
    for done in (2, 4):
        asked.clear()
        with pytest.raises(KeyboardInterrupt):
            evaluate_folder("babylm", place / "run/words", place / "evaluation_data", [*FAST, "tasks=blimp,ewok"])
        assert len(list(place.glob("run/results/**/maskwright.json"))) == done
    asked.clear()
    evaluate_folder("babylm", place / "run/words", place / "evaluation_data", [*FAST, "tasks=blimp,ewok"])
    assert len(asked) == 2


def test_workers_end_with_a_killed_evaluation() -> None:
    """Or they would keep their models in memory, waiting for work; here, the pipe open that they write to."""
    code = """
import os, signal
from maskwright.evaluate.babylm.jobs import _pool
with _pool(1) as pool:
    print(pool.submit(abs, -7).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, [b"7"])


def test_the_command_shows_the_table_and_leaves_with_1_where_something_lacks(place, command) -> None:
    arguments = ("collate", place / "run", "--track", "strict-small", "--data", place / "evaluation_data")
    code, out, _ = command(*arguments)
    assert code == 0
    assert "mean of 17, missing 0" in out
    assert "words: own" in out
    assert [line.split()[0] for line in out.splitlines() if "chck_" in line][:3] == ["chck_1M", "chck_2M", "chck_3M"]
    shutil.rmtree(place / "run/words/chck_2M")
    shutil.rmtree(place / "run/results/run/chck_2M")
    shutil.rmtree(place / "run/results/run/main/finetune/qqp")
    path = place / "run/results/run/main/zero_shot/mntp/comps/comps/predictions.json"
    found = json.loads(path.read_text())
    found["wugs"]["predictions"].pop()
    path.write_text(json.dumps(found))
    code, out, said = command(*arguments)
    said = " ".join(said.split())
    assert code == 1
    assert "missing" in out
    for sentence in (
        "chck_2M is not in", "blimp of chck_2M: no predictions in", "qqp of main: no predictions",
        "comps of main: 11 of 12 items",
    ):  # fmt: skip
        assert sentence in said
    content = json.loads((place / "run/results/run/all_full_preds_and_fast_scores_mntp.json").read_text())
    assert content["comps"] is None
    assert "qqp" not in content["glue"]
    assert content["fast_eval_results"]["blimp"][1] is None


def test_results_of_another_model_year_or_data_are_named(place) -> None:
    (place / "run/results/run/main/zero_shot/mntp/wug_adj").mkdir()
    assert "wug_adj is a task of 2025, and left out" in collated(place)[1].lacking
    path = place / "run/results/run/main/zero_shot/mntp/ewok/ewok_filtered/predictions.json"
    found = json.loads(path.read_text())
    found["spatial-relations"]["predictions"][0]["pred"] = " It is not small."
    path.write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"ewok: spatial-relations_0 is ' It is not small.', none of its texts"):
        collated(place)
    shutil.copytree(place / "run/words/chck_1M/final", place / "run/final", dirs_exist_ok=True)
    with pytest.raises(ValueError, match=r"holds results of another model than .*run"):
        collated(place)


def test_a_run_without_results_a_track_misspelt_and_counts_of_words(place) -> None:
    shutil.rmtree(place / "run/results")
    with pytest.raises(ValueError, match=r"results/run does not exist: evaluate .*run first"):
        collated(place)
    with pytest.raises(ValueError, match=r"no track 'strict_small': did you mean 'strict-small'"):
        collate.collate(source(place), "strict_small")
    assert checkpoints("strict")[:2] == ["chck_1M", "chck_2M"]
    assert (len(checkpoints("strict")), checkpoints("strict")[-1]) == (28, "chck_1000M")


def test_a_shortfall_names_the_paradigm_and_both_counts() -> None:
    sizes = Sizes(2, 12, {"hypernym": 5})
    assert list(sizes.shortfalls({"Hypernym": 5, "turn_taking": 7})) == []
    assert list(sizes.shortfalls({"hypernym": 4})) == [
        "1 of 2 paradigms", "hypernym has 4 of 5 items", "4 of 12 items",
    ]  # fmt: skip


def test_official_counts_add_up() -> None:
    by_name = {task.column: task for task in tasks.TASKS}
    for name in ("blimp_supplement", "comps"):
        assert sum(by_name[name].sizes.of.values()) == by_name[name].sizes.items
    tracking = by_name["entity_tracking_filtered"]
    assert sum(tracking.fast_sizes.of.values()) == tracking.fast_sizes.items == 2238
    of = {"blimp": 59_875, "blimp_supplement": 5218, "ewok": 7618, "entity_tracking_filtered": 6780, "comps": 91_028}
    assert {name: by_name[name].sizes.items for name in of} == of
    assert [by_name[name].sizes.paradigms for name in of] == [67, 5, 11, 18, 4]


def test_a_paradigm_whose_number_is_off_is_named_though_the_sum_is_right() -> None:
    ewok = next(task for task in tasks.TASKS if task.suite == "ewok").fast_sizes
    counts = dict.fromkeys(ewok.of, 100)
    assert list(ewok.shortfalls(counts)) == []
    said = list(ewok.shortfalls(counts | {"social-relations": 99, "material-dynamics": 101}))
    assert said == ["material-dynamics has 101 of 100 items", "social-relations has 99 of 100 items"]
    assert list(ewok.shortfalls(dict.fromkeys(ewok.of, 99)))[3:] == ["8 more paradigms are off", "1,089 of 1,100 items"]


def test_checkpoints_in_full_tasks_unknown_and_data_absent_are_refused(place, tmp_path) -> None:
    data = place / "evaluation_data"
    with pytest.raises(ValueError, match="holds 3 checkpoints, which are asked the fast tasks: add --fast"):
        evaluate_folder("babylm", place / "run/words", data)
    with pytest.raises(ValueError, match="no task 'blim': did you mean 'blimp'"):
        evaluate_folder("babylm", place / "run", data, ["tasks=blim"])
    with pytest.raises(ValueError, match="no such folder; name the tasks at hand with tasks="):
        evaluate_folder("babylm", place / "run", tmp_path, ["tasks=blimp"])
    (tmp_path / "full_eval/wug_adj_nominalization").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no such folder; .* is of 2025: get that of 2026"):
        evaluate_folder("babylm", place / "run", tmp_path, ["tasks=global_piqa_parallel"])
