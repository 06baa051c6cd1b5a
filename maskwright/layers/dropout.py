"""Dropout (Srivastava et al. 2014) whose masks cost a quarter of PyTorch's on a CPU.

There PyTorch draws one Bernoulli number after another, and a compiled step a counter-based one for every value. Here a
random integer of 63 bits decides for four values, 15 bits each, in both.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 1 << 15
"""Values of the 15 bits that decide; a probability is rounded to a whole number of them."""


def drop(values: Tensor, probability: float) -> Tensor:
    """`values` [...], each with `probability` replaced by 0 and else divided by 1 − probability, its mean unchanged.

    Draws from the default generator of the device. probability: in [0, 1); 0 outside training.
    """
    if not probability:
        return values
    if values.device.type != "cpu":
        return F.dropout(values, probability)
    return values * torch.ops.maskwright.draw_kept(torch.empty(values.shape, dtype=values.dtype), probability)


def _draw_kept(like: Tensor, probability: float) -> Tensor:
    """What to multiply with: 0 with `probability`, else what keeps the mean 1; shape and dtype of `like`."""
    dropped = min(round(probability * LEVELS), LEVELS - 1)
    bits = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_().view(torch.int16)[: like.numel()]
    kept = bits.bitwise_and_(LEVELS - 1).ge_(dropped)  # int16, which becomes a float several times sooner than bool
    return kept.to(like.dtype).mul_(LEVELS / (LEVELS - dropped)).view(like.shape)


if not hasattr(torch.ops.maskwright, "draw_kept"):  # the file of an exported model brings these lines along
    # An operator of its own, as code that a compiler makes for integers of 16 bits is slow. It is given an empty tensor
    # each time: the compiler would take two calls with the same one for the same draw.
    torch.library.define(
        "maskwright::draw_kept",
        "(Tensor like, float probability) -> Tensor",
        tags=(torch.Tag.nondeterministic_seeded, torch.Tag.pt2_compliant_tag),
    )
    torch.library.impl("maskwright::draw_kept", "CPU", _draw_kept)
    torch.library.register_fake(
        "maskwright::draw_kept", lambda like, probability: torch.empty(like.shape, dtype=like.dtype)
    )


class Dropout(nn.Dropout):
    """`drop` as a layer."""

    def forward(self, input: Tensor) -> Tensor:
        return drop(input, self.p) if self.training else input


def quicken(network: nn.Module) -> nn.Module:
    """`network` itself, with the dropout layers of PyTorch turned into `Dropout`."""
    for layer in network.modules():
        if type(layer) is nn.Dropout:
            layer.__class__ = Dropout
    return network
