"""Room for so many answers at once, and for a few that wait."""

import asyncio


class Busy(Exception):
    """Neither a place to be answered in nor one to wait in is left; its text says so."""


class ConcurrencyLimit:
    """`async with` it to be answered; raises Busy when nobody else may wait.

    at_once: answers at a time.  waiting: how many may wait for their turn.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self.at_once, self.room, self.waiting = at_once, waiting, 0
        self.free = asyncio.Semaphore(at_once)

    async def __aenter__(self) -> None:
        if self.free.locked() and self.waiting >= self.room:
            raise Busy(f"busy: {self.at_once} are answered at once (max_concurrent) and {self.waiting} wait; try again")
        self.waiting += 1
        try:
            await self.free.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self.free.release()
