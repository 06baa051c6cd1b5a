"""How threads wait is chosen by what else the machine does, before PyTorch is loaded."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maskwright.cli import waiting

STAT = "cpu  {} 10 20 999999 5 30 40 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[float], dict[str, str]]:
    """A machine of two cores; called with the cores that others use, gives the environment that was chosen."""

    def call(others: float, environ: dict[str, str] | None = None) -> dict[str, str]:
        stat, environ = tmp_path / "stat", {} if environ is None else environ
        stat.write_text(STAT.format(1000))
        ticks = waiting.os.sysconf("SC_CLK_TCK")
        monkeypatch.setattr(waiting, "Path", lambda _: stat)
        monkeypatch.setattr(waiting, "process_time", iter((5.0, 5.02)).__next__)
        own = 0.02 * ticks
        monkeypatch.setattr(
            waiting, "sleep", lambda seconds: stat.write_text(STAT.format(round(1000 + own + others * seconds * ticks)))
        )
        monkeypatch.setattr(waiting.os, "environ", environ)
        monkeypatch.setattr(waiting.os, "sched_getaffinity", lambda _: {0, 1})
        monkeypatch.setattr(waiting.os, "cpu_count", lambda: 2)
        waiting.choose_wait_policy()
        return environ

    return call


def test_threads_sleep_beside_other_work_and_spin_without(machine: Callable) -> None:
    assert machine(others=1.0) == {"OMP_WAIT_POLICY": "PASSIVE"}
    assert machine(others=0.1) == {}


def test_who_has_chosen_is_left_alone(machine: Callable) -> None:
    assert machine(1.0, {"OMP_WAIT_POLICY": "ACTIVE"}) == {"OMP_WAIT_POLICY": "ACTIVE"}
    assert machine(1.0, {"OMP_NUM_THREADS": "2"}) == {"OMP_NUM_THREADS": "2"}


@pytest.mark.parametrize(("others", "ours", "cores", "sleeps"), [
    (1.0, 2, 2, True), (0.2, 2, 2, False), (1.0, 1, 2, False), (1.0, 2, 8, False), (7.0, 2, 8, True)
])  # fmt: skip
def test_cores_that_are_left_are_counted(others: float, ours: int, cores: int, sleeps: bool) -> None:
    assert waiting.crowded(others, ours, cores) == sleeps


def test_the_command_line_starts_without_pytorch() -> None:
    """Or the choice would come too late, and the first word after a second."""
    code = "import maskwright.cli.app as app, sys; app.register(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
