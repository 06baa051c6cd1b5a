"""Rotary positions: queries and keys turn by an angle proportional to their position, so scores see only distances.

Su et al. 2021, RoFormer (arXiv 2104.09864), with the halves of a head paired as in Llama and ModernBERT.
"""

import torch
from torch import Tensor


def turns(positions: Tensor, width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every angle, float32.

    positions: [B, L] int64 (B may be 1).  width: of one head, even.  Returns two tensors [B, 1, L, width].
    Angle j of position p is p · theta^(-2j / width) (RoFormer, section 3.2.2); both halves of a head share it.
    """
    steps = torch.arange(0, width, 2, dtype=torch.float32, device=positions.device)
    angles = positions[:, None, :, None].float() * theta ** (-steps / width)  # [B, 1, L, width / 2]
    angles = torch.cat([angles, angles], dim=-1)  # [B, 1, L, width]
    return angles.cos(), angles.sin()


def turn(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate `heads` [B, H, L, width] by `turns`; computed in float32, returned in the dtype of `heads`."""
    first, second = heads.float().chunk(2, dim=-1)  # [B, H, L, width / 2]
    return (heads * cosine + torch.cat([-second, first], dim=-1) * sine).to(heads.dtype)
