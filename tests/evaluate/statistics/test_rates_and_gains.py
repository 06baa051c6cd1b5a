"""How often parts of speech are hidden, and what is learned meanwhile."""

import json

import numpy as np
import pytest

from maskwright.display.adaptive.hiding_rates import association_table
from maskwright.evaluate.statistics.rates_and_gains import Curves, associate, curves
from maskwright.evaluate.validation.hiding_rates import rates
from maskwright.run import build
from maskwright.run.config import Config

LEXICON = "the_DT name_NN is_VBZ of_IN the_DT new_JJ list_NN ._.\n"


def made(draw, linked):
    """Rates of 3 kinds at 21 steps, and accuracies on 2 phenomena at 20 checkpoints; both drift."""
    steps, middle = np.arange(0, 210, 10), np.arange(5.0, 190, 10)
    hidden = 1 + steps[:, None] / 300 + draw.normal(size=(21, 3)) / 9
    gained = 0.1 - middle[:, None] / 3000 + draw.normal(size=(19, 2)) / 99
    if linked:
        gained[:, 1] += np.interp(middle, steps, hidden[:, 2])
    return steps, hidden, Curves(steps[:-1], ["agreement", "islands"], np.r_[np.zeros((1, 2)), gained.cumsum(0)])


def test_what_is_learned_while_it_is_hidden_is_found_and_nothing_else() -> None:
    found = associate(*made(np.random.default_rng(0), linked=True))
    assert found.r.shape == (3, 2)
    assert found.changes == 19
    assert found.r[2, 1] > 0.9 > found.largest_by_chance
    assert found.p_of_all[2, 1] < 0.01
    assert (found.p_of_all >= found.p).all()
    shown = association_table(["noun", "verb", "determiner"], found, 1)
    assert [next(iter(column.cells)).plain for column in shown.columns][:2] == ["determiner", "islands"]
    assert "95 % of random orders have none of the 6 beyond" in shown.caption.plain
    free = associate(*made(np.random.default_rng(1), linked=False))
    assert free.p_of_all.min() > 0.05


def test_rates_are_those_of_hiding_whatever_the_weights_are_relative_to(settings, tmp_path) -> None:
    (tmp_path / "tagged.txt").write_text(LEXICON)
    settings["objective"] = {"name": "adaptive", "ratio": {"start": 0.4, "end": 0.2}}
    config = Config.of(settings)
    data = build.data(config, show=False)
    flat = (~data.shards.vocabulary.is_special).astype(np.float32)
    the = data.shards.tokenizer.encode(" the")[0]
    lean = flat.copy()
    lean[the] = 0.25
    found = rates(config, data, np.array([20, 40]), np.stack([7 * flat, lean]), tmp_path / "tagged.txt")
    assert found.steps.tolist() == [0, 20, 40]
    assert found.hidden[0] == pytest.approx(0.4, abs=0.1)
    assert found.hidden[1] == pytest.approx(0.3, abs=0.1)
    assert found.relative @ found.frequency == pytest.approx(1)
    assert found.relative[2, found.kinds.index("determiner")] < 0.6


def test_one_command_shows_rates_gains_and_chance(command, settings, write, tmp_path) -> None:
    from maskwright.training.trainer import Trainer

    settings["objective"] = {"name": "adaptive", "update_every": 4}
    settings["training"] |= {"steps": 24, "checkpoint_every": 4, "keep": None}
    settings["evaluation"]["every"] = 4
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    (tmp_path / "tagged.txt").write_text(LEXICON)
    for number, term in enumerate(("agreement", "islands")):
        line = {"field": "syntax", "linguistics_term": term, "UID": f"p{number}"}
        pairs = [
            {"sentence_good": f"The {word} is a list.", "sentence_bad": f"The {word} are a list."} for word in "abcd"
        ]
        data = write(f"blimp/p{number}.jsonl", *(line | pair for pair in pairs))
    words = ("--lexicon", tmp_path / "tagged.txt", "--blimp", data, "--limit", 3)
    code, said, complaint = command("weights", tmp_path / "run", *words, "--json")
    assert code == 0, complaint
    found = json.loads(said)["gains"]
    assert found["changes"] == 5
    assert {"noun/agreement", "determiner/islands"} <= found["correlations"].keys()
    assert all(-1 <= one["r"] <= 1 and 0 < one["p"] <= one["p_of_all"] <= 1 for one in found["correlations"].values())
    drawn = (tmp_path / "run" / "plots" / "rates_and_gains.svg").read_text()
    assert "islands" in drawn
    assert "random orders" in drawn


def test_too_few_checkpoints_or_no_lexicon_are_refused(command, trained, tmp_path) -> None:
    with pytest.raises(
        ValueError, match=r"holds 2 models from during its training.*needs? at least 5.*training\.keep_at"
    ):
        curves(trained, tmp_path)
    code, _, complaint = command("weights", trained, "--blimp", tmp_path)
    assert code == 2
    assert "give --lexicon too" in complaint
