"""Sample texts, shown while they form."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from ..progress import console, during
from ..sampling.generate import Frame
from ..sampling.request import SampleRequest, finished, load_models, sampler_name, stream
from ..text.tokenizers.tokenizer import Tokenizer
from .replay import page, view


@dataclass(frozen=True)
class SampledTexts:
    """Texts, and the sampler that wrote them."""

    texts: list[str]
    sampler: str
    """Its file in `samplers/`."""


def write(request: SampleRequest, live: bool = False, html: Path | None = None) -> SampledTexts:
    """Sample the requested texts.

    live: show them in the terminal while they form.  html: write a page that replays the sampling.
    Raises ValueError when the request does not fit the models.
    """
    with during(f"opening {request.run}"):
        models = load_models(request)
    tokenizer, sampler = models.tokenizer, sampler_name(request, models)
    frames, kept = stream(request, models), list[Frame]()
    seen = live and console.is_terminal
    with during("sampling", not seen):
        for frame in _shown(frames, tokenizer, console) if seen else frames:
            kept = [*kept, frame] if html else [frame]
    if html:
        title = f"{sampler}, {kept[-1].step} steps, seed {request.seed}"
        console.print(f"replay  {page(kept, tokenizer, title, html)}", soft_wrap=True)
    return SampledTexts(finished(models, kept[-1]), sampler)


def _shown(frames: Iterable[Frame], tokenizer: Tokenizer, console: Console) -> Iterator[Frame]:
    """The same frames, shown in the terminal as they pass."""
    with Live(console=console, transient=True) as live:
        for frame in frames:
            live.update(view(frame, tokenizer))
            yield frame
