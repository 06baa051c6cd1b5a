"""How much sooner we reach the loss at which a ModernBERT ends that someone who knows `transformers` has trained.

    python benchmarks/time_to_loss.py --tokens 5e6 --json
    python benchmarks/time_to_loss.py --tokens 5e6 --trials 1 --seeds 1 --rivals "expert adamw"

Same text, tokenizer, packed rows, batch, width, depth and parameters; one exam for both, taken off the clock at fixed
token counts. The rivals are `transformers.Trainer` with its AdamW and with our Muon (see race/peer.py). Every side's
learning rate is the best of `--trials` at the full length of its own plan; ours is planned for `--share` of the tokens.
Seed by seed, our time is that of the first exam at which we are no worse than the rival at its end. Time is processor
time, with wall-clock time next to it: where the machine has other work too, set OMP_NUM_THREADS=1 and believe the
first. Text is read below MASKWRIGHT_DATA. Every finished leg is kept in the folder `--out` and not run again.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from race import ours, peer
from race.clock import Curve, kept
from race.text import Text

SIZES = {"layers": 6, "hidden": 256, "heads": 4, "intermediate": 704}
BATCH_TOKENS = 4096
EXAMS = 40
"""In a run over all tokens."""


@dataclass(frozen=True)
class Side:
    """One way to train."""

    race: Callable[..., Curve]
    """From text, sizes, learning rate, tokens, tokens a batch, tokens an exam and seed."""
    rates: tuple[float, ...]
    """The learning rates to try, the likeliest first."""


SIDES = {
    "ours": Side(ours.race, (5e-3, 1e-2, 2.5e-3)),
    "expert adamw": Side(peer.race, (2e-3, 4e-3, 1e-3)),
    "expert muon": Side(peer.race_with_muon, (5e-3, 1e-2, 2.5e-3)),
}


@dataclass(frozen=True)
class Race:
    """The legs of one race, each run once and kept in `out`."""

    tokens: int
    """What a rival trains on."""
    share: float
    """Of them, what ours are planned for."""
    trials: int
    seeds: int
    out: Path

    @cached_property
    def text(self) -> Text:
        return Text()

    def leg(self, side: str, lr: float, seed: int) -> Curve:
        """A run of `side`, over whole steps."""
        tokens = _whole(self.tokens * (self.share if side == "ours" else 1))
        path = self.out / f"{side.replace(' ', '-')}-lr{lr:g}-{tokens}-seed{seed}.json"
        every = _whole(self.tokens / EXAMS)
        return kept(path, lambda: SIDES[side].race(self.text, SIZES, lr, tokens, BATCH_TOKENS, every, seed))

    def tuned(self, side: str) -> dict[float, float]:
        """The last loss of seed 0 under each learning rate that was tried."""
        return {lr: self.leg(side, lr, 0).loss[-1] for lr in SIDES[side].rates[: self.trials]}

    def runs(self, side: str) -> list[Curve]:
        """A run for each seed, at the best learning rate."""
        tried = self.tuned(side)
        return [self.leg(side, min(tried, key=tried.__getitem__), seed) for seed in range(self.seeds)]


def _whole(tokens: float) -> int:
    return int(tokens) // BATCH_TOKENS * BATCH_TOKENS


def case(race: Race, rival: str) -> dict[str, Any]:
    """Ours against `rival`, seed by seed: processor time, time by the clock, and tokens."""
    theirs, mine = race.runs(rival), race.runs("ours")
    places = [run.first_below(end.loss[-1]) for run, end in zip(mine, theirs, strict=True)]
    reached = [place for place in places if place is not None]
    if len(reached) < len(places):
        raise SystemExit(f"{places.count(None)} of our {len(places)} runs did not end as low as {rival}: raise --share")
    ends = [(run.core_seconds[-1], run.seconds[-1], run.tokens[-1]) for run in theirs]
    ours = [(run.core_seconds[at], run.seconds[at], run.tokens[at]) for run, at in zip(mine, reached, strict=True)]
    cores, clock, tokens = map(versus, zip(*ours, strict=True), zip(*ends, strict=True))
    losses = [run.loss[-1] for run in theirs]
    return cores | {"unit": "core s", "by the clock": clock, "tokens": tokens, "loss": losses, "seeds": race.seeds}


def versus(ours: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """The medians over the seeds, their ratio, and the least and greatest ratio of one seed."""
    ratios = [theirs / mine for mine, theirs in zip(ours, peer, strict=True)]
    middle = {"ours": statistics.median(ours), "peer": statistics.median(peer)}
    return middle | {"ratio": middle["peer"] / middle["ours"], "spread": [min(ratios), max(ratios)]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=5e6, help="what a rival trains on")
    parser.add_argument("--share", type=float, default=0.5, help="of the tokens: what our runs are planned for")
    parser.add_argument("--trials", type=int, default=3, help="learning rates that each side tries")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each side")
    parser.add_argument("--rivals", nargs="+", default=list(SIDES)[1:], choices=list(SIDES)[1:])
    parser.add_argument("--out", type=Path, default=Path("runs/race"), help="where finished legs are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    race = Race(int(options.tokens), options.share, options.trials, options.seeds, options.out)
    cases = {f"{rival} {options.tokens / 1e6:g}M": case(race, rival) for rival in options.rivals}
    if options.json:
        tried = {side: race.tuned(side) for side in ("ours", *options.rivals)}
        print(json.dumps(cases | {"last loss by learning rate": tried}))
        return
    for name, found in cases.items():
        low, high = found["spread"]
        print(
            f"{name}: ours {found['ours']:.0f} core s, peer {found['peer']:.0f}, {found['ratio']:.1f} times sooner ",
            end="",
        )
        print(f"({low:.1f} to {high:.1f}), with {found['tokens']['ratio']:.1f} times fewer tokens")


if __name__ == "__main__":
    main()
