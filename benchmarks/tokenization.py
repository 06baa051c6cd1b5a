"""Text to shards: tokens per second and peak memory, against a plain `encode_batch` loop over the same text.

    python benchmarks/tokenization.py --gigabytes 3 --json

Ours reads the file, finds word starts, hashes, and writes everything to disk; the peer only encodes, with the same
tokenizer and as many threads. Peak memory is the resident memory of our process and its workers, shared pages counted
in each. `--busy` counts core seconds of all processes in place of seconds, where others use the machine: the speed of
one core.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from maskwright.text.corpora.embedded import Embedded
from maskwright.text.corpora.files import Files
from maskwright.text.shards.shards import Shards, tokenize
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

SLICE = 8 << 20
"""Characters that the peer encodes at a time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=0.3, help="size of the generated text")
    parser.add_argument("--repeats", type=int, default=5, help="slices that the peer encodes")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--busy", action="store_true", help="core seconds, where others use the machine")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        text, tokenizer, folder = arguments.worker
        tokenize(Files(files=(text,)), Tokenizer.load(tokenizer), folder, progress=False)
    else:
        print(shown(measure(arguments), arguments.json))


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Generate, tokenize, and encode slices of the same text."""
    size, clock = int(arguments.gigabytes * 1e9), core_seconds if arguments.busy else time.perf_counter
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = (document.text for document in Embedded().documents("strict"))
        Tokenizer.train(texts, TokenizerSettings()).save(folder / "tokenizer")
        generate(folder / "text.txt", size)
        seconds, peak = ours(folder, clock)
        tokens = sum(len(split.tokens) for split in splits(folder))
        peers = peer(folder, arguments.repeats, clock)
    speed = tokens / seconds
    ratios = sorted(speed / other for other in peers)
    middle = float(np.median(peers))
    return {
        "tokenize": case(speed, middle, "tokens/s", speed / middle, ratios),
        "text": case(size / seconds / 1e6, size / tokens * middle / 1e6, "MB/s", speed / middle, ratios),
        "memory": case(peak / 1e9, 1.0, "GB (peer: the limit)", peak / 1e9, [peak / 1e9] * 2),
    }


def case(ours: float, peer: float, unit: str, ratio: float, spread: list[float]) -> dict[str, object]:
    """One row of the result."""
    return {"ours": ours, "peer": peer, "unit": unit, "ratio": ratio, "spread": [spread[0], spread[-1]]}


def generate(path: Path, size: int) -> None:
    """Write about `size` bytes: words by the frequency they have in the embedded corpus, in lines and documents."""
    words, counts = np.unique(" ".join(d.text for d in Embedded().documents("strict")).split(), return_counts=True)
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            drawn = words[rng.choice(len(words), size=200_000, p=counts / counts.sum())]
            ends = np.array([" ", "\n", "\n\n"])[rng.choice(3, size=len(drawn), p=[0.93, 0.068, 0.002])]
            file.write("".join(np.char.add(drawn, ends).tolist()))


def core_seconds() -> float:
    """Of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def ours(folder: Path, clock: Callable[[], float]) -> tuple[float, int]:
    """Seconds, and the peak of resident bytes over all processes."""
    paths = [str(folder / name) for name in ("text.txt", "tokenizer", "shards")]
    command = [sys.executable, __file__, "--worker", *paths]
    start, peak = clock(), 0
    process = psutil.Popen(command)
    while process.poll() is None:
        peak = max(peak, resident(process))
        time.sleep(0.1)
    assert process.returncode == 0
    return clock() - start, peak


def resident(process: psutil.Process) -> int:
    """Bytes of `process` and all below it; those that end meanwhile count nothing."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def splits(folder: Path) -> tuple:
    """Both splits of what was written."""
    shards = Shards.open(folder / "shards")
    return shards.train, shards.valid


def peer(folder: Path, repeats: int, clock: Callable[[], float]) -> list[float]:
    """Tokens per second of a bare `encode_batch` loop on slices of the text."""
    backend = Tokenizer.load(folder / "tokenizer")._plain
    speeds = []
    with (folder / "text.txt").open(encoding="utf-8") as file:
        for _ in range(repeats):
            documents = file.read(SLICE).split("\n\n")
            start = clock()
            count = sum(len(encoding.ids) for encoding in backend.encode_batch(documents, add_special_tokens=False))
            speeds.append(count / (clock() - start))
    return speeds


def shown(result: dict[str, dict[str, object]], as_json: bool) -> str:
    """The result as one object, or a line for each case."""
    return json.dumps(result) if as_json else "\n".join(f"{name}: {row}" for name, row in result.items())


if __name__ == "__main__":
    main()
