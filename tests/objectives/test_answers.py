"""Answers: prompts are read and never asked for, pairs come out of files as they are, and a trained run answers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maskwright.data.pack import pack
from maskwright.data.rows import Rows
from maskwright.masking.select import IGNORE
from maskwright.objectives.answers import Answers
from maskwright.objectives.base.contract import check, with_options
from maskwright.objectives.causal import Causal
from maskwright.objectives.diffusion import Diffusion
from maskwright.run import build, saved
from maskwright.run.config import Config
from maskwright.sampling.request import SampleRequest, load_models, texts
from maskwright.text.corpora.pairs import Pairs
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows

CLS, SEP, PAD = VOCABULARY.cls, VOCABULARY.sep, VOCABULARY.pad


def packed() -> Rows:
    """A row of two pairs, the first with room left, and a text without a prompt."""
    tokens = [CLS, 10, 11, 12, SEP, 20, 21, PAD, SEP, CLS, 13, 14, SEP, 22, SEP, CLS, 30, 31, SEP, PAD]
    document = [0] * 9 + [1] * 6 + [2] * 4 + [-1]
    ids = torch.tensor([tokens])
    word = torch.arange(1, 21)[None] * ~torch.from_numpy(VOCABULARY.is_special)[ids]
    return Rows(ids, torch.tensor([document]).int(), word.int(), *[torch.zeros(1).long()] * 2, 0.0, VOCABULARY)


def asked(problem):
    """The positions whose token is asked for, and those tokens."""
    places = (problem.targets != IGNORE).nonzero()[:, 1]
    return (places + problem.shift[0]).tolist(), problem.targets[problem.targets != IGNORE].tolist()


def test_a_causal_model_is_asked_for_answers_and_where_they_end():
    problem = Answers(task="causal")(packed(), 0)
    places, tokens = asked(problem)
    assert places == [5, 6, 7, 8, 13, 14, 16, 17, 18]
    assert tokens == [20, 21, PAD, SEP, 22, SEP, 30, 31, SEP]
    assert torch.equal(problem.inputs, packed().tokens)
    assert torch.equal(problem.weights > 0, problem.targets != IGNORE)


def test_a_diffusion_masks_answers_and_what_they_leave_empty():
    found, some = set(), packed()
    for epoch in range(60):
        problem = Answers(task="diffusion")(replace(some, epoch=torch.full((1,), epoch)), 0)
        places, tokens = asked(problem)
        found |= set(places)
        assert tokens == some.tokens[0, places].tolist()
        assert torch.equal(problem.inputs[0] == VOCABULARY.mask, problem.targets[0] != IGNORE)
    assert found == {5, 6, 7, 13, 16, 17}
    bound = sum(float(problem.weights.sum()) for problem in Answers(task=Diffusion(levels=5)).scoring(some))
    assert bound == pytest.approx(6, rel=1e-5)


def test_texts_without_prompts_are_asked_for_whole():
    some = rows()
    one, other = Answers()(some, 0), Causal()(some, 0)
    assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in vars(one))


@pytest.mark.parametrize("task", ["causal", "diffusion", {"name": "diffusion", "uniform": 0.3}], ids=str)
def test_answers_keep_the_contract(task):
    objective = Answers(task=task)
    some = plain(12, 40)
    some.tokens[:, 17], some.word[:, 17] = SEP, 0
    for text in (rows(), some):
        findings = check(lambda **options: with_options(objective, options), text)
        assert not [one for one in findings if one.counterexample and "without" not in one.counterexample]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    lines = [{"prompt": f"What comes after the number {n}?", "answer": f"{n} and then {n + 1}"} for n in range(60)]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def run(settings: dict, pairs: Path, out: Path, task: str, room: int, **training: object) -> Path:
    tree = settings | {"corpus": {"name": "pairs", "pairs": [str(pairs)], "room": room}}
    tree |= {"objective": {"name": "answers", "task": task}, "training": settings["training"] | training}
    Trainer(Config.of(tree), out, show=False).train()
    return out


@pytest.mark.parametrize(("task", "room"), [("causal", 0), ("diffusion", 12)])
def test_pairs_are_learned_and_answered(settings: dict, pairs: Path, tmp_path: Path, task: str, room: int) -> None:
    whole = run(settings, pairs, tmp_path / "whole", task, room, steps=14, keep=None)
    data = build.data(Config.load(whole), False)
    split, known = data.shards.train, data.shards.vocabulary
    inside = pack(split, known, 32)
    tokens = split.tokens[split.offsets[0] : split.offsets[1]].tolist()
    assert tokens.count(known.sep) == 1
    prompt, answer = tokens[: tokens.index(known.sep)], tokens[tokens.index(known.sep) + 1 :]
    assert data.shards.tokenizer.decode(prompt).strip().startswith("What comes after the number")
    assert "and then" in data.shards.tokenizer.decode(answer)
    assert not room or len(answer) == room
    assert len(inside)
    (tmp_path / "broken/checkpoints").mkdir(parents=True)
    shutil.copytree(whole / "checkpoints/step-7", tmp_path / "broken/checkpoints/step-7")
    Trainer(Config.load(whole), tmp_path / "broken", resume=True, show=False).train()
    state, again = (saved.load(tmp_path / name)[0].state_dict() for name in ("whole", "broken"))
    assert all(torch.equal(value, again[name]) for name, value in state.items())
    request = SampleRequest(run=whole, prompt="What comes after the number 5?", length=10, steps=5)
    (said,) = texts(request, load_models(request))
    assert "What comes" not in said


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"prompt": "a"}', "pairs.jsonl:1: no field 'answer': a pair is an object with two texts"),
        ('{"prompt": " ", "answer": "b"}', "pairs.jsonl:1: prompt is empty"),
        ('{"prompt": "a", "answer": 3}', "pairs.jsonl:1: answer is a number"),
        ("[]", "pairs.jsonl:1: a JSON object belongs here"),
    ],
)
def test_a_pair_that_is_none_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        list(Pairs(pairs=(str(tmp_path / "pairs.jsonl"),)).documents("strict"))
    with pytest.raises(ValueError, match="there is no file 'nowhere"):
        list(Pairs(pairs=("nowhere.jsonl",)).documents("strict"))
