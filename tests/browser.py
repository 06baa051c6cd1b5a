"""A headless Chromium that tests drive: open, click, type, look. It speaks the DevTools protocol over a pipe."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-headless-shell", "google-chrome", "chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--window-size=1000,900")
PATIENCE = 60_000
"""Milliseconds until a page is given up."""


class Page:
    """One page of a browser; `said` keeps what it logged and what went wrong in it."""

    def __init__(self, sending: int, hearing: int) -> None:
        self.sending, self.hearing = os.fdopen(sending, "wb"), os.fdopen(hearing, "rb")
        self.number, self.rest, self.loads, self.session, self.said = 0, b"", 0, {}, list[str]()
        target = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self.session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """The answer of the browser to a command."""
        self.number += 1
        sent = {"id": self.number, "method": method, "params": parameters} | self.session
        self.sending.write(json.dumps(sent).encode() + b"\0")
        self.sending.flush()
        while (heard := self._next()).get("id") != self.number:
            self._note(heard)
        assert "error" not in heard, (method, heard["error"])
        return heard["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.hearing.fileno(), 1 << 16)
            assert part, "the browser is gone"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, heard: dict[str, Any]) -> None:
        told = heard.get("params", {})
        self.loads += heard.get("method") == "Page.loadEventFired"
        if heard.get("method") == "Runtime.exceptionThrown":
            self.said.append(told["exceptionDetails"]["exception"].get("description", "an exception"))
        if heard.get("method") == "Log.entryAdded":
            self.said.append(told["entry"]["text"])

    def ask(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, (script, found["exceptionDetails"])
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        look = f"const look = () => {condition} ? yes(true) : Date.now() > end ? yes(false) : setTimeout(look, 20)"
        held = self.ask(f"new Promise(yes => {{ const end = Date.now() + {PATIENCE}; {look}; look() }})")
        assert held, (condition, self.said, self.ask("document.body.innerText"))

    def open(self, address: str, ready: str = "true") -> None:
        """Go to an address, and wait until it has loaded and is ready."""
        loads = self.loads
        self.call("Page.navigate", url=address)
        while self.loads == loads:
            self._note(self._next())
        self.until(ready)

    def click(self, what: str) -> None:
        """Press and release the mouse in the middle of an element."""
        box = self.ask(
            f"(() => {{ const one = document.querySelector({what!r}); one.scrollIntoView({{block: 'center'}});"
            " const {x, y, width, height} = one.getBoundingClientRect(); return [x + width / 2, y + height / 2] })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button=button, clickCount=1)

    def type(self, what: str, text: str) -> None:
        """Write into a field, over what stands there."""
        self.ask(f"(() => {{ const one = document.querySelector({what!r}); one.focus(); one.select() }})()")
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """A key, as "ArrowRight" and its code, on what has the focus."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def text(self, what: str) -> str:
        """What a person reads in an element."""
        return str(self.ask(f"document.querySelector({what!r}).innerText"))

    def count(self, what: str) -> int:
        """How many elements there are."""
        return int(self.ask(f"document.querySelectorAll({what!r}).length"))


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """A page of a new browser. Skips the test where none is installed."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed: {', '.join(NAMES)}")
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    shell = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out} 2>/dev/null'
    command = ["bash", "-c", shell, found, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL) as browser:
        os.close(theirs_in), os.close(theirs_out)
        page = Page(ours_out, ours_in)
        try:
            yield page
        finally:
            page.sending.close(), page.hearing.close()
            browser.kill()
