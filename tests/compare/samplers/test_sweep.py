"""maskwright sweep: equal passes, a killed sweep that goes on, what is written, and what is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from maskwright.compare.samplers import cells as one_cell
from maskwright.compare.samplers.cells import SweepOptions, cells, opened
from maskwright.compare.samplers.display import front, table
from maskwright.compare.samplers.sweep import Swept, carry_out
from maskwright.evaluate.generation.diversity import consistency
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.training.trainer import Trainer

SMALL = {"prompts": 4, "length": 12, "prompt_length": 4, "passes": (3, 5), "seeds": "2"}


@pytest.fixture(scope="module")
def runs(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs writer, remasker and scorer."""
    folder = tmp_path_factory.mktemp("runs")
    tree = {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 1, "heads": 2, "intermediate": 48, "max_length": 64},
        "training": {"steps": 3, "batch_tokens": 1024, "precision": "fp32", "log_every": 3},
        "evaluation": {"held_out": 0.2},
    }
    for name, objective in {"writer": "diffusion", "remasker": "remask", "scorer": "causal"}.items():
        Trainer(Config.of(tree | {"objective": {"name": objective}}), folder / name, show=False).train()
    return folder


def options(runs: Path, **more: object) -> SweepOptions:
    return SweepOptions(**(SMALL | {"scorer": runs / "scorer", "samplers": ("llada",)} | more))


def test_samplers_are_compared_at_equal_passes(
    runs: Path, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "sweep",
        runs / "writer",
        "llada",
        "learned+randomness=0.5",
        "--scorer",
        runs / "scorer",
        "--out",
        tmp_path,
    ]
    words += ["--remasker", runs / "remasker", "--passes", "3,5", "--seeds", 2, "--prompts", 4, "--length", 12]
    code, out, err = command(*words, "--prompt-length", 4, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found == json.loads((tmp_path / "results.json").read_text())
    places = [(row["sampler"], row["passes"], row["steps"], row["passes_per_text"]) for row in found["rows"]]
    learned = "learned+randomness=0.5"
    assert places == [("llada", 3, 3, 3), ("llada", 5, 5, 5), (learned, 3, 2, 3), (learned, 5, 3, 5)]
    texts = {path.stem.rpartition("-")[0]: json.loads(path.read_text()) for path in (tmp_path / "cells").iterdir()}
    assert len(texts) == 8
    one, other = (np.array(texts[f"llada-5-{seed}"]["tokens"]) for seed in (0, 1))
    assert (one[:, :4] == other[:, :4]).all()  # the prompts
    row = found["rows"][1]
    assert row["consistency"] == pytest.approx((one == other)[:, 4:].mean())
    both = [texts[f"llada-5-{seed}"]["perplexity"] for seed in (0, 1)]
    assert (row["perplexity"], row["perplexity_sd"]) == (
        pytest.approx(np.mean(both)),
        pytest.approx(np.std(both, ddof=1)),
    )
    assert found["held_out"]["perplexity"] > 1
    (head, *lines) = csv.reader((tmp_path / "results.csv").read_text().splitlines())
    assert [dict(zip(head, line, strict=True))["perplexity"] for line in lines] == [
        str(row["perplexity"]) for row in found["rows"]
    ]
    figure = (tmp_path / "sweep.svg").read_text()
    assert "<svg" in figure
    assert str(tmp_path / "sweep.svg") in err
    monkeypatch.setenv("COLUMNS", "200")
    with (console := Console()).capture() as shown:
        console.print(table(Swept(**found)))
    printed = " ".join(shown.get().split())
    assert f"{row['perplexity']:,.0f} ± {row['perplexity_sd']:,.0f}" in printed
    assert f"held-out text {found['held_out']['perplexity']:,.0f}" in printed


def test_a_killed_sweep_goes_on(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = opened(load(runs / "writer"), options(runs))
    whole = carry_out(sweep, tmp_path / "whole", show=False)
    with pytest.raises(ValueError, match="schedule='sine'"):
        carry_out(opened(load(runs / "writer"), options(runs, schedule="sine")), tmp_path / "broken", show=False)
    measured, measure = [], one_cell.Sweep.measure

    def dying(sweep: one_cell.Sweep, cell: one_cell.Cell) -> dict:
        measured.append(cell)
        if len(measured) == 3:
            raise KeyboardInterrupt
        return measure(sweep, cell)

    monkeypatch.setattr(one_cell.Sweep, "measure", dying)
    with pytest.raises(KeyboardInterrupt):
        carry_out(sweep, tmp_path / "broken", show=False)
    assert carry_out(sweep, tmp_path / "broken", show=False) == whole
    assert [cell for cell in measured if measured.count(cell) == 1] == [*cells(sweep)[:2], *cells(sweep)[3:]]
    more = opened(load(runs / "writer"), options(runs, passes=(3, 5, 7)))
    assert len(carry_out(more, tmp_path / "broken", show=False).rows) == 3
    assert len(measured) == 7  # only those of seven passes
    other = opened(load(runs / "writer"), options(runs, temperature=0.5))
    with pytest.raises(ValueError, match=r"holds a sweep with temperature=1.0, not 0.5: take another --out"):
        carry_out(other, tmp_path / "broken", show=False)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"samplers": ("learned",)}, "sampler learned needs a model that detects wrong tokens: give --remasker DIR"),
        ({"samplers": ("lada",)}, "no sampler 'lada': did you mean 'llada'"),
        ({"samplers": ("remdm+eta=2",)}, "remdm.eta=2"),
        ({"block_length": 2}, "passes=3: sampler llada takes a step for each of 4 blocks at least"),
        ({"seeds": "1,1"}, "1 is given twice"),
    ],
)
def test_sweeps_that_are_refused(runs: Path, more: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        cells(opened(load(runs / "writer"), options(runs, **more)))


def test_a_prompt_leaves_something_to_write() -> None:
    with pytest.raises(ValueError, match="prompt_length=12: nothing is left to write of length=12"):
        SweepOptions(scorer=Path("c"), length=12, prompt_length=12)


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(1, 3), st.integers(1, 8), st.integers(0, 99))
def test_consistency_is_one_less_the_variance_of_what_seeds_write(
    seeds: int, prompts: int, length: int, draw: int
) -> None:
    tokens = np.random.default_rng(draw).integers(3, size=(seeds, prompts, length))
    variance = np.eye(3)[tokens].var(0, ddof=1).sum(-1).mean(-1)  # of one-hot vectors
    assert consistency(tokens) == pytest.approx(1 - variance)
    assert consistency(np.repeat(tokens[:1], seeds, 0)) == pytest.approx(1)


def test_a_grid_goes_over_temperatures_and_has_a_front(runs: Path, command: Callable, tmp_path: Path) -> None:
    samplers = ["llada", "llada+temperature=0.3", "learned+randomness=0.5+temperature={start: 1.2, end: 0.5}"]
    words = ["sweep", runs / "writer", *samplers, "--scorer", runs / "scorer", "--remasker", runs / "remasker"]
    words += ["--passes", "3", "--seeds", 1, "--prompts", 4, "--length", 12, "--prompt-length", 4, "--out", tmp_path]
    code, out, err = command(*words, "--json")
    assert code == 0, err
    rows = json.loads(out)["rows"]
    assert [row["sampler"] for row in rows] == samplers
    assert len({row["perplexity"] for row in rows}) == 3
    assert all(name in (tmp_path / "pareto.svg").read_text() for name in samplers)
    code, _, err = command(*words[:2], "llada+temperature=-1", *words[5:])
    assert code == 2
    assert "temperature=-1" in err


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_nothing_surpasses_the_front(points: list[tuple[int, int]]) -> None:
    rows = [{"perplexity": float(one), "entropy": float(other)} for one, other in points]
    best = front(rows)

    def surpassed(row: dict) -> bool:
        return any(
            (one["perplexity"], -one["entropy"]) != (row["perplexity"], -row["entropy"])
            and one["perplexity"] <= row["perplexity"]
            and one["entropy"] >= row["entropy"]
            for one in rows
        )

    kept = {(row["perplexity"], row["entropy"]) for row in rows if not surpassed(row)}
    assert [(row["perplexity"], row["entropy"]) for row in best] == sorted(kept)
