"""The sections of a config without a `name`: rows, training, evaluation, and the top-level options."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ..data.batch_size_schedule import batch_size_schedule
from ..data.loader import length_schedule
from ..settings import Names, settings
from ..settings.bounds import MOST_EPOCHS, MOST_MINUTES, MOST_TEXT, Layers, PositiveInt, Seed, Tokens
from ..settings.schedule import Share
from .milestones import Milestones, Words
from .starting.lora import Lora
from .starting.vocabulary_transfer import NewTokens


@settings
class Rows:
    """How documents become rows."""

    length: int | str = 128
    """Tokens in a row; or a schedule by epoch, `0:64,5:256`."""
    packings: Annotated[int, Field(ge=1, le=1000)] = 1
    """In how many ways documents are cut and put together into rows: each of the first so many epochs has its own, and
    those that follow have the last."""
    block_chars: PositiveInt | None = None
    """Characters of training text in a block: training begins when the first is tokenized, and rows are shuffled within
    a block. Null tokenizes all text first and shuffles all rows."""
    keep_blocks: PositiveInt | None = None
    """How many blocks stay on disk, beside the first and the next; others are made again when they are needed. Null
    keeps all."""

    def __post_init__(self) -> None:
        stages = length_schedule(self.length)
        if self.keep_blocks and not self.block_chars:
            raise ValueError(f"keep_blocks={self.keep_blocks}: there are no blocks without rows.block_chars")
        if self.block_chars and self.packings > 1:
            raise ValueError(f"packings={self.packings}: with block_chars, a text is packed once; leave one out")
        if self.block_chars and len(stages) > 1:
            raise ValueError(f"length={self.length!r}: with block_chars, the end of an epoch is not known beforehand")


Shape = Literal["constant", "linear", "cosine", "sqrt"]


@settings
class Rate:
    """The learning rate of a part of the model; in YAML also its ratio alone."""

    ratio: Annotated[float, Field(gt=0)] = 1.0
    """Its peak, relative to that of the optimizer."""
    decay: Shape | None = None
    """How it decays; null as `training.decay` says."""
    floor: Annotated[float, Field(ge=0, le=1)] | None = None
    """Where it ends, as a fraction of its peak; null for `training.floor`."""


PartRate = Annotated[Rate, BeforeValidator(lambda given: {"ratio": given} if isinstance(given, int | float) else given)]


@settings
class Rates:
    """The learning rates of the parts of a model."""

    matrix: PartRate = Rate()
    """Weights of two dimensions inside the model."""
    embedding: PartRate = Rate()
    """Tables of embeddings; a tied decoder is one."""
    vector: PartRate = Rate()
    """Biases, norms and gains."""
    head: PartRate = Rate()
    """Whatever follows the last layer."""


@settings
class Training:
    """How long to train, at what rate, and on what device."""

    steps: PositiveInt | None = None
    """Updates in the run; or give `epochs`, `tokens` or `words`."""
    epochs: Annotated[float, Field(gt=0, le=MOST_EPOCHS)] | None = None
    """Passes over the training rows."""
    tokens: Annotated[float, Field(gt=0, le=MOST_TEXT)] | None = None
    """Tokens to train on."""
    words: Words | None = None
    """Whitespace-separated words to train on, repetitions counted, as in 100M: the budget of the BabyLM challenge."""
    minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)] | None = None
    """Stop early after this much time, resumed time included; the schedule is still that of the whole run."""
    fit_minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)] | None = None
    """Make the run as short as this much time allows on this machine, learning-rate schedule included: a trial of a few
    updates, which is part of the time, sets `steps`, which config.yaml keeps; null to keep the given length."""
    init_from: str | None = None
    """A finished run, or a folder of `transformers`, whose weights initialise this one. The sections `model`,
    `tokenizer` and `objective` that are left out are its own. Null starts from random weights."""
    new_tokens: NewTokens | None = None
    """How tokens begin that the tokenizer of init_from lacks, where the run has another: `pieces`, as the mean of the
    old tokens that their text is split into; `mean`, as the mean of all; `random`. Null refuses another tokenizer."""
    stretch: Annotated[float, Field(gt=1, le=1024)] | None = None
    """Positions of init_from are stretched by this factor, for rows that are so much longer than those it was trained
    on: rotary ones by a larger base, learned ones by interpolation. Null keeps them."""
    freeze: Share | None = None
    """Fraction of the steps in which only the head is trained and the body stays frozen; null freezes nothing."""
    freeze_layers: Layers | None = None
    """The embeddings and so many layers, from the first on, stay as they are in the whole run; null for none."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] | None = None
    """Each layer learns at this multiple of the rate of the one above it, the embeddings at the lowest; null for one
    rate."""
    lora: Lora | None = None
    """Low-rank adapters by `peft`, as in `{rank: 8}`: they alone learn, and the finished model has them merged; of
    `rank`, `alpha`, `dropout`, `targets`, `embeddings`. Null trains all weights."""
    batch_tokens: int | str = 4096
    """Tokens per update, over all ranks and micro-batches; or a schedule by epoch, `0:512,0.5:2048,1:4096`."""
    micro_batch_tokens: Tokens | Literal["auto"] | None = None
    """Tokens that one device processes at once; null for the whole batch. auto: as many as its free memory holds, which
    a trial says and config.yaml keeps."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """Fraction of the run in which the learning rate rises."""
    stable: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of the run for which it then stays at its peak."""
    decay: Shape = "cosine"
    """How it decays after that; sqrt is 1 − √(fraction of the decay done)."""
    floor: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Where it ends, as a fraction of the peak."""
    rates: Rates | None = None
    """Rates of their own for matrix, embedding, vector and head, as in {embedding: 2.5, head: {ratio: 0.5, decay:
    linear, floor: 0}}; null for the same everywhere."""
    clip: Annotated[float, Field(gt=0)] | None = 1.0
    """Maximum norm of the whole gradient; null for no clipping."""
    z_loss: Annotated[float, Field(ge=0)] = 0.0
    """Weight of ln² Z in the loss."""
    ema: Share | None = None
    """Decay per step of the moving average of the weights, which is evaluated and saved; null for the last weights."""
    ema_span: Annotated[float, Field(gt=0, le=1)] | None = None
    """The memory of that average as a share of the run, in place of its decay: 1 − 1 / (share · steps)."""
    average: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the run, at its end, over whose steps the mean of the weights is taken, which is evaluated and saved."""
    best_weights: bool | None = None
    """Whether the last weights and each average are validated when the run ends, and those with the lowest loss saved;
    else the average."""
    precision: Literal["auto", "bf16", "fp16", "fp32", "fp8"] = "auto"
    """Of matrix products (weights stay float32). auto: bf16 where the hardware supports it, and fp16 with dynamic loss
    scaling on an older GPU. fp8 is experimental: for the blocks during training, on a GPU, by torchao."""
    activation_checkpointing: bool = False
    """Whether a block keeps only its input and is recomputed in the backward pass: less memory, a third slower."""
    compile: bool | Literal["auto"] = "auto"
    """Whether the step is compiled. auto: on a GPU; on a processor, when a trial at the start says that the run gains
    more time than compiling takes."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How ranks share the model: each holds all of it (DDP), or a shard of every tensor (FSDP2)."""
    timeout: Annotated[float, Field(gt=0, le=MOST_MINUTES)] = 5.0
    """Minutes that ranks wait for each other: when one hangs for longer, all stop."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto uses a GPU if there is one."""
    checkpoint_every: PositiveInt | None = None
    """Steps between checkpoints; null for ten in the run."""
    keep: PositiveInt | None = 2
    """How many checkpoints to keep; null for all."""
    keep_at: Milestones = ()
    """Numbers of words seen at which the model is kept permanently, as OUT/words/chck_1M …: a list such as [1M, 2M], or
    `babylm` for the schedule of the challenge."""
    log_every: PositiveInt = 10
    """Steps between lines of metrics.jsonl."""
    trackers: Names = ()
    """Where else metrics go: tensorboard, trackio, wandb."""

    def __post_init__(self) -> None:
        if sum(length is not None for length in (self.steps, self.epochs, self.tokens, self.words)) != 1:
            raise ValueError("exactly one of training.steps, .epochs, .tokens and .words says how long to train")
        if self.stretch is not None and self.init_from is None:
            raise ValueError(f"stretch={self.stretch:g} is of the positions of training.init_from: name the model")
        if self.freeze is not None and self.init_from is None:
            raise ValueError(f"freeze={self.freeze:g} keeps what training.init_from has learned: name the run of it")
        if self.freeze is not None and self.freeze_layers:
            raise ValueError(f"freeze={self.freeze:g} ends freezing that freeze_layers={self.freeze_layers} asks for")
        if self.lora and (told := self._refused_by_lora()):
            raise ValueError(f"lora trains adapters alone, which {told} does not go with: leave out either")
        if self.ema and self.ema_span:
            raise ValueError(f"ema={self.ema:g} and ema_span={self.ema_span:g} say one thing in two ways: give one")
        if (moving := self.ema or self.ema_span) and self.average and not self.best_weights:
            raise ValueError(
                f"{'ema' if self.ema else 'ema_span'}={moving:g} and average={self.average:g} are two averages of the "
                "weights: give one, or best_weights=true, which keeps the best"
            )
        if self.best_weights and not (moving or self.average):
            raise ValueError("best_weights chooses among averages and the last weights: give average, ema or ema_span")
        if self.warmup + self.stable > 1:
            raise ValueError(
                f"warmup + stable = {self.warmup + self.stable:g}: they are fractions of one run, at most 1"
            )
        batch_size_schedule(self.batch_tokens)

    def _refused_by_lora(self) -> str:
        told = {
            f"freeze={self.freeze}": self.freeze is not None,
            "precision=fp8": self.precision == "fp8",
            "parallel=fsdp": self.parallel == "fsdp",
        }
        return next((setting for setting, used in told.items() if used), "")


@settings
class Evaluation:
    """What is held out, and how often it is evaluated."""

    held_out: Share = 0.05
    """Fraction of the documents kept for validation, chosen by the hash of their text."""
    every: PositiveInt | None = None
    """Steps between validations, each over all that is held out. Null for at most ten in the run, which on the way read
    at most a tenth as many tokens as the training: of a short run fewer, or every second, third … row of what is held
    out. The last is always over all of it."""
    batch_tokens: Tokens = 16384
    """Tokens evaluated at once."""
    knew: str | None = None
    """A text file, or a folder of them, that the model of init_from knew: when training ends, that model and the new
    one are compared on it and on what is held out (the suite `adaptation`). Null compares nothing."""


@settings
class Top:
    """The top-level options."""

    seed: Seed = 0
    """The seed of every random draw in the run."""
    errors: Literal["strict", "replace"] = "strict"
    """What to do with bytes that are not UTF-8: stop with their position, or replace them."""
    license: str | None = None
    """The licence of the model as its card names it, an identifier of the Hub such as apache-2.0; null names none."""
    language: Names = ()
    """The languages of the text as the card names them, such as en or [de, hsb]."""
