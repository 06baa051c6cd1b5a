"""The sections of a config that have no name to choose: rows, training, evaluation, and what stands beside them."""

from typing import Annotated, Literal

from pydantic import Field

from ..data.batch_size_schedule import batch_size_schedule
from ..data.loader import length_schedule
from ..settings import settings
from ..settings.schedule import Share
from .milestones import Milestones, Words


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
    fit_minutes: Annotated[float, Field(gt=0)] | None = None
    """Make the run as short as this much time allows on this machine, learning-rate schedule included: a trial of a few
    updates sets `steps`, which config.yaml keeps; none to leave its length alone."""
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
