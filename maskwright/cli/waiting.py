"""How the threads of a product wait for each other: spinning on a quiet machine, asleep beside other work.

OpenMP's default is to spin, which makes small steps nearly twice as fast on cores of one's own. A thread that spins for
another whose core is taken burns its own for milliseconds: beside one busy process, two threads come to a third of
their speed; asleep, to more than half. The choice must be made before PyTorch is loaded. It changes no result.
"""

import os
from pathlib import Path
from time import process_time, sleep

WINDOW = 0.1
"""Seconds over which the use of the cores is measured."""
SLACK = 0.3
"""Cores that others may use before threads stop spinning: less is the noise of any machine."""
CHOSEN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS")
"""Environment variables by which a user has chosen."""


def choose_wait_policy() -> None:
    """Set OMP_WAIT_POLICY=PASSIVE when others use the cores that our threads would, and the user has not chosen."""
    stat = Path("/proc/stat")
    if stat.is_file() and not any(name in os.environ for name in CHOSEN):
        before, own = cpu_seconds(stat.read_text()), process_time()
        sleep(WINDOW)
        others = (cpu_seconds(stat.read_text()) - before - (process_time() - own)) / WINDOW
        if crowded(others, len(os.sched_getaffinity(0)), os.cpu_count() or 1):
            os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def cpu_seconds(stat: str) -> float:
    """Seconds that all cores together have worked since the machine started; `stat`: the text of /proc/stat."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, stat.partition("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def crowded(others: float, ours: int, cores: int) -> bool:
    """Whether `ours` threads have fewer cores than threads, where other processes use `others` of the `cores`."""
    return ours > 1 and others > cores - ours + SLACK
