"""Optimizers that PyTorch or `pytorch-optimizer` provide: their options, and our parameter groups.

The update rules are the libraries' own.
"""

from pkgutil import resolve_name
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn

from ..settings import field_names, settings
from ..settings.schedule import Share
from ._parameter_groups import Decay, parameter_groups

Positive = Annotated[float, Field(gt=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


@settings
class _Library:
    """Decays matrices by `weight_decay`; embeddings only with `decay_embeddings`; vectors never."""

    optimizer: ClassVar[str]
    """The class, as module:name; imported when it is built, since `pytorch-optimizer` is slow to import."""
    lr: Positive = 1e-3
    """Peak learning rate."""
    weight_decay: Decay = 0.0
    """L2 penalty: this multiple of a matrix is added to its gradient (not decoupled as in AdamW)."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, with one parameter group per role, each at its peak `lr`."""
        groups = parameter_groups(model, self.weight_decay, self.decay_embeddings)
        own = set(field_names(type(self))) - {"weight_decay", "decay_embeddings"}
        optimizer: torch.optim.Optimizer = resolve_name(self.optimizer)(groups, **{f: getattr(self, f) for f in own})
        return optimizer


@settings
class Adam(_Library):
    """Step by the mean gradient over its root mean square (Kingma and Ba 2015, arXiv 1412.6980)."""

    optimizer: ClassVar[str] = "torch.optim:Adam"
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Decay per step of the mean gradient and of its square."""
    eps: Positive = 1e-8
    """Added to the root of the squares."""
    fused: bool = True
    """Whether a step is one kernel, one pass over memory; without it the rounding differs."""


@settings
class Adamw(Adam):
    """Adam with decoupled weight decay, which bypasses the moments (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Embeddings are not decayed, as in LTG-BERT, unless `decay_embeddings` (GPT-BERT).
    """

    optimizer: ClassVar[str] = "torch.optim:AdamW"
    betas: tuple[Share, Share] = (0.9, 0.98)
    """Decay per step of the mean gradient and of its square."""
    weight_decay: Decay = 0.1
    """Decoupled decay, or a schedule of it: w shrinks by lr · weight_decay per step."""


@settings
class Adamax(_Library):
    """Adam with the largest gradient instead of the root mean square (Kingma and Ba 2015, section 7.1)."""

    optimizer: ClassVar[str] = "torch.optim:Adamax"
    lr: Positive = 2e-3
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Decay per step of the mean gradient and of the largest."""
    eps: Positive = 1e-8
    """Added to the absolute gradient before it is compared with the largest."""


@settings
class Nadam(_Library):
    """Adam with Nesterov momentum (Dozat 2016, "Incorporating Nesterov momentum into Adam")."""

    optimizer: ClassVar[str] = "torch.optim:NAdam"
    lr: Positive = 2e-3
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Decay per step of the mean gradient and of its square."""
    eps: Positive = 1e-8
    """Added to the root of the squares."""


@settings
class Adagrad(_Library):
    """Step by the gradient over the root of the sum of all squares so far (Duchi et al. 2011, JMLR 12)."""

    optimizer: ClassVar[str] = "torch.optim:Adagrad"
    lr: Positive = 1e-2
    """Peak learning rate."""
    eps: Positive = 1e-10
    """Added to the root of the squares."""


@settings
class Adadelta(_Library):
    """Scale gradients by the ratio of past steps to past gradients (Zeiler 2012, arXiv 1212.5701)."""

    optimizer: ClassVar[str] = "torch.optim:Adadelta"
    lr: Positive = 1.0
    """Peak learning rate, a factor on steps that need none."""
    rho: Share = 0.9
    """Decay per step of the mean squares of gradients and of steps."""
    eps: Positive = 1e-6
    """Added to both mean squares; its root is about the size of the first steps."""


@settings
class Rmsprop(_Library):
    """Step by the gradient over its root mean square (Tieleman and Hinton 2012, lecture 6.5)."""

    optimizer: ClassVar[str] = "torch.optim:RMSprop"
    alpha: Share = 0.99
    """Decay per step of the mean square of the gradient."""
    eps: Positive = 1e-8
    """Added to the root of the squares."""
    momentum: Momentum = 0.0
    """Decay per step of the sum of past steps; 0 for none."""


@settings
class Sgd(_Library):
    """Stochastic gradient descent with momentum (Polyak 1964; Sutskever et al. 2013, section 2)."""

    optimizer: ClassVar[str] = "torch.optim:SGD"
    lr: Positive = 0.1
    """Peak learning rate."""
    momentum: Momentum = 0.9
    """Decay per step of the sum of gradients."""
    nesterov: bool = False
    """Whether momentum is Nesterov's."""


@settings
class Lion(_Library):
    """Step by the sign of a mean gradient (Chen et al. 2023, arXiv 2302.06675, algorithm 2)."""

    optimizer: ClassVar[str] = "pytorch_optimizer:Lion"
    lr: Positive = 1e-3
    """Peak learning rate; a third to a tenth of AdamW's."""
    betas: tuple[Share, Share] = (0.9, 0.99)
    """Decay per step of the mean whose sign is the step, and of the mean that is kept."""
    weight_decay: Decay = 0.1
    """Decoupled decay, or a schedule of it: w shrinks by lr · weight_decay per step."""


@settings
class Novograd(_Library):
    """Normalise each matrix's gradient by its norm, then apply momentum (Ginsburg et al. 2019, arXiv 1905.11286)."""

    optimizer: ClassVar[str] = "pytorch_optimizer:NovoGrad"
    lr: Positive = 1e-2
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.95, 0.98)
    """Decay per step of the mean step and of the gradient's squared norm."""
    eps: Positive = 1e-8
    """Added to the norm."""
    weight_decay: Decay = 0.0
    """Multiple of a matrix that is added to its normalised gradient (algorithm 1)."""


ENTRIES = (Adadelta, Adagrad, Adam, Adamax, Adamw, Lion, Nadam, Novograd, Rmsprop, Sgd)
