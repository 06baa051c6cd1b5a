"""Kernels that are chosen by the machine, beside those that they are chosen over, on one thread.

    python benchmarks/kernels.py --json

Attention: two products with a softmax between them against PyTorch's fused kernel, forward and backward, 8,192
positions of four heads in rows of several lengths. Inference: large float32 products by oneDNN against MKL, and the
GELU within the product against after it. Newton-Schulz in bfloat16 against float32, for twelve matrices. Seconds are
of the processor, so other work on the machine harms little. A ratio above 1: the first is faster.
"""

import argparse
import json
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from steps.measure import Comparison, take_turns
from steps.tell import tell

from maskwright.hardware import cpu_name
from maskwright.layers.attend import _two_products
from maskwright.layers.linear import _onednn, _onednn_gelu
from maskwright.optimizers.muon import newton_schulz

POSITIONS = 8192
Way = Callable[[], object]


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    cases = {name: compared(*ways, options.repeats) for name, ways in contests().items()}
    if options.json:
        print(json.dumps({"cases": cases, "machine": cpu_name()}))
    else:
        tell(cases, False, f"a second of {cpu_name()}", "case", "first", "second")


def contests() -> dict[str, tuple[Way, Way]]:
    """The two ways of each case."""
    found: dict[str, tuple[Way, Way]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        for length in (64, 128, 256, 512, 1024):
            name = f"attention of {length:,} in {str(dtype).removeprefix('torch.')}: two products / fused"
            found[name] = attention(_two_products, dtype, length), attention(_fused, dtype, length)
    for rows, width, out in ((2048, 128, 704), (2048, 256, 1376), (2048, 768, 2048), (256, 256, 16_384)):
        vectors, weight = torch.randn(rows, width), torch.randn(out, width)
        sizes = f"{rows:,} x {width} x {out:,}"
        found[f"product of {sizes}: oneDNN / MKL"] = (
            no_grad(_onednn, vectors, weight),
            no_grad(F.linear, vectors, weight),
        )
        after = no_grad(lambda v, w: F.gelu(_onednn(v, w)), vectors, weight)
        found[f"GELU of {sizes}: in the product / after it"] = no_grad(_onednn_gelu, vectors, weight, "none"), after
    ways = (no_grad(newton_schulz, torch.randn(12, 128, 128).to(dtype), 5) for dtype in (torch.bfloat16, torch.float32))
    return found | {"Newton-Schulz of 12 x 128 x 128: bfloat16 / float32": (next(ways), next(ways))}


def _fused(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: None, dropout: float) -> torch.Tensor:
    return F.scaled_dot_product_attention(queries, keys, values, mask, dropout)


def attention(kernel: Callable, dtype: torch.dtype, length: int) -> Way:
    """Forward and backward."""
    heads = [torch.randn(POSITIONS // length, 4, length, 64).to(dtype).requires_grad_() for _ in range(3)]
    return lambda: kernel(*heads, None, 0.0).backward(heads[0].detach())


def no_grad(work: Callable, *arguments: object) -> Way:
    return lambda: torch.no_grad()(work)(*arguments)


def compared(first: Way, second: Way, repeats: int) -> dict[str, object]:
    """Times in a second."""
    seconds = take_turns({"first": first, "second": second}, repeats, 1, lambda: None, time.process_time)
    return Comparison(seconds["first"], seconds["second"], 1.0).as_json("times/s")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
