"""One service for each test module: its tests add to the same log, as clients do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.desk import AnchorDriver, Desk, anchoring
from tests.api.house import House, Party, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def studio(house: House) -> Party:
    return house.party("studio")


@pytest.fixture(scope="module")
def rival(house: House) -> Party:
    return house.party("studio", "provider", "licensee")


@pytest.fixture(scope="module")
def desk(house: House) -> Desk:
    return Desk(house, house.party("studio"), house.party("licensee"))


@pytest.fixture(scope="module")
def anchor(desk: Desk) -> Iterator[AnchorDriver]:
    with anchoring(desk) as driver:
        yield driver
