"""A run, complete: one frozen tree of settings, read from a recipe or a YAML file and written back whole.

Sections that are named (`objective: {name: span, ratio: 0.3}`) take the class that the folder of that name offers, with
the options of its preset; every other key is an option. `a.b=c` overrides come last.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from ..data.batch_size_schedule import batch_size_schedule
from ..data.loader import length_schedule
from ..data.order import Order
from ..files.yaml_files import read_yaml
from ..objectives.base.objective import Objective
from ..settings import did_you_mean, field_names, from_mapping, outside, override, registry, settings, short_repr
from ..settings.outside import trusting
from ..settings.schedule import Share
from ..storage.atomic import atomic_write
from ..text.tokenizers.tokenizer import TokenizerSettings
from .milestones import Milestones, Words

RECIPES = Path(__file__).parents[1] / "recipes"


@settings
class Rows:
    """How documents become rows."""

    length: int | str = 128
    """Positions in a row; or a curriculum by epoch, `0:64,5:256`."""

    def __post_init__(self) -> None:
        length_schedule(self.length)


@settings
class Training:
    """How long, how fast and with what."""

    steps: Annotated[int, Field(ge=1)] | None = None
    """Updates in the run; or give `epochs`, `tokens` or `words`."""
    epochs: Annotated[float, Field(gt=0)] | None = None
    """How often the training rows are gone through."""
    tokens: Annotated[float, Field(gt=0)] | None = None
    """Positions to see."""
    words: Words | None = None
    """Words between blanks to see, repetitions counted, as in 100M: the budget of the BabyLM challenge."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop early after this much time, resumed time included; the schedule is still that of the whole run."""
    init_from: str | None = None
    """A finished run whose weights initialise this one; same model and tokenizer. Null starts from random weights."""
    freeze: Share | None = None
    """Share of the steps during which only the head is trained and the body stays frozen; null freezes nothing."""
    batch_tokens: int | str = 4096
    """Positions in one update, over all ranks and micro-steps; or how they grow by epoch, `0:512,0.5:2048,1:4096`."""
    micro_batch_tokens: Annotated[int, Field(ge=1)] | None = None
    """Positions that one device takes at once; none for the whole batch."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """Share of the run in which the learning rate rises."""
    stable: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the run for which it then stays at its peak."""
    decay: Literal["constant", "linear", "cosine", "sqrt"] = "cosine"
    """How it falls after that; sqrt is one less the square root of what is done of the fall."""
    floor: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Where it ends, as a share of the peak."""
    clip: Annotated[float, Field(gt=0)] | None = 1.0
    """Largest norm of the whole gradient; none to leave it."""
    z_loss: Annotated[float, Field(ge=0)] = 0.0
    """Weight of ln² Z in the loss."""
    ema: Share | None = None
    """Decay per step of the average of the weights that is evaluated and kept; none to keep the last weights."""
    precision: Literal["auto", "bf16", "fp16", "fp32", "fp8"] = "auto"
    """Of matrix products (weights stay float32); auto takes bf16 where the hardware multiplies it, and fp16, with a
    loss scale that finds itself, on an older GPU. fp8 is an experiment: that of the blocks while they learn, on a GPU,
    by torchao."""
    activation_checkpointing: bool = False
    """Whether a block keeps its input alone and is computed again in the backward pass: less memory, a third slower."""
    compile: bool | Literal["auto"] = "auto"
    """Whether the step is compiled; auto does where the run is long enough to earn the minute it takes back."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """What several ranks hold: each the whole model (DDP), or each a part of every tensor (FSDP2)."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between checkpoints; none for ten in the run."""
    keep: Annotated[int, Field(ge=1)] | None = 2
    """How many checkpoints stay; none for all."""
    keep_at: Milestones = ()
    """Words seen at which the model is kept for good, as OUT/words/chck_1M …: a list such as [1M, 2M], or `babylm` for
    the schedule of the challenge."""
    log_every: Annotated[int, Field(ge=1)] = 10
    """Steps between lines of metrics.jsonl."""
    trackers: tuple[str, ...] = ()
    """Where else numbers go: tensorboard, trackio, wandb."""

    def __post_init__(self) -> None:
        if sum(length is not None for length in (self.steps, self.epochs, self.tokens, self.words)) != 1:
            raise ValueError("exactly one of training.steps, .epochs, .tokens and .words says how long to train")
        if self.freeze is not None and self.init_from is None:
            raise ValueError(f"freeze={self.freeze:g} keeps what training.init_from has learned: name the run of it")
        if self.warmup + self.stable > 1:
            raise ValueError(f"warmup + stable = {self.warmup + self.stable:g}: they are shares of one run, at most 1")
        batch_size_schedule(self.batch_tokens)


@settings
class Evaluation:
    """What is held out, and how often it is asked."""

    held_out: Share = 0.05
    """Share of the documents kept for validation, chosen by the hash of their text."""
    every: Annotated[int, Field(ge=1)] | None = None
    """Steps between validations; none for ten in the run."""
    batch_tokens: Annotated[int, Field(ge=1)] = 16384
    """Positions asked at once."""


@settings
class Top:
    """What stands beside the sections."""

    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    """Decides every draw of the run."""
    errors: Literal["strict", "replace"] = "strict"
    """What to do with bytes that are no UTF-8: stop and name the place, or replace them."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that a run depends on."""

    corpus: Any
    tokenizer: TokenizerSettings
    rows: Rows
    order: Order
    model: Any
    objective: Objective
    optimizer: Any
    training: Training
    evaluation: Evaluation
    seed: int
    errors: Literal["strict", "replace"]

    @classmethod
    def of(cls, tree: Mapping[str, Any], overrides: Iterable[str] = (), trust_code: bool = False) -> "Config":
        """The run that a nested mapping describes. Raises ValueError with one sentence for whatever does not fit.

        trust_code: whether code from outside the package that `tree` names may run; what overrides name may.
        """
        overrides = list(overrides)
        with trusting(override({}, overrides), everything=trust_code):
            return cls._build(tree, overrides)

    @classmethod
    def _build(cls, tree: Mapping[str, Any], overrides: list[str]) -> "Config":
        if any(assignment.startswith("corpus.files=") for assignment in overrides):
            overrides.append("corpus.name=files")
        tree = override(_explicit(tree), overrides)
        for key in tree:
            if key not in (choices := [field.name for field in dataclasses.fields(cls)]):
                raise ValueError(f"unknown section {key}: {did_you_mean(key, choices)}")
        parts = {name: _named(name, where, _section(tree, name)) for name, where in NAMED.items()}
        parts |= {name: from_mapping(kind, _section(tree, name), name) for name, kind in PLAIN.items()}
        parts["training"] = _with_trackers(parts["training"])
        top = from_mapping(Top, {knob: tree[knob] for knob in field_names(Top) if knob in tree}, "")
        config = cls(**parts, seed=top.seed, errors=top.errors)
        _check_lengths(config)
        return config

    @classmethod
    def load(cls, source: str | Path, overrides: Iterable[str] = (), trust_code: bool = False) -> "Config":
        """The run of a recipe's name, a YAML file or a folder that a run was written to; `trust_code` as in `of`."""
        return cls.of(read(source), overrides, trust_code)

    def tree(self) -> dict[str, Any]:
        """The nested mapping that `of` takes back, complete."""
        plain = {name: _plain(getattr(self, name)) for name in PLAIN}
        named = {
            name: {"name": registry.name_of(part)} | _plain(part) for name in NAMED if (part := getattr(self, name))
        }
        return named | plain | {"seed": self.seed, "errors": self.errors}

    def write(self, path: Path) -> None:
        """Write the run as YAML, and beside it the files of code from outside the package that it names."""
        tree = self.tree()
        outside.keep(tree, path.parent)
        atomic_write(path, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


NAMED = {
    "corpus": "text.corpora",
    "order": "data.orders",
    "model": "models",
    "objective": "objectives",
    "optimizer": "optimizers",
}
"""Sections whose name is a file in a folder."""
PLAIN = {"tokenizer": TokenizerSettings, "rows": Rows, "training": Training, "evaluation": Evaluation}
DEFAULT = {
    "corpus": "embedded",
    "order": "shuffled",
    "model": "modern-tiny",
    "objective": "mlm",
    "optimizer": "muon",
}


def _explicit(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """`tree` with the name that a corpus of `files` needs not say, so that they go when another is named."""
    corpus = tree.get("corpus")
    if isinstance(corpus, Mapping) and "files" in corpus and not corpus.get("name"):
        return {**tree, "corpus": {**corpus, "name": "files"}}
    return tree


def _section(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = tree.get(name) or {}
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise ValueError(
            f"{name}={short_repr(values)}: a section is a mapping of options, as in {name}.name=… or {{name: …}}"
        )
    return dict(values)


def _named(section: str, where: str, values: Mapping[str, Any]) -> Any:
    kind, preset = registry.load(where, name := str(values.get("name") or DEFAULT[section]))
    if not dataclasses.is_dataclass(kind) or (section == "objective" and not issubclass(kind, Objective)):
        what = "a subclass of maskwright.Objective" if section == "objective" else "a class"
        raise ValueError(f"{section}.name={name} is not {what} with @settings from maskwright.settings")
    return from_mapping(kind, preset | {key: value for key, value in values.items() if key != "name"}, section)


def _with_trackers(training: Training) -> Training:
    """`training` with its trackers by the names under which they are found from anywhere. Raises ValueError."""
    kinds = [registry.load("training.trackers", name)[0] for name in training.trackers]
    return dataclasses.replace(training, trackers=tuple(registry.class_name(kind) for kind in kinds))


def _check_lengths(config: Config) -> None:
    longest = max(length for _, length in length_schedule(config.rows.length))
    if longest > config.model.max_length:
        raise ValueError(f"rows.length={longest} is over the model's max_length={config.model.max_length}")
    if longest > batch_size_schedule(config.training.batch_tokens)[0][1]:
        raise ValueError(
            f"training.batch_tokens={config.training.batch_tokens}: a batch holds at least a row of {longest}"
        )


def _plain(part: Any) -> dict[str, Any]:
    """The options of a settings object as YAML types."""
    return {f.name: _yaml(getattr(part, f.name)) for f in dataclasses.fields(part) if f.init}


def _yaml(value: Any) -> Any:
    if isinstance(value, Objective):
        return {"name": registry.name_of(value)} | _plain(value)
    if dataclasses.is_dataclass(value):
        return _plain(value)
    if isinstance(value, tuple | list):
        return [_yaml(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def recipes() -> list[str]:
    """The names of the recipes that come with the package."""
    return sorted(str(path.relative_to(RECIPES).with_suffix("")) for path in RECIPES.rglob("*.yaml"))


def read(source: str | Path) -> dict[str, Any]:
    """The mapping in a recipe, a YAML file or a run's folder. Raises ValueError when there is none."""
    path = Path(source)
    candidates = [path / "config.yaml", path, RECIPES / f"{source}.yaml"]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        raise ValueError(f"no recipe or file {str(source)!r}: {did_you_mean(str(source), recipes())}")
    tree = read_yaml(found)
    if not isinstance(tree, dict):
        raise ValueError(f"{found} holds no sections such as `objective:` or `training:`")
    outside.locate(tree, found.parent)
    return tree
