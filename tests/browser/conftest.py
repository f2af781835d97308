"""A real browser, and a service with anchors for it to look at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from anchors.outbox import Outbox
from api.worker import open_worker
from tests.api.house import House, Party, open_house
from tests.api.process import PATIENCE
from tests.api.test_submission import picture
from tools.outsiders import NotOurs, browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = 1200, 360


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Debian's. Where it is missing and not ours to install, the test is left out; a failed installation fails."""
    try:
        path = browser()
    except NotOurs as error:
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For a module at most: as long as it is open, nothing else in this process can run an event loop."""
    with open_chromium() as opened:
        yield opened


@dataclass
class Exhibit:
    """A service that was anchored three times, and what may be said about it through its outbox."""

    house: House
    studio: Party
    outbox: Outbox

    @property
    def url(self) -> str:
        return str(self.house.http.base_url).rstrip("/")

    @property
    def target(self) -> int:
        return self.outbox.targets()[0].id


@pytest.fixture(scope="module")
def exhibit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exhibit]:
    with open_house(tmp_path_factory.mktemp("exhibit")) as house:
        studio, settings = house.party("studio"), house.services.settings
        outbox = Outbox(settings.outbox)
        try:
            with open_worker(settings, house.services.clock) as worker:
                worker.run_once()
                end = time.monotonic() + PATIENCE
                while outbox.targets()[0].state != "named":
                    assert time.monotonic() < end, "the target was never named"
                    time.sleep(0.05)
                assert worker.run_once().progress == "final"
                for number in range(2):
                    studio.record("object.register", picture())
                    house.world.clock += 100 + number
                    house.registrar.post("/v1/anchors", {"reason": "closing"})
                    assert worker.run_once().progress == "final"
            yield Exhibit(house, studio, outbox)
        finally:
            outbox.close()


@dataclass
class Visit:
    """A page, and everything that went on while it was shown."""

    page: Page
    asked: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


@contextmanager
def visit(chromium: Browser, url: str, width: int = DESKTOP, *, scripts: bool = True) -> Iterator[Visit]:
    """Open ``url`` in a context of its own."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    try:
        page = context.new_page()
        found = Visit(page)
        page.on("request", lambda request: found.asked.append(request.url))
        page.on("console", lambda message: found.trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.trouble.append(str(error)))
        page.on("requestfailed", lambda request: found.trouble.append(f"failed: {request.url}"))
        answer = page.goto(url, timeout=PATIENCE * 1000)
        assert answer is not None
        assert answer.status == 200, answer.text()
        yield found
    finally:
        context.close()
