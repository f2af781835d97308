"""The page of a certificate as a browser shows it: in force, withdrawn, disputed, unknown; in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tallystick.events.certificate import CertificateWithdrawal
from tallystick.events.dispute import DisputeOpening
from tallystick.identifiers import Letter
from tallystick.schema import write
from tests.api.desk import Desk
from tests.api.house import open_house
from tests.api.test_certificates import issue
from tests.browser.conftest import DESKTOP, PHONE, visit

NUMBER = "沪作登字-2026-F-00000001"
HOSTILE = "<img src=x onerror=alert(1)>"


@dataclass
class Shelf:
    """A service with a certificate in force and disputed, one that was corrected, one that was withdrawn."""

    desk: Desk
    held: str
    corrected: str
    successor: str
    withdrawn: str

    def url(self, name: str, language: str) -> str:
        root = str(self.desk.house.http.base_url).rstrip("/")
        return f"{root}/certificates/{quote(name)}?lang={language}"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with open_house(tmp_path_factory.mktemp("certificates")) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        object_id, _ = desk.picture()
        held = issue(desk, NUMBER, object=object_id)["certificate"]
        opening = write(DisputeOpening(held, "authorship"))
        desk.licensee.record("dispute.open", opening, subject=desk.house.world.identifier(Letter.DISPUTE))
        other, _ = desk.picture()
        corrected = issue(desk, "2026-B-1", object=other)["certificate"]
        successor = issue(desk, "2026-B-2", object=other, title="Another title", supersedes=corrected)["certificate"]
        withdrawn = issue(desk, "2026-B-3")["certificate"]
        body = write(CertificateWithdrawal("court-order"))
        desk.house.registrar.record("certificate.withdraw", body, subject=withdrawn)
        desk.publish()
        yield Shelf(desk, held, corrected, successor, withdrawn)


STATES = {
    "en": ("In force", "SUPERSEDED: no longer in force", "WITHDRAWN: no longer in force", "There are open disputes."),
    "zh": ("有效", "已被替代，不再有效", "已撤回，不再有效", "存在未决争议。"),
}


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_somebody_sees_who_scans_the_code(chromium: Browser, shelf: Shelf, language: str, width: int) -> None:
    held, superseded, withdrawn, disputed = STATES[language]
    for name, state, more in (
        (NUMBER, held, [disputed, shelf.held]),
        (shelf.corrected, superseded, [shelf.successor, "2026-B-2", "title" if language == "en" else "作品名称"]),
        (shelf.successor, held, [shelf.corrected]),
        (shelf.withdrawn, withdrawn, ["court-order" if language == "en" else "法院裁定"]),
    ):
        url = shelf.url(name, language)
        with visit(chromium, url, width) as found:
            said = found.page.locator("main").inner_text()
            assert (found.page.locator("p.state").inner_text(), found.trouble, found.asked) == (state, [], [url])
            assert [text for text in more if text not in said] == []
            assert found.page.evaluate("document.documentElement.scrollWidth") == width
            assert found.page.locator("html").get_attribute("lang") == language
            # Bad news is not told in the colour of good news, and the style was not refused by the page's own policy.
            colour = found.page.eval_on_selector("p.state", "one => getComputedStyle(one).color")
            assert colour == ("rgb(20, 83, 45)" if state == held else "rgb(143, 20, 20)")


def test_from_the_old_certificate_to_its_successor_and_into_the_other_language(chromium: Browser, shelf: Shelf) -> None:
    with visit(chromium, shelf.url(shelf.corrected, "en")) as found:
        found.page.get_by_role("link", name=shelf.successor).click()
        assert found.page.locator("p.state").inner_text() == STATES["en"][0]
        found.page.get_by_role("link", name="中文").click()
        assert found.page.locator("p.state").inner_text() == STATES["zh"][0]
        assert shelf.successor in found.page.url


def test_what_was_never_issued_says_so_and_runs_nothing(chromium: Browser, shelf: Shelf) -> None:
    context = chromium.new_context()
    try:
        page = context.new_page()
        answer = page.goto(shelf.url(HOSTILE, "en"))
        assert answer is not None
        assert (answer.status, page.locator("p.state").inner_text()) == (404, "NOT ISSUED HERE")
        assert (page.locator("img").count(), HOSTILE in page.inner_text("main")) == (0, True)
    finally:
        context.close()
