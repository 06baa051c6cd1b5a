"""The negative log-likelihood of a text by the objective's own scoring: nats per token, perplexity, bits per byte.

For a causal model it is the likelihood; for diffusion an upper bound on −ln p, so its perplexity is one too; for masked
models a pseudo-likelihood, which is neither, and comparable only with other pseudo-likelihoods.
"""

from math import exp, log

import torch
from torch import nn

from ...data.loader import validation_batches
from ...data.pack import Pack
from ...objectives.base.objective import IGNORE, Objective
from .validate import score_targets


@torch.no_grad()
def likelihood(model: nn.Module, pack: Pack, objective: Objective, batch_tokens: int = 16384) -> dict[str, float]:
    """`nats_per_token` over all rows (without special tokens), `perplexity`, `bits_per_byte`."""
    training = model.training
    model.eval()
    nats = tokens = 0.0
    for rows in validation_batches(pack, max(1, batch_tokens // pack.length)):
        tokens += int(rows.maskable.sum())
        for problem in objective.scoring(rows):
            asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
            targets, weights = problem.targets.flatten()[asked], problem.weights.flatten()[asked]
            loss, *_ = score_targets(model, rows, problem, asked, targets)
            nats += float((loss.cpu().double() * weights).sum())
    model.train(training)
    found = {"nats_per_token": nats / tokens, "perplexity": exp(min(nats / tokens, 700.0))}
    return found | {"bits_per_byte": nats / log(2) / int(pack.split.bytes.sum())}
