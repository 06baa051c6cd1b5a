"""A choice of dtype follows a measurement, which is made once on a machine and kept."""

import pytest
import torch

from maskwright import hardware
from maskwright.optimizers import muon
from maskwright.training.step import resolve_matmul_dtype

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch, tmp_path):
    """No measurement of this machine is known, before the test or after it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    hardware.cpu_product_seconds.cache_clear()
    yield
    hardware.cpu_product_seconds.cache_clear()


def timed(monkeypatch, float32, bfloat16):
    seconds = {torch.float32: float32, torch.bfloat16: bfloat16}
    asked = []
    monkeypatch.setattr(hardware, "_product", lambda dtype: lambda: asked.append(dtype) or seconds[dtype])
    monkeypatch.setattr(hardware, "seconds_of", lambda work: work())
    return asked


@pytest.mark.parametrize(("bfloat16", "dtype"), [(0.5, torch.bfloat16), (17.0, torch.float32)])
def test_products_are_in_the_faster_type(monkeypatch, bfloat16, dtype):
    timed(monkeypatch, 1.0, bfloat16)
    assert resolve_matmul_dtype("auto", CPU) == dtype
    assert muon.orthogonalised([torch.eye(8)], 5)[0].dtype == dtype


def test_a_processor_is_measured_once(monkeypatch):
    asked = timed(monkeypatch, 1.0, 0.5)
    assert hardware.fast_bf16(CPU)
    hardware.cpu_product_seconds.cache_clear()  # as in another process
    again = timed(monkeypatch, 1.0, 17.0)
    assert hardware.fast_bf16(CPU)
    assert set(asked) == {torch.float32, torch.bfloat16}
    assert not again


@pytest.mark.parametrize("limit", hardware.LIMITS)
def test_a_processor_that_is_held_back_is_another(monkeypatch, limit):
    timed(monkeypatch, 1.0, 0.5)
    assert hardware.fast_bf16(CPU)
    hardware.cpu_product_seconds.cache_clear()
    monkeypatch.setenv(limit, "AVX2")
    timed(monkeypatch, 1.0, 17.0)
    assert not hardware.fast_bf16(CPU)


def test_a_damaged_measurement_is_made_again(monkeypatch):
    timed(monkeypatch, 1.0, 0.5)
    assert hardware.fast_bf16(CPU)
    hardware.cpu_product_seconds.cache_clear()
    (kept,) = (hardware.cache_folder() / "hardware").glob("*.json")
    kept.write_text(kept.read_text().replace("0.5", "0.1"))
    asked = timed(monkeypatch, 1.0, 17.0)
    assert not hardware.fast_bf16(CPU)
    assert asked


@pytest.mark.parametrize(("other", "taken"), [(0.5, "other"), (0.95, "usual"), (2.0, "usual")])
def test_the_usual_way_is_left_where_another_is_clearly_faster(monkeypatch, other, taken):
    seconds = {"usual": 1.0, "other": other}
    monkeypatch.setattr(hardware, "seconds_of", lambda work: work())
    ways = {name: lambda name=name: seconds[name] for name in seconds}
    assert hardware.quickest("a way", ways, 64) == taken
    seconds |= {"usual": 3.0, "other": 2.9}
    assert hardware.quickest("a way", ways, 64) == taken  # as it was measured first
    assert hardware.quickest("a way", ways, 128) == "usual"


def test_a_real_measurement_takes_milliseconds():
    assert all(0 < seconds < 10 for seconds in hardware.cpu_product_seconds().values())
