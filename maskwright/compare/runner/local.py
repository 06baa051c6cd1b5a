"""Runs as processes of this machine, one thread each."""

import os
import signal
import subprocess
import sys
from pathlib import Path

LOG = "run.log"
"""A run's output goes to this file in its folder."""


class Process:
    """The run of `folder`, in a process of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        single = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "maskwright.compare.runner.one_run", str(folder), str(os.getpid())]
        with (folder / LOG).open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | single,
                start_new_session=True,
            )  # fmt: skip

    def running(self) -> bool:
        """Whether it is still running."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Let it save a checkpoint and exit, and wait for that."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def error(self) -> str | None:
        """Why the run failed, in a sentence; None if it succeeded."""
        if self.process.returncode == 0:
            return None
        output = (self.folder / LOG).read_text(errors="replace").strip().splitlines()
        ended = f"signal {-self.process.returncode}" if self.process.returncode < 0 else "the end"
        return output[-1] if output and self.process.returncode > 0 else f"it was stopped by {ended}"
