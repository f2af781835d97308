"""A real service to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.desk import Desk
from tests.api.house import open_house


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))
