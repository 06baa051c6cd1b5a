"""Limit concurrent requests, and the queue of waiting ones."""

import asyncio


class Busy(Exception):
    """All slots and all places in the queue are taken."""


class ConcurrencyLimit:
    """Use as `async with`; raises Busy when the queue is full.

    at_once: concurrent requests.  waiting: length of the queue.
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
