"""The classes of a modelling file: a network of ours as a masked, a causal and a classifying model of `transformers`.

The end of every file that `bundle` makes; there, KNOWN says which network it is.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput, MaskedLMOutput, SequenceClassifierOutput

from ...layers.nhot import NHot

KNOWN: dict[str, type] = {}
"""The class of the settings and that of the network."""


@contextmanager
def known(**classes: type) -> Iterator[None]:
    """Within the block, the network is of these classes."""
    KNOWN.update(classes)
    yield
    KNOWN.clear()


def plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON takes them."""
    return {
        field.name: plain(value) if dataclasses.is_dataclass(value := getattr(settings, field.name)) else value
        for field in dataclasses.fields(settings)
        if field.init
    }


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
    settings = dict(config.settings)
    if settings.get("nhot"):
        settings["nhot"] = NHot(**settings["nhot"])
    network: Any = KNOWN["network"](KNOWN["settings"](**settings), config.vocab_size)
    if settings.get("nhot"):
        network.nhot.parts = network.nhot.parts.new_zeros(config.part_count)
    for module in network.modules():
        fill(module)
    return network


def fill(module: nn.Module) -> None:
    """Compute a table that is not part of the weights."""
    if any(name not in module.state_dict() for name, _ in module.named_buffers(recurse=False)):
        module.fill()  # type: ignore[operator]


class MaskwrightPreTrainedModel(PreTrainedModel):
    """What the models have in common."""

    config_class = MaskwrightConfig
    base_model_prefix = "model"
    _supports_sdpa = True

    def _init_weights(self, module: nn.Module) -> None:
        fill(module)
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def get_input_embeddings(self) -> nn.Module:
        return self.base_model.network.embedding


class MaskwrightModel(MaskwrightPreTrainedModel):
    """The network without its vocabulary."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.network = build(config)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        causal: bool | None = None,
        return_dict: bool = True,
        **rest: Any,
    ) -> Any:
        """input_ids: [B, L].  attention_mask: [B, L], or [B, L, L] for a full mask; by default no padding."""
        seen = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        causal = self.config.causal if causal is None else causal
        real = seen if seen.ndim == 2 else seen.diagonal(dim1=1, dim2=2)  # [B, L]
        positions = (real.long().cumsum(1) - 1).clamp(min=0)
        hidden = self.network(input_ids, sight(seen.bool(), causal), positions)
        return BaseModelOutput(last_hidden_state=hidden) if return_dict else (hidden,)


def sight(seen: Tensor, causal: bool) -> Tensor:
    """[B, L] bool, False for padding, or a full mask [B, L, L] → [B, 1, L, L]; all attend to themselves."""
    pairs = seen[:, None] if seen.ndim == 2 else seen
    itself = torch.eye(seen.shape[-1], dtype=torch.bool, device=seen.device)
    pairs = pairs.expand(-1, seen.shape[-1], -1) | itself
    return (pairs.tril() if causal else pairs)[:, None]


class MaskwrightForMaskedLM(MaskwrightPreTrainedModel):
    """Names the token at each position, from both sides."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.model: Any = MaskwrightModel(config)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **rest: Any
    ) -> MaskedLMOutput:
        hidden = self.model(input_ids, attention_mask, causal=False).last_hidden_state
        logits = self.model.network.logits(hidden)
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits)


class MaskwrightForCausalLM(MaskwrightPreTrainedModel, GenerationMixin):
    """Names the token after each position, from those up to it."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.model: Any = MaskwrightModel(config)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **rest: Any
    ) -> CausalLMOutput:
        hidden = self.model(input_ids, attention_mask, causal=True).last_hidden_state
        logits = self.model.network.logits(hidden)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        return CausalLMOutput(loss=loss, logits=logits)

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **rest: Any
    ) -> dict[str, Any]:
        return {"input_ids": input_ids, "attention_mask": attention_mask}


class MaskwrightForSequenceClassification(MaskwrightPreTrainedModel):
    """A class for each text, from its first position or, of a model that reads forward, from its last."""

    def __init__(self, config: MaskwrightConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model: Any = MaskwrightModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **rest: Any
    ) -> SequenceClassifierOutput:
        hidden = self.model(input_ids, attention_mask).last_hidden_state  # [B, L, D]
        logits = self.classifier(hidden[torch.arange(len(hidden)), self._place(input_ids, attention_mask)])
        return SequenceClassifierOutput(loss=None if labels is None else self._loss(logits, labels), logits=logits)

    def _place(self, input_ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """[B] the position whose vector represents the text."""
        real = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        return (real * place).argmax(1) if self.config.causal else real.long().argmax(1)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        if self.num_labels == 1:
            return F.mse_loss(logits[:, 0], labels.float())
        return F.cross_entropy(logits, labels)
