"""How threads wait follows what else the machine does, from the first look to the last."""

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from maskwright.cli import waiting

STAT = "cpu  {} 10 20 999999 5 30 40 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n"
TEAM = """
import os, torch
from maskwright.cli.waiting import IdleTeam
work = lambda: torch.arange(1 << 20).exp().sum()
first, alone = work(), len(os.listdir("/proc/self/task"))
team = IdleTeam()
while len(os.listdir("/proc/self/task")) < alone + 2: os.sched_yield()
assert work() == first
team.end()
while len(os.listdir("/proc/self/task")) > alone: os.sched_yield()
"""


class Team:
    """Idle threads that are none."""

    ended = 0

    def end(self) -> None:
        Team.ended += 1


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A machine of so many cores, on which others use some for two seconds; gives the idle teams after a look.

    The watch of a command that ran here before may look at it too, so that its statistics are whole at any moment.
    """
    clock = {"now": 100.0, "busy": 1000.0, "own": 5.0}
    ticks = waiting.os.sysconf("SC_CLK_TCK")
    stat = SimpleNamespace(read_text=lambda: STAT.format(round(clock["busy"] * ticks)))
    monkeypatch.setattr(waiting, "STAT", stat)
    monkeypatch.setattr(waiting, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(waiting, "process_time", lambda: clock["own"])
    monkeypatch.setattr(waiting, "IdleTeam", Team)
    watch = waiting.Watch()

    def call(others: float, ours: int = 2, cores: int = 2) -> int:
        monkeypatch.setattr(waiting, "threads", lambda: ours)
        monkeypatch.setattr(waiting.os, "cpu_count", lambda: cores)
        for name, rate in {"now": 1, "own": ours, "busy": ours + others}.items():
            clock[name] += 2 * rate
        watch.look()
        return len(watch.idle)

    return call


def test_idle_threads_are_there_while_others_use_our_cores(
    look: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Team, "ended", 0)
    assert [look(others) for others in (0.1, 1.0, 1.0, 0.1, 5.0)] == [0, 1, 1, 0, 1]
    assert Team.ended == 1


@pytest.mark.parametrize(("ours", "cores"), [(2, 2), (8, 8), (4, 8), (3, 8), (2, 64)])
def test_there_are_then_more_threads_than_cores(look: Callable[..., int], ours: int, cores: int) -> None:
    teams = look(cores, ours, cores)
    assert ours + teams * (ours - 1) > cores >= ours + (teams - 1) * (ours - 1)


@pytest.mark.parametrize("name", waiting.CHOSEN)
def test_who_has_chosen_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(waiting, "Thread", lambda **told: started.append(told) or pytest.fail("watched"))
    monkeypatch.setenv(name, "1")
    waiting.share_cores()


@pytest.mark.parametrize(("others", "ours", "cores", "sleeps"), [
    (1.0, 2, 2, True), (0.2, 2, 2, False), (1.0, 1, 2, False), (1.0, 2, 8, False), (7.0, 2, 8, True)
])  # fmt: skip
def test_cores_that_are_left_are_counted(others: float, ours: int, cores: int, sleeps: bool) -> None:
    assert waiting.crowded(others, ours, cores) == sleeps


@pytest.mark.skipif(not waiting.STAT.is_file(), reason="threads are counted in /proc")
def test_a_team_is_idle_threads_that_change_no_result_and_go_again() -> None:
    environment = waiting.os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    assert subprocess.run([sys.executable, "-c", TEAM], env=environment, check=False, timeout=60).returncode == 0


def test_the_command_line_starts_without_pytorch() -> None:
    """Or the first word would come after a second."""
    code = "import maskwright.cli.app as app, sys; app.register(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_is_opened_without_the_compiler() -> None:
    """Or every evaluation would begin with a second of imports."""
    code = """
import sys, torch.nn.attention.flex_attention  # which brings the compiler itself in PyTorch 2.6
before = set(sys.modules)
import maskwright.optimizers.muon
from maskwright.models.modern import Modern
Modern(hidden=8, layers=1, heads=1, intermediate=8).build(16, torch.Generator())
sys.exit(bool({"torch._dynamo", "sympy", "torch.distributed.tensor"} & (sys.modules.keys() - before)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
