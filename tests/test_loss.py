"""The loss against torch's own, and the questions against the logits they come from."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from maskwright.loss import cross_entropy
from maskwright.models.modern import Modern
from maskwright.prediction import problem_loss


def draw(count=70, vocabulary=50, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(count, vocabulary, generator=generator)).to(dtype).requires_grad_()
    return logits, torch.randint(vocabulary, (count,), generator=generator), torch.rand(count, generator=generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("z", [0.0, 0.1])
def test_values_and_gradients_are_those_of_torch(z, dtype):
    logits, targets, weights = draw(dtype=dtype)
    mine = cross_entropy(logits, targets, z)
    expected = F.cross_entropy(logits.float(), targets, reduction="none") + z * logits.float().logsumexp(-1).square()
    assert mine.dtype == torch.float32
    assert_close(mine, expected)
    gradients = [torch.autograd.grad((loss * weights).sum(), logits)[0] for loss in (mine, expected)]
    assert_close(*gradients)


def test_far_logits_stay_finite():
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    loss = cross_entropy(logits, torch.tensor([0, 0]))
    assert_close(loss, torch.tensor([0.0, 2e4]))
    assert torch.autograd.grad(loss.sum(), logits)[0].isfinite().all()


def test_a_question_is_answered_where_it_is_asked():
    model = Modern(hidden=32, layers=2, heads=2, intermediate=48, max_length=9).build(
        40, torch.Generator().manual_seed(0)
    )
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randint(40, (2, 9), generator=generator)
    asked, targets = torch.tensor([2, 11, 17, 0]), torch.randint(40, (4,), generator=generator)
    logits = model.logits(model(inputs, None, None).flatten(0, 1)[asked])
    targets[1] = logits[1].argmax()
    loss, correct = problem_loss(model, inputs, None, None, asked, targets)
    assert_close(loss, F.cross_entropy(logits, targets, reduction="none"))
    assert torch.equal(correct, logits.argmax(-1) == targets)
    assert correct[1]
