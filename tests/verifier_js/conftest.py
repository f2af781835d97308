"""The second verifier, built once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.verifier_js.both import Second
from tools import outsiders


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Second:
    """Built from the sources of this tree."""
    return Second(outsiders.node(), outsiders.verifier(tmp_path_factory.mktemp("verifier-js")))


@pytest.fixture(scope="session")
def page(second: Second) -> Path:
    """The one HTML file."""
    return second.folder / "verifier.html"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's. Where it is missing and not ours to install, the test is left out; a failed installation fails."""
    try:
        path = outsiders.browser()
    except outsiders.NotOurs as error:
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield opened
        finally:
            opened.close()
