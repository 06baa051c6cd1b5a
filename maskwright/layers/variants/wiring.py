"""What a layer reads besides the output of the one before it: the first vectors, and the mirrored layer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...settings import settings
from ..init import Gains


@settings
class Residual:
    """Learned numbers on the residual stream: what every layer but the first reads is λ x + λ₀ x₀ + μ y."""

    scale: bool = False
    """λ, of what the layer before it gives; begins as 1."""
    first: bool = False
    """λ₀, of x₀, what the first layer reads; begins as 0."""
    skips: bool = False
    """μ, in the second half, of y, the output of the layer as far from the beginning as this one is from the end
    (Ronneberger et al. 2015, U-Net, arXiv 1505.04597; in transformers Bao et al. 2023, U-ViT, arXiv 2209.12152); begins
    as 1."""

    def build(self, layers: int) -> nn.ModuleList | None:
        """The wiring before each of so many layers; None where there is none."""
        if not (self.scale or self.first or self.skips):
            return None
        return nn.ModuleList(Wiring(self, number, layers) for number in range(layers))


class Wiring(Gains):
    """λ x + λ₀ x₀ + μ y, before layer `number` of so many `layers`; the first is the identity.

    The numbers are those of modded-nanogpt and nanochat (github.com/KellerJordan/modded-nanogpt, karpathy/nanochat).
    """

    def __init__(self, settings: Residual, number: int, layers: int):
        super().__init__()
        self.mirrored = layers - 1 - number
        late = number >= layers / 2
        self.scale = nn.Parameter(torch.empty(1)) if settings.scale and number else None
        self.first = nn.Parameter(torch.empty(1)) if settings.first and number else None
        self.skip = nn.Parameter(torch.empty(1)) if settings.skips and late and number else None

    @torch.no_grad()
    def reset_parameters(self) -> None:
        for parameter, begins in ((self.scale, 1.0), (self.first, 0.0), (self.skip, 1.0)):
            if parameter is not None:
                parameter.fill_(begins)

    def forward(self, hidden: Tensor, first: Tensor, outputs: Sequence[Tensor]) -> Tensor:
        """[B, L, D] each: the output of the layer before, the first vectors, and the outputs of all layers before."""
        if self.scale is not None:
            hidden = hidden * self.scale
        if self.first is not None:
            hidden = hidden + first * self.first
        if self.skip is not None:
            hidden = hidden + outputs[self.mirrored] * self.skip
        return hidden
