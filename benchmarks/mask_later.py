"""Steps of a `modern` whose [MASK] enter late, beside the same with [MASK] from the first layer on, on one thread.

    python benchmarks/mask_later.py --json

Gradients and updates by Muon for 4,096 positions: six layers of 256, a vocabulary of 8,192, rows of 128 in two
documents, of which a share is masked, as many in each row. Seconds are of the processor, so other work on the machine
harms little. The ratio is the speed of the late one over that of the other.
"""

import argparse
import json
import time
from collections.abc import Callable

import torch
from steps.measure import Comparison, take_turns
from steps.tell import tell

from maskwright.attention import mask, positions
from maskwright.hardware import cpu_name
from maskwright.layers.variants.late_masks import LateMasks
from maskwright.models.modern import Modern
from maskwright.optimizers.muon import Muon
from maskwright.prediction import problem_loss

SIZES = {"hidden": 256, "layers": 6, "heads": 4, "intermediate": 704, "max_length": 512}
VOCABULARY, TOKENS, MASK = 8192, 4096, 4


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    cases = {
        f"{later} of 6 layers, {share:.0%} of {length}": compared(later, share, length, options.repeats)
        for share in (0.15, 0.3, 0.4)
        for length in (128, 512)
        for later in (2, 4, 5)
        if length == 128 or share == 0.3
    }
    if options.json:
        print(json.dumps({"cases": cases, "machine": cpu_name()}))
    else:
        tell(cases, False, f"tokens in a second of {cpu_name()}", "case", "late", "at once")


def compared(later: int, share: float, length: int, repeats: int) -> dict[str, object]:
    """Tokens in a second."""
    runs = {"late": step(later, share, length), "at once": step(None, share, length)}
    seconds = take_turns(runs, repeats, 1, lambda: None, time.process_time)
    return Comparison(seconds["late"], seconds["at once"], TOKENS).as_json("tokens/s")


def step(later: int | None, share: float, length: int) -> Callable[[], None]:
    """One update of a model, on rows that stay the same."""
    generator = torch.Generator().manual_seed(0)
    model = Modern(**SIZES, mask_later=later).build(VOCABULARY, generator)
    for module in model.modules():
        if isinstance(module, LateMasks):
            module.token.fill_(MASK)
    optimizer = Muon(lr=0.01).build(model)
    rows = TOKENS // length
    text = torch.randint(MASK + 1, VOCABULARY, (rows, length), generator=generator)
    asked = torch.rand(rows, length, generator=generator).argsort(1)[:, : round(share * length)]  # [B, n]
    inputs, flat = text.scatter(1, asked, MASK), (asked + torch.arange(rows)[:, None] * length).flatten()
    document = (torch.arange(length) >= length // 2).int().expand(rows, -1)
    seen, places = mask(document, torch.zeros(rows)), positions(document)

    def update() -> None:
        loss, _ = problem_loss(model, inputs, seen, places, flat, text.flatten()[flat])
        loss.mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return update


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
