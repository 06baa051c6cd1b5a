"""From a request to texts: open the models, build the sampler, generate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..attention import FORWARD
from ..files.errors import short_repr
from ..objectives.answers import Answers
from ..objectives.base.detector import detector
from ..objectives.base.objective import Objective
from ..objectives.diffusion import Diffusion
from ..objectives.diffusion.mixed import NONE_RANDOM
from ..run.load import LoadedRun, load
from ..settings import from_mapping, override, registry, settings
from ..settings.bounds import MOST_SIZE, Count, Passes, Seed, Size
from ..settings.schedule import Scheduled
from ..text.tokenizers.tokenizer import Tokenizer
from .canvas import Canvas, asked, blank, encoded, whole
from .denoiser import Denoiser, Remasker
from .fill import MASK_TEXT
from .generate import Frame, generate
from .mask_schedule import SHAPES, MaskSchedule
from .prefill import in_blocks, prefill
from .sampler import Sampler

Kind = TypeVar("Kind", bound=Objective)
LENGTH = 64
"""Tokens in a text by default."""
DEFAULTS = "mdlm", "left_to_right"
"""The default samplers, of which the first that fits the model is used."""
EDIT_RATIO = 0.3
"""The share of a text that is masked at the start when it is revised."""


@settings
class SamplingOptions:
    """How texts are generated."""

    remasker: Path | None = None
    """The run whose model detects wrong tokens; none for the generating model itself, where it was trained for both."""
    sampler: str | None = None
    """A file in `samplers/`; by default mdlm where the model fills masks, else left_to_right."""
    sampler_options: tuple[str, ...] = ()
    """Options of the sampler, such as `eta=0.1`."""
    length: Size | None = None
    """Tokens in a text; by default those of a prompt that contains [MASK], else 64."""
    steps: Passes = 64
    """Forward passes of the model; from left to right it takes one for each token."""
    schedule: str = "linear"
    """The mask ratio over the steps: linear, cosine, exponential; or the ratios after each step but the last."""
    start_ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """The mask ratio at the start of the schedule; by default 1, and 0.3 where a text is revised."""
    block_length: Size | None = None
    """Generate in blocks of so many tokens, from left to right; by default those that the model was trained in, or all
    at once."""
    temperature: Scheduled[Annotated[float, Field(ge=0)]] = 1.0
    """Divides the logits; 0 always takes the most probable token. Or a schedule over the steps (of each block)."""
    top_k: Annotated[int, Field(ge=0, le=MOST_SIZE)] = 0
    """Sample from so many of the most probable tokens; 0 for all."""
    top_p: float = 1.0
    """Nucleus sampling: sample from the most probable tokens with this total probability."""
    guidance: Annotated[float, Field(ge=0)] = 0.0
    """Classifier-free guidance towards the prompt, at a second forward pass in each step; 0 for none."""
    seed: Seed = 0
    """The random seed: the same seed gives the same texts."""


@settings
class SampleRequest(SamplingOptions):
    """What to generate, and how."""

    run: Path
    """The run whose model generates."""
    prompt: str = ""
    """What the text begins with; [MASK] in it is filled in."""
    edit: str | None = None
    """A text to revise instead."""
    count: Count = 1
    """How many texts."""
    gap: Size | None = None
    """How many tokens each [MASK] of the prompt has room for, for models trained with gaps, which leave some of it
    empty; by default it is one token."""
    stop_at_sep: bool = True
    """Whether a text generated from left to right may end, with [SEP], before its length."""


@dataclass(frozen=True)
class LoadedModels:
    """The models for generating, opened once for any number of texts."""

    model: nn.Module
    tokenizer: Tokenizer
    objective: Objective
    """What the model was trained with."""
    remasker: Remasker | None

    @property
    def answers(self) -> bool:
        """Whether a prompt is followed by an answer."""
        return any(_parts(self.objective, Answers))


def load_models(request: SampleRequest) -> LoadedModels:
    """The models that a request names. Raises ValueError when they were not trained for it."""
    return models_of(load(request.run, "cpu"), load(request.remasker, "cpu") if request.remasker else None)


def models_of(run: LoadedRun, remasker: LoadedRun | None = None) -> LoadedModels:
    """The models of a run and its remasker. Raises ValueError when they were not trained for it."""
    objective = run.known_objective
    if not compatible_samplers(objective):
        raise ValueError(
            f"{run.path} was trained with {registry.name_of(objective)}, "
            "which neither fills masks nor predicts the next token"
        )
    return LoadedModels(run.model, run.tokenizer, objective, remasker_of(run, remasker))


def compatible_samplers(objective: Objective) -> list[str]:
    """The samplers that work with a model trained with `objective`."""
    kinds = {name: registry.load("sampling.samplers", name)[0] for name in registry.names("sampling.samplers")}
    return [name for name, kind in kinds.items() if not objective.capabilities.isdisjoint(kind.capabilities)]  # type: ignore[attr-defined]


def sampler_name(request: SampleRequest, models: LoadedModels) -> str:
    """The sampler that a request names, or the default for the model."""
    fit = compatible_samplers(models.objective)
    return request.sampler or next(name for name in (*DEFAULTS, *fit) if name in fit)


def remasker_of(run: LoadedRun, remasker: LoadedRun | None) -> Remasker | None:
    """The model that detects wrong tokens, if there is one. Raises ValueError when `remasker` cannot."""
    source = remasker or run
    found = detector(source.objective) if source.objective else None
    if found is None and remasker is None:
        return None
    if found is None:
        raise ValueError(
            f"{source.path} was not trained to detect wrong tokens: a remasker is trained with objective.name=remask"
        )
    if source.tokenizer.fingerprint != run.tokenizer.fingerprint:
        raise ValueError(
            f"{source.path} has another tokenizer than {run.path}: a remasker reads what the unmasker writes"
        )
    return Remasker(source.model, found, run.tokenizer.vocabulary)


def texts(request: SampleRequest, models: LoadedModels) -> list[str]:
    """The finished texts. Raises ValueError when something does not fit."""
    *_, last = stream(request, models)
    return finished(models, last)


def finished(models: LoadedModels, last: Frame) -> list[str]:
    """The texts of the last frame; of a model that answers, the answers."""
    known, rows = models.tokenizer.vocabulary, last.tokens.tolist()
    begins = [row.index(known.sep) if models.answers and known.sep in row[:-1] else 0 for row in rows]
    return [models.tokenizer.decode(row[begin:]).strip() for row, begin in zip(rows, begins, strict=True)]


def stream(request: SampleRequest, models: LoadedModels, canvas: Canvas | None = None) -> Iterator[Frame]:
    """A frame after each step. Raises ValueError when something does not fit.

    canvas: rows of different beginnings, in place of the one that the request describes.
    """
    made = build_sampler(sampler_name(request, models), request.sampler_options)
    canvas = canvas or _canvas(request, models, longest(models.model))
    denoiser = _denoiser(request, made, models, canvas)
    if models.remasker and longest(models.remasker.model) < canvas.tokens.shape[1]:
        raise ValueError(
            f"{request.remasker or request.run} takes {longest(models.remasker.model)} tokens, "
            f"and the text has {canvas.tokens.shape[1]}"
        )
    if made.view == FORWARD:
        canvas, seen = prefill(canvas, models.objective, models.tokenizer.vocabulary)
        denoiser = replace(denoiser, seen=seen, allow_sep=request.stop_at_sep, allow_pad=False)
        return generate(denoiser, made, canvas, MaskSchedule(steps=int(canvas.free[0].sum())), request.seed)
    blocks: int | Tensor | None = request.block_length
    if size := models.objective.reads_blocks:
        if request.block_length not in (None, size):
            raise ValueError(f"block_length={request.block_length}: {request.run} was trained in blocks of {size}")
        blocks, seen = in_blocks(canvas.tokens.shape[1], size)
        denoiser = replace(denoiser, seen=seen)
    return generate(denoiser, made, canvas, mask_schedule(request), request.seed, models.remasker, blocks)


def _denoiser(request: SampleRequest, made: Sampler, models: LoadedModels, canvas: Canvas) -> Denoiser:
    """The denoiser that the sampler needs. Raises ValueError when the model was not trained for it."""
    vocabulary = models.tokenizer.vocabulary
    if request.guidance and made.view == FORWARD:
        raise ValueError(
            f"guidance={request.guidance:g}: it needs a model that fills masks, not one that reads forward"
        )
    capabilities = models.objective.capabilities
    shift = next((shift for capability, shift in made.capabilities.items() if capability in capabilities), None)
    if shift is None:
        raise ValueError(
            f"sampler {registry.name_of(made)} needs a model with the capability {' or '.join(made.capabilities)}; "
            f"{request.run} was trained with {registry.name_of(models.objective)}, "
            f"which has {' and '.join(sorted(capabilities))}"
        )
    trained = [*_parts(models.objective, Diffusion)]
    if request.gap and not any(part.gaps for part in trained):
        raise ValueError(
            f"gap={request.gap}: {request.run} was not trained with objective.gaps, so it fills all of them"
        )
    line = next((part.mixed for part in trained if part.mixed), NONE_RANDOM)
    prompt = ~canvas.free[0] & ~torch.from_numpy(vocabulary.is_special)[canvas.tokens[0]]
    return Denoiser(
        models.model, vocabulary, shift, request.temperature, request.top_k, request.top_p,
        guidance=request.guidance, prompt=prompt, line=line,
        allow_pad=bool(request.gap) or models.answers,
    )  # fmt: skip


def _parts(objective: Objective, kind: type[Kind]) -> Iterator[Kind]:
    """Those of a kind that an objective is or has inside it."""
    if isinstance(objective, kind):
        yield objective
    for part in objective.sub_objectives.values():
        yield from _parts(part, kind)


def longest(model: nn.Module) -> int:
    """The longest row that a model takes, in positions."""
    return int(model.max_length)  # type: ignore[arg-type]


def build_sampler(name: str, options: Iterable[str] = ()) -> Sampler:
    """The sampler of a name, with `option=value` set. Raises ValueError when there is no such sampler or option."""
    kind, preset = registry.load("sampling.samplers", name)
    made: Sampler = from_mapping(kind, override(preset, options), name)
    return made


def mask_schedule(request: SampleRequest) -> MaskSchedule:
    """The schedule of a request. Raises ValueError for an unknown shape."""
    start = request.start_ratio if request.start_ratio is not None else 1.0 if request.edit is None else EDIT_RATIO
    options: dict[str, Any] = {"steps": request.steps, "shape": request.schedule, "start": start}
    if request.schedule not in SHAPES:
        try:
            shares = request.schedule.strip().removeprefix("[").removesuffix("]").split(",")
            options |= {"shape": "linear", "custom": tuple(map(float, shares))}
        except ValueError:
            shapes = ", ".join(SHAPES)
            raise ValueError(
                f"schedule={short_repr(request.schedule)}: give {shapes}, or mask ratios such as 0.8,0.5,0.2"
            ) from None
    return from_mapping(MaskSchedule, options, "schedule")


def _canvas(request: SampleRequest, models: LoadedModels, room: int) -> Canvas:
    tokenizer = models.tokenizer
    if request.edit is not None:
        return whole(tokenizer, request.edit, request.count, room)
    if models.answers and MASK_TEXT not in request.prompt:
        prompt = len(encoded(tokenizer, request.prompt)) + 1
        return asked(tokenizer, request.prompt, request.length or min(LENGTH, room - 2 - prompt), request.count, room)
    default = None if MASK_TEXT in request.prompt else min(LENGTH, room - 2)
    return blank(tokenizer, request.prompt, request.length or default, request.count, room, request.gap or 1)
