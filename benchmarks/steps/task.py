"""What every contestant trains on: one batch of rows, masked or causal, the sizes, and how a step ends."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from maskwright.attention import FORWARD, mask
from maskwright.training.step import precision


@dataclass(frozen=True)
class Task:
    """B rows of L tokens, N questions about them; the model's width, depth and heads."""

    device: torch.device
    rows: int = 32
    length: int = 128
    vocabulary: int = 16_384
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    feed_forward: int = 1024
    """Inner width of a plain feed-forward."""
    gated: int = 688
    """Inner width of a gated one with as many parameters, up to a multiple of 16."""
    dropout: float = 0.0
    ratio: float = 0.15
    """The share of the tokens that is hidden and asked."""
    causal: bool = False
    """Whether nothing is hidden, and every token but a row's first is asked of the position before it."""

    @property
    def tokens(self) -> int:
        return self.rows * self.length

    @property
    def questions(self) -> int:
        """N."""
        return self.rows * (self.length - 1) if self.causal else round(self.ratio * self.tokens)

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs [B, L], the asked places [N] of the flattened rows, and what must be named there [N]."""
        generator = torch.Generator().manual_seed(0)
        original = torch.randint(5, self.vocabulary, (self.rows, self.length), generator=generator)
        if self.causal:
            asked = torch.arange(self.tokens).view_as(original)[:, :-1].flatten()
            return original.to(self.device), asked.to(self.device), original[:, 1:].flatten().to(self.device)
        asked = torch.randperm(self.tokens, generator=generator)[: self.questions].sort().values
        inputs = original.flatten().index_fill(0, asked, 4).view_as(original)
        return inputs.to(self.device), asked.to(self.device), original.flatten()[asked].to(self.device)

    def seen(self) -> Tensor | None:
        """The mask of a causal batch, [B, 1, L, L] bool: each row is one document, as our loader would give it."""
        document = torch.zeros(self.rows, self.length, dtype=torch.int32)
        seen = mask(document, torch.full((self.rows,), FORWARD)) if self.causal else None
        return None if seen is None else seen.to(self.device)


def step(model: nn.Module, loss: Callable[[], Tensor], device: torch.device) -> Callable[[], None]:
    """A whole update as both sides make it: autocast to what the machine is fast in (bfloat16, where its hardware
    multiplies that), clipping at 1, fused AdamW on float32 weights."""
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def update() -> None:
        with precision("auto", device):
            value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return update
