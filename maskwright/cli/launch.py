"""Start this command again as several ranks on this machine, by torchrun."""

import logging
import os
import sys
from pathlib import Path

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from ..progress import console


def launch(count: int, out: Path) -> int:
    """Run the command line without its --nproc as `count` ranks, and wait for them.

    When one fails all stop, and what was wrong is said in a sentence. A signal is passed on. Returns the exit code.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    command = ["-m", "maskwright", *_without_nproc(sys.argv[1:])]
    try:
        run(parse_args(["--standalone", f"--nproc-per-node={count}", *command]))
    except SignalException:
        return 130
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode not in SAID:
            how = f"signal {-failure.exitcode}" if failure.exitcode < 0 else f"exit code {failure.exitcode}"
            console.print(f"rank {rank} ended with {how}, so all ranks stopped; resume with --resume --out {out}")
        return abs(failure.exitcode)
    return 0


SAID = {2, 130}
"""Exit codes whose reason a rank gives itself."""


def _without_nproc(arguments: list[str]) -> list[str]:
    place = next(i for i, argument in enumerate(arguments) if argument.startswith("--nproc"))
    return arguments[:place] + arguments[place + (1 if "=" in arguments[place] else 2) :]
