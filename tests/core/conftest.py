"""One small case for all tests of the verifier and its command; tests change copies, never the kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.core.verify.kit import Kit


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    # Imported here: the chain behind it takes a second to load, and most tests of the core need none.
    from tests.core.verify.kit import build_kit

    return build_kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A complete world of its own: other keys, another log, another chain."""
    from tests.core.verify.kit import build_kit

    return build_kit(tmp_path_factory.mktemp("other"), "another world", "log.example/another")
