"""The page of orders: given from a file, followed, resumed, fetched; by a browser, with the token of a licensor."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from api.routes.orders_page import WORDS
from tallystick.identifiers import Letter
from tests.api.desk import Desk
from tests.api.house import open_house
from tests.api.test_orders import cards_of, done, grants, items_of, ordered
from tests.browser.conftest import DESKTOP, PHONE, visit

WAIT = 60_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_house(tmp_path_factory.mktemp("orders")) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


def url(desk: Desk, language: str = "en") -> str:
    return f"{str(desk.house.http.base_url).rstrip('/')}/orders?lang={language}"


def order_file(folder: Path, desk: Desk, name: str, count: int, refused: int = 0) -> Path:
    items = grants(desk, count)
    for item in items[:refused]:
        item["object"] = desk.house.world.identifier(Letter.OBJECT)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"order": name, "grants": items}))
    return path


def seen(page: Page, *names: str) -> list[str]:
    return [page.locator(f"#{name}").inner_text() for name in names]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_order_from_its_file_to_its_cards(chromium: Browser, desk: Desk, tmp_path: Path, language: str) -> None:
    words, name = WORDS[language], f"page-{language}"  # type: ignore[index]
    with visit(chromium, url(desk, language)) as found:
        page = found.page
        page.get_by_label(words["token"]).fill(desk.studio.token)
        page.get_by_label(words["file"]).set_input_files(order_file(tmp_path, desk, name, 3))
        page.get_by_role("button", name=words["give"]).click()
        page.locator("#state", has_text=words["done"]).wait_for(timeout=WAIT)
        assert seen(page, "order", "total", "granted", "issued", "refused") == [name, "3", "3", "3", "0"]
        assert page.locator("#said").inner_text() == words["taken"]
        with page.expect_download(timeout=WAIT) as download:
            page.get_by_role("button", name=words["cards"]).click()
        download.value.save_as(tmp_path / "cards.zip")
        assert download.value.suggested_filename == f"{name}.zip"
        # Chromium would like to offer to keep the token, and advises a form for it.
        assert [one for one in found.trouble if not one.startswith("verbose: [DOM] Password field")] == []
    with zipfile.ZipFile(tmp_path / "cards.zip") as archive:
        assert {one: archive.read(one) for one in archive.namelist()} == cards_of(desk.studio, name)


def test_the_same_file_again_is_the_same_order(chromium: Browser, desk: Desk, tmp_path: Path) -> None:
    path = order_file(tmp_path, desk, "page-again", 2)
    ordered(desk, "page-again", json.loads(path.read_text())["grants"])
    done(desk.studio, "page-again")
    before = items_of(desk.studio, "page-again")
    with visit(chromium, url(desk)) as found:
        found.page.get_by_label("Token").fill(desk.studio.token)
        found.page.get_by_label("Order (JSON)").set_input_files(path)
        found.page.get_by_role("button", name="Give the order").click()
        found.page.locator("#state", has_text="done").wait_for(timeout=WAIT)
        assert seen(found.page, "said", "issued") == [WORDS["en"]["known"], "2"]
    assert items_of(desk.studio, "page-again") == before


def test_who_comes_back_later_finds_it_by_its_name_and_is_told_what_was_refused(
    chromium: Browser, desk: Desk, tmp_path: Path
) -> None:
    path = order_file(tmp_path, desk, "page-refused", 3, refused=1)
    ordered(desk, "page-refused", json.loads(path.read_text())["grants"])
    done(desk.studio, "page-refused")
    with visit(chromium, url(desk), PHONE) as found:
        found.page.get_by_label("Token").fill(desk.studio.token)
        found.page.locator("#name").fill("page-refused")
        found.page.get_by_role("button", name="See how far it is").click()
        line = found.page.locator("#problems li")
        line.wait_for(timeout=WAIT)
        assert seen(found.page, "state", "issued", "refused") == ["done", "2", "1"]
        assert line.inner_text().startswith("No. 0: not-found: ")
        assert found.page.locator("#trouble-word").is_hidden()
        assert found.page.evaluate("document.documentElement.scrollWidth") == PHONE


@pytest.mark.parametrize(
    ("token", "name", "said"),
    [("wrong", "page-x", "unauthenticated"), ("", "page-x", "unauthenticated"), ("studio", "never-given", "not-found")],
)
def test_what_the_service_refuses_is_said_in_its_words(
    chromium: Browser, desk: Desk, token: str, name: str, said: str
) -> None:
    with visit(chromium, url(desk)) as found:
        found.page.get_by_label("Token").fill(desk.studio.token if token == "studio" else token)
        found.page.locator("#name").fill(name)
        found.page.get_by_role("button", name="See how far it is").click()
        told = found.page.locator("#said.bad")
        told.wait_for(timeout=WAIT)
        assert told.inner_text().startswith(said)
        assert found.page.locator("#found").is_hidden()


def test_a_file_that_is_no_order_is_not_sent(chromium: Browser, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "photo.json").write_text("not JSON")
    with visit(chromium, url(desk)) as found:
        found.page.get_by_role("button", name="Give the order").click()
        assert found.page.locator("#said").inner_text() == WORDS["en"]["no_file"]
        found.page.get_by_label("Order (JSON)").set_input_files(tmp_path / "photo.json")
        found.page.get_by_role("button", name="Give the order").click()
        found.page.get_by_text(WORDS["en"]["no_order"]).wait_for(timeout=WAIT)
        assert found.asked == [url(desk)]


def test_nothing_runs_but_its_own_script_and_nothing_is_fetched_from_elsewhere(chromium: Browser, desk: Desk) -> None:
    policy = desk.house.http.get("/orders").headers["content-security-policy"]
    assert ("unsafe" in policy, "connect-src 'self'" in policy, "default-src 'none'" in policy) == (False, True, True)
    with visit(chromium, url(desk), DESKTOP) as found:
        found.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=https://evil.example/x>')")
        found.page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.x=1'}))"
        )
        assert found.page.evaluate("window.x") is None
        assert found.page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    assert all(text.strip() for words in WORDS.values() for text in words.values())
