"""One small case for all tests of the verifier; tests change copies of its members, never the kit."""

from __future__ import annotations

import pytest

from tests.core.verify.kit import Kit, build_kit


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return build_kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A complete world of its own: other keys, another log, another chain."""
    return build_kit(tmp_path_factory.mktemp("other"), "another world", "log.example/another")
