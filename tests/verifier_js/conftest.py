"""The second verifier, built once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from api.tuning import keep_what_is_freed
from tests.browser.conftest import open_chromium
from tests.verifier_js.both import Second
from tools import outsiders

# As the service does it: else the system clears the same memory again for each of thousands of changed documents.
keep_what_is_freed()


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Second:
    """Built from the sources of this tree."""
    return Second(outsiders.node(), outsiders.verifier(tmp_path_factory.mktemp("verifier-js")))


@pytest.fixture(scope="session")
def page(second: Second) -> Path:
    """The one HTML file."""
    return second.folder / "verifier.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For a module at most, as in ``tests/browser``."""
    with open_chromium() as opened:
        yield opened
