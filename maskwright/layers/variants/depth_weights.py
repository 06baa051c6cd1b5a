"""Weighted sums over depth: what comes next is made of all that came before, not of the last alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..init import Gains


class DepthWeights(Gains):
    """Σ αⱼ xⱼ over `count` outputs of equal shape, the earliest first, with a learned number for each.

    `soft`: the numbers go through a softmax, and begin as 1 for the last and 0 for the others (Charpentier and Samuel
    2023, Every Layer Counts BERT, arXiv 2311.02265, section 3), or as 0 for all if `even`. Otherwise they are the
    weights, so that the sum begins as the last output alone (Pagliardini et al. 2024, DenseFormer, arXiv 2402.02622,
    section 3.1).
    """

    def __init__(self, count: int, soft: bool, even: bool = False):
        super().__init__()
        self.soft, self.even = soft, even
        self.weight = nn.Parameter(torch.empty(count))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.weight.zero_()
        if not self.even:
            self.weight[-1] = 1

    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        """`count` tensors of one shape → their sum, of that shape."""
        weights = self.weight.softmax(0) if self.soft else self.weight
        total = outputs[0] * weights[0]
        for output, weight in zip(outputs[1:], weights[1:], strict=True):
            total = total + output * weight
        return total
