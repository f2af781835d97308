from __future__ import annotations

import pytest

from tests.contracts.chain import Evm


@pytest.fixture(scope="module")
def evm() -> Evm:
    """One deployed registry for a module; tests keep apart by using logs of their own."""
    return Evm()
