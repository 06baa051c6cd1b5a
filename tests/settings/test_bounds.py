"""A number too large for anything is refused before work begins, by whatever option counts."""

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, get_args, get_type_hints

import pytest
import torch

import maskwright
from maskwright.compare.experiments import seed_list
from maskwright.run.config import Config
from maskwright.settings import from_mapping, registry

HUGE = 10**30
SKIPPED = ["maskwright.__main__", "maskwright.evaluate.lm_eval"]
if find_spec("sentence_transformers") is None:
    SKIPPED += ["maskwright.hub.contrastive.train"]
    SKIPPED += [f"maskwright.evaluate.retrieval.{name}" for name in ("late_interaction", "token_vectors")]


def settings_classes() -> Iterator[type]:
    """Every settings class of the package, each once."""
    for found in walk_packages(maskwright.__path__, "maskwright."):
        module = import_module(found.name) if found.name not in SKIPPED else None
        for kind in vars(module).values() if module else ():
            if inspect.isclass(kind) and kind.__module__ == found.name and "__pydantic_fields__" in vars(kind):
                yield kind


def counts(annotation: Any) -> bool:
    """Whether a whole number fits somewhere in a type."""
    return annotation is int or any(map(counts, get_args(annotation)))


def knobs() -> list[tuple[type, str]]:
    return [
        (kind, name)
        for kind in settings_classes()
        for name, field in kind.__pydantic_fields__.items()  # type: ignore[attr-defined]
        if counts(field.annotation) and field.init is not False and not inspect.isabstract(kind)
    ]


NEEDED = {
    "scorer": "run", "run": "run", "objective": {"name": "mlm"}, "folder": "x", "files": "x", "dataset": "x",
    "steps": 4, "folders": "x", "weights": "x", "texts": "x", "generator_run": "x", "pairs": "x",
    "start": 1, "end": 1, "loss": 1,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), knobs(), ids=lambda part: getattr(part, "__name__", part))
def test_no_setting_counts_without_end(kind: type, name: str) -> None:
    fields = kind.__pydantic_fields__  # type: ignore[attr-defined]
    others = [option for option in NEEDED.keys() & fields if option != name]
    of_text = [option for option in others if NEEDED[option] != "x" or not counts(fields[option].annotation)]
    given = {option: NEEDED[option] for option in of_text}  # what is a text here is a number there: pairs, texts
    for huge in (HUGE, -HUGE, *([] if name == "seed" else [10**18]), [HUGE], {"start": HUGE, "end": HUGE}):
        with pytest.raises(ValueError, match=name) as refused:
            from_mapping(kind, given | {name: huge}, "here")
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 400


@pytest.mark.parametrize("option", ["rows.length", "training.batch_tokens", "training.words"])
@pytest.mark.parametrize("written", [f"0:64,1:{HUGE}", f"0:64,{HUGE}:128", f"{HUGE}", f"{HUGE}M", "[1e30]"])
def test_no_written_number_is_without_end(option: str, written: str) -> None:
    rest = ["training.steps=null"] if option == "training.words" else []
    with pytest.raises(ValueError, match=option.rpartition(".")[2]) as refused:
        Config([*rest, f"{option}={written}"])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("written", [HUGE, f"{HUGE},", "5000", ",".join(map(str, range(5000)))])
def test_no_list_of_seeds_is_without_end(written: object) -> None:
    with pytest.raises(ValueError, match=r"^seeds=.*at most 1,024") as refused:
        seed_list(written)
    assert len(str(refused.value)) < 300


def options() -> list[tuple[str, str]]:
    """Every option of a command that takes a whole number."""
    found = []
    for name in registry.files("cli.commands"):
        for option, annotation in get_type_hints(import_module(f"maskwright.cli.commands.{name}").command).items():
            if int in (annotation, *get_args(annotation)):
                found.append((name.replace("_", "-"), f"--{option.replace('_', '-')}"))
    return found


FIRST = {
    "masks": ["A text."], "sample": ["run"], "sweep": ["run", "--scorer", "scorer"], "evaluate": ["run", "blimp"],
    "fill": ["run", "A [MASK]."], "train": ["quickstart"], "compare": ["quickstart", "mlm_example"],
    "preflight": ["quickstart"], "weights": ["run"], "serve": ["run"], "ratios": ["run"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "option"), options())
def test_no_command_counts_without_end(
    name: str, option: str, command: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, complaint = command(name, *FIRST.get(name, []), option, HUGE)
    assert (code, out) == (2, "")
    assert option.lstrip("-").replace("-", "_") in complaint.replace("-", "_")
    assert "Traceback" not in complaint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", registry.files("models"))
def test_a_model_without_room_is_refused_before_it_is_made(name: str) -> None:
    kind, _ = registry.load("models", name)
    with pytest.raises(ValueError, match=r"the model takes [\d,]+ GiB, and this machine has"):
        kind(hidden=2**19, layers=1, heads=1, intermediate=2**20).build(2**24, torch.Generator())
