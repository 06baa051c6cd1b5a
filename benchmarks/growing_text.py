"""Tokens per second of texts that grow, with the keys and values of what is final kept, against computing them again.

    python benchmarks/growing_text.py --json
    python benchmarks/growing_text.py --busy --repeats 2

One model (6 layers of 256) writes `--length` new tokens from left to right, and half as many in blocks of 4 and 16
with a step for each token. Without the cache a row is computed up to the block that is written, or, as a sampler that
knows nothing of blocks does it, as a whole. All ways must write the same texts.
"""

import argparse
import time
from functools import partial

import torch
from steps.measure import Comparison, take_turns
from steps.tell import tell
from torch import Tensor, nn

from maskwright.models.modern import Modern
from maskwright.sampling.canvas import Canvas
from maskwright.sampling.denoiser import Denoiser
from maskwright.sampling.generate import generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.sampling.samplers.left_to_right import LeftToRight
from maskwright.sampling.samplers.llada import Llada
from maskwright.text.tokenizers.vocabulary import Vocabulary

VOCABULARY = Vocabulary(16384, pad=0, mask=3, cls=1, sep=2, wrong=4, special=frozenset(range(5)))
BLOCKS = 4, 16


def main() -> None:
    options = parsed()
    if options.busy:
        torch.set_num_threads(1)
    size = Modern(hidden=256, layers=6, heads=4, intermediate=704, max_length=options.length + 2)
    model = size.build(VOCABULARY.size, torch.Generator().manual_seed(0)).eval()
    clock = time.process_time if options.busy else time.perf_counter
    found = {}
    for block in (None, *BLOCKS):
        length = options.length // (1 if block is None else 2)
        ways = ["kept", "again"] if block is None else ["kept", "again", "whole rows"]
        texts: dict[str, Tensor] = {}

        def run(way: str, block: int | None = block, length: int = length, texts: dict[str, Tensor] = texts) -> None:
            texts[way] = written(model, options.rows, length, block, way)

        runs = {way: partial(run, way) for way in ways}
        seconds = take_turns(runs, options.repeats, warmup=0, finish=lambda: None, clock=clock)
        assert all(torch.equal(texts["kept"], texts[way]) for way in ways)
        name = "left to right" if block is None else f"blocks of {block}"
        amount = options.rows * length
        found |= {
            f"{name}, {options.rows} x {length}, beside {way}": Comparison(
                seconds["kept"], seconds[way], amount
            ).as_json("tokens/s")
            for way in ways[1:]
        }
    tell(found, options.json, "tokens/s written", "case", "kept", "the other")


class WholeRows(nn.Module):
    """A model that is asked without a mask, and puts in its own."""

    def __init__(self, model: nn.Module, seen: Tensor):
        super().__init__()
        self.model, self.seen, self.logits = model, seen[None, None], model.logits

    def forward(self, tokens: Tensor, mask: None, positions: None, asked: Tensor) -> Tensor:
        return self.model(tokens, self.seen, positions, asked)


def written(model: nn.Module, rows: int, length: int, size: int | None, way: str) -> Tensor:
    """[rows, length + 2] texts, in blocks of `size` or from left to right."""
    tokens = torch.full((rows, length + 2), VOCABULARY.mask)
    tokens[:, 0], tokens[:, -1] = VOCABULARY.cls, VOCABULARY.sep
    canvas, place = Canvas(tokens, tokens == VOCABULARY.mask), torch.arange(length + 2)
    block = place if size is None else torch.div(place - 1, size, rounding_mode="floor")
    seen = block[:, None] >= block
    denoiser = Denoiser(model, VOCABULARY, shift=int(size is None), seen=seen, keep_keys=way == "kept")
    if way == "whole rows":
        denoiser = Denoiser(WholeRows(model, seen), VOCABULARY)
    sampler = LeftToRight() if size is None else Llada(order="random")
    for frame in generate(denoiser, sampler, canvas, MaskSchedule(steps=length), block_length=size):
        last = frame.tokens
    return last


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=512, help="tokens of a text")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--busy", action="store_true", help="one thread and its own time, where others use the processor"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
