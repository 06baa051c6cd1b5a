"""Tokenize documents in chunks on all cores, keeping the order, with only a few chunks in memory at a time.

Which process encodes a chunk does not affect it, so the result is the same for any number of workers.
"""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context

import numpy as np

from ...distributed.parent import end_with_parent
from ...distributed.spawn import hidden_main
from ..corpus import Document
from ..tokenizers.tokenizer import Tokenizer
from .layout import DOCUMENT, text_hash, token_type

CHUNK = 1 << 20
"""Characters after which a chunk is full."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive documents, encoded."""

    tokens: np.ndarray  # [T] uint16 or uint32
    word_starts: np.ndarray  # [T] uint8
    documents: np.ndarray  # [D] DOCUMENT; `end` counts from the start of the chunk, `domain` is not yet set
    domains: list[str]  # [D]
    held_out: bool  # documents that the corpus itself sets apart
    dropped: int  # characters that the tokenizer drops
    characters: int  # all but whitespace


def chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """`documents` in lists of about CHUNK characters."""
    chunk: list[Document] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document.text)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def encode(tokenizer: Tokenizer, documents: list[Document], held_out: bool) -> Chunk:
    """Encode one chunk."""
    texts = [document.text for document in documents]
    encoded = _tokens(tokenizer, documents)
    dtype = token_type(tokenizer.vocabulary.size)
    records = np.zeros(len(documents), dtype=DOCUMENT)
    records["end"] = np.cumsum([len(ids) for ids, _ in encoded])
    raw = [text.encode() for text in texts]
    records["hash"] = [text_hash(text) for text in raw]
    records["bytes"] = [len(text) for text in raw]
    records["words"] = [len(d.text.split()) if d.words is None else d.words for d in documents]
    tokens = np.concatenate([ids for ids, _ in encoded]).astype(dtype)
    starts = np.concatenate([starts for _, starts in encoded])
    domains = [document.domain for document in documents]
    return Chunk(tokens, starts, records, domains, held_out, *tokenizer.dropped(texts))


def _tokens(tokenizer: Tokenizer, documents: list[Document]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ids and word starts, [T] each, of each document; between prompt and answer [SEP], in the room left over [PAD]."""
    parts = iter(tokenizer.encode_batch([part for document in documents for part in document.parts]))
    found, known = [], tokenizer.vocabulary
    for document in documents:
        ids, starts = next(parts)
        if document.answer is not None:
            more, begins = next(parts)
            pads = max(0, document.room - len(more))
            ids = np.concatenate([ids, [known.sep], more, np.full(pads, known.pad)])
            starts = np.concatenate([starts, [1], begins, np.ones(pads, starts.dtype)]).astype(starts.dtype)
        found.append((ids, starts))
    return found


Work = tuple[list[Document], bool]


def encode_all(tokenizer: Tokenizer, work: Iterator[Work], workers: int | None) -> Iterator[Chunk]:
    """The chunks of `work` in order. A single chunk, or a single worker, is encoded in this process.

    workers: number of processes; by default one per core.
    """
    first = [item for _, item in zip(range(2), work, strict=False)]
    count = workers or _cores()
    if len(first) < 2 or count == 1:
        yield from (encode(tokenizer, *item) for item in first)
        yield from (encode(tokenizer, *item) for item in work)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_start, initargs=(tokenizer,)) as pool:
        try:
            yield from in_order(partial(_submit, pool), chain(first, work), most=count + 2)
        finally:
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def in_order(submit: Callable[[Work], Future[Chunk]], work: Iterable[Work], most: int) -> Iterator[Chunk]:
    """Results of `submit` in the order of `work`, with at most `most` items in flight."""
    waiting: deque[Future[Chunk]] = deque()
    for item in work:
        waiting.append(submit(item))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _submit(pool: ProcessPoolExecutor, item: Work) -> Future[Chunk]:
    """Submit a chunk, which may start a worker."""
    with hidden_main():
        return pool.submit(_encode, *item)


_worker: list[Tokenizer] = []
"""The tokenizer of this process, if it is a worker."""


def _start(tokenizer: Tokenizer) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    gc.disable()
    end_with_parent()
    _worker.append(tokenizer)


def _encode(documents: list[Document], held_out: bool) -> Chunk:
    return encode(_worker[0], documents, held_out)
