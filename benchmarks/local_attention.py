"""A local layer of `modern` beside a global one, forward and backward, on one thread.

    python benchmarks/local_attention.py --json

A row of 2,048 tokens, a window of 64 on each side, as in ModernBERT; the widths of the presets. Once a whole layer, and
once its attention without the products around it. Seconds are of the processor, so other work on the machine harms
little. The ratio is the time of the local one as a part of the global one.
"""

import argparse
import json
import time
from collections.abc import Callable

import torch
from steps.measure import Comparison, take_turns
from steps.tell import tell

from maskwright.hardware import cpu_name
from maskwright.layers.attend import attend
from maskwright.layers.local_attention import attend_locally, window
from maskwright.models.modern import PRESETS, Modern

LENGTH, REACH = 2048, 64
Way = Callable[[], object]


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    cases = {name: compared(*ways, options) for name, ways in contests(options.rows).items()}
    if options.json:
        print(json.dumps({"cases": cases, "machine": cpu_name()}))
    else:
        tell(cases, False, f"tokens in a second of {cpu_name()}", "case", "global", "local")


def contests(rows: int) -> dict[str, tuple[Way, Way]]:
    """The two ways of each case."""
    found: dict[str, tuple[Way, Way]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        for name, sizes in PRESETS.items():
            said = str(dtype).removeprefix("torch.")
            found[f"layer of {name} in {said}"] = layer(rows, dtype, sizes, True), layer(rows, dtype, sizes, False)
            heads = sizes["heads"]
            found[f"attention of {name} in {said}"] = (
                attention(rows, dtype, heads, True),
                attention(rows, dtype, heads, False),
            )
    return found


def layer(rows: int, dtype: torch.dtype, sizes: dict[str, int], local: bool) -> Way:
    """The second block of a model whose later layers are local, or global."""
    settings = Modern(**{**sizes, "layers": 2}, max_length=LENGTH, window=REACH if local else None, global_every=2)
    model = settings.build(64, torch.Generator().manual_seed(0)).to(dtype)
    places = torch.arange(LENGTH)[None]
    hidden = torch.randn(rows, LENGTH, sizes["hidden"], dtype=dtype, requires_grad=True)
    rotary = model.local_rotary if local else model.rotary
    rotations, near = rotary(places).float(), window(REACH, places, None) if local else None
    return lambda: model.layers[1](hidden, None, rotations, near).backward(hidden.detach())


def attention(rows: int, dtype: torch.dtype, heads: int, local: bool) -> Way:
    parts = [torch.randn(rows, heads, LENGTH, 64).to(dtype).requires_grad_() for _ in range(3)]
    aim, near = torch.randn(rows, LENGTH, heads * 64).to(dtype), window(REACH, torch.arange(LENGTH)[None], None)
    if local:
        return lambda: attend_locally(*parts, None, 0.0, near).backward(aim)
    return lambda: attend(*parts, None, 0.0).backward(aim)


def compared(local: Way, everywhere: Way, options: argparse.Namespace) -> dict[str, object]:
    """Tokens in a second."""
    seconds = take_turns({"local": local, "global": everywhere}, options.repeats, 1, lambda: None, time.process_time)
    return Comparison(seconds["global"], seconds["local"], LENGTH * options.rows).as_json("tokens/s")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
