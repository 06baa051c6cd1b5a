"""The command as it is typed: a real server, a real browser, a port in use, Ctrl-C."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from starlette.types import ASGIApp
from typer.testing import CliRunner

from maskwright.cli import app as cli
from maskwright.serving import server
from maskwright.serving.app import app
from maskwright.serving.concurrency import ConcurrencyLimit
from maskwright.serving.host_check import LOCAL
from maskwright.serving.models import opened
from maskwright.serving.server import address, listening

from ..browser import Page, browsing
from ..display.test_pages import check


@contextmanager
def serving(*arguments: object) -> Iterator[str]:
    """The address of a server of its own, which must end well on Ctrl-C."""
    command = [sys.executable, "-m", "maskwright", "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            said = process.stdout.readline()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+   Ctrl-C to stop\n", said), process.communicate()
            yield said.split()[0]
        finally:
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=60)
        waited = re.compile(r"(loading|opening .*)  \d:\d\d:\d\d")  # on a slow machine
        assert [line for line in complaint.splitlines() if not waited.fullmatch(line)] == []
        assert process.returncode == 0


@contextmanager
def running(application: ASGIApp) -> Iterator[str]:
    """The address of a server in this process."""
    with listening("127.0.0.1", 0) as listener:
        here = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
        thread = Thread(target=here.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address(listener)
        finally:
            here.should_exit = True
            thread.join()


def inside(run: Path) -> AbstractContextManager[str]:
    """The address of a server of the page of a run."""
    return running(app(opened(run, None, 60), ConcurrencyLimit(1, 1), LOCAL))


def submitted(page: Page, tab: str, shown: str) -> None:
    """Open a tab by its button, press its other button and wait for the answer."""
    page.click(f"#to-{tab}")
    assert page.ask(f"!document.querySelector('#{tab}').hidden")
    page.click(f"#{tab} .go")
    page.until(f"document.querySelectorAll('#{tab} {shown}').length > 0")


def test_every_tab_in_a_browser(runs: Path, tmp_path: Path) -> None:
    with (
        browsing(tmp_path / "profile") as page,
        serving(runs / "writer", "--remasker", runs / "remasker", "--max-tokens", 50) as here,
    ):
        page.open(here, "document.querySelector('#who').textContent !== ''")
        assert page.text("#who").startswith("writer: diffusion, ")
        masks(page)
        fills(page)
        page.ask("writing = new AbortController()")  # a text that forms goes on while other tabs answer
        likelihoods(page)
        assert page.ask("writing.signal.aborted || (writing = null)") is None
        samples(page)
        assert page.said == [
            "Failed to load resource: the server responded with a status of 413 (Request Entity Too Large)"
        ]
        assert page.ask("document.documentElement.scrollWidth - innerWidth") <= 0
        page.said.clear()
        check(page, here, "document.querySelector('#who').textContent !== ''")


def masks(page: Page) -> None:
    submitted(page, "masks", ".objective")
    assert page.count("#masks .objective") > 3
    assert page.count("#masks .objective:not([hidden]) .epoch") == 3 * page.count("#masks .objective")
    assert page.count("#masks .epoch .masked-fate") > 10
    assert page.ask("getComputedStyle(document.querySelector('.masked-fate')).backgroundColor") == "rgb(255, 216, 77)"
    page.ask(
        "(one => { one.value = 'span'; one.dispatchEvent(new Event('change')) })"
        "(document.querySelector('#masks .result select'))"
    )
    assert page.text("#masks .objective:not([hidden]) h2") == "span"


def fills(page: Page) -> None:
    submitted(page, "fill", ".blanks li")
    assert page.count("#fill .blanks li") == 10
    assert page.count("#fill article .guess") == 2
    assert "[MASK]" not in page.text("#fill article")
    page.type("#fill textarea", "word " * 80)
    page.click("#fill .go")
    page.until("!document.querySelector('#fill .error').hidden")
    assert "and max_tokens is 50" in page.text("#fill .error")


def likelihoods(page: Page) -> None:
    submitted(page, "score", ".nats")
    heats = page.ask("[...document.querySelectorAll('.nats')].map(one => getComputedStyle(one).backgroundColor)")
    assert len(set(heats)) > 3
    assert page.ask("document.querySelector('.nats').dataset.nats").count("nats, ") == 1
    assert page.text("#score article").startswith("The function")
    assert "per token" in page.text("#score .sums")


def samples(page: Page) -> None:
    page.click("#to-sample")
    page.ask("document.querySelector('#sample [name=length]').value = 20")
    page.ask("document.querySelector('#sample [name=steps]').value = 8")
    submitted(page, "sample", "article mark")
    page.until("document.querySelector('#sample .go').textContent === 'Write'")
    last = re.fullmatch(r"step ([4-8]) of at most 8", page.text("#sample output"))  # sooner, if nothing is wrong
    assert last
    assert page.count("#sample article .masked") == 0
    assert page.text("#sample article").startswith("The function")
    page.ask("document.querySelector('#sample nav input').focus()")
    page.press("Home", 36)
    assert page.text("#sample output") == "step 0 of at most 8"
    assert page.count("#sample article .masked") > 5
    remasked = 0
    for step in range(1, int(last[1]) + 1):
        page.press("ArrowRight", 39)
        assert page.text("#sample output") == f"step {step} of at most 8"
        remasked += page.count("#sample article .remasked")
    assert remasked > 0


def test_what_a_model_cannot_do_is_said_in_its_tab(runs: Path, tmp_path: Path) -> None:
    with browsing(tmp_path / "profile") as page, inside(runs / "causal") as here:
        page.open(f"{here}/#fill", "document.querySelector('.unavailable')")
        assert page.text("#fill") == "This model was trained with causal, which never fills a mask."
        submitted(page, "score", ".nats")
        assert page.said == []


@pytest.fixture
def call(command):
    def called(*arguments: object) -> tuple[int, str]:
        code, _, err = command("serve", *arguments)
        return code, " ".join(err.split())

    return called


def test_a_port_in_use_is_one_sentence(call, runs: Path) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        code, complaint = call(runs / "writer", "--port", port)
    assert (code, complaint) == (
        2,
        f"error: port={port} of 127.0.0.1 is in use: give another, or --port 0 for a free one",
    )


def test_a_host_that_is_not_ours_is_one_sentence(call, runs: Path) -> None:
    code, complaint = call(runs / "writer", "--host", "203.0.113.7")
    assert code == 2
    assert complaint.startswith("error: host='203.0.113.7', port=8765: ")
    assert call(runs / "nowhere")[0] == 2


def test_addresses_can_be_typed() -> None:
    with listening("127.0.0.1", 0) as one:
        assert address(one) == f"http://127.0.0.1:{one.getsockname()[1]}"


def test_hosts_are_checked_unless_others_can_reach_it(monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
    made = []
    monkeypatch.setattr(server, "run", lambda app, listener: made.append((app.hosts, listener.getsockname()[0])))
    cli.app.registered_commands.clear()
    cli.register()
    for words in ([], ["--host", "127.0.0.1"], ["--host", "LocalHost"], ["--host", "0.0.0.0"]):
        said = CliRunner().invoke(cli.app, ["serve", str(runs / "masked"), "--port", "0", *words])
        assert said.exit_code == 0, said.exception
    assert made == [(LOCAL, "127.0.0.1")] * 3 + [(None, "0.0.0.0")]
