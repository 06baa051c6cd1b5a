"""A network of `transformers` as a model of ours: vectors at asked positions, under any mask, with positions given."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...layers.nhot import embed
from ...layers.pick import pick
from ...layers.transformer import default_positions
from .family import first_position

MaskForm = Callable[[Tensor, Tensor], Tensor]


def as_bool(mask: Tensor, vectors: Tensor) -> Tensor:
    """The mask as it is, [B, 1, L, L] bool: for fused attention."""
    return mask.expand(len(vectors), -1, -1, -1)


def as_score(mask: Tensor, vectors: Tensor) -> Tensor:
    """What is added to the scores, [B, 1, L, L]: for classes that write their attention out."""
    lowest = torch.finfo(vectors.dtype).min
    return torch.zeros_like(mask, dtype=vectors.dtype).masked_fill(~mask, lowest).expand(len(vectors), -1, -1, -1)


def as_pairs(mask: Tensor, vectors: Tensor) -> Tensor:
    """[B, L, L] int64, for classes that make the other forms of it themselves."""
    return mask[:, 0].long().expand(len(vectors), -1, -1)


class TransformersModel(nn.Module):
    """The module behind `Transformers`; forward as in `Transformer`."""

    takes_block_mask = False
    mask_form: MaskForm = staticmethod(as_bool)
    """How the class takes a mask; `contracts` finds out."""

    def __init__(self, settings: Any, network: Any, vocabulary_size: int):
        super().__init__()
        assert settings.max_length
        self.max_length, self.vocabulary_size = settings.max_length, vocabulary_size
        self.causal, self.first = settings.head == "causal", first_position(network)
        self._plain = {"use_cache": False} if self.causal else {}
        self.network = network
        for module in self.body.modules():
            if type(module).__name__.startswith("Deberta") and type(module).__name__.endswith("Embeddings"):
                module.register_forward_pre_hook(_without_mask, with_kwargs=True)
        self.nhot = settings.nhot.build(vocabulary_size, self.embedding.embedding_dim) if settings.nhot else None
        self._head = [_head(network)]  # in a list, so that its parameters are not counted twice
        self.tied = _tied(self)
        self.register_state_dict_post_hook(_once)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As of any module, from a state that holds what is tied once."""
        again = {name: state_dict[first] for name, first in self.tied.items() if first in state_dict}
        return super().load_state_dict({**again, **state_dict}, strict, assign)

    @property
    def body(self) -> nn.Module:
        """The network without its head. Raises ValueError for a class that does not have it where it says."""
        found = getattr(self.network, name := self.network.base_model_prefix, None)
        if isinstance(found, nn.Module):
            return found
        kind, family = type(self.network).__name__, self.network.config.model_type
        raise ValueError(f"architecture={family} cannot be trained here: {kind} has no {name}, which it calls its body")

    @property
    def embedding(self) -> nn.Embedding:
        """The table of the tokens."""
        found: nn.Embedding = self.network.get_input_embeddings()
        return found

    @property
    def layers(self) -> nn.ModuleList:
        """The blocks, in order. They can be replaced by fewer."""
        owner, name = self._stack()
        found: nn.ModuleList = getattr(owner, name)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "layers":
            setattr(*self._stack(), value)
        else:
            super().__setattr__(name, value)

    def _stack(self) -> tuple[nn.Module, str]:
        """The module that holds the blocks, and under which name: the first list of modules in the body."""
        for module in self.body.modules():
            for name, child in module.named_children():
                if isinstance(child, nn.ModuleList):
                    return module, name
        raise ValueError(f"{type(self.network).__name__} has no list of layers")

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        target_positions: Tensor | None = None,
    ) -> Tensor:
        """Contextual vectors, [B, L, D]; see `Transformer`."""
        if tokens.shape[1] > self.max_length:
            raise ValueError(f"rows of {tokens.shape[1]} tokens do not fit model.max_length={self.max_length}")
        vectors = embed(tokens, self.embedding, self.nhot)  # [B, L, D]
        places = (default_positions(tokens) if positions is None else positions).expand(len(tokens), -1)
        if mask is None and (self.causal or self._window < tokens.shape[1] or tokens.is_meta):
            # without one, old classes make their own and look what is in it, which nothing on the meta device tells
            mask = torch.ones(1, 1, tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=vectors.device)
        sent = {"inputs_embeds": vectors, "position_ids": places + self.first} | self._plain
        hidden = self.body(attention_mask=self._masks(mask, places, vectors), **sent).last_hidden_state
        return pick(hidden, target_positions)

    @property
    def _window(self) -> int:
        """The width of local attention, in tokens on each side; more than any row without."""
        config: Any = self.network.config
        local = "sliding_attention" in (getattr(config, "layer_types", None) or ())
        width = getattr(config, "sliding_window", None)  # in old classes under another name, and they take no such mask
        return int(width) if local and width else self.max_length

    def _masks(self, mask: Tensor | None, positions: Tensor, vectors: Tensor) -> Any:
        """The mask as the class takes it; one for each kind of layer, where it has some with local attention."""
        if mask is None or self._window >= self.max_length:
            return None if mask is None else self.mask_form(mask, vectors)
        distance = (positions[:, :, None] - positions[:, None, :]).abs()  # [B, L, L]
        reach = self._window - self.causal  # the class for causal prediction counts the position itself
        near = mask & (distance <= reach)[:, None]
        kinds = {"full_attention": mask, "sliding_attention": near}
        return {kind: self.mask_form(seen, vectors) for kind, seen in kinds.items()}

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary by the class's own head: [N, D] → [N, V]."""
        scores: Tensor = self._head[0](inputs_embeds=hidden[None]).logits[0]
        return scores[:, : self.vocabulary_size]


def _tied(model: nn.Module) -> dict[str, str]:
    """The names of parameters that have another name already, to that one."""
    firsts = {id(parameter): name for name, parameter in model.named_parameters()}
    every = model.named_parameters(remove_duplicate=False)
    return {name: firsts[id(parameter)] for name, parameter in every if firsts[id(parameter)] != name}


def _once(model: Any, state: dict[str, Any], prefix: str, _: Any) -> None:
    """Leave out of a state what is in it under another name."""
    for name in model.tied:
        state.pop(f"{prefix}{name}", None)


def _head(network: Any) -> Any:
    """The network with another body, which gives back the vectors that it is given; the head's modules are shared."""
    head = copy.copy(network)
    head._modules = dict(network._modules)
    head._modules[network.base_model_prefix] = _Given()
    return head


class _Given(nn.Module):
    """In the place of a body."""

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=inputs_embeds)


def _without_mask(
    _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """DeBERTa multiplies its embeddings by a mask of tokens; one of pairs does not fit there."""
    return given, named | {"mask": None}
