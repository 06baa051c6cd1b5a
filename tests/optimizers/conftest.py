"""A small model with every role in it, and a problem for it to learn."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn


class Tied(nn.Module):
    """A table, fused and plain matrices, a norm, biases, and the table once more as decoder."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 12)
        self.joint = nn.Linear(12, 36)
        self.out = nn.Linear(36, 12, bias=False)
        self.twin = nn.Linear(36, 12, bias=False)
        self.norm = nn.LayerNorm(12)
        self.decoder = nn.Linear(12, 20)
        self.decoder.weight = self.embedding.weight

    def forward(self, tokens):
        hidden = self.embedding(tokens)
        inner = torch.tanh(self.joint(hidden))
        return self.decoder(self.norm(hidden + self.out(inner) + self.twin(inner.square())))


@pytest.fixture
def make_model():
    def make(seed=0):
        model, generator = Tied(), torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3, generator=generator)
        return model

    return make


@pytest.fixture
def train():
    """Takes steps on one fixed problem; returns the losses before each."""
    tokens = torch.arange(20)
    wanted = (tokens * 7 + 3) % 20

    def train(model, optimizer, steps):
        losses = []
        for _ in range(steps):
            loss = F.cross_entropy(model(tokens), wanted)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        return losses

    return train
