"""A model is asked about the problem of any objective, and answers as the training step and validation do."""

import pytest
import torch
from torch.testing import assert_close

from maskwright import predict
from maskwright.attention import mask, positions
from maskwright.data.loader import validation_batches
from maskwright.evaluate.validation.validate import take_exam
from maskwright.masking.select import IGNORE
from maskwright.prediction import CHUNK, logits, logits_in_chunks, problem_loss
from maskwright.run import build
from maskwright.run.config import Config

NAMES = ["mlm", "causal", "diffusion", "mirror", "hybrid", "prefix"]


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_the_training_step(settings, name):
    config = Config.of(settings | {"objective": {"name": name}})
    data = build.data(config, show=False)
    model, rows = build.model(config, data.shards, torch.device("cpu")).eval(), data.loader.batch(0, 8)
    problem = config.objective(rows, config.seed)
    found = predict(model, problem, rows.document)

    document = rows.document[problem.source_row]
    asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
    targets = problem.targets.flatten()[asked]
    seen = mask(document, problem.view, problem.prefix_mask)
    loss, correct = problem_loss(model, problem.inputs, seen, positions(document), asked, targets)
    assert_close(found.losses, loss, rtol=0, atol=0)
    assert torch.equal(found.targets, targets)
    assert torch.equal(found.weights, problem.weights.flatten()[asked])
    assert_close(found.loss, (loss * found.weights).sum() / found.weights.sum())
    assert found.accuracy == pytest.approx(float((correct * found.weights).sum() / found.weights.sum()))


def test_a_loop_of_ones_own_learns(config):
    data = build.data(config, show=False)
    model = build.model(config, data.shards, torch.device("cpu"))
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=0.01), []
    for step in range(8):
        rows = data.loader.batch(step, 8)
        loss = predict(model, config.objective(rows, seed=0), rows.document).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.3


def test_without_documents_a_row_is_one(config):
    data = build.data(config, show=False)
    model, rows = build.model(config, data.shards, torch.device("cpu")).eval(), data.loader.batch(0, 8)
    for parameter in model.parameters():  # a new model's blocks add nothing: nobody would see anybody
        torch.nn.init.normal_(parameter, std=0.5)
    problem = config.objective(rows, seed=0)
    assert len(rows.document.unique()) > 1
    whole = predict(model, problem)
    assert_close(whole.logits, predict(model, problem, torch.zeros_like(rows.document)).logits, rtol=0, atol=0)
    assert not torch.equal(whole.logits, predict(model, problem, rows.document).logits)


@torch.no_grad()
def test_validation_says_the_same(config):
    data = build.data(config, show=False)
    model = build.model(config, data.shards, torch.device("cpu")).eval()

    found = [predict(model, config.objective(rows, 0), rows.document) for rows in validation_batches(data.valid, 64)]
    losses, weights = (torch.cat([getattr(one, name) for one in found]) for name in ("losses", "weights"))
    known = take_exam(model, data.valid, config.objective).mean()["loss"]
    assert float((losses * weights).sum() / weights.sum()) == pytest.approx(known, rel=1e-5)


@torch.no_grad()
def test_chunks_are_the_whole(config):
    data = build.data(config, show=False)
    model = build.model(config, data.shards, torch.device("cpu")).eval()
    hidden = torch.randn(CHUNK + 5, 32, generator=torch.Generator().manual_seed(0))
    parts = list(logits_in_chunks(model, hidden))
    assert [len(part) for part in parts] == [CHUNK, 5]
    assert_close(torch.cat(parts), logits(model, hidden).float(), rtol=1e-6, atol=1e-6)
