"""The embeddings of tokens that a model has not learned, from those that it has: another tokenizer for the same model.

Shapes: V new tokens, R rows of the old model.
"""

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from ...models.transformers import TransformersModel
from ...text.tokenizers.token_text import LOST
from ...text.tokenizers.tokenizer import Tokenizer

NewTokens = Literal["pieces", "mean", "random"]
"""How new tokens begin."""
WAYS: tuple[NewTokens, ...] = get_args(NewTokens)
HEAD = ("head", "decoder", "decoder_bias")
"""What of our models is not the body."""


@torch.no_grad()
def transfer(model: nn.Module, old: nn.Module, tokenizers: tuple[Tokenizer, Tokenizer], how: NewTokens) -> None:
    """Give `model` the weights of `old`; rows of tokens that both tokenizers have stay, under the new ids.

    A token that the old one lacks begins as the mean of the old tokens that its text is split into (`pieces`; Koto et
    al. 2021, IndoBERTweet, arXiv 2109.04607), as the mean of all (`mean`), or as it was drawn (`random`). Tables that
    are tied stay so.

    tokenizers: the old one and the new one. Raises ValueError for n-hot embeddings.
    """
    if getattr(model, "nhot", None) is not None:
        raise ValueError("training.new_tokens: n-hot embeddings are of one tokenizer's parts; leave out model.nhot")
    pieces, state = sources(*tokenizers), model.state_dict()
    for name, tensor in old.state_dict().items():
        if name in tables(old):
            _fill(state[name], tensor, pieces, how)
        elif tensor.is_floating_point():  # an id is the new tokenizer's
            state[name].copy_(tensor)


def _fill(table: Tensor, old: Tensor, pieces: list[np.ndarray], how: NewTokens) -> None:
    """Fill the first V rows of `table` [≥ V, …] from `old` [R, …]; further ones are the mean."""
    mean = old.mean(0)
    for place, some in enumerate(pieces):
        if len(some) == 1 or (len(some) and how == "pieces"):
            table[place] = old[torch.from_numpy(some).to(old.device)].mean(0)
        elif how != "random":
            table[place] = mean
    table[len(pieces) :] = mean


def sources(old: Tokenizer, new: Tokenizer) -> list[np.ndarray]:
    """V of [pieces] int64: the old tokens that each new one is made of; itself alone where both have it."""
    roles = {name: old.names[role] for role, name in new.names.items() if role in old.names}
    number = {token: place for place, token in enumerate(old.tokens) if token}
    names = [roles.get(token, token) for token in new.tokens]
    texts = [new.decode([place], specials=True) for place in range(len(names))]
    split = [ids for ids, _ in old.encode_batch(texts)]
    special, found = new.vocabulary.is_special, []
    for place, (name, text) in enumerate(zip(names, texts, strict=True)):
        if LOST in text:  # bytes that are no character, which byte-level tokenizers write as a sign each
            split[place] = np.array([number[sign] for sign in name if sign in number], np.int64)
        known = [number[name]] if name in number else [] if special[place] else split[place]
        found.append(np.array(known, np.int64))
    return found


def tables(model: nn.Module) -> set[str]:
    """The names of what has a row for each token: the embeddings, and what of the head is as long as they are."""
    embedding = model.embedding
    assert isinstance(embedding, nn.Embedding)
    body = f"network.{model.network.base_model_prefix}." if isinstance(model, TransformersModel) else None
    table = {name for name, one in model.named_parameters(remove_duplicate=False) if one is embedding.weight}
    long = [name for name, one in model.state_dict().items() if one.ndim and len(one) == embedding.num_embeddings]
    return table | {name for name in long if (not name.startswith(body) if body else name.partition(".")[0] in HEAD)}
