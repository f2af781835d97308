"""The page of the anchors after the log's authority was replaced: when, by whom, and how far the contracts followed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from api.rotation import rotate
from api.settings import Settings
from api.worker import open_worker
from tallystick.times import format_time
from tests.api.house import House, open_house
from tests.api.process import PATIENCE
from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.world import START

HOUR = 3600
HEADING = {
    "en": "The key that speaks for the log on contracts was replaced",
    "zh": "在合约上代表日志的密钥已更换",
}


@dataclass
class Succession:
    """A service whose log has its second authority. ``addresses``: of both, as the page writes them."""

    house: House
    position: int
    addresses: list[str]

    def url(self, language: str) -> str:
        return f"{str(self.house.http.base_url).rstrip('/')}/anchors?lang={language}"

    def follow(self) -> None:
        """The worker brings the contract after."""
        services = self.house.services
        with open_worker(services.settings, services.clock) as worker:
            end = time.monotonic() + PATIENCE
            while any(one.done_at is None for _, one in services.desk.handovers()):
                assert time.monotonic() < end, "the contract never followed"
                worker.run_once()


@pytest.fixture
def succession(tmp_path: Path) -> Iterator[Succession]:
    """Anchored once, then the authority replaced an hour later; no worker ran since."""
    with open_house(tmp_path) as house:
        services = house.services
        first = services.keyring.log_signers(services.voices.origin).keys.authority_address
        with open_worker(services.settings, services.clock) as worker:
            worker.run_once()
            end = time.monotonic() + PATIENCE
            while services.desk.targets()[0].state != "named":
                assert time.monotonic() < end, "the target was never named"
                time.sleep(0.05)
            assert worker.run_once().progress == "final"
    position = rotate(Settings(data=tmp_path), "authority", lambda: START + HOUR).position
    with open_house(tmp_path, START + 2 * HOUR) as house:
        services = house.services
        second = services.keyring.log_signers(services.voices.origin).keys.authority_address
        yield Succession(house, position, [f"0x{one.hex()}" for one in (first, second)])


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_handover_is_shown_before_and_after_the_contract_follows(
    chromium: Browser, succession: Succession, width: int
) -> None:
    size = succession.house.services.desk.handovers()[0][1].size
    before = {
        "en": f"embedded, at {size} entries: not yet, on its way since {format_time(START + HOUR)}",
        "zh": f"embedded，于 {size} 个条目处：尚未完成，自 {format_time(START + HOUR)} 起进行中",
    }
    after = {
        "en": f"embedded, at {size} entries: {format_time(START + 2 * HOUR)}",
        "zh": f"embedded，于 {size} 个条目处：{format_time(START + 2 * HOUR)}",
    }
    for told in (before, after):
        for language, line in told.items():
            with visit(chromium, succession.url(language), width) as found:
                assert found.page.get_by_role("heading", name=HEADING[language]).is_visible()
                row = found.page.locator("tr", has=found.page.locator("code"))
                assert row.count() == 1
                cells = [text.strip() for text in row.locator("td").all_inner_texts()]
                assert format_time(START + HOUR) in cells[0]
                assert str(succession.position) in cells[0]
                assert [cell.split()[-1] for cell in cells[1:3]] == succession.addresses
                assert cells[3].endswith(line)
                # Nothing sticks out of the screen, and nothing came from elsewhere.
                assert found.page.evaluate("document.documentElement.scrollWidth") <= width
                assert (found.trouble, len(found.asked)) == ([], 1)
        if told is before:
            succession.follow()


def test_a_log_with_its_first_authority_says_nothing_of_it(chromium: Browser, tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        for language, heading in HEADING.items():
            address = f"{str(house.http.base_url).rstrip('/')}/anchors?lang={language}"
            with visit(chromium, address) as found:
                assert found.page.get_by_role("heading", name=heading).count() == 0
