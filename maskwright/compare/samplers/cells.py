"""A sampler with a seed at a number of forward passes: it continues beginnings of held-out texts, which are measured.

Shapes: P prompts, L tokens in a text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field

from ...attention import FORWARD
from ...evaluate.generation.quality import CausalScorer, independent_scorer, measure_texts
from ...evaluate.generation.references import halves
from ...run.load import LoadedRun, load
from ...sampling.canvas import Canvas, continued
from ...sampling.passes import ForwardPasses
from ...sampling.request import (
    LoadedModels,
    SampleRequest,
    SamplingOptions,
    build_sampler,
    compatible_samplers,
    models_of,
    stream,
)
from ...sampling.sampler import Sampler
from ...settings import Names, from_mapping, override, settings
from ...settings.bounds import MOST_SIZE, Count, Passes, Size
from ..experiments import seed_list

TEMPERATURE = "temperature="


@settings
class SweepOptions(SamplingOptions):
    """What is swept."""

    samplers: Names = ()
    """Samplers, each with its options and a temperature if it has its own, as in `remdm+eta=0.1+temperature=0.8`; by
    default all that fit the models."""
    scorer: Path
    """The run of a causal model with the same text and tokenizer; not the sampled run itself."""
    passes: tuple[Passes, ...] = (8, 16, 32, 64)
    """Forward passes for a text, those of a remasker included."""
    seeds: str = "3"
    """How many seeds (3 means 0, 1, 2), or which (5,7)."""
    prompts: Annotated[Count, Field(ge=2)] = 64
    """Texts of each seed: as many beginnings of held-out texts, or fewer where the held-out text has not so many."""
    length: Annotated[Size, Field(ge=5)] = 64
    """Tokens in a text, the prompt included."""
    prompt_length: Annotated[int, Field(ge=0, le=MOST_SIZE)] = 16
    """Tokens of held-out text that a text begins with."""

    def __post_init__(self) -> None:
        if self.prompt_length >= self.length:
            raise ValueError(f"prompt_length={self.prompt_length}: nothing is left to write of length={self.length}")


@dataclass(frozen=True)
class Cell:
    """One sampler with one seed at one number of passes."""

    sampler: str
    passes: int
    seed: int


@dataclass(frozen=True)
class Sweep:
    """A sweep whose models are open."""

    run: LoadedRun
    options: SweepOptions
    models: LoadedModels
    scorer: CausalScorer
    reference: np.ndarray
    """[P, L] int64, held-out text that the texts are compared with."""
    held_out: np.ndarray
    """[P, L] int64, other held-out text: the texts begin as it does."""

    @property
    def canvas(self) -> Canvas:
        """The beginnings, to be continued."""
        begin = torch.from_numpy(self.held_out[:, : self.options.prompt_length])
        return continued(self.models.tokenizer.vocabulary, begin, self.options.length)

    def measure_held_out(self) -> dict[str, float]:
        """The metrics of the held-out text that the texts begin as."""
        return measure_texts(self.held_out, self.reference, self.scorer, self.run.data.shards.train)

    def identity(self) -> dict[str, Any]:
        """What a point depends on besides its sampler, passes and seed."""
        skip = {"samplers", "passes", "seeds", "seed", "scorer", "remasker", "sampler", "sampler_options", "steps"}
        asked = {name: str(value) for name, value in vars(self.options).items() if name not in skip}
        remasker = [self.models.remasker.model] if self.models.remasker else []
        weights = [weights_hash(model) for model in (self.run.model, self.scorer.model, *remasker)]
        return asked | {"weights": weights, "text": self.run.data.shards.fingerprint}

    def measure(self, cell: Cell) -> dict[str, Any]:
        """Write the texts of a cell and measure them.

        Its fields, `steps`, `passes_per_text` (counted), a number for each metric, and the texts, `tokens` [P, L].
        """
        name, given = split(cell.sampler)
        steps = build_sampler(name, given).steps_within(cell.passes, self.options.guidance > 0)
        shared = {name: getattr(self.options, name) for name in vars(SamplingOptions())}
        asked = {"sampler": name, "sampler_options": tuple(given), "steps": steps, "seed": cell.seed}
        asked |= own_temperature(cell.sampler)
        request = SampleRequest(**{**shared, **asked}, run=self.run.path, stop_at_sep=False)
        with ForwardPasses(self.models) as counted:
            *_, last = stream(request, self.models, self.canvas)
        tokens = last.tokens[:, 1:-1].numpy()
        found = {"steps": steps, "passes_per_text": counted.rows / len(tokens)}
        found |= measure_texts(tokens, self.reference, self.scorer, self.run.data.shards.train)
        return vars(cell) | found | {"tokens": tokens.tolist()}


def weights_hash(model: torch.nn.Module) -> str:
    """SHA-256 of all weights of a model."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def opened(run: LoadedRun, options: SweepOptions) -> Sweep:
    """The sweep with its models and texts. Raises ValueError when something does not fit."""
    models = models_of(run, load(options.remasker) if options.remasker else None)
    shards = run.data.shards
    scorer = independent_scorer(run, options.scorer)
    reference, held_out = halves(shards.valid, shards.vocabulary, options.length, options.prompts)
    many = min(len(reference), len(held_out))
    return Sweep(run, options, models, scorer, reference[:many], held_out[:many])


def cells(sweep: Sweep) -> list[Cell]:
    """All cells, seeds last, so that every point has its first seed before any has its second.

    Raises ValueError for an unknown sampler, and for one that does not fit the models or the passes.
    """
    options = sweep.options
    for spec in options.samplers:
        own_temperature(spec)
    samplers = {spec: build_sampler(*split(spec)) for spec in options.samplers or _fitting(sweep.models)}
    for spec, made in samplers.items():
        _check(spec, made, sweep)
    free = options.length - options.prompt_length
    passes = {spec: [free] if made.view == FORWARD else sorted(set(options.passes)) for spec, made in samplers.items()}
    return [Cell(spec, each, seed) for seed in seed_list(options.seeds) for spec in passes for each in passes[spec]]


def _check(spec: str, made: Sampler, sweep: Sweep) -> None:
    """Raises ValueError when a sampler lacks its remasker, or passes for its blocks."""
    if made.needs_remasker and not sweep.models.remasker:
        raise ValueError(f"sampler {spec} needs a model that detects wrong tokens: give --remasker DIR")
    size, fewest = sweep.options.block_length, min(sweep.options.passes)
    blocks = -(-(sweep.options.length - sweep.options.prompt_length) // size) if size else 1
    if made.steps_within(fewest, sweep.options.guidance > 0) < blocks and made.view != FORWARD:
        raise ValueError(f"passes={fewest}: sampler {spec} takes a step for each of {blocks} blocks at least")


def split(spec: str) -> tuple[str, Sequence[str]]:
    """The name of a sampler and its options, of `remdm+eta=0.1+strategy=cap`, a temperature aside."""
    name, *given = spec.split("+")
    return name, [option for option in given if not option.startswith(TEMPERATURE)]


def own_temperature(spec: str) -> dict[str, Any]:
    """The temperature of `mdlm+temperature=0.8`, by its name; nothing where it has none. Raises ValueError."""
    found = override({}, [option for option in spec.split("+")[1:] if option.startswith(TEMPERATURE)])
    return found and {"temperature": from_mapping(SamplingOptions, found, spec).temperature}


def _fitting(models: LoadedModels) -> list[str]:
    """The samplers for these models; those of a remasker only where there is one."""
    fit = compatible_samplers(models.objective)
    return [name for name in fit if models.remasker or not build_sampler(name).needs_remasker]
