"""Go on with the places that are asked, and leave the rest of a batch where it is."""

from torch import Tensor


def pick(vectors: Tensor, asked: Tensor | None) -> Tensor:
    """vectors [B, L, D] at `asked` [N] int64, places in the flattened [B·L], → [N, D]; all of them when it is None."""
    return vectors if asked is None else vectors.flatten(0, 1)[asked]
