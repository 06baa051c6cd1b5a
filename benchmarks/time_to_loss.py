"""How much sooner we reach the validation loss that `transformers.Trainer` reaches with a ModernBERT after N tokens.

    python benchmarks/time_to_loss.py --tokens 1.6e6 --json

Same text, tokenizer, packed rows, batch, width, depth and parameters; one exam for both, taken off the clock at fixed
token counts. Time is CPU time, with wall-clock time next to it: where the machine has other work too, set
OMP_NUM_THREADS=1 and believe the first. Each side's learning rate is the best of three in runs over 0.4 M tokens. The
peer runs once more with our optimizer, which parts what the optimizer gives from what the rest does. Text is read below
MASKWRIGHT_DATA. Every finished leg is kept in the folder `--out` and not run again.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from os import getloadavg
from pathlib import Path
from typing import Any

from race import ours, peer
from race.clock import Curve
from race.text import Text

SIZES = {"layers": 6, "hidden": 256, "heads": 4, "intermediate": 704}
BATCH_TOKENS = 4096
EXAMS = 20
"""In a run over all tokens; shorter runs are examined after as many tokens."""
TUNED_ON = 400_000
"""Tokens that learning rates are tried on."""


@dataclass(frozen=True)
class Side:
    """One way to train."""

    race: Callable[..., Curve]
    """From text, sizes, learning rate, tokens, tokens a batch, tokens an exam and seed."""
    rates: tuple[float, float, float]
    """The learning rates tried."""


SIDES = {
    "ours": Side(ours.race, (1e-2, 2e-2, 4e-2)),
    "peer": Side(peer.race, (5e-4, 1e-3, 2e-3)),
    "peer with our muon": Side(peer.race_with_muon, (1e-2, 2e-2, 4e-2)),
}


@dataclass(frozen=True)
class Race:
    """The legs of one race, each run once and kept in `out`."""

    tokens: int
    out: Path

    @cached_property
    def text(self) -> Text:
        return Text()

    def leg(self, side: str, lr: float, tokens: int, every: int, seed: int = 0) -> Curve:
        """A run of `side` over `tokens`, with an exam each `every` tokens; both are rounded down to whole steps."""
        kept = self.out / f"{side.replace(' ', '-')}-lr{lr:g}-{tokens}-seed{seed}.json"
        if not kept.exists():
            curve = SIDES[side].race(self.text, SIZES, lr, _whole(tokens), BATCH_TOKENS, _whole(every), seed)
            self.out.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({"load": getloadavg()[1], **asdict(curve)}))
        found = json.loads(kept.read_text())
        return Curve(**{name: found[name] for name in ("tokens", "seconds", "core_seconds", "loss")})

    def tuned(self, side: str) -> dict[float, float]:
        """The last loss under each learning rate that was tried."""
        return {lr: self.leg(side, lr, TUNED_ON, TUNED_ON).loss[-1] for lr in SIDES[side].rates}

    def run(self, side: str, share: float, seed: int = 0) -> Curve:
        """`side` at its best learning rate over a share of the tokens."""
        tried = self.tuned(side)
        best = min(tried, key=tried.__getitem__)
        return self.leg(side, best, int(share * self.tokens), self.tokens // EXAMS, seed)


def _whole(tokens: int) -> int:
    return tokens // BATCH_TOKENS * BATCH_TOKENS


def case(race: Race, rival: str, share: float, seeds: int) -> dict[str, Any]:
    """Ours, planned for `share` of the tokens, against where `rival` ends, in processor time and by the clock."""
    end = race.run(rival, 1.0)
    target = end.loss[-1]
    runs = [race.run("ours", share, seed) for seed in range(seeds)]
    reached = [(run, place) for run in runs if (place := run.first_below(target)) is not None]
    if len(reached) < seeds:
        raise SystemExit(f"{seeds - len(reached)} of our {seeds} runs did not reach {target:.3f}: raise --share")
    cores = versus(end.core_seconds[-1], [run.core_seconds[place] for run, place in reached])
    clock = versus(end.seconds[-1], [run.seconds[place] for run, place in reached])
    tokens = {"ours": sorted(run.tokens[place] for run, place in reached), "peer": end.tokens[-1]}
    return cores | {"unit": "core s", "by the clock": clock, "loss": target, "tokens": tokens}


def versus(peer: float, ours: list[float]) -> dict[str, Any]:
    """The median of our times and the peer's, their ratio and its spread."""
    middle = sorted(ours)[len(ours) // 2]
    return {"ours": middle, "peer": peer, "ratio": peer / middle, "spread": [peer / max(ours), peer / min(ours)]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=1.6e6, help="what the peer trains on")
    parser.add_argument("--share", type=float, default=0.7, help="of the tokens: what our runs are planned for")
    parser.add_argument("--seeds", type=int, default=3, help="how many runs of ours")
    parser.add_argument("--rivals", nargs="+", default=list(SIDES)[1:], choices=list(SIDES)[1:])
    parser.add_argument("--out", type=Path, default=Path("runs/time_to_loss"), help="where finished legs are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    race = Race(int(options.tokens), options.out)
    cases = {f"to the loss of {rival}": case(race, rival, options.share, options.seeds) for rival in options.rivals}
    tried = {side: race.tuned(side) for side in ("ours", *options.rivals)}
    (race.out / f"result-{race.tokens}.json").write_text(
        json.dumps({"cases": cases, "learning rates tried": tried}, indent=1)
    )
    if options.json:
        print(json.dumps(cases))
        return
    for name, found in cases.items():
        print(f"{name} ({found['loss']:.3f}): ours {found['ours']:.0f} core s, peer {found['peer']:.0f}, ", end="")
        print(f"{found['ratio']:.1f} times sooner ({found['spread'][0]:.1f} to {found['spread'][1]:.1f})")


if __name__ == "__main__":
    main()
