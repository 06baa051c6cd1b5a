"""Scores are those of the plainest code: one question at a time, one text in a batch."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from maskwright.attention import BACKWARD, BOTH, FORWARD
from maskwright.evaluate.scoring.backends import BY_OBJECTIVE, FIXED, choose
from maskwright.evaluate.scoring.batching import batches, regroup
from maskwright.evaluate.scoring.deduplicate import deduplicate
from maskwright.evaluate.scoring.scorer import Scorer, Text
from maskwright.evaluate.scoring.windows import Windows
from maskwright.models.modern import Modern
from maskwright.objectives.base.objective import IGNORE
from maskwright.objectives.base.problem import Problem
from maskwright.objectives.causal import Causal
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.mlm import Mlm

TEXTS = [
    "The statement assigns values.",
    "The statement assigns value.",
    "The statement unpacks its values in order, from left to right.",
    "A name is bound.",
    "Names are bound.",
    "The statement assigns values.",
]


@torch.no_grad()
def chance(judged, tokens: list[int], place: int, token: int, way: str = "both", temperature: float = 1.0) -> float:
    """ln p(token) at one place of one row, masked by hand."""
    length = len(tokens)
    seen = {"both": torch.ones(length, length), "forward": torch.ones(length, length).tril()}
    seen["backward"] = seen["forward"].T
    hidden = judged.model(torch.tensor([tokens]), seen[way].bool()[None, None], None)
    return float((judged.model.logits(hidden[0])[place] / temperature).log_softmax(-1)[token])


def chances(judged, backend: str, text: str, temperature: float = 1.0) -> list[float]:
    """The log-likelihood of each token of a text, by loops."""
    vocabulary = judged.tokenizer.vocabulary
    ids, starts = judged.tokenizer.encode(text)
    tokens, found = [vocabulary.cls, *ids.tolist(), vocabulary.sep], []
    word = np.r_[0, np.cumsum(starts), 0]
    for i in range(1, len(tokens) - 1):
        seen, at, way = list(tokens), i, "both"
        for j in range(i, len(tokens) - 1):
            if j == i or (backend.endswith("_word") and word[j] == word[i]):
                seen[j] = vocabulary.mask
        if backend in ("causal", "backward", "mask_free"):
            seen = list(tokens)
        if backend.endswith("_ahead"):
            seen = [*tokens[:i], *[vocabulary.mask] * 3, vocabulary.sep]
        if backend in ("causal", "mntp", "mntp_word", "mntp_ahead"):
            at = i - 1
        if backend in ("causal", "backward"):
            at, way = (i - 1, "forward") if backend == "causal" else (i + 1, "backward")
        found.append(chance(judged, seen, at, tokens[i], way, temperature))
    return found


def plain(judged, backend: str, text: str, temperature: float = 1.0) -> float:
    """The log-likelihood of a text, by loops."""
    return sum(chances(judged, backend, text, temperature))


def scored(judged, backend: str, texts=TEXTS, objective=None, **options):
    _, ask = choose(backend, objective)
    return Scorer(judged.model, judged.tokenizer, ask, **options)([Text(text) for text in texts])


@pytest.mark.parametrize("backend", FIXED)
def test_a_score_is_that_of_plain_loops(judged, backend) -> None:
    found = scored(judged, backend, batch_tokens=64)
    assert found.total[0] == pytest.approx([plain(judged, backend, text) for text in TEXTS], abs=2e-3)
    assert found.total[0, 0] == found.total[0, 5]
    assert found.total[0, 0] != found.total[0, 1]


@pytest.mark.parametrize("backend", FIXED)
def test_the_batch_changes_nothing(judged, backend) -> None:
    one, other = (scored(judged, backend, batch_tokens=size).total for size in (1, 100_000))
    assert one == pytest.approx(other, abs=2e-3)
    assert one == pytest.approx(scored(judged, backend, TEXTS[::-1]).total[:, ::-1], abs=2e-3)


@pytest.mark.parametrize("backend", ["mlm", "causal"])
def test_a_temperature_divides_the_logits(judged, backend) -> None:
    found = scored(judged, backend, temperatures=(0.5, 1.0, 2.0))
    for row, temperature in zip(found.total, (0.5, 1.0, 2.0), strict=True):
        assert row[2] == pytest.approx(plain(judged, backend, TEXTS[2], temperature), abs=4e-3)


def test_two_ways_fused_are_their_mean(judged) -> None:
    both = scored(judged, "fused", objective=Mirror()).total
    ways = [scored(judged, way).total for way in ("causal", "backward")]
    assert both == pytest.approx(np.mean(ways, 0), abs=2e-3)
    masked = [scored(judged, way).total for way in ("mntp", "causal")]
    assert scored(judged, "fused", objective=Hybrid()).total == pytest.approx(np.mean(masked, 0), abs=2e-3)
    with pytest.raises(ValueError, match="backend=fused needs a model with two capabilities"):
        choose("fused", Mlm())


def test_a_model_that_reads_from_a_sign_is_asked_so(judged) -> None:
    """[FW] stands for [CLS]: here the role is taken by the mask, which the tokenizer has."""
    vocabulary = replace(judged.tokenizer.vocabulary, forward=judged.tokenizer.vocabulary.mask)
    tokenizer = SimpleNamespace(vocabulary=vocabulary, encode_batch=judged.tokenizer.encode_batch)
    _, ask = choose("causal", Mirror(direction_tokens=True))
    found = Scorer(judged.model, tokenizer, ask)([Text(TEXTS[3])]).total[0, 0]
    ids = judged.tokenizer.encode(TEXTS[3])[0].tolist()
    tokens = [vocabulary.mask, *ids, vocabulary.sep]
    total = sum(chance(judged, tokens, i, token, "forward") for i, token in enumerate(ids))
    assert found == pytest.approx(total, abs=2e-3)


def test_the_own_exam_of_a_causal_model_ends_the_text(judged) -> None:
    vocabulary = judged.tokenizer.vocabulary
    more = scored(judged, "own", objective=Causal()).total - scored(judged, "causal").total
    ids, _ = judged.tokenizer.encode(TEXTS[3])
    tokens = [vocabulary.cls, *ids.tolist(), vocabulary.sep]
    assert more[0, 3] == pytest.approx(chance(judged, tokens, len(tokens) - 2, vocabulary.sep, "forward"), abs=2e-3)


def test_the_bound_of_a_diffusion_with_every_level_is_at_a_single_token_its_likelihood(judged) -> None:
    words = [text for text in ("a", "the", "in") if len(judged.tokenizer.encode(text)[0]) == 1]
    assert words
    bound = scored(judged, "own", words, Diffusion(levels=4)).total
    assert bound == pytest.approx(scored(judged, "mlm", words).total, abs=1e-3)
    assert np.isfinite(scored(judged, "own", TEXTS, Diffusion()).total).all()


@pytest.mark.parametrize("backend", ["mlm", "mntp", "causal", "mask_free"])
def test_what_stands_before_the_start_is_seen_and_not_asked(judged, backend) -> None:
    text, start = "The statement assigns values.", len("The statement")
    _, ask = choose(backend, None)
    found = Scorer(judged.model, judged.tokenizer, ask)([Text(text, start), Text(text)])
    ends = judged.tokenizer.ends([text])[0]
    assert found.tokens.tolist() == [int((ends > start).sum()), len(ends)]
    assert found.bytes.tolist() == [len(text) - start, len(text)]
    if backend == "causal":
        prefix = scored(judged, backend, ["The statement"]).total[0, 0]
        assert found.total[0, 0] == pytest.approx(found.total[0, 1] - prefix, abs=2e-3)
    assert found.total[0, 0] > found.total[0, 1]


def test_means_are_per_token_and_per_byte(judged) -> None:
    found = scored(judged, "mlm", ["Ein Fluß."])
    assert found.per("byte") == pytest.approx(found.total / 10)
    assert found.per("token") == pytest.approx(found.total / len(judged.tokenizer.encode("Ein Fluß.")[0]))


def test_what_is_seen_twice_is_asked_once(judged) -> None:
    """Two sentences that differ in their fourth token share what is before it, and all where it is hidden."""
    ids, _ = judged.tokenizer.encode("The statement assigns values.")
    other = ids.copy()
    other[3] = ids[0]
    scorer = Scorer(judged.model, judged.tokenizer, choose("causal", None)[1])
    word = np.r_[0, np.arange(1, len(ids) + 1), 0]
    rows = scorer._rows([(np.r_[1, kept, 2], word) for kept in (ids, other)])
    (problem,) = choose("causal", None)[1](rows)
    shared = deduplicate(problem)
    assert len(shared.context) == 2 * len(ids)
    assert len(shared.asked) == 2 * len(ids) - 4
    hidden = list(choose("mlm", None)[1](rows))[3]
    assert len(deduplicate(hidden).rows) == 1
    assert len(deduplicate(hidden).context) == 2


def test_questions_with_one_sight_have_one_answer(judged) -> None:
    """Where two places share a sight, what they see is the same."""
    scorer = Scorer(judged.model, judged.tokenizer, choose("mlm", None)[1])
    encoded = [judged.tokenizer.encode(text)[0] for text in TEXTS[:2]]
    some = min(map(len, encoded))
    rows = scorer._rows([(np.r_[1, ids[:some], 2], np.r_[0, np.arange(1, some + 1), 0]) for ids in encoded])
    for problem in choose("mlm", None)[1](rows):
        shared = deduplicate(problem)
        p, _ = torch.nonzero(problem.targets != IGNORE, as_tuple=True)
        assert torch.equal(problem.inputs[shared.rows][shared.asked // (some + 2)][shared.context], problem.inputs[p])


def test_batches_hold_one_length_and_every_text_once() -> None:
    lengths = [5, 9, 5, 5, 7, 9, 5, 300]
    found = list(batches(lengths, 16))
    assert sorted(np.concatenate(found).tolist()) == list(range(8))
    for batch in found:
        assert len({lengths[i] for i in batch}) == 1
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= 16


def test_rows_of_different_lengths_go_together_where_all_look_forward() -> None:
    def asking(length: int, rows: int, view: int) -> Problem:
        inputs = torch.full((rows, length), 7)
        return Problem(inputs, inputs, torch.ones(rows, length), torch.full((rows,), view))

    ways = [
        (5, 2, FORWARD),
        (8, 2, FORWARD),
        (9, 2, FORWARD),
        (9, 1, BOTH),
        (10, 1, BOTH),
        (9, 1, FORWARD),
        (9, 9, BACKWARD),
    ]
    found = list(regroup([asking(*way) for way in ways], 45))
    assert [tuple(problem.inputs.shape) for problem in found] == [(2, 5), (5, 9), (2, 10), (5, 9), (4, 9)]
    assert (found[1].targets != IGNORE).sum() == found[1].weights.sum() == 2 * (8 + 9) + 9
    assert sum(float(problem.weights.sum()) for problem in found) == sum(length * rows for length, rows, _ in ways)


def test_texts_that_look_forward_are_gathered_where_trees_are_read() -> None:
    def asking(length: int, rows: int, view: int) -> Problem:
        inputs = torch.full((rows, length), 7)
        return Problem(inputs, inputs, torch.ones(rows, length), torch.full((rows,), view))

    ways = [(3, 2, FORWARD), (9, 3, FORWARD), (9, 1, FORWARD), (9, 1, BOTH), (9, 2, BOTH)]
    found = list(regroup([asking(*way) for way in ways], 20, gathered=33))
    assert [tuple(problem.inputs.shape) for problem in found] == [(5, 9), (2, 9), (2, 9)]


def test_trees_change_no_score(judged) -> None:
    """And fewer positions are read, where the model can be told where a token stands."""
    read = {}
    for trees in (False, True):
        scorer = Scorer(judged.model, judged.tokenizer, choose("causal", None)[1])
        sizes: list[int] = []
        hook = judged.model.register_forward_pre_hook(lambda _, given, sizes=sizes: sizes.append(given[0].numel()))
        scorer._trees &= trees
        read[trees] = scorer([Text(text) for text in TEXTS]).total, sum(sizes)
        hook.remove()
    assert read[True][0] == pytest.approx(read[False][0], abs=1e-4)
    assert (read[True][1] < read[False][1]) == getattr(judged.model, "reads_positions", False)


def test_no_row_of_trees_is_longer_than_the_model_takes(judged) -> None:
    small = Modern(hidden=16, layers=1, heads=2, intermediate=24, max_length=24)
    model = small.build(judged.tokenizer.vocabulary.size, torch.Generator().manual_seed(0)).eval()
    scorer = Scorer(model, judged.tokenizer, choose("causal", None)[1])
    texts = [Text(text) for text in TEXTS if len(judged.tokenizer.encode_batch([text])[0][0]) + 2 <= 24]
    alone = [float(scorer([text]).total[0, 0]) for text in texts]
    assert len(texts) > 1
    assert scorer(texts).total[0] == pytest.approx(alone, abs=1e-4)


def test_a_text_longer_than_the_model_is_named(judged) -> None:
    long = "values " * 80
    with pytest.raises(ValueError, match=r"^'values values .*…' has \d+ tokens .*the model takes max_length=64$"):
        scored(judged, "mlm", ["short", long])


def test_the_default_follows_the_skills() -> None:
    assert [choose(None, made)[0] for made in (Mlm(), Causal(), Hybrid(), Mirror(), Causal(direction="backward"))] == [
        "mlm", "causal", "mntp", "causal", "backward",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no backend 'mlm_wrd': did you mean 'mlm_word'"):
        choose("mlm_wrd", None)
    with pytest.raises(ValueError, match="how the model was trained is not known: choose a backend, mlm, "):
        choose(None, None)
    assert set(BY_OBJECTIVE).isdisjoint(FIXED)


def test_half_precision_is_near_and_float32_the_default(judged) -> None:
    whole, half = (scored(judged, "mlm", half=half).total for half in (False, True))
    assert half == pytest.approx(whole, rel=0.03)
    assert (half != whole).any()
    assert (scored(judged, "mlm").total == whole).all()


LONG = " ".join(TEXTS)


@pytest.mark.parametrize("windows", [Windows(64, 20, 1.0), Windows(40, 39, 0.5), Windows(30, 7, 0.0)], ids=str)
@pytest.mark.parametrize("backend", ["causal", "mlm"])
def test_a_long_text_is_read_in_windows(judged, backend, windows) -> None:
    vocabulary = judged.tokenizer.vocabulary
    ids, starts = judged.tokenizer.encode(LONG)
    tokens, word = np.r_[vocabulary.cls, ids, vocabulary.sep], np.r_[0, np.cumsum(starts), 0]
    total = 0.0
    for window, asked in windows.over(tokens, word):
        for place in np.flatnonzero(asked):
            hidden = [vocabulary.mask if i == place else token for i, token in enumerate(window.tolist())]
            if backend == "causal":
                total += chance(judged, window.tolist(), place - 1, window[place], "forward")
            else:
                total += chance(judged, hidden, place, window[place])
    _, ask = choose(backend, None)
    scorer = Scorer(judged.model, judged.tokenizer, ask)
    found = scorer([Text(TEXTS[0]), Text(LONG)], windows)
    assert found.total[0, 1] == pytest.approx(total, abs=2e-2)
    assert found.tokens[1] == len(ids)
    assert found.total[0, 0] == pytest.approx(scorer([Text(TEXTS[0])]).total[0, 0], abs=2e-3)
    with pytest.raises(ValueError, match=r"has \d+ tokens with \[CLS\] and \[SEP\]: the model takes max_length=64"):
        scorer([Text(LONG)])
