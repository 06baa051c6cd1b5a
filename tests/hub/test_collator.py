"""The collator in a real Trainer: masks by address, whatever the batch, the workers or the point of resuming."""

import pytest
import torch

from maskwright.hub.collator import MaskingCollator
from maskwright.masking.select import IGNORE
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.span import Span
from maskwright.objectives.whole_word import WholeWord
from maskwright.settings.registry import names

from ..handmade import VOCABULARY

transformers = pytest.importorskip("transformers", reason="transformers is an extra")


class Ours:
    """A tokenizer as far as a collator asks."""

    vocabulary = VOCABULARY


def features(count=24, **more):
    """Rows of 6 to 29 tokens between [CLS] and [SEP]."""
    draw = torch.Generator().manual_seed(0)
    for row in range(count):
        middle = torch.randint(5, 57, (4 + row,), generator=draw).tolist()
        yield {"input_ids": [1, *middle, 2], "row_id": row, **{name: make(row) for name, make in more.items()}}


def hidden(batch, row):
    length = int(batch["attention_mask"][row].sum())
    return batch["input_ids"][row, :length].tolist(), batch["labels"][row, :length].tolist()


def test_a_batch_is_padded_and_asked():
    rows = list(features())
    batch = MaskingCollator(Ours())(rows)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in batch.items()} == dict.fromkeys(
        ("input_ids", "attention_mask", "labels"), (torch.Size([24, 29]), torch.int64)
    )
    for b, row in enumerate(rows):
        ids = torch.tensor(row["input_ids"])
        assert batch["attention_mask"][b].tolist() == [1] * len(ids) + [0] * (29 - len(ids))
        labels = batch["labels"][b, : len(ids)]
        assert torch.equal(labels[labels != IGNORE], ids[labels != IGNORE])
        assert labels[0] == labels[-1] == IGNORE
        assert (labels != IGNORE).any()
        assert (batch["labels"][b, len(ids) :] == IGNORE).all()


@pytest.mark.parametrize("id_column", [None, "row_id"])
@pytest.mark.parametrize("objective", ["mlm", Span(), "ranked_span"])
def test_a_row_has_its_mask_in_any_batch(id_column, objective):
    collator, rows = MaskingCollator(Ours(), objective, id_column=id_column), list(features())
    together = collator(rows)
    for part in ([3], [20, 1], [5, 6, 7]):
        batch = collator([rows[i] for i in part])
        assert [hidden(batch, i) for i in range(len(part))] == [hidden(together, i) for i in part]


def test_epochs_change_masks_and_a_column_says_the_epoch():
    collator = MaskingCollator(Ours())
    first = collator(list(features()))["labels"]
    collator.clock[0] = 1
    second = collator(list(features()))["labels"]
    assert not torch.equal(first, second)
    assert torch.equal(first, collator(list(features(epoch=lambda row: 0)))["labels"])


def test_the_seed_and_the_row_change_masks():
    rows = [next(features()) | {"row_id": i} for i in range(9)]
    one, other = (MaskingCollator(Ours(), Mlm(ratio=0.5), seed=s, id_column="row_id")(rows)["labels"] for s in (0, 1))
    assert not torch.equal(one, other)
    assert len({tuple(row) for row in one.tolist()}) > 1
    names = [row | {"row_id": str(row["row_id"])} for row in rows]
    assert MaskingCollator(Ours(), id_column="row_id")(names)["labels"].shape == one.shape


@pytest.mark.parametrize("words", [
    {"word_ids": lambda row: [None, *[i // 2 for i in range(4 + row)], None]},
    {"word_starts": lambda row: [0, *[i % 2 == 0 for i in range(4 + row)], 0]},
])  # fmt: skip
def test_words_are_hidden_whole(words):
    batch = MaskingCollator(Ours(), WholeWord(ratio=0.4, keep_prob=0.0, random_prob=0.0))(list(features(**words)))
    for b in range(24):
        asked = (batch["labels"][b, 1 : 5 + b] != IGNORE).tolist()
        assert all(asked[i] == asked[i ^ 1] for i in range(len(asked) // 2 * 2))


def test_what_is_special_is_never_asked():
    rows = list(features(special_tokens_mask=lambda row: [1, 1, *[0] * (4 + row)]))
    rows += [row | {"attention_mask": [1] * 4 + [0] * (len(row["input_ids"]) - 4)} for row in features()]
    for epoch in range(20):
        labels = MaskingCollator(Ours(), Mlm(ratio=0.6))([row | {"epoch": epoch} for row in rows])["labels"]
        assert (labels[:24, :2] == IGNORE).all()
        assert (labels[24:, 4:] == IGNORE).all()


def test_rows_can_be_padded_to_a_multiple():
    assert MaskingCollator(Ours(), pad_to_multiple_of=8)(list(features()))["input_ids"].shape == (24, 32)


def test_a_batch_in_which_nothing_is_asked_is_refused():
    """A loss of transformers is a mean over labels, which is no number without any."""
    collator = MaskingCollator(Ours(), Mlm(ratio=1e-9, at_least_one=False))
    with pytest.raises(
        ValueError, match=r"^mlm asked nothing in a batch of 24 rows, which has no loss then: raise obj"
    ):
        collator(list(features()))


def test_a_schedule_goes_by_epochs():
    collator = MaskingCollator(Ours(), Mlm(ratio={"start": 0.5, "end": 0.1}))
    asked = []
    for epoch in (0, 2, 4):
        collator.clock[0], collator.clock[1] = epoch, 4
        asked.append(int((collator(list(features()))["labels"] != IGNORE).sum()))
    assert asked[0] > asked[1] > asked[2]


class OneWay(Mlm):
    def corrupt(self, rows, noise):
        problem = super().corrupt(rows, noise)
        return type(problem)(problem.inputs, problem.targets, problem.weights, problem.view + 1)


class Learning(Mlm):
    def observe(self, problem, loss, correct):
        pass


@pytest.mark.parametrize(("options", "sentence"), [
    ({"objective": OneWay()}, "reads in one direction, and a masked model of transformers in both"),
    ({"objective": Learning()}, "learns from the loss, which no collator ever sees"),
    ({"objective": "diffusion"}, "diffusion weights its positions, and labels have no weights"),
    ({"objective": "hybrid"}, r"DataCollatorForLanguageModeling\(tokenizer, mlm=False\)"),
    ({"mlm_probability": 0.2}, "mlm_probability is called ratio here"),
    ({"ratoi": 0.2}, "unknown key mlm.ratoi: did you mean 'ratio'?"),
    ({"ratio": 1.5}, "mlm.ratio=1.5"),
    ({"objective": Mlm(), "ratio": 0.2}, "ratio is an option of an objective that is named"),
    ({"objective": "whole_word"}, "whole_word must know the words: give features word_ids or word_starts"),
    ({"objective": "mlmm"}, "no objective 'mlmm': did you mean 'mlm'?"),
    ({"id_column": "id"}, "features have no 'id': set remove_unused_columns=False, or id_column=None"),
])  # fmt: skip
def test_what_cannot_be_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence.replace("?", r"\?")):
        MaskingCollator(Ours(), **options)(list(features()))


@pytest.mark.parametrize("name", names("objectives"))
def test_an_objective_that_cannot_be_served_is_refused_when_the_collator_is_made(name):
    rows = list(features(64, word_ids=lambda row: [None, *range(4 + row), None]))
    try:
        collator = MaskingCollator(Ours(), name, id_column="row_id")
    except ValueError:
        return
    for epoch in range(3):
        collator(rows := [row | {"epoch": epoch} for row in rows])


def test_options_of_an_objective_are_given_by_name():
    rows = list(features())
    whole = MaskingCollator(Ours(), "span", ratio=0.4, geometric_p=0.5)(rows)["labels"]
    assert torch.equal(whole, MaskingCollator(Ours(), Span(ratio=0.4, geometric_p=0.5))(rows)["labels"])
    assert not torch.equal(whole, MaskingCollator(Ours(), "span")(rows)["labels"])


def fast(**tokens):
    from tokenizers import Tokenizer, models

    words = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3, "[MASK]": 4, **{f"w{i}": i for i in range(5, 60)}}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **tokens)


def test_a_tokenizer_of_transformers_is_read():
    roles = {f"{role}_token": f"[{role.upper()}]" for role in ("unk", "cls", "sep", "pad", "mask")}
    known = MaskingCollator(fast(**roles)).vocabulary
    assert (known.size, known.pad, known.mask, known.cls, known.sep) == (60, 3, 4, 1, 2)
    assert known.special == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("absent", ["mask", "pad"])
def test_a_tokenizer_without_a_mask_or_padding_is_refused(absent):
    there = {"mask": "pad", "pad": "mask"}[absent]
    with pytest.raises(ValueError, match=f"the tokenizer has no {absent} token"):
        MaskingCollator(fast(**{f"{there}_token": f"[{there.upper()}]"}))


class Watched(MaskingCollator):
    """Writes down, from any process, the labels of each row at each step."""

    def __call__(self, features):
        batch = super().__call__(features)
        batch["row"] = torch.tensor([feature["row_id"] for feature in features])
        return batch


def train(path, workers, resume=None, steps=10):
    """Train a tiny BERT; returns what each step saw: rows and labels."""
    config = transformers.BertConfig(
        vocab_size=120, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=32,
    )  # fmt: skip
    seen = []

    class Trainer(transformers.Trainer):
        def compute_loss(self, model, inputs, **rest):
            seen.append((inputs.pop("row").tolist(), inputs["labels"].tolist(), inputs["input_ids"].tolist()))
            return super().compute_loss(model, inputs, **rest)

    arguments = transformers.TrainingArguments(
        path, per_device_train_batch_size=6, max_steps=steps, save_steps=6, report_to="none", use_cpu=True,
        remove_unused_columns=False, dataloader_num_workers=workers, dataloader_pin_memory=False, disable_tqdm=True,
        logging_strategy="no",
    )  # fmt: skip
    collator = Watched(Ours(), id_column="row_id")
    trainer = Trainer(
        model=transformers.BertForMaskedLM(config), args=arguments, data_collator=collator,
        train_dataset=list(features()), callbacks=[collator.callback],
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume)
    return seen


@pytest.mark.filterwarnings("ignore")  # those of transformers and accelerate
def test_a_resumed_trainer_sees_the_same_masks(tmp_path):
    whole = train(tmp_path / "a", workers=0)
    assert train(tmp_path / "b", workers=2) == whole
    assert train(tmp_path / "a", workers=0, resume=str(tmp_path / "a" / "checkpoint-6")) == whole[6:]
    assert train(tmp_path / "a", workers=2, resume=str(tmp_path / "a" / "checkpoint-6")) == whole[6:]
    masks = [{row: labels for rows, batch, _ in whole[b : b + 4] for row, labels in zip(rows, batch, strict=True)}
             for b in (0, 4)]  # fmt: skip
    assert sum(masks[0][row][:9] != masks[1][row][:9] for row in range(24)) > 12
