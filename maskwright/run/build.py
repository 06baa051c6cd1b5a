"""From a config to the parts of a run: the device, the packed data, the model and its optimizer."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import torch
from torch import nn

from ..data.batch_size_schedule import ScheduledLoader, batch_size_schedule
from ..data.loader import Loader, length_schedule
from ..data.pack import Pack, Variant, pack
from ..data.streaming.blocks import Blocks, BlockSettings
from ..data.streaming.loader import StreamLoader
from ..files.yaml_files import parse_yaml
from ..layers.nhot import Parts
from ..layers.variants.late_masks import LateMasks
from ..noise import address
from ..objectives.base.objective import Masked, Objective
from ..optimizers._by_layer import decay_rates, freeze_below
from ..optimizers._by_part import PARTS, part_rates
from ..progress import during, warn
from ..settings import from_mapping, registry
from ..text.corpus import Corpus
from ..text.shards.prepare import prepare
from ..text.shards.shards import Shards
from ..text.tokenizers.substrings import substrings
from .config import Config
from .token_scorer import token_scorer

MAX_UNKNOWN = 1e-3
"""The proportion of unknown tokens, or of dropped characters, above which a run warns."""


def device(name: str) -> torch.device:
    """The device that `training.device` names; `auto` gives each rank of a machine its own GPU.

    Raises ValueError when it is not there.
    """
    if name == "auto":
        local = int(os.environ.get("LOCAL_RANK", 0))
        return torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    try:
        wanted = torch.device(name)
    except RuntimeError:
        wanted = None
    if wanted is None or wanted.type not in ("cpu", "cuda"):  # on others, such as mps, no run has ever been tried
        raise ValueError(f"training.device={name!r}: give auto, cpu, cuda or cuda:1")
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"training.device={name!r}: this machine has {torch.cuda.device_count()} GPUs; cpu will work")
    return wanted


def masked(written: Sequence[str] | None, ratio: float) -> list[Objective]:
    """The objectives of these names, or as in `{name: span, geometric_p: 0.5}`; by default all that mask by a ratio.

    ratio: where none is written. Raises ValueError for an objective that hides no tokens.
    """
    if written is None:
        kinds = [kind for kind in registry.entries("objectives").values() if issubclass(kind, Masked)]
        return [from_mapping(kind, {"ratio": ratio}, "") for kind in kinds]
    return [_masked(parse_yaml(text, f"objective {text}"), ratio) for text in written]


def _masked(written: Any, ratio: float) -> Objective:
    fields = dict(written) if isinstance(written, Mapping) else {"name": str(written)}
    kind, preset = registry.load(
        "objectives", name := str(fields.pop("name", "staged" if "stages" in fields else "mlm"))
    )
    own: dict[str, Any] = {"ratio": ratio} if issubclass(kind, Masked) else {}
    made: Objective = from_mapping(kind, preset | own | fields, name)
    if "unmask" not in made.capabilities:
        raise ValueError(f"objective {name} hides no tokens at a ratio: take one that does, such as mlm")
    return made


@dataclass(frozen=True)
class Data:
    """The text of a run, packed."""

    shards: Shards
    loader: Loader
    valid: Pack
    steps: int
    """Updates in the run."""


def data(config: Config, show: bool = True) -> Data:
    """Tokenize (or open what was tokenized before), and pack training and validation rows.

    With `rows.block_chars` this is the first block; the loader reads the others when they are needed.
    """
    blocks = _blocks(config, config.rows.block_chars, show) if config.rows.block_chars else None
    shards = blocks.first if blocks else prepare(
        config.corpus, config.tokenizer, config.evaluation.held_out, config.errors, progress=show
    )  # fmt: skip
    if not len(shards.valid.bytes):
        where = f"{len(shards.train.bytes)}{' in the first block (rows.block_chars)' if blocks else ''}"
        raise ValueError(
            f"evaluation.held_out={config.evaluation.held_out}: no document is held out of {where}; raise it, or give "
            "corpus.valid"
        )
    _check_tokens(shards, show)
    with during("packing rows", show):
        loader = _loader(config, shards, blocks)
        last = length_schedule(config.rows.length)[-1][1]
        return Data(shards, loader, pack(shards.valid, shards.vocabulary, last), steps(config, loader))


def _loader(config: Config, shards: Shards, blocks: Blocks | None) -> Loader:
    sizes = batch_size_schedule(config.training.batch_tokens)
    if blocks:
        return StreamLoader(blocks, sizes[0][1], config.seed, config.rows.keep_blocks)
    return ScheduledLoader(_packs(config, shards), sizes, config.seed, config.order)


def _packs(config: Config, shards: Shards) -> list[tuple[int, Pack]]:
    """The packs of a run, each with its first epoch: one for each row length, and for each of `rows.packings`."""
    groups, lengths = config.order.groups(shards), dict(length_schedule(config.rows.length))
    packs: list[tuple[int, Pack]] = []
    for epoch in sorted({*lengths, *range(config.rows.packings)}):
        length = lengths[max(begun for begun in lengths if begun <= epoch)]
        variant = Variant(config.seed, min(epoch, config.rows.packings - 1))
        before = sum(len(one) for _, one in packs) if variant.number else 0
        packs.append((epoch, pack(shards.train, shards.vocabulary, length, groups, variant, before)))
    return packs


def _blocks(config: Config, characters: int, show: bool) -> Blocks:
    held_out, length = config.evaluation.held_out, length_schedule(config.rows.length)[0][1]
    corpus = partial(_corpus, config.tree())
    return Blocks(BlockSettings(corpus, config.tokenizer, held_out, config.errors, characters, length), show)


def _corpus(tree: dict[str, Any]) -> Corpus:
    corpus: Corpus = Config.of(tree, trust_code=True).corpus
    return corpus


def _check_tokens(shards: Shards, show: bool) -> None:
    """Raises ValueError where a split has no tokens, and warns of more than 0.1 % that are lost."""
    for name, split in (("train", shards.train), ("validate", shards.valid)):
        if not len(split.tokens):
            raise ValueError(
                f"there are no tokens to {name} on: the tokenizer drops all text of {len(split.bytes):,} documents"
            )
    if show and shards.unknown_share > MAX_UNKNOWN:
        warn(
            f"{shards.unknown_share:.1%} of the tokens are unknown: the tokenizer cannot spell that"
            " text; raise tokenizer.size, or take tokenizer.kind=bpe, which spells everything as bytes"
        )
    if show and shards.dropped_share > MAX_UNKNOWN:
        warn(
            f"the tokenizer drops {shards.dropped_share:.1%} of the characters, such as control characters:"
            " tokenizer.kind=bpe keeps them all"
        )


def objective(config: Config, shards: Shards) -> Objective:
    """The live objective of a run, as it begins; the config stays as it is."""
    return config.objective.build(shards, config.seed, partial(token_scorer, tokenizer=shards.tokenizer))


def steps(config: Config, loader: Loader) -> int:
    """The number of updates that steps, epochs, tokens or words of the config come to."""
    training = config.training
    if training.words is not None:
        return loader.step_at_words(training.words)
    if training.epochs is not None:
        return max(1, loader.step_at_epoch(training.epochs))
    first = loader.stages[0]
    return training.steps or loader.first_step_after(ceil((training.tokens or 0) / (first.rows * first.pack.length)))


def check_ranks(loader: Loader, size: int) -> None:
    """Refuse more ranks than a batch has rows. Raises ValueError."""
    if (fewest := min(stage.rows for stage in loader.stages)) < size:
        raise ValueError(f"training.batch_tokens gives {fewest} rows a batch: too few for {size} ranks")


def model(config: Config, shards: Shards, where: torch.device) -> nn.Module:
    """The model at its start, a function of the config, the seed and the tokenized text.

    Raises ValueError when n-hot embeddings are asked for and no token has parts.
    """
    generator = torch.Generator().manual_seed(address(config.seed, "model") % 2**63)
    built: nn.Module = config.model.build(shards.vocabulary.size, generator)
    if _lays_out_twice(config.objective) and not getattr(built, "reads_positions", False):
        raise ValueError(
            "diffusion with a block_length lays a text out twice, so that the model must take positions: "
            f"model.name={registry.name_of(config.model)} does not; take modern, minigpt or hlb_gpt"
        )
    for module in built.modules():
        if isinstance(module, Parts):
            _fill(module, shards)
        elif isinstance(module, LateMasks):
            module.token.fill_(shards.vocabulary.mask)
    if config.training.freeze_layers:
        freeze_below(built, config.training.freeze_layers)
    return built.to(where)


def _lays_out_twice(objective: Objective) -> bool:
    return bool(objective.reads_blocks) or any(map(_lays_out_twice, objective.sub_objectives.values()))


def optimizer(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of a run, its groups by role, with `training.rates` by part and with `layer_decay` by layer."""
    made: torch.optim.Optimizer = config.optimizer.build(model)
    if config.training.rates is not None:
        part_rates(made, model, {part: getattr(config.training.rates, part).ratio for part in PARTS})
    if config.training.layer_decay is not None:
        decay_rates(made, model, config.training.layer_decay)
    for group in made.param_groups:
        group["initial_lr"] = group["lr"]  # the peak, which schedules multiply
    return made


def _fill(module: Parts, shards: Shards) -> None:
    """Tell n-hot embeddings what the tokens are made of, and how often the training text has them."""
    settings, tokenizer = module.settings, shards.tokenizer
    found = substrings(
        tokenizer, settings.min_length, settings.max_length, settings.max_substrings, settings.boundaries
    )
    counts = shards.train.counts(tokenizer.vocabulary.size)
    module.fill(*map(torch.from_numpy, (found.offsets, found.parts, counts)))
