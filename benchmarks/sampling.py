"""Tokens per second of unmasking in 64 steps, ours against a plain loop with the same model in the same run.

    python benchmarks/sampling.py --json
    python benchmarks/sampling.py --busy --rows 4 --repeats 2

The plain loop is what a first sampler does: in every step the whole model over all rows, the head over all positions,
a softmax and a draw for each of them, of which those behind a mask are kept. Ours asks the head only where a token is
written, leaves out rows in which none is, and computes the last layer at target positions only. Both write by the
same rule: `mdlm` (masks are revealed at random) and `renoise` (everything is filled in, then some positions are
masked at random). `learned` remasks what a second model of that size marks as wrong; it is timed against our `renoise`,
so that its ratio is what the detector costs.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from steps.measure import Comparison, take_turns
from steps.tell import tell
from torch import Tensor, nn

from maskwright.models.modern import Modern
from maskwright.objectives.remask import Remask
from maskwright.sampling.canvas import Canvas
from maskwright.sampling.denoiser import Denoiser, Remasker
from maskwright.sampling.generate import generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.sampling.sampler import Sampler
from maskwright.sampling.samplers.learned import Learned
from maskwright.sampling.samplers.mdlm import Mdlm
from maskwright.sampling.samplers.renoise import Renoise
from maskwright.text.tokenizers.vocabulary import Vocabulary

VOCABULARY = Vocabulary(16384, pad=0, mask=3, cls=1, sep=2, wrong=4, special=frozenset(range(5)))


def main() -> None:
    options = parsed()
    if options.busy:
        torch.set_num_threads(1)
    model = Modern(hidden=256, layers=6, heads=4, intermediate=704, max_length=options.length)
    built = model.build(VOCABULARY.size, torch.Generator().manual_seed(0)).eval()
    cases: dict[str, tuple[Sampler, Callable]] = {"mdlm": (Mdlm(), by_chance), "renoise": (Renoise(), at_random)}
    runs = {}
    for name, (sampler, rule) in cases.items():
        runs[name] = lambda sampler=sampler: ours(built, sampler, options)
        runs[f"plain {name}"] = lambda rule=rule: plain(built, rule, options)
    remasker = Remasker(built, Remask(), VOCABULARY)
    runs["learned"] = lambda: ours(built, Learned(), options, remasker)
    clock = time.process_time if options.busy else time.perf_counter
    seconds = take_turns(runs, options.repeats, warmup=1, finish=lambda: None, clock=clock)
    amount = options.rows * (options.length - 2)
    peers = {name: f"plain {name}" for name in cases} | {"learned": "renoise"}
    found = {
        f"{name} beside {peer}": Comparison(seconds[name], seconds[peer], amount).as_json("tokens/s")
        for name, peer in peers.items()
    }
    tell(found, options.json, "tokens/s written", "case", "ours", "the other")


def canvas(options: argparse.Namespace) -> Canvas:
    tokens = torch.full((options.rows, options.length), VOCABULARY.mask)
    tokens[:, 0], tokens[:, -1] = VOCABULARY.cls, VOCABULARY.sep
    return Canvas(tokens, tokens == VOCABULARY.mask)


def ours(model: nn.Module, sampler: Sampler, options: argparse.Namespace, remasker: Remasker | None = None) -> Tensor:
    denoiser, shares = Denoiser(model, VOCABULARY), MaskSchedule(steps=options.steps)
    for frame in generate(denoiser, sampler, canvas(options), shares, remasker=remasker):
        last = frame.tokens
    return last


Rule = Callable[[Tensor, Tensor, float, float], Tensor]
"""Which positions are masked next, of the free and the masked ones, [B, L] bool, and the shares before and after."""


def by_chance(free: Tensor, masked: Tensor, before: float, after: float) -> Tensor:
    return masked & (torch.rand(masked.shape) < after / before)


def at_random(free: Tensor, masked: Tensor, before: float, after: float) -> Tensor:
    u = torch.where(free, torch.rand(free.shape), 2.0)
    return u.argsort(1).argsort(1) < int(after * int(free[0].sum()))


@torch.no_grad()
def plain(model: nn.Module, rule: Rule, options: argparse.Namespace) -> Tensor:
    tokens, free = canvas(options).tokens, canvas(options).free
    shares = [1.0, *MaskSchedule(steps=options.steps).after]
    for before, after in pairwise(shares):
        logits = model.logits(model(tokens, None, None).flatten(0, 1))  # type: ignore[operator]  # [B · L, V]
        logits[:, torch.from_numpy(VOCABULARY.is_special)] = -torch.inf
        draws = torch.multinomial(logits.softmax(-1), 1).view_as(tokens)
        masked = tokens == VOCABULARY.mask
        tokens = torch.where(masked, draws, tokens)
        tokens = tokens.where(~rule(free, masked, before, after), VOCABULARY.mask)
    return tokens


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--length", type=int, default=128, help="positions in a row")
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--busy", action="store_true", help="one thread and its own time, where others use the processor"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
