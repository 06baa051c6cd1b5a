"""Parameters by role: optimizers treat embedding tables, matrices and vectors differently.

The role follows from the type of the module that owns the parameter, never from its name. A parameter that several
modules share (a tied decoder) is listed once, and an embedding table stays one whoever else uses it.
"""

from typing import Annotated, Any

from pydantic import Field
from torch import nn

from ..settings.schedule import Scheduled, value

Decay = Scheduled[Annotated[float, Field(ge=0)]]
"""A weight decay, or a schedule of it over the run."""
TABLES = nn.Embedding, nn.EmbeddingBag


def parameters_by_role(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The trainable parameters of `model` by role, each once, in the order of `model.parameters()`.

    `embedding`: the weights of nn.Embedding and nn.EmbeddingBag.  `matrix`: others of two or more dimensions.
    `vector`: the rest: biases, norms and gains.
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, TABLES)}
    found: dict[str, list[nn.Parameter]] = {"matrix": [], "embedding": [], "vector": []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            role = "embedding" if id(parameter) in tables else "matrix" if parameter.ndim >= 2 else "vector"
            found[role].append(parameter)
    return found


def parameter_groups(
    model: nn.Module, weight_decay: Scheduled[float], decay_embeddings: bool, decay_vectors: bool = False
) -> list[dict[str, Any]]:
    """One parameter group per role, as torch optimizers take them, with `role`, whether it is `decayed`, and
    `weight_decay`, that of the first step; no empty group.

    Embeddings are decayed only with `decay_embeddings`, vectors only with `decay_vectors`.
    """
    decayed = {"matrix": True, "embedding": decay_embeddings, "vector": decay_vectors}
    found, first = parameters_by_role(model), value(weight_decay, 0.0)
    return [
        {"params": found[role], "role": role, "decayed": decayed[role], "weight_decay": first * decayed[role]}
        for role in found
        if found[role]
    ]
