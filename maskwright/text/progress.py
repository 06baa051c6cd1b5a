"""How far tokenization is: documents, tokens a second, and the time left where the size of the corpus is known."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .corpus import Source
from .encoding import Chunk
from .journal import Journal


def shown(chunks: Iterable[Chunk], journal: Journal, sources: list[Source], visible: bool) -> Iterator[Chunk]:
    """`chunks` as they are, with a line on the terminal that says how far `journal` is."""
    sizes = [source.bytes for source in sources if source.bytes is not None]
    total = sum(sizes) if len(sizes) == len(sources) else None
    columns = ("{task.description}", "{task.fields[documents]:,} documents", "{task.fields[speed]:,.0f} tokens/s")
    bar = Progress(
        *map(TextColumn, columns),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not visible,
    )
    with bar:
        task = bar.add_task("tokenizing", total=total, completed=journal.bytes, documents=journal.documents, speed=0.0)
        tokens = 0
        for chunk in chunks:
            yield chunk
            tokens += len(chunk.tokens)
            speed = tokens / max(bar.tasks[0].elapsed or 0.0, 1e-3)
            bar.update(task, completed=journal.bytes, documents=journal.documents, speed=speed)
