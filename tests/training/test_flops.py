"""Operations by shape are those that torch counts, and those of the papers' formula; a peak is measured or
published.
"""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from maskwright.prediction import problem_loss
from maskwright.settings import from_mapping, registry
from maskwright.training.flops import Flops
from maskwright.training.machine.peak_flops import PUBLISHED, matrix_product, peak_flops

SIZES = {"hidden": 128, "layers": 3, "heads": 2, "intermediate": 256, "max_length": 32}
MODELS = sorted({registry.name_of(registry.load("models", name)[0](**SIZES)) for name in registry.names("models")})
VOCABULARY = 300


def build(name: str, **options: object) -> torch.nn.Module:
    kind, _ = registry.load("models", name)
    return from_mapping(kind, SIZES | options, "model").build(VOCABULARY, torch.Generator().manual_seed(0))


def counted(model: torch.nn.Module, rows: int, length: int, asked: int) -> int:
    """What torch counts of a real update; of the kernels of attention it knows the plain one."""
    inputs, places = torch.zeros(rows, length, dtype=torch.int64), torch.arange(asked)
    positions = torch.arange(length).expand(rows, length)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        loss, _ = problem_loss(model, inputs, None, positions, places, places)
        loss.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(4, 16, 10), (3, 32, 7)])
def test_operations_are_those_that_torch_counts(name: str, shape: tuple[int, int, int]) -> None:
    model = build(name, dropout=0.0)
    flops = Flops(model)
    flops.of(1, 16, 5)
    assert flops.of(*shape) == pytest.approx(counted(model, *shape), rel=0.03)


def test_operations_are_six_a_weight_and_position_it_meets_and_twelve_a_pair() -> None:
    rows, length, asked, width, inner = 4, 16, 10, 128, 256
    before, after = 3 * width * width, width * width + 3 * width * inner
    layers = 3 * before * rows * length + (2 * rows * length + asked) * after
    head = asked * (width * width + width * VOCABULARY)
    pairs = 3 * rows * length * length * width * 12
    assert Flops(build("modern")).of(rows, length, asked) == 6 * (layers + head) + pairs


def test_a_model_is_counted_without_being_touched_or_copied() -> None:
    model = build("modern", nhot={})
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    twin = Flops(model).twin
    assert model.training
    assert model.nhot is not None
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(tensor.is_meta for tensor in (*twin.parameters(), *twin.buffers()))


def test_the_peak_of_a_processor_is_measured_once() -> None:
    device = torch.device("cpu")
    product, operations = matrix_product(device, torch.float32)
    assert operations == 2 * product().shape[0] ** 3
    assert peak_flops(device, torch.float32) is peak_flops(device, torch.float32)
    assert 1e9 < peak_flops(device, torch.float32) < 1e15


def test_a_known_gpu_is_looked_up_for_bfloat16_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    peak_flops.cache_clear()
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    monkeypatch.setattr(
        "maskwright.training.machine.peak_flops.matrix_product", lambda device, dtype: (lambda: None, 7.0)
    )
    monkeypatch.setattr("maskwright.training.machine.peak_flops._seconds", lambda product, device: 2.0)
    gpu = torch.device("cuda", 0)
    assert peak_flops(gpu, torch.bfloat16) == PUBLISHED["NVIDIA H200"] == 989e12
    assert peak_flops(gpu, torch.float32) == 3.5
    peak_flops.cache_clear()
