"""`maskwright doctor` says what is so on this machine."""

import json
import os

import pytest
import torch

from maskwright import hardware


@pytest.fixture
def _slow_bf16(monkeypatch):
    monkeypatch.setattr(hardware, "cpu_product_seconds", lambda: {"float32": 0.002, "bfloat16": 0.05})
    monkeypatch.setattr("maskwright.display.machine.cpu_product_seconds", hardware.cpu_product_seconds)


@pytest.mark.usefixtures("_slow_bf16")
def test_doctor_shows_rates_and_what_follows_from_them(command):
    code, printed, _ = command("doctor", "--json")
    facts = json.loads(printed)
    assert code == 0
    assert facts["float32 products"] == f"{2 * hardware.SIZE**3 / 0.002 / 1e9:.1f} GFLOP/s"
    assert facts["training.precision=auto"] == facts["Muon's Newton-Schulz"] == "float32"
    assert facts["attention"] == "fused"
    assert facts["PyTorch"] == torch.__version__
    assert facts["cores"].startswith(f"{os.cpu_count()},")


@pytest.mark.usefixtures("_slow_bf16")
def test_doctor_advises_a_compiler_where_there_is_none(command, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "→ install g++" in command("doctor")[1]
    monkeypatch.delenv("CXX")
    monkeypatch.setattr("maskwright.display.machine.which", lambda name: f"/usr/bin/{name}")
    assert "→ install g++" not in command("doctor")[1]


def test_doctor_shows_up_to_which_length_a_kernel_is_chosen(command, monkeypatch):
    monkeypatch.setattr(hardware, "cpu_product_seconds", lambda: {"float32": 2.0, "bfloat16": 1.0})
    short = lambda length: "two products" if length <= 256 else "fused"  # noqa: E731
    monkeypatch.setattr("maskwright.layers.attend._quickest_kernel", short)
    monkeypatch.setattr("maskwright.training.machine.kernels.linear_kernel", lambda: "MKL")
    facts = json.loads(command("doctor", "--json")[1])
    assert facts["attention"] == "two products to 256, fused to 1,024"
    assert facts["products of inference"] == "MKL"
