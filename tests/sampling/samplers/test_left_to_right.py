"""Writing from left to right: against a plain loop, against a law that is known, by address, and as it is typed."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from maskwright.display.replay import pieces
from maskwright.objectives.causal import Causal
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.prefix import Prefix
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.sampling.denoiser import Denoiser
from maskwright.sampling.generate import NEW, Frame, generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.sampling.prefill import prefill
from maskwright.sampling.samplers.left_to_right import LeftToRight
from maskwright.settings.registry import load as kind_of
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from ...handmade import VOCABULARY
from ..toy import canvas

CLS, SEP, PAD, MASK = VOCABULARY.cls, VOCABULARY.sep, VOCABULARY.pad, VOCABULARY.mask
SIZES = {"hidden": 32, "layers": 2, "heads": 2, "max_length": 24}


def blank(count, *prompt, length=10):
    begun = canvas(count, [*prompt, *[MASK] * (length - len(prompt))])
    tokens = begun.tokens.clone()
    tokens[:, 0], tokens[:, -1] = CLS, SEP
    return replace(begun, tokens=tokens, free=tokens == MASK)


def frames(model, begin, objective=None, seed=0, ends=True, **options):
    begin, seen = prefill(begin, objective or Causal(), VOCABULARY)
    denoiser = Denoiser(model, VOCABULARY, 1, seen=seen, allow_sep=ends, **options)
    return list(generate(denoiser, LeftToRight(), begin, MaskSchedule(steps=int(begin.free[0].sum())), seed))


def built(name, spread=0.3):
    generator = torch.Generator().manual_seed(6)
    kind, _ = kind_of("models", name)
    model = kind(**SIZES).build(VOCABULARY.size, generator)
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=spread, generator=generator)
    return model.eval()


@torch.no_grad()
def greedy(model, row, length, sign=CLS, unmasked=0):
    """The plain loop: the whole row through the model, the best ordinary token or [SEP] behind it."""
    never = sorted(VOCABULARY.special - {SEP})
    row = [sign, *row]
    while len(row) <= length and row[-1] != SEP:
        seen = torch.ones(len(row), len(row)).tril().bool()
        seen[:, :unmasked] = True
        logits = model.logits(model(torch.tensor([row]), seen[None, None])[0, -1:])[0]
        logits[never] = -torch.inf
        row.append(int(logits.argmax()))
    return [*row[1:], SEP][: length + 1 if SEP not in row else len(row) - 1]


@pytest.mark.parametrize("name", ["modern", "minigpt", "deberta", "ltg_bert"])
@pytest.mark.parametrize("prompt", [(), (7, 9, 12)])
def test_the_best_token_always_is_the_plain_loop(name, prompt):
    model = built(name)
    *_, last = frames(model, blank(2, *prompt), temperature=0.0)
    (row, other) = last.tokens.tolist()
    assert row == other
    expected = greedy(model, prompt, 10)
    assert row[1 : 1 + len(expected)] == expected
    assert len({*expected[len(prompt) :]}) > 2
    assert set(row[1 + len(expected) :]) <= {PAD}


def test_it_opens_as_the_objective_is_used_to():
    model, known = built("minigpt"), VOCABULARY
    *_, last = frames(model, blank(1, 7), Mirror(direction_tokens=True), temperature=0.0)
    expected = greedy(model, (7,), 10, sign=known.id("forward"))
    assert last.tokens[0, 1 : 1 + len(expected)].tolist() == expected
    assert expected != greedy(model, (7,), 10)
    *_, both = frames(model, blank(1, 7, 9, 12, 8), Prefix(), temperature=0.0)
    expected = greedy(model, (7, 9, 12, 8), 10, unmasked=5)
    assert both.tokens[0, 1 : 1 + len(expected)].tolist() == expected
    assert expected != greedy(model, (7, 9, 12, 8), 10)


class Chain(torch.nn.Module):
    """The next token depends on the two before it, and nothing else is ever read; counts what it was asked."""

    LAW = torch.rand((3, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1
    """Of two ordinary tokens and [SEP], after what stood two places and one place before; a 2 for what is no token."""

    def __init__(self):
        super().__init__()
        self.weight, self.rows, self.heads = torch.nn.Parameter(torch.zeros(1)), [], 0

    def forward(self, tokens, mask, positions, asked):
        assert (asked == tokens.shape[1] - 1).all()
        assert torch.equal(mask[0, 0], torch.ones(mask.shape[-2:]).tril().bool())
        self.rows.append(len(tokens))
        told = torch.cat([torch.full((len(tokens), 1), CLS), tokens], 1)[:, -2:]
        return torch.where((told >= 7) & (told <= 8), told - 7, 2)

    def logits(self, hidden):
        self.heads += len(hidden)
        scores = torch.full((len(hidden), VOCABULARY.size), -torch.inf)
        scores[:, [7, 8, SEP]] = self.LAW[hidden[:, 0], hidden[:, 1]].log().float()
        scores[:, [MASK, PAD, CLS]] = 9.0
        return scores


def law(ends):
    """How likely each text of at most three tokens is."""
    found = {}
    for text in (text for size in range(4) for text in product((0, 1), repeat=size)):
        chance, told = 1.0, (2, 2)
        for token in (*text, 2)[:3]:
            each = Chain.LAW[told].clone()
            each[2] *= ends
            chance, told = chance * float(each[token] / each.sum()), (told[1], token)
        found[text] = chance
    return found


@pytest.mark.parametrize("ends", [True, False])
def test_texts_follow_the_law_of_the_model(ends):
    count = 10000
    *_, last = frames(Chain(), blank(count, length=3), ends=ends)
    expected = {text: chance for text, chance in law(ends).items() if chance}
    assert len(expected) == (15 if ends else 8)
    assert sum(expected.values()) == pytest.approx(1)
    found = dict.fromkeys(expected, 0)
    for row in last.tokens.tolist():
        found[tuple(token - 7 for token in row[1 : row.index(SEP)])] += 1
    chi2 = sum((found[text] - count * chance) ** 2 / (count * chance) for text, chance in expected.items())
    assert chi2 < (42 if ends else 30)  # once in ten thousand times, of 14 and 7 degrees of freedom


def test_a_seed_gives_one_text_alone_or_among_others_and_whatever_the_length():
    *_, many = frames(Chain(), blank(30), seed=3)
    *_, some = frames(Chain(), blank(7), seed=3)
    *_, short = frames(Chain(), blank(30, length=4), seed=3)
    *_, other = frames(Chain(), blank(30), seed=4)
    assert torch.equal(some.tokens, many.tokens[:7])
    assert torch.equal(short.tokens[:, 1:5], many.tokens[:, 1:5])
    assert not torch.equal(other.tokens, many.tokens)


def test_what_is_finished_leaves_and_the_head_runs_once_for_each_token():
    model = Chain()
    unmasked = frames(model, blank(50, 7, length=20))
    written = torch.stack([(frame.state == NEW).any(1) for frame in unmasked[1:]]).sum(1)
    assert model.rows == written.tolist() == sorted(model.rows, reverse=True)
    assert model.heads == sum(model.rows)
    assert model.rows[0] == 50 > model.rows[-1]
    for row in unmasked[-1].tokens.tolist():
        end = row.index(SEP)
        assert {*row[1:end]} <= {7, 8}
        assert {*row[end + 1 :]} <= {PAD}
    assert len(unmasked) <= unmasked[0].max_steps + 1 == 20


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, text: Path) -> Path:
    """Runs of models that have learned nothing: causal, mirror, hybrid, prefix, mlm."""
    folder = tmp_path_factory.mktemp("runs")
    tokenizer = Tokenizer.train([text.read_text(encoding="utf-8")], TokenizerSettings(kind="bpe", size=404))
    for name in ("causal", "mirror", "hybrid", "prefix", "mlm"):
        objective = {"name": name} | ({"direction_tokens": True} if name == "mirror" else {})
        tree = {"model": {"name": "minigpt", **SIZES}, "objective": objective, "rows": {"length": 20}}
        config = Config.of(tree | {"training": {"steps": 1}})
        model = config.model.build(tokenizer.vocabulary.size, torch.Generator().manual_seed(1))
        saved.save(folder / name / "final", model.state_dict(), config.model, tokenizer, "text")
        config.write(folder / name / "config.yaml")
    return folder


@pytest.fixture
def said(command):
    """Call `maskwright sample` with arguments; gives the exit code, what was printed and complained, on one line."""

    def call(*words: object) -> tuple[int, str, str]:
        code, out, err = command("sample", *words)
        return code, out, " ".join(err.split())

    return call


@pytest.mark.parametrize(
    ("name", "sampler"),
    [("causal", None), ("mirror", None), ("prefix", None), ("hybrid", "left_to_right"), ("hybrid", None)],
)
def test_a_run_writes_as_it_is_typed(said, runs: Path, name: str, sampler: str | None) -> None:
    asked = [] if sampler is None else ["--sampler", sampler]
    typed = [runs / name, *asked, "--prompt", "The ", "--length", 9, "--count", 3, "--json"]
    code, out, _ = said(*typed, "--html", runs / f"{name}.html")
    assert code == 0
    found = json.loads(out)
    assert found["sampler"] == (sampler or ("mdlm" if name == "hybrid" else "left_to_right"))
    assert len(found["texts"]) == 3
    assert all(text.startswith("The") for text in found["texts"])
    assert json.loads(said(*typed, "--count", 1)[1])["texts"] == found["texts"][:1]
    steps = json.loads((runs / f"{name}.html").read_text().partition("const data = ")[2].partition("\n")[0])["steps"]
    last = ["".join(piece for piece, _ in pieces).strip() for pieces in steps[-1]]
    assert [text.replace("�", "") for text in last] == [text.replace("�", "") for text in found["texts"]]


def test_a_text_is_shown_up_to_its_end(runs: Path) -> None:
    tokenizer = Tokenizer.load(runs / "causal" / "final")
    known = tokenizer.vocabulary
    some = known.ordinary[:3].tolist()
    for text, size in (
        ([*some, known.sep], 3),
        ([*some[:2], known.sep, known.pad], 2),
        ([known.sep, *[known.pad] * 3], 0),
    ):
        tokens = torch.tensor([[known.cls, *text, known.pad]])
        assert len(pieces(Frame(1, tokens, torch.full_like(tokens, NEW), 4), 0, tokenizer)) == size


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("causal --prompt abcdefghijklmnopqrstuvw --length 3", "tokens and length=3: length includes the prompt"),
        ("causal --sampler mdlm", "sampler mdlm needs a model with the capability unmask or mntp"),
        ("mlm --sampler left_to_right", "sampler left_to_right needs a model with the capability forward"),
        ("causal --sampler left", "no sampler 'left'"),
        ("causal --prompt [MASK]a", "there is text after a"),
    ],
)
def test_a_request_that_does_not_fit_is_one_sentence(said, runs: Path, words: str, sentence: str) -> None:
    run, *more = words.split()
    code, _, told = said(runs / run, *more)
    assert code == 2
    assert sentence in told


@pytest.mark.parametrize("name", ["modern", "minigpt"])
def test_kept_keys_change_no_draw_and_each_token_is_read_once(name):
    model = built(name, spread=0.2)
    for objective, prompt in [(Causal(), ()), (Causal(), (7, 9, 12)), (Prefix(), (7, 9, 12, 8))]:
        begin, seen = prefill(blank(80, *prompt, length=20), objective, VOCABULARY)
        schedule = MaskSchedule(steps=int(begin.free[0].sum()))
        texts, read = [], ([], [])
        for keep, counted in zip((True, False), read, strict=True):
            hook = model.register_forward_pre_hook(lambda _, inputs, to=counted: to.append(inputs[0].numel()))
            denoiser = Denoiser(model, VOCABULARY, 1, seen=seen, allow_sep=True, keep_keys=keep)
            texts.append(list(generate(denoiser, LeftToRight(), begin, schedule, 1))[-1].tokens)
            hook.remove()
        assert torch.equal(*texts)
        assert len({*(texts[0] == PAD).sum(1).tolist()}) > 3  # texts end at different places
        kept, anew = read
        assert kept[0] == 80 * (len(prompt) + 1)
        assert max(kept[1:]) <= 80
        assert sum(anew) > 3 * sum(kept)
