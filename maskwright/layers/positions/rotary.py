"""Rotary position embeddings: queries and keys are rotated by their position, so scores depend on distances only.

Su et al. 2021, RoFormer (arXiv 2104.09864); the halves of a head are paired as in Llama and ModernBERT.
"""

import torch
from torch import Tensor, nn

from ..linear import inferring


class Rotary(nn.Module):
    """The rotations of `max_length` positions, [max_length, 2, width] float32: cosine and signed sine.

    Angle j of position p is p · theta^(-2j / width) (RoFormer, section 3.2.2), shared by both halves of a head; the
    sine of the first half is negated. The table is computed by `fill` and not saved with the weights.
    """

    table: Tensor

    def __init__(self, max_length: int, width: int, theta: float):
        super().__init__()
        self.max_length, self.width, self.theta = max_length, width, theta
        self.register_buffer("table", torch.empty(max_length, 2, width), persistent=False)

    def fill(self) -> None:
        """Compute the table, on its device."""
        steps = torch.arange(0, self.width, 2, device=self.table.device) / self.width
        angles = torch.arange(self.max_length, device=self.table.device)[:, None] * self.theta**-steps
        sine, cosine = angles.sin(), angles.cos()  # [max_length, width / 2]
        self.table.copy_(torch.stack([torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1)], dim=1))

    def forward(self, positions: Tensor) -> Tensor:
        """positions: [B or 1, L] int64 below `max_length`.  Returns the rotations, [B or 1, L, 2, width]."""
        return self.table[positions]


def rotate(vectors: Tensor, rotations: Tensor) -> Tensor:
    """Rotate `vectors` [B, L, …, width] by `rotations` [B or 1, L, 2, width], in float32; returns the dtype of
    `vectors`."""
    between = (1,) * (vectors.ndim - 3)
    cosine, sine = (part.reshape(*part.shape[:2], *between, -1) for part in rotations.unbind(2))
    swapped = vectors.roll(vectors.shape[-1] // 2, -1)  # the two halves swapped: the sines carry the sign
    return (vectors * cosine + swapped * sine).to(vectors.dtype)


def rotate_for_scores(vectors: Tensor, rotations: Tensor) -> Tensor:
    """As `rotate`, for what scores alone depend on: without gradients on a CPU, in the order of RoFormer's own pairs.

    The halves of a head lie there in turn, as real and imaginary parts: one product, where `rotate` needs four passes.
    """
    if not inferring(vectors, rotations):
        return rotate(vectors, rotations)
    half, between = vectors.shape[-1] // 2, (1,) * (vectors.ndim - 3)
    turns = torch.complex(rotations[:, :, 0, :half], rotations[:, :, 1, half:])  # [B or 1, L, width / 2]
    turned = torch.complex(vectors[..., :half], vectors[..., half:])
    turned *= turns.reshape(*turns.shape[:2], *between, half)
    return torch.view_as_real(turned).flatten(-2)
