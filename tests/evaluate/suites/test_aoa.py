"""Age of acquisition, from checkpoints and the two files."""

import json
import shutil

import pytest
import torch

from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.run import saved

WORDS = ["names", "values", "rules"]


@torch.no_grad()
def test_words_are_asked_of_every_checkpoint(trained, write, tmp_path) -> None:
    contexts = {word: [{"context": "It has "}, {"context": "The"}] for word in WORDS}
    write("aoa/cdi_childes.json", json.dumps(contexts))
    rows = [f"{word}," + ",".join(str(min(1, (age - 15) / 15)) for age in range(16, 31)) for word in WORDS]
    data = write("aoa/cdi_human.csv", "word," + ",".join(map(str, range(16, 31))), *rows)
    for name in ("chck_1M", "chck_10M", "chck_100M"):
        shutil.copytree(trained, tmp_path / "all" / name)
    numbers = evaluate_folder("aoa", tmp_path / "all", data, [f"predictions={tmp_path}"])
    assert (numbers["asked"], numbers["correlation"]) == (3, 0.0)
    made = json.loads((tmp_path / "all/main/zero_shot/mlm/AoA_word/surprisal.json").read_text())["results"]
    assert len(made) == 3 * 6
    assert [line["step"] for line in made[::6]] == ["chck_1M", "chck_10M", "chck_100M"]
    model, tokenizer = saved.load(trained)
    ids = torch.tensor([tokenizer.vocabulary.cls, *tokenizer.encode("The names")[0], tokenizer.vocabulary.sep])
    places = range(1 + len(tokenizer.encode("The")[0]), len(ids) - 1)
    total = 0.0
    for place in places:
        hidden = torch.where(torch.arange(len(ids)) == place, tokenizer.vocabulary.mask, ids)
        total -= float(model.logits(model(hidden[None])[0])[place].log_softmax(-1)[ids[place]])
    assert made[1]["surprisal"] == pytest.approx(total, abs=1e-3)
    old = evaluate_folder("aoa", tmp_path / "all", data, ["rules=2025"])
    assert old["asked"] == 3
    with pytest.raises(ValueError, match="holds 0 checkpoints"):
        evaluate_folder("aoa", trained, data)
