"""Ctrl-C and SIGTERM: an update in progress is dropped, and the run is saved as the last whole one left it.

All draws are addressed, so the dropped update is made again on resuming, to the same bits. A second Ctrl-C is Python's
own, which ends the process wherever it is: checkpoints are written aside, so none is harmed.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from torch import nn

SAVING = "stopping: the update in progress is dropped and the run is saved; Ctrl-C again ends at once"


class Stopped(Exception):
    """The run was asked to stop; it is saved and can be resumed."""


class Stop:
    """Whether the process was asked to stop."""

    def __init__(self) -> None:
        self._asked = self._raises = False

    def is_set(self) -> bool:
        """Whether it was."""
        return self._asked

    def ask(self) -> None:
        """Ask it. Raises Stopped in a block that may be left at once."""
        self._asked = True
        if self._raises:
            raise Stopped

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that Stopped leaves wherever it is: what it changes must not be kept."""
        self._raises = True
        try:
            if self._asked:
                raise Stopped
            yield
        finally:
            self._raises = False


@contextmanager
def interrupts(said: str) -> Iterator[Stop]:
    """A stop that SIGINT or SIGTERM ask for while the block runs, which is `said` at once on stderr.

    Signals reach the main thread only, so that in another one nothing asks.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not stop.is_set():  # SIGTERM may come twice, from a scheduler and its launcher
            os.write(2, f"\n{said}\n".encode() if said else b"")  # not print, which the signal may have interrupted
            stop.ask()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_turns(model: nn.Module) -> None:
    """Let signals be heard after each gradient of a backward pass, which is a single call to Python otherwise."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(lambda _: None)
