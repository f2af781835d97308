"""The second verifier, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

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
