"""A real node for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.anvil import Anvil


@pytest.fixture(scope="module")
def shared() -> Iterator[Anvil]:
    with Anvil() as running:
        yield running


@pytest.fixture
def node(shared: Anvil) -> Iterator[Anvil]:
    """As new: what a test did to the chain is undone after it."""
    clean = shared.snapshot()
    yield shared
    shared.set_automine(True)
    shared.revert(clean)
