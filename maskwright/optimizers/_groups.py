"""What a parameter is for: optimizers treat tables, matrices and the rest differently.

The role follows from the type of the module that owns the parameter, never from its name; a parameter that several
modules share (a tied decoder) comes once, and a table stays a table whoever else uses it.
"""

from typing import Any

from torch import nn

TABLES = nn.Embedding, nn.EmbeddingBag


def roles(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The trained parameters of `model`, each once, in the order of `model.parameters()`, by role.

    `embedding`: the weights of nn.Embedding and nn.EmbeddingBag.  `matrix`: others of two or more dimensions.
    `vector`: the rest, which is biases, norms and gains.
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, TABLES)}
    found: dict[str, list[nn.Parameter]] = {"matrix": [], "embedding": [], "vector": []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            role = "embedding" if id(parameter) in tables else "matrix" if parameter.ndim >= 2 else "vector"
            found[role].append(parameter)
    return found


def groups(model: nn.Module, weight_decay: float, decay_embeddings: bool) -> list[dict[str, Any]]:
    """One parameter group a role, as torch optimizers take them, with `role` and `weight_decay`; no empty group.

    Vectors are never decayed, embeddings only when `decay_embeddings` says so.
    """
    decay = {"matrix": weight_decay, "embedding": weight_decay * decay_embeddings, "vector": 0.0}
    found = roles(model)
    return [{"params": found[r], "role": r, "weight_decay": decay[r]} for r in found if found[r]]
