"""Several matrices that read the same vector, stacked so that one product does for all."""

from torch import nn

from .linear import Linear


class Joint(Linear):
    """D → parts · width; the weight is [parts · width, D], one matrix after the other.

    What treats a matrix as a whole (Muon, an initialisation by fan-out) takes them one by one.
    """

    def __init__(self, hidden: int, width: int, parts: int, bias: bool = True):
        super().__init__(hidden, parts * width, bias)
        self.parts = parts


def parts(model: nn.Module) -> dict[int, int]:
    """How many matrices a weight is made of, by the weight's id; a weight that is not here is one."""
    return {id(module.weight): module.parts for module in model.modules() if isinstance(module, Joint)}
