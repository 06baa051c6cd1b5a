"""A mask as blocks is the mask: the same pairs, and FlexAttention over them gives the numbers of the masked kernel."""

import pytest
import torch
import torch._dynamo.testing
from torch.nn.attention import flex_attention as flex
from torch.nn.attention.flex_attention import create_mask
from torch.testing import assert_close

from maskwright.attention import BACKWARD, BOTH, FORWARD, block_mask, is_full_attention, mask
from maskwright.layers.attend import attend
from maskwright.models.modern import Modern
from maskwright.prediction import problem_loss
from maskwright.run.config import Config
from maskwright.training.step import micro_batch, use_block_mask
from maskwright.training.trainer import Trainer

LENGTH = 150
VIEW = torch.tensor([BOTH, FORWARD, BACKWARD, FORWARD])
SHOWN = [None, torch.arange(4 * LENGTH).view(4, LENGTH) % 3 == 0]


def documents(seed: int = 0) -> torch.Tensor:
    """[4, LENGTH]: three to six documents a row, and padding behind them."""
    generator = torch.Generator().manual_seed(seed)
    starts = torch.rand(4, LENGTH, generator=generator).lt(4 / LENGTH)
    document = starts.int().cumsum(1).int()
    document[1:, LENGTH - 20 :] = -1
    return document


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch offers FlexAttention's gradients on GPUs; written out they are the same arithmetic on a processor."""
    monkeypatch.setattr(flex, "_validate_device", lambda *_: None)
    monkeypatch.setattr(flex, "_WARNINGS_SHOWN", {"flex_attention_performance"}, raising=False)


@pytest.mark.parametrize("shown", SHOWN, ids=["", "shown"])
def test_blocks_hold_the_pairs_of_the_mask(shown: torch.Tensor | None) -> None:
    document = documents()
    seen = block_mask(document, VIEW, shown)
    assert seen.shape == (4, 1, LENGTH, LENGTH)
    assert torch.equal(create_mask(seen.mask_mod, 4, 1, LENGTH, LENGTH, "cpu"), mask(document, VIEW, shown))


def test_blocks_that_nobody_sees_are_left_out() -> None:
    document = torch.arange(4).repeat_interleave(128)[None]
    assert block_mask(document, torch.tensor([BOTH])).sparsity() == 75.0


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.usefixtures("processor")
@pytest.mark.parametrize("shown", SHOWN, ids=["", "shown"])
def test_attention_over_blocks_is_attention_under_the_mask(shown: torch.Tensor | None) -> None:
    document, generator = documents(), torch.Generator().manual_seed(1)
    heads = [torch.randn(4, 2, LENGTH, 16, generator=generator, requires_grad=True) for _ in range(3)]
    found = []
    for seen in (mask(document, VIEW, shown), block_mask(document, VIEW, shown)):
        mixed = attend(*heads, seen, dropout=0.0)
        found.append([mixed, *torch.autograd.grad(mixed.square().sum(), heads)])
    for masked, blockwise in zip(*found, strict=True):
        assert_close(blockwise, masked, atol=2e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.usefixtures("processor")
@pytest.mark.parametrize("shown", SHOWN, ids=["", "shown"])
def test_a_step_is_traced_once_whatever_the_documents(shown: torch.Tensor | None) -> None:
    model = Modern(hidden=32, layers=2, heads=2, intermediate=48, max_length=LENGTH).build(
        300, torch.Generator().manual_seed(0)
    )
    for layer in model.layers:
        torch.nn.init.normal_(layer.attention.out.weight, generator=torch.Generator().manual_seed(1))
    assert model.takes_block_mask
    torch._dynamo.reset()  # what other tests have compiled is not to be counted
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    ask = torch.compile(problem_loss, backend=counter, dynamic=False, fullgraph=True)
    inputs, places = torch.arange(4 * LENGTH).view(4, LENGTH) % 300, torch.arange(0, 4 * LENGTH, 7)
    for seed in range(3):
        document, found = documents(seed), []
        now = None if shown is None else shown.roll(seed, 1)
        for asking, seen in ((problem_loss, mask(document, VIEW, now)), (ask, block_mask(document, VIEW, now))):
            loss, _ = asking(model, inputs, seen, None, places, inputs.flatten()[places])
            found.append([loss, *torch.autograd.grad(loss.sum(), list(model.parameters()))])
        for masked, blockwise in zip(*found, strict=True):
            assert_close(blockwise, masked, atol=1e-4, rtol=1e-3)
    assert counter.frame_count == 1


def test_who_takes_blocks() -> None:
    gpu, cpu, ask = torch.device("cuda", 0), torch.device("cpu"), lambda *micro_batch: micro_batch
    sizes = {"hidden": 32, "layers": 1, "heads": 2, "intermediate": 48, "max_length": 32}
    model = Modern(**sizes).build(300, torch.Generator())
    dropping = Modern(**sizes, dropout=0.1).build(300, torch.Generator())
    assert use_block_mask(model, ask, gpu)
    assert not use_block_mask(model, problem_loss, gpu)
    assert not use_block_mask(model, ask, cpu)
    assert not use_block_mask(dropping, ask, gpu)
    assert not use_block_mask(torch.nn.Identity(), ask, gpu)


@pytest.mark.parametrize("name", ["mlm", "prefix"])
def test_questions_carry_what_is_seen_as_blocks_or_a_mask(settings: dict, name: str) -> None:
    config = Config.of(settings, [f"objective.name={name}"])
    trainer = Trainer(config, show=False)
    rows = trainer.data.loader.batch(0, 40)
    problem = config.objective(rows, 0)
    bare, dressed = (micro_batch(rows, problem, trainer.device, blockwise) for blockwise in (False, True))
    pairs = create_mask(dressed.mask.mask_mod, *bare.mask.shape, "cpu")
    assert torch.equal(pairs, bare.mask)
    assert torch.equal(pairs, mask(rows.document, problem.view, problem.prefix_mask))
    if name == "prefix":
        assert not torch.equal(pairs, mask(rows.document, problem.view))
        return
    rows.document.zero_()
    assert is_full_attention(rows.document, problem.view)
    assert micro_batch(rows, problem, trainer.device, True).mask is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="FlexAttention's kernel needs a CUDA device")
def test_the_kernel_gives_the_numbers_of_the_mask() -> None:
    document, view, generator = documents().cuda(), VIEW.cuda(), torch.Generator().manual_seed(1)
    heads = [torch.randn(4, 2, LENGTH, 64, generator=generator).cuda().requires_grad_() for _ in range(3)]
    found = []
    for seen, run in ((mask(document, view), attend), (block_mask(document, view), torch.compile(attend))):
        mixed = run(*heads, seen, dropout=0.0)
        found.append([mixed, *torch.autograd.grad(mixed.square().sum(), heads)])
    for masked, blockwise in zip(*found, strict=True):
        assert (blockwise - masked).norm() < 1e-2 * masked.norm()
