"""Learned absolute positions: one vector per position, added to the token's (Devlin et al. 2019, BERT, section 3.2)."""

from torch import Tensor, nn


class LearnedPositions(nn.Module):
    """A table of `max_length` vectors of width `hidden`, initialised by the model that it belongs to."""

    def __init__(self, max_length: int, hidden: int):
        super().__init__()
        self.table = nn.Embedding(max_length, hidden)

    def forward(self, embedded: Tensor, positions: Tensor) -> Tensor:
        """Add to `embedded` [B, L, D] the vectors of `positions` [B or 1, L] int64."""
        return embedded + self.table(positions)
