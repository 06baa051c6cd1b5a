"""A process that writes blocks while others are trained on.

It does one block at a time, as it is asked, and ends with the process that started it.
"""

import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection

from ...distributed.parent import end_with_parent
from ...distributed.spawn import hidden_main
from .blocks import Blocks, BlockSettings


class Ahead:
    """The process: `ask` it for a block, later `wait` for that."""

    def __init__(self, settings: BlockSettings) -> None:
        context = get_context("spawn")
        self._answers, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(settings, theirs), daemon=True)
        with hidden_main():
            self._process.start()
        theirs.close()
        self._asked: set[int] = set()

    def ask(self, number: int) -> None:
        """Have a block written, after those asked for before."""
        if number not in self._asked:
            self._asked.add(number)
            self._answers.send(number)

    def wait(self, number: int) -> None:
        """Wait until a block is written or known not to exist. Raises ValueError as `Blocks.write` does."""
        self.ask(number)
        while number in self._asked:
            try:
                done, problem = self._answers.recv()
            except EOFError:
                raise ValueError(f"the process that tokenizes block {number} was killed: resume the run") from None
            if problem:
                raise ValueError(problem)
            self._asked.remove(done)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._answers.close()


def _work(settings: BlockSettings, questions: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent()
    blocks = Blocks(settings)
    while True:
        number = questions.recv()
        try:
            blocks.write(number)
            problem = ""
        except ValueError as error:
            problem = str(error)
        questions.send((number, problem))
