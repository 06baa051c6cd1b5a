"""A process that ends with the one that started it, so that none trains on unseen."""

import os
import signal
import threading
import time
from multiprocessing import parent_process

GRACE = 30.0
"""Seconds to save in, as torchrun gives them."""


def end_with(parent: int) -> None:
    """Stop this process once `parent` is gone: by SIGTERM, and by SIGKILL when it does not end within the grace."""
    threading.Thread(target=_follow, args=[parent], daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


def end_with_parent() -> None:
    """End this worker of `multiprocessing`, which has nothing to save, at once when the process that started it ends,
    killed or not."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
