"""Tokenize chunks on the workers of a Ray cluster; this process reads the text and writes the result.

Workers encode exactly as this process would, so the output is byte-identical.
"""

import os
import pickle
from collections.abc import Iterator
from concurrent.futures import Future
from functools import cache

from ...distributed.ray import join
from ...files.secrets import refuse
from ..corpus import Document
from ..tokenizers.tokenizer import Tokenizer
from .encode import Chunk, Work, encode, in_order

AHEAD = 2
"""Chunks in flight per core of the cluster."""


def encode_over(tokenizer: Tokenizer, work: Iterator[Work], over: str) -> Iterator[Chunk]:
    """The chunks of `work` in order. over: `ray` for a running cluster or else this machine, or a URL ray://….

    Raises ValueError when it is neither, it holds a password, or nothing answers there.
    """
    refuse(over)
    if over != "ray" and not over.startswith("ray://"):
        raise ValueError(f"--over {over}: give ray, or the URL of a cluster as in ray://HOST:10001")
    ray = join(None if over == "ray" else over)
    task = ray.remote(num_cpus=1)(_encode)
    state = ray.put(pickle.dumps(tokenizer))
    cores = int(ray.cluster_resources()["CPU"])

    def submit(item: Work) -> Future[Chunk]:
        return task.remote(state, *item).future()

    try:
        yield from in_order(submit, work, AHEAD * cores)
    finally:
        ray.shutdown()


def _encode(state: bytes, documents: list[Document], held_out: bool) -> Chunk:
    """Runs on the workers."""
    return encode(_tokenizer(state), documents, held_out)


@cache
def _tokenizer(state: bytes) -> Tokenizer:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    found: Tokenizer = pickle.loads(state)
    return found
