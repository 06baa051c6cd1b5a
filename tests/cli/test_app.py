"""The journey on the command line, and what it says to mistakes: one sentence, exit code 2, nothing lost."""

import json
import re
from pathlib import Path

import pytest
import yaml

from maskwright.run.config import Config, recipes
from maskwright.settings.registry import files


@pytest.fixture
def run(command):
    """Call `maskwright` with arguments; gives the exit code, what was printed and what was complained, on one line."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code, out, err = command(*arguments)
        return code, out, " ".join(err.split())

    return call


@pytest.fixture
def recipe(settings: dict, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def test_help_shows_the_journey_and_every_command_has_examples(run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    order = [out.index(f" {name}") for name in ("tokenize ", "masks ", "train ", "evaluate ", "fill ")]
    assert order == sorted(order)
    for name in files("cli.commands"):
        _, out, _ = run(name.replace("_", "-"), "--help")
        examples = out.partition("Examples\n")[2]
        assert "  maskwright " in examples
        assert max(map(len, examples.splitlines())) <= 80, name


def test_suites_and_their_options_are_listed(run) -> None:
    _, listed, _ = run("options", "suite")
    assert all(f" {name} " in listed for name in files("evaluate.suites"))
    assert " temperatures " in run("options", "suite.blimp")[1]


def test_settings_within_settings_are_listed_by_their_dotted_names(run) -> None:
    shown = run("options", "model.modern")[1]
    assert re.search(r" attention\.qk_norm +False", shown)
    assert re.search(r" nhot\.fusion +add", shown)


def test_a_preset_is_listed_by_what_it_sets(run) -> None:
    assert re.search(r"deberta-tiny +hidden=192, layers=4, heads=3", run("options", "model")[1])


def test_from_text_to_filled_masks(run, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, said, complaint = run("train", recipe, "training.steps=20", "--out", out)
    assert code == 0, complaint
    final = json.loads((out / "final.json").read_text())
    assert re.search(r"^training: \d+ seconds", said, flags=re.MULTILINE)
    shown = [f"{final[f'valid/masked/{metric}']:.1%}" for metric in ("accuracy", "top5", "unigram/accuracy")]
    assert "validation: masked accuracy {}, top-5 {} (unigram {}, ".format(*shown) in said
    assert f"validation: own objective accuracy {final['valid/accuracy']:.1%}" in said
    assert {"config.yaml", "metrics.jsonl", "final.json", "report.html", "final", "plots"} <= {
        p.name for p in out.iterdir()
    }
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 4
    assert page.count("class=gap") > 3
    assert not re.search(r'(?:src|href)="https?:', page)
    code, said, _ = run("fill", out, "The [MASK] is [MASK].", "--top", 3, "--json")
    (blanks,) = json.loads(said).values()
    assert [len(blank["guesses"]) for blank in blanks] == [3, 3]
    assert all(0 <= share <= 1 for blank in blanks for _, share in blank["guesses"])
    code, said, _ = run("evaluate", out, "validation", "--json")
    final = json.loads((out / "final.json").read_text())
    assert json.loads(said) == {name.removeprefix("valid/"): final[name] for name in final if name in again(said)}


def test_a_quiet_run_ends_with_one_line_of_result(run, recipe: Path, tmp_path: Path) -> None:
    code, said, _ = run("train", recipe, "training.steps=1", "--out", tmp_path / "run", "--quiet")
    assert code == 0
    assert re.fullmatch(r"validation: masked accuracy .*\n", said)


def test_an_option_that_is_a_setting_is_told_how_it_is_written(run) -> None:
    code, _, complaint = run("train", "quickstart", "--steps", "2")
    assert code == 2
    assert "written without dashes, as SECTION.KEY=VALUE" in " ".join(re.sub("[│╭╮╰╯─]", " ", complaint).split())
    assert "written without" not in run("score", "--steps", "2")[2]


def test_options_with_a_choice_list_it(run) -> None:
    assert "One of bpe, wordpiece, unigram, character." in " ".join(run("options", "tokenizer")[1].split())
    assert "One of true, false, auto." in " ".join(run("options", "training")[1].split())


def again(said: str) -> set[str]:
    return {f"valid/{name}" for name in json.loads(said)}


def test_tokenize_tells_what_it_wrote(run, recipe: Path, tmp_path: Path) -> None:
    code, said, _ = run("tokenize", recipe, "--out", tmp_path / "shards")
    assert code == 0
    assert re.search(r"train\s+\d+ documents", said)
    assert (tmp_path / "shards" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "quickstrat"], "no recipe or file 'quickstrat': did you mean 'quickstart'?"),
        (["train", "quickstart", "objective.ratoi=0.2"], "unknown key objective.ratoi: did you mean 'ratio'?"),
        (["train", "quickstart", "objective.nmae=span"], "unknown key objective.nmae: did you mean 'name'?"),
        (["train", ".", "seed=1"], "to begin with its model: RECIPE training.init_from=."),
        (["train", "quickstart", "objective.ratio=1.5"], "objective.ratio=1.5"),
        (["train", "quickstart", "objective.random_prob=0.9", "objective.keep_prob=0.2"], "_prob + keep_prob = 1.1"),
        (["train", "quickstart", "training.steps=many"], "training.steps='many'"),
        (["train", "quickstart", "corpus.files=[nowhere.txt]"], "nowhere.txt"),
        (["train", "quickstart", "rows.length=5000"], "rows.length=5000 is over the model's max_length=512"),
        (["train", "quickstart", "training"], "an override reads section.key=value, not 'training'"),
        (["train", "quickstart", "objective=span"], "objective='span': a section is a mapping of options"),
        (["train", "quickstart", "corpus.files=[a"], "corpus.files='[a' is not YAML"),
        (["train", "quickstart", "seed=abc"], "seed='abc'"),
        (["train", "quickstart", "seed=-1"], "seed=-1"),
        (["train", "quickstart", "errors=foo"], "errors='foo'"),
        (["train", "quickstart", "training.warmup=0.7", "training.stable=0.7"], "warmup + stable = 1.4"),
        (
            ["train", "quickstart", "training.ema=0.9", "training.average=0.2"],
            "ema=0.9 and average=0.2 are two averages",
        ),
        (["masks", "a text", "--ratio", "1"], "ratio=1.0: input should be less than 1"),
        (["masks", "a text", "--json"], "--plot, --json and --lexicon go with --report"),
        (["masks", "a text", "--report", "--json"], "--json prints the report alone: give no text"),
        (["options", "training.bogus"], "no section 'training.bogus'"),
        (["fill", "nowhere", "a [MASK]"], "nowhere holds no trained model"),
        (["options", "objective.spam"], "no objective 'spam'"),
    ],
)
def test_a_mistaken_command_is_one_sentence(run, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    out = ["--out", str(tmp_path / "run")] if arguments[0] == "train" else []
    code, _, complaint = run(*arguments, *out)
    assert code == 2
    assert sentence in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "run").exists()


def test_bytes_that_are_no_text_are_named_or_replaced(run, recipe: Path, settings: dict, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    text = Path(settings["corpus"]["files"][0]).read_bytes()
    bad.write_bytes(text[:1000] + b"\xff" + text[1000:])
    override = f"corpus.files=[{bad}]"
    code, _, complaint = run("tokenize", recipe, override, "--out", tmp_path / "shards")
    assert code == 2
    assert "bad.txt" in complaint
    assert "1000" in complaint
    assert run("tokenize", recipe, override, "--out", tmp_path / "shards", "--errors", "replace")[0] == 0


def test_debug_shows_the_traceback(command) -> None:
    code, _, complaint = command("train", "quickstrat", "--debug")
    assert code == 1
    assert "Traceback" in complaint
    assert "ValueError: no recipe or file 'quickstrat'" in complaint


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_is_a_whole_config(name: str) -> None:
    config = Config.load(name)
    assert Config.of(config.tree()) == config


def test_another_systems_config_is_imported(run, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.json", tmp_path / "ours.yaml"
    theirs.write_text(json.dumps({"masking_strategy": "span", "mask_p": 0.2, "surprise": 1}))
    code, printed, _ = run("import-config", theirs)
    assert code == 0
    code, said, _ = run("import-config", theirs, "--out", ours)
    assert code == 0
    assert ours.read_text() == printed
    assert "surprise: unknown setting of ltg_bert" in said
    assert Config.load(ours).objective.ratio == 0.2
    code, _, complaint = run("import-config", theirs, "--out", ours)
    assert code == 2
    assert "ours.yaml exists already" in complaint
    code, _, complaint = run("import-config", tmp_path / "nowhere.json")
    assert code == 2
    assert "nowhere.json" in complaint
