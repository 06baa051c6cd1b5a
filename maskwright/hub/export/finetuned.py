"""A run fine-tuned for a task as a folder of `transformers`: its class for sequences or for tokens, with the head that
was trained and the labels by name.

The class itself is trained, on rows that the tokenizer which goes along makes, so what is measured is what is written.
"""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as library
from torch import Tensor, nn

from ...evaluate.finetuning import grid
from ...evaluate.finetuning.classification_data import Task, task, tasks
from ...evaluate.finetuning.encoder import flat_places
from ...evaluate.finetuning.finetune import Finetuning, Prepared, Result, Tuner, tags_of, target_of
from ...evaluate.finetuning.protocol import PROTOCOLS
from ...evaluate.finetuning.tag_data import KINDS, Tagging, in_rows, tagging
from ...models.transformers.quiet import silence
from ...noise import address
from ...run.load import LoadedRun
from ...settings import settings
from ...settings.bounds import PositiveInt, Seed
from ...storage.atomic import atomic_folder
from . import bundle, remote_code, transformers
from .run import opened_as_trained, way

DROPOUTS = ("classifier_dropout", "cls_dropout", "seq_classif_dropout")
"""Names that configurations have for the dropout of the head."""

CARD = """---
library_name: transformers
pipeline_tag: {task}
tags:
- maskwright
---

# {name}

A `{kind}`, fine-tuned with maskwright on the task {title}: {labels}.

```python
from transformers import pipeline

ask = pipeline("{task}", model={quoted}{trust})
```

| on the validation examples | |
|---|---|
{rows}
"""


@settings
class Options(Finetuning):
    """How a run is fine-tuned to be exported: all weights, under the head of the class."""

    seed: Seed = 0
    """Decides the head's first weights, the order, the dropout and the held-out examples."""
    limit: PositiveInt | None = None
    """Use only the first so many lines of each file, or sentences of tags; none for all."""

    def __post_init__(self) -> None:
        for name, default in {"train": "full", "protocol": None}.items():
            if getattr(self, name) != default:
                raise ValueError(f"{name}={getattr(self, name)}: what is exported is trained as a whole; leave it out")
        super().__post_init__()


def read_task(data: Path | None, limit: int | None) -> Task | Tagging:
    """The one task in a folder: texts with labels where there is train.jsonl or train.tsv, else words with tags.

    Raises ValueError when there is none or several, and for what is wrong in its files.
    """
    kinds = [name for name in KINDS if name != ".tsv"]
    tagged = data is not None and any(path for name in kinds for path in data.glob(f"*train{name}*"))
    found = tasks(data, tuple(kinds), alone=True) if tagged else tasks(data)
    if len(found) > 1:
        raise ValueError(f"{data} holds {len(found)} tasks: pass the folder of one, such as {data}/{next(iter(found))}")
    ((name, files),) = found.items()
    return (tagging if tagged else task)(name, *files, limit)


def finetune(source: LoadedRun, one: Task | Tagging, options: Options, out: Path) -> dict[str, float]:
    """Fine-tune `source` and write it to `out`; the numbers of the validation examples.

    Raises ValueError when `out` holds something already, and for a model without such a class.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: choose another folder")
    forward, _ = way(source.objective, None)
    ours = opened_as_trained(source, forward)
    found = transformers.peer(source.model, source.model_settings, ours.vocabulary, forward)
    length = source.model_settings.max_length
    with atomic_folder(out) as aside:
        transformers.write_tokenizer(aside, found.path, ours, length, forward)
        with silence():
            tokenizer = library.AutoTokenizer.from_pretrained(aside)
        rows, types = _rows(tokenizer, one, min(options.length, length))
        model, code = _with_head(source, found, one, options)
        network = ClassNetwork(model.to(source.model.get_parameter(_first(source.model)).device), rows, types)

        def trained(settings: Options, network: ClassNetwork) -> Result:
            return Tuner(rows, settings, PROTOCOLS[None]).train(network, settings.seed)

        best = grid.best(options, lambda some: trained(some, copy.deepcopy(network)).score)
        numbers = trained(best, network).numbers | grid.chosen(options, best)
        with silence():
            model.save_pretrained(aside)
        if code:
            (aside / f"{bundle.FILE}.py").write_text(code, encoding="utf-8")
        (aside / "README.md").write_text(_card(out.resolve().name, model, one, numbers), encoding="utf-8")
    return numbers


def _first(model: nn.Module) -> str:
    return next(name for name, _ in model.named_parameters())


class ClassNetwork(nn.Module):
    """A class of `transformers` as what a `Tuner` trains: from the numbers of rows to scores [n, C]."""

    def __init__(self, model: Any, rows: Prepared, types: Sequence[Sequence[int]] | None):
        super().__init__()
        self.model, self.rows, self.types = model, rows, types

    def forward(self, chosen: np.ndarray) -> Tensor:
        """The scores of the rows `chosen`; of tags those of each word, at its first token."""
        ids, places = self.rows.at(chosen)
        device = self.model.device
        sizes = torch.tensor([len(one) for one in ids], device=device)
        inside = torch.arange(int(sizes.max()), device=device) < sizes[:, None]  # [B, L]
        given = {
            "input_ids": _filled(ids, inside, self.model.config.pad_token_id or 0),
            "attention_mask": inside.long(),
        }
        if self.types is not None:
            given["token_type_ids"] = _filled([np.array(self.types[i]) for i in chosen], inside, 0)
        scores: Tensor = self.model(**given).logits
        return scores if places is None else scores.flatten(0, 1)[flat_places(places, inside)]


def _filled(rows: Sequence[np.ndarray], inside: Tensor, pad: int) -> Tensor:
    """[B, L] int64, the rows with `pad` behind them."""
    made = torch.full(inside.shape, pad, device=inside.device)
    made[inside] = torch.from_numpy(np.concatenate(rows)).long().to(inside.device)
    return made


def _rows(tokenizer: Any, one: Task | Tagging, length: int) -> tuple[Prepared, list[list[int]] | None]:
    """A task as the tokenizer of the folder makes it, and the types of its tokens where that has some."""
    if isinstance(one, Tagging):
        return _tagged(tokenizer, one, length), None
    texts = [*one.train.texts, *one.valid.texts]
    columns = [list(column) for column in zip(*texts, strict=True)]
    made = tokenizer(*columns, truncation=True, max_length=length)
    ids = [np.array(each) for each in made["input_ids"]]
    return Prepared(one.name, len(one.train), ids, None, target_of(one)), made.get("token_type_ids")


def _tagged(tokenizer: Any, one: Tagging, length: int) -> Prepared:
    def encode(texts: list[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        made = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        ends = [np.array([end for _, end in each], np.int64) for each in made["offset_mapping"]]
        return [np.array(ids, np.int64) for ids in made["input_ids"]], ends

    framed = tokenizer("a", return_special_tokens_mask=True)
    special = np.array(framed["special_tokens_mask"], bool)
    inside = np.flatnonzero(~special)
    before, after = (np.array(framed["input_ids"])[part] for part in (slice(inside[0]), slice(inside[-1] + 1, None)))
    room = length - len(before) - len(after)
    train, valid = (in_rows(part, encode, room) for part in (one.train, one.valid))
    ids = [np.r_[before, some, after].astype(np.int64) for some in [*train.ids, *valid.ids]]
    places = [len(before) + some for some in [*train.places, *valid.places]]
    return Prepared(one.name, len(train.ids), ids, places, tags_of(one, train, valid))


def _with_head(source: LoadedRun, found: transformers.Peer, one: Task | Tagging, options: Options) -> tuple[Any, str]:
    """The class with the weights of the body and a fresh head, and our modelling file where it needs that."""
    auto = "AutoModelForTokenClassification" if isinstance(one, Tagging) else "AutoModelForSequenceClassification"
    if found.source is None and type(found.model.config) not in getattr(library, auto)._model_mapping:
        if found.path is not None:
            raise ValueError(
                f"transformers has no {auto} of {found.model.config.model_type}: it cannot be fine-tuned so"
            )
        own = transformers.peer(source.model, source.model_settings, source.tokenizer.vocabulary, True, own_code=True)
        return _with_head(source, own, one, options)  # native masked classes have both heads
    config = _configured(found.model.config, one, options)
    network = {"settings": type(source.model_settings), "network": type(source.model)}
    with silence(), remote_code.known(**network), torch.random.fork_rng(devices=[]):
        torch.manual_seed(address(options.seed, "head") % 2**63)
        ours = getattr(remote_code, bundle.CLASSES[auto]) if found.source else None
        model: Any = ours(config) if ours else getattr(library, auto).from_config(config)
    body = found.model.base_model.state_dict()
    missing, unexpected = model.base_model.load_state_dict(body, strict=False)
    assert not unexpected, unexpected
    assert all("pooler" in name for name in missing), missing
    return model.float(), found.source or ""


def _configured(known: Any, one: Task | Tagging, options: Options) -> Any:
    """The configuration with the labels and the options of the head. Raises ValueError for pooling that it has not."""
    config = copy.deepcopy(known)
    names = list(one.classes) or ["score"]
    config.id2label, config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    if not isinstance(one, Tagging):
        config.problem_type = "single_label_classification" if one.classes else "regression"
    for name in DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, options.dropout)
    pooling = {"first": "cls", "mean": "mean"}.get(options.pool)
    if options.pool != "auto":
        if isinstance(one, Tagging) or pooling is None or not hasattr(config, "classifier_pooling"):
            raise ValueError(
                f"pool={options.pool}: the class for {config.model_type} has a place of its own; leave it out"
            )
        config.classifier_pooling = pooling
    return config


def _card(name: str, model: Any, one: Task | Tagging, numbers: dict[str, float]) -> str:
    kind = "token-classification" if isinstance(one, Tagging) else "text-classification"
    many = f"{len(one.classes)} labels" if one.classes else "a score"
    trust = ", trust_remote_code=True" if isinstance(model, remote_code.MaskwrightPreTrainedModel) else ""
    rows = "\n".join(f"| {metric} | {number:.4g} |" for metric, number in numbers.items())
    return CARD.format(
        name=name, kind=type(model).__name__, title=one.name, labels=many, task=kind, trust=trust, rows=rows,
        quoted=json.dumps(name),
    )  # fmt: skip
