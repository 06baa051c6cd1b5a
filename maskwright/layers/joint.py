"""Several matrices with the same input, stacked so that one product computes them all."""

from torch import nn

from .linear import Linear


class Joint(Linear):
    """D → parts · width; the weight is [parts · width, D], one matrix after the other.

    Whatever depends on the shape of a matrix (Muon, fan-out initialisation) must treat the parts separately.
    """

    def __init__(self, hidden: int, width: int, parts: int, bias: bool = True):
        super().__init__(hidden, parts * width, bias)
        self.parts = parts


def parts(model: nn.Module) -> dict[int, int]:
    """Number of stacked matrices by the weight's id; weights that are not listed are single matrices."""
    return {id(module.weight): module.parts for module in model.modules() if isinstance(module, Joint)}
