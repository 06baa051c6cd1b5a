"""What objectives rely on, measured on a model of `transformers` when it is built: a few forward passes.

A class that takes masks in another form gets it in that one; where none does, the family is refused by the contract.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import version

import torch
from torch import Tensor

from ...prediction import logits
from .network import TransformersModel, as_bool, as_pairs, as_score

LENGTH, CUT = 10, 4
TOLERANCE = 2e-4
"""Of a difference to what a change does where it is seen."""


@torch.no_grad()
def check(model: TransformersModel, architecture: str) -> None:
    """Find the form in which the class takes masks.

    Raises ValueError, which names the family and the contract that it breaks, when there is none.
    """
    was, said = model.training, {}
    model.eval()
    for form in (as_bool, as_score, as_pairs):
        model.mask_form = form
        said[form] = next((broken for broken in _broken(model)), None)
        if said[form] is None:
            model.train(was)
            return
    made_by = f"transformers {version('transformers')}"
    raise ValueError(f"architecture={architecture} cannot be trained here: {said[as_bool]}, with {made_by}")


def _broken(model: TransformersModel) -> Iterator[str]:
    """The contracts that a model breaks, in words."""
    for contract, broken in CONTRACTS.items():
        try:
            error = broken(model, _tokens(model))
        except Exception as raised:  # what a foreign class raises when it is given what it does not take
            yield f"{contract} ({type(raised).__name__}: {' '.join(str(raised).split())[:100]})"
            return
        if not error < TOLERANCE:
            yield f"{contract} (off by {error:.1g} of a full change)"


def _tokens(model: TransformersModel) -> Tensor:
    """[2, L], no two alike in a column, and none that is padding by default."""
    length, size = min(LENGTH, model.max_length), model.vocabulary_size
    row = torch.arange(length) * 7 % max(size - 4, 1) + 3
    return torch.stack([row, row.flip(0)]).clamp(max=size - 1)


def _leak(model: TransformersModel, tokens: Tensor) -> float:
    """How much a later token changes what was before, under a mask that hides it."""
    length = tokens.shape[1]
    seen = torch.ones(1, 1, length, length, dtype=torch.bool)
    changed = tokens.clone()
    changed[:, CUT:] = tokens.flip(0)[:, CUT:]
    hidden, open_ = ((model(tokens, m), model(changed, m)) for m in (seen.tril(), seen))
    return _relative(hidden[0][:, :CUT], hidden[1][:, :CUT], open_)


def _packed(model: TransformersModel, tokens: Tensor) -> float:
    """How far two documents in a row are from each alone."""
    length = tokens.shape[1]
    document = (torch.arange(length) >= CUT).int()
    mask = (document[:, None] == document)[None, None]
    places = torch.cat([torch.arange(CUT), torch.arange(length - CUT)])[None]
    alone = torch.cat([model(tokens[:, :CUT]), model(tokens[:, CUT:])], 1)
    return _relative(model(tokens, mask, places), alone, (model(tokens), model(tokens.flip(0))))


def _both(model: TransformersModel, tokens: Tensor) -> float:
    """How little a later token changes what is before it where it may be seen, as one less a share."""
    changed = tokens.clone()
    changed[:, -1] = tokens.flip(0)[:, -1]
    before = model(tokens), model(changed)
    return float(torch.equal(before[0][:, 0], before[1][:, 0]))


def _itself(model: TransformersModel, tokens: Tensor) -> float:
    """How far a row is from what the class makes of it when it is called as usual."""
    length = tokens.shape[1]
    mask = torch.ones(1, 1, length, length, dtype=torch.bool)
    mine = logits(model, model(tokens, mask.tril() if model.causal else mask).flatten(0, 1))
    its = model.network(input_ids=tokens).logits.flatten(0, 1)[:, : model.vocabulary_size]
    return _relative(mine, its, (its, its.flip(0)))


def _relative(one: Tensor, other: Tensor, apart: tuple[Tensor, Tensor]) -> float:
    """The largest difference of `one` and `other`, as a part of that of the two which are `apart`."""
    return float((one - other).abs().max() / (apart[0] - apart[1]).abs().max().clamp(min=1e-12))


CONTRACTS: dict[str, Callable[[TransformersModel, Tensor], float]] = {
    "what a mask hides must not be seen": _leak,
    "what a mask shows must be seen": _both,
    "documents packed in a row must be the documents alone": _packed,
    "without a mask it must be the class itself": _itself,
}
