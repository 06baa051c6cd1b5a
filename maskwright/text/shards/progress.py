"""Progress bars: tokenization (documents, tokens per second, time left where known) and copying."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn

from ...progress import Bar, clock
from ..corpus import Source
from .encode import Chunk
from .journal import Journal


def with_progress(chunks: Iterable[Chunk], journal: Journal, sources: list[Source], visible: bool) -> Iterator[Chunk]:
    """`chunks` unchanged, with a progress bar that follows `journal`."""
    sizes = [source.bytes for source in sources if source.bytes is not None]
    total = sum(sizes) if len(sizes) == len(sources) else None
    columns = ("{task.description}", "{task.fields[documents]:,} documents", "{task.fields[speed]:,.0f} tokens/s")
    with Bar(*map(TextColumn, columns), BarColumn(), *clock(), visible=visible) as bar:
        task = bar.add_task("tokenizing", total=total, completed=journal.bytes, documents=journal.documents, speed=0.0)
        tokens = 0
        for chunk in chunks:
            yield chunk
            tokens += len(chunk.tokens)
            speed = tokens / max(bar.tasks[0].elapsed or 0.0, 1e-3)
            bar.update(task, completed=journal.bytes, documents=journal.documents, speed=speed)


@contextmanager
def copying(what: str, total: int, visible: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar for copying `total` bytes; call the yielded function with the bytes of each part."""
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Bar(*columns, *clock(), visible=visible) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
