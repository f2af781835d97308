"""The page of the anchors as a browser shows it: the picture, both languages, alarms, and nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from anchors.ports import PublishedCheckpoint
from tallystick.checkpoint import Checkpoint
from tests.api.test_submission import picture
from tests.browser.conftest import DESKTOP, PHONE, Exhibit, visit

STAGES = {
    "en": ["1  Entry", "2  Tree", "3  Checkpoint", "4  Transaction", "5  Block"],
    "zh": ["1  条目", "2  树", "3  检查点", "4  交易", "5  区块"],
}
HOSTILE = "<script>document.title='owned'</script><img src=//evil.example/x onerror=alert(1)> \"'&"


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_picture_is_shown_with_the_values_of_the_newest_anchor(
    chromium: Browser, exhibit: Exhibit, language: str, width: int
) -> None:
    newest = exhibit.outbox.latest(1)[0]
    with visit(chromium, f"{exhibit.url}/anchors?lang={language}", width) as found:
        drawn = found.page.locator("svg")
        assert drawn.locator("text.stage").all_text_contents() == STAGES[language]
        box = drawn.bounding_box()
        assert box is not None
        assert 250 < box["width"] < width
        assert box["height"] > box["width"]
        values = " ".join(drawn.locator("text.value").all_text_contents())
        for value in (newest.root, newest.tx_hash, newest.block_hash):
            assert value is not None
            assert value.hex()[:16] in values
        assert f"{newest.size} " in values
        # Every text stays inside the box that it belongs to, and no box outside the page.
        edges = found.page.eval_on_selector_all("svg text", "all => all.map(one => one.getBoundingClientRect().right)")
        assert max(edges) < box["x"] + box["width"]
        assert found.page.evaluate("document.documentElement.scrollWidth") == width
        assert found.page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("path", ["/anchors", "/anchors/1", "/"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_fetched_from_elsewhere_and_nothing_is_complained_about(
    chromium: Browser, exhibit: Exhibit, language: str, path: str
) -> None:
    with visit(chromium, f"{exhibit.url}{path}?lang={language}") as found:
        assert found.trouble == []
        assert found.asked == [f"{exhibit.url}{path}?lang={language}"]
        # The style was not refused by the policy that goes with it.
        assert found.page.eval_on_selector("h1", "one => getComputedStyle(one).overflowWrap") == "anywhere"
        assert found.page.locator("script").count() == 0


def test_it_says_the_same_without_scripts(chromium: Browser, exhibit: Exhibit) -> None:
    url = f"{exhibit.url}/anchors?lang=en"
    with visit(chromium, url) as found:
        said = found.page.locator("main").inner_text()
    with visit(chromium, url, scripts=False) as found:
        assert found.page.locator("main").inner_text() == said


def test_it_says_what_is_proved_and_that_nobody_but_the_operator_vouches(chromium: Browser, exhibit: Exhibit) -> None:
    with visit(chromium, f"{exhibit.url}/anchors?lang=en") as found:
        said = found.page.locator("main").inner_text()
        assert "No alarm" in said
        assert "If you believe the operator, who runs this chain" in said
        assert "vouched for by: operator only" in said
        assert "the chain is the operator's own" in said
        assert "nothing (own chain)" in said
    with visit(chromium, f"{exhibit.url}/anchors?lang=zh") as found:
        said = found.page.locator("main").inner_text()
        assert "若您相信运行此链的运营方" in said
        assert "担保方：仅日志运营方自身" in said
        assert "无警报" in said


def test_whoever_does_not_see_the_picture_is_told_it(chromium: Browser, exhibit: Exhibit) -> None:
    newest = exhibit.outbox.latest(1)[0]
    with visit(chromium, f"{exhibit.url}/anchors?lang=en") as found:
        drawn = found.page.get_by_role("img", name="How an entry gets into a block")
        told = drawn.locator("desc").text_content() or ""
        assert newest.root.hex() in told
        assert re.search(rf"stands in block {newest.block_number} of chain \d+", told)
        headings = found.page.get_by_role("heading").all_inner_texts()
        assert headings[0].startswith("Anchors: ")
        assert len(headings) > 5
        tables = found.page.get_by_role("table")
        assert tables.count() == 2
        assert all(tables.nth(at).locator("caption").inner_text() for at in range(2))
        assert found.page.locator("th[scope=col]").count() == 13


def test_the_other_language_and_each_anchor_are_a_click_away(chromium: Browser, exhibit: Exhibit) -> None:
    with visit(chromium, f"{exhibit.url}/?lang=en") as found:
        found.page.get_by_role("link", name="All anchors").click()
        found.page.get_by_role("link", name="中文").click()
        assert found.page.url == f"{exhibit.url}/anchors?lang=zh"
        oldest = exhibit.outbox.anchors()[0]
        found.page.get_by_role("link", name=str(oldest.size), exact=True).click()
        assert found.page.url == f"{exhibit.url}/anchors/{oldest.id}?lang=zh"
        assert oldest.root.hex()[:16] in (found.page.locator("svg").text_content() or "")
        assert found.trouble == []


def test_a_chosen_entry_is_drawn(chromium: Browser, exhibit: Exhibit) -> None:
    with visit(chromium, f"{exhibit.url}/anchors/2?lang=en&entry=0") as found:
        assert "log.key-set, place 0" in (found.page.locator("svg").text_content() or "")


# --- what goes wrong is in front, and is only text. These change the outbox: they come last ---------


def test_an_entry_that_waits_too_long_is_an_alarm_in_front(chromium: Browser, exhibit: Exhibit) -> None:
    exhibit.studio.record("object.register", picture())
    exhibit.house.world.clock += 100_000
    try:
        for language, words in (("en", "Alarm: somebody must look at this"), ("zh", "警报：须有人查看")):
            for path in ("/anchors", "/"):
                with visit(chromium, f"{exhibit.url}{path}?lang={language}", PHONE) as found:
                    alarm = found.page.get_by_role("alert")
                    assert words in alarm.inner_text()
                    first = found.page.locator("h2").first
                    assert first.inner_text() == words
                    assert found.page.evaluate("document.documentElement.scrollWidth") == PHONE
    finally:
        exhibit.house.world.clock -= 100_000


@pytest.mark.parametrize("state", ["prepared", "dropped"])
def test_every_state_and_hostile_text_in_it_are_shown_as_text(chromium: Browser, exhibit: Exhibit, state: str) -> None:
    """What a chain's node answered, or the name of a target, is not ours: it must stay text wherever it is shown."""
    size = exhibit.outbox.latest(1)[0].size
    checkpoint = Checkpoint(exhibit.house.services.voices.origin, size, state.encode().ljust(32, b"."))
    anchor = exhibit.outbox.prepare(exhibit.target, PublishedCheckpoint(checkpoint, b"n", b"s"), HOSTILE, 1)
    exhibit.outbox.note_trouble(exhibit.target, HOSTILE, 1, stopped=True)
    exhibit.outbox.note_wait(exhibit.target, HOSTILE, 1)
    if state == "dropped":
        exhibit.outbox.mark_dropped(anchor.id, HOSTILE, 2)
    else:
        exhibit.outbox.note_error(anchor.id, HOSTILE)
    try:
        for language in ("en", "zh"):
            for path in ("/anchors", f"/anchors/{anchor.id}", "/"):
                with visit(chromium, f"{exhibit.url}{path}?lang={language}") as found:
                    assert HOSTILE in found.page.get_by_role("alert").inner_text()
                    assert found.page.title() != "owned"
                    assert found.page.locator("script, img").count() == 0
                    assert (found.trouble, len(found.asked)) == ([], 1)
        with visit(chromium, f"{exhibit.url}/anchors/{anchor.id}?lang=en") as found:
            assert f"not yet: {state}" in (found.page.locator("svg").text_content() or "")
            assert "as soon as the anchor is final" in found.page.locator("main").inner_text()
    finally:
        exhibit.outbox.note_trouble(exhibit.target, None, 1)
        exhibit.outbox.note_wait(exhibit.target, None, 1)
        exhibit.outbox.mark_dropped(anchor.id, HOSTILE, 2)
