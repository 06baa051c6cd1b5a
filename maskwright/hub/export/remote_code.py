"""The classes of a modelling file: a network of ours as a masked, a causal and a classifying model of `transformers`.

The end of every file that `bundle` makes; there, KNOWN says which network it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import (
    BaseModelOutputWithPast,
    CausalLMOutputWithPast,
    MaskedLMOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.utils.generic import can_return_tuple

from .remote_parts import KeptBefore, NHotEmbedding, checkpointed, everywhere, fill, resized, sight, structured, watched

KNOWN: dict[str, type] = {}
"""The class of the settings and that of the network."""


@contextmanager
def known(**classes: type) -> Iterator[None]:
    """Within the block, the network is of these classes."""
    KNOWN.update(classes)
    yield
    KNOWN.clear()


class MaskwrightConfig(PretrainedConfig):
    """What it takes to build the network, and the names that tools look for."""

    model_type = "maskwright"

    def __init__(
        self, vocab_size: int = 0, settings: Any = None, part_count: int = 0, causal: bool = False, **rest: Any
    ):
        """`part_count` is the number of the parts of all tokens; `causal`, whether AutoModel reads forward."""
        self.vocab_size, self.settings, self.part_count, self.causal = vocab_size, settings or {}, part_count, causal
        self.hidden_size: Any = self.settings.get("hidden")
        self.num_hidden_layers = self.settings.get("layers")
        self.num_attention_heads = self.settings.get("heads")
        self.max_position_embeddings = self.settings.get("max_length")
        super().__init__(**{"tie_word_embeddings": False, "use_cache": False} | rest)


def build(config: MaskwrightConfig) -> nn.Module:
    """The network of `config`, its weights not yet loaded."""
    settings = config.settings
    network: Any = KNOWN["network"](structured(KNOWN["settings"], settings), config.vocab_size)
    if settings.get("nhot"):
        network.nhot.parts = network.nhot.parts.new_zeros(config.part_count)
    for module in network.modules():
        fill(module)
    return network


class MaskwrightPreTrainedModel(PreTrainedModel):
    """What the models have in common."""

    config_class = MaskwrightConfig
    base_model_prefix = "model"
    _supports_sdpa = True
    _supports_cache_class = True  # asked by transformers before 4.54; `takes_cache` of the network says who has one
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False
    """Losses are means over their own batch, so that a trainer divides them by the number of micro-batches."""

    def _init_weights(self, module: nn.Module) -> None:
        fill(module)
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def get_input_embeddings(self) -> nn.Module:
        network = self.base_model.network
        return network.embedding if network.nhot is None else NHotEmbedding(network)

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.base_model.network.embedding = value

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None, mean_resizing: bool = True
    ) -> nn.Module:
        """Give every table of the vocabulary, the output's too, another number of rows.

        New tokens get the mean of the others, or with `mean_resizing=False` what a model begins with.
        """
        size = new_num_tokens or self.config.vocab_size
        size += -size % (pad_to_multiple_of or 1)
        body, old = self.base_model, self.base_model.network
        self.config.vocab_size = size
        like = next(old.parameters())
        new = build(self.config).to(like.device, like.dtype).train(old.training)
        if not mean_resizing:
            new.apply(self._init_weights)
        state = {
            name: resized(old.state_dict()[name], there, mean_resizing) for name, there in new.state_dict().items()
        }
        new.load_state_dict(state)
        body.network = new
        return self.get_input_embeddings()


class MaskwrightModel(MaskwrightPreTrainedModel):
    """The network without its vocabulary."""

    gradient_checkpointing = False

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.network = build(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        position_ids: Tensor | None = None,
        causal: bool | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        past_key_values: Any = None,
        **rest: Any,
    ) -> Any:
        """input_ids: [B, L], or inputs_embeds: [B, L, D], what `get_input_embeddings` makes of them.
        attention_mask: [B, L], or [B, L, L] for a full mask; by default no padding.
        position_ids: [B, L]; by default the number of the token among those that are no padding.
        past_key_values: a cache of `transformers` with the positions before these, which `attention_mask` then covers,
        too; these are added to it.

        Raises ValueError for both or none of the inputs, for a text that is longer than the positions, and when
        attention weights are asked for.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        if self.config.output_attentions if output_attentions is None else output_attentions:
            raise ValueError("output_attentions=True: the weights of attention are never computed as such")
        inputs: Any = input_ids if inputs_embeds is None else inputs_embeds
        before = 0 if past_key_values is None else past_key_values.get_seq_length()
        if position_ids is None and (length := before + inputs.shape[1]) > self.network.max_length:
            raise ValueError(f"a text of {length} tokens is over max_length={self.network.max_length}: truncation=True")
        seen = everywhere(inputs, before) if attention_mask is None else attention_mask
        causal = self.config.causal if causal is None else causal
        real = seen if seen.ndim == 2 else seen.diagonal(dim1=1, dim2=2)  # [B, L]
        places = (real.long().cumsum(1) - 1).clamp(min=0)[:, before:] if position_ids is None else position_ids
        mask: Any = sight(seen.bool(), causal)
        if past_key_values is not None:
            mask = KeptBefore(past_key_values, mask[:, :, before:])
        save = self._gradient_checkpointing_func if self.gradient_checkpointing and self.training else None
        with watched(self.network.layers) as states, checkpointed(self.network.layers if save else (), save):
            hidden = self.network(inputs, mask, places.expand(len(inputs), -1))
        asked = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        told = (*states, hidden) if asked else None
        return BaseModelOutputWithPast(last_hidden_state=hidden, hidden_states=told, past_key_values=past_key_values)


class MaskwrightForMaskedLM(MaskwrightPreTrainedModel):
    """Names the token at each position, from both sides."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.model: Any = MaskwrightModel(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **rest: Any,
    ) -> MaskedLMOutput:
        found = self.model(input_ids, attention_mask, inputs_embeds, **rest | {"causal": False, "return_dict": True})
        logits = self.model.network.logits(found.last_hidden_state)
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=found.hidden_states)


class MaskwrightForCausalLM(MaskwrightPreTrainedModel, GenerationMixin):
    """Names the token after each position, from those up to it."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.model: Any = MaskwrightModel(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **rest: Any,
    ) -> CausalLMOutputWithPast:
        found = self.model(input_ids, attention_mask, inputs_embeds, **rest | {"causal": True, "return_dict": True})
        logits = self.model.network.logits(found.last_hidden_state)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(
            loss=loss, logits=logits, hidden_states=found.hidden_states, past_key_values=found.past_key_values
        )

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, past_key_values: Any = None, **rest: Any
    ) -> dict[str, Any]:
        """The tokens that are not in the cache, which is used where the network can."""
        if not getattr(self.model.network, "takes_cache", False) or not rest.get("use_cache"):
            return {"input_ids": input_ids, "attention_mask": attention_mask}
        new = input_ids[:, past_key_values.get_seq_length() :]
        return {"input_ids": new, "attention_mask": attention_mask, "past_key_values": past_key_values}


class MaskwrightForSequenceClassification(MaskwrightPreTrainedModel):
    """A class for each text, from its first position or, of a model that reads forward, from its last."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model: Any = MaskwrightModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **rest: Any,
    ) -> SequenceClassifierOutput:
        found = self.model(input_ids, attention_mask, inputs_embeds, **rest | {"return_dict": True})
        hidden = found.last_hidden_state  # [B, L, D]
        real = everywhere(hidden) if attention_mask is None else attention_mask
        logits = self.classifier(hidden[torch.arange(len(hidden)), self._place(real)])
        loss = None if labels is None else self._loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=found.hidden_states)

    def _place(self, real: Tensor) -> Tensor:
        """[B] the position whose vector represents the text; real: [B, L], 0 for padding."""
        place = torch.arange(real.shape[1], device=real.device)
        return (real * place).argmax(1) if self.config.causal else real.long().argmax(1)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        if self.num_labels == 1:
            return F.mse_loss(logits[:, 0], labels.float())
        return F.cross_entropy(logits, labels)


class MaskwrightForTokenClassification(MaskwrightPreTrainedModel):
    """A class for each token."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model: Any = MaskwrightModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **rest: Any,
    ) -> TokenClassifierOutput:
        found = self.model(input_ids, attention_mask, inputs_embeds, **rest | {"return_dict": True})
        logits = self.classifier(found.last_hidden_state)
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return TokenClassifierOutput(loss=loss, logits=logits, hidden_states=found.hidden_states)
