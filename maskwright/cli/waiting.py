"""How the threads of a product wait for each other: spinning on a quiet machine, asleep beside other work.

OpenMP's default is to spin, which makes small steps nearly twice as fast on cores of one's own. A thread that spins for
another whose core is taken burns its own for milliseconds: beside one busy process, two threads come to a third of
their speed; asleep, to more than half. GNU's OpenMP, which PyTorch brings, lets threads spin a thousandth as long while
a process has more of them than there are cores (libgomp manual, GOMP_SPINCOUNT): so we keep a few more, idle, for as
long as others use our cores. Which thread computes what stays as it is, and with it every bit of the result.
"""

import os
import sys
from pathlib import Path
from threading import Event, Thread
from time import monotonic, process_time
from typing import Any

STAT = Path("/proc/stat")
EVERY = 2.0
"""Seconds between two looks at the use of the cores, each of which covers the time since the one before."""
SLACK = 0.3
"""Cores that others may use before threads stop spinning: less is the noise of any machine."""
CHOSEN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Environment variables by which a user has chosen."""


def share_cores() -> None:
    """From now on, let threads wait as it is best beside what else runs, unless the user has chosen."""
    if STAT.is_file() and not any(name in os.environ for name in CHOSEN):
        Thread(target=Watch().run, name="watch", daemon=True).start()


class Watch:
    """Looks at the use of the cores, and keeps idle threads while they are crowded."""

    def __init__(self) -> None:
        self.idle: list[IdleTeam] = []
        self._seen = self._now()

    def run(self) -> None:
        """Look for as long as the process runs."""
        wait = Event().wait
        while not wait(EVERY):
            self.look()

    def look(self) -> None:
        """Keep idle threads from now on, or none."""
        before, self._seen = self._seen, self._now()
        took, busy, own = (now - then for now, then in zip(self._seen, before, strict=True))
        ours, cores = threads(), os.cpu_count() or 1
        needed = (cores - ours) // (ours - 1) + 1 if crowded((busy - own) / took, ours, cores) else 0
        for team in self.idle[needed:]:
            team.end()
        self.idle = self.idle[:needed] + [IdleTeam() for _ in range(needed - len(self.idle))]

    def _now(self) -> tuple[float, float, float]:
        """Seconds by the clock, of all cores and of this process."""
        return monotonic(), cpu_seconds(STAT.read_text()), process_time()


class IdleTeam:
    """As many threads of OpenMP as a product uses, idle until `end`."""

    def __init__(self) -> None:
        self._over = Event()
        self._thread = Thread(target=self._hold, name="idle", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the threads go, and wait for that."""
        self._over.set()
        self._thread.join()

    def _hold(self) -> None:
        import torch

        torch.zeros(1 << 16).exp_()  # large enough to be shared: the team is made, and is there while this thread is
        self._over.wait()


def threads() -> int:
    """Threads of a product; 1 until PyTorch is loaded."""
    torch: Any = sys.modules.get("torch")
    return torch.get_num_threads() if hasattr(torch, "get_num_threads") else 1


def cpu_seconds(stat: str) -> float:
    """Seconds that all cores together have worked since the machine started; `stat`: the text of /proc/stat."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, stat.partition("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def crowded(others: float, ours: int, cores: int) -> bool:
    """Whether `ours` threads have fewer cores than threads, where other processes use `others` of the `cores`."""
    return ours > 1 and others > cores - ours + SLACK
