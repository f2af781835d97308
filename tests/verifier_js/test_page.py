"""The one HTML file in a real browser, opened from disk: what a judge sees, and that nothing leaves."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.verifier_js.both import GOLDEN, ROOT, Second, Trial, first, outcomes

AT = "2026-02-02T00:00:00Z"
KEPT = GOLDEN / "2" / "evidence"
CORPUS = ROOT / "fixtures" / "evidence"
PATIENCE = 60_000


@dataclass
class Visit:
    """The page, what it asked for, and what went wrong in it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


@contextmanager
def visit(chromium: Browser, page: Path, width: int = 1100) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True, locale="en-GB")
    try:
        found = Visit(context.new_page())
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.on("console", lambda message: found.trouble.append(f"{message.type}: {message.text}"))
        found.page.on("pageerror", lambda error: found.trouble.append(str(error)))
        found.page.goto(page.as_uri())
        yield found
    finally:
        context.close()


def examine(page: Page, bundle: Path, trust: Path) -> None:
    page.set_input_files("#bundle", str(bundle))
    page.set_input_files("#trust", str(trust))
    page.fill("#at", AT.removesuffix("Z"))
    page.click("#examine")
    page.wait_for_selector("#result section", timeout=PATIENCE)


def altered(tmp_path: Path) -> Path:
    """The kept bundle with a byte of an original changed."""
    data = bytearray((KEPT / "case.zip").read_bytes())
    place = data.index(b"picture.bin") + len(b"picture.bin") + 5
    data[place] ^= 1
    (tmp_path / "altered.zip").write_bytes(data)
    return tmp_path / "altered.zip"


@pytest.mark.parametrize("folder", ["1/evidence", "2/evidence", "altered"])
def test_the_page_says_what_the_command_says(
    chromium: Browser, page: Path, second: Second, folder: str, tmp_path: Path
) -> None:
    bundle = altered(tmp_path) if folder == "altered" else GOLDEN / folder / "case.zip"
    trust = (KEPT if folder == "altered" else GOLDEN / folder) / "trust.json"
    (report,) = second.judge([Trial(folder, bundle, trust, AT)])
    with visit(chromium, page) as shown:
        examine(shown.page, bundle, trust)
        claims = shown.page.eval_on_selector_all(
            "[data-claim]", "all => all.map(one => [one.dataset.claim, one.dataset.outcome])"
        )
        fingerprint = shown.page.get_attribute("[data-fingerprint]", "data-fingerprint")
        verdict = shown.page.inner_text(".verdict h2")
        assert shown.trouble == []
    assert dict(claims) == {claim["id"]: claim["outcome"] for claim in report["claims"]}
    assert fingerprint == hashlib.sha256(trust.read_bytes()).hexdigest()
    assert verdict == {"proved": "✓ Proved", "not_proved": "○ Not proved"}[report["verdict"]]


@pytest.mark.parametrize(
    ("name", "capture", "platform"),
    [
        ("good/object-with-making-custody-and-platform", "needs_external_fact", "needs_external_fact"),
        ("good/capture-that-a-notary-bears-out", "proved", None),
        ("bad/capture-with-other-weights", "contradicted", None),
    ],
)
def test_a_factor_stands_beside_the_state_of_its_claim(
    chromium: Browser, page: Path, name: str, capture: str, platform: str | None
) -> None:
    with visit(chromium, page) as shown:
        examine(shown.page, CORPUS / f"{name}.zip", CORPUS / "trust.json")
        rows = shown.page.eval_on_selector_all(
            ".factors tr",
            "all => all.map(({ cells }) => [cells[0].innerText, cells[4].firstChild.className, cells[4].innerText])",
        )
        assert shown.trouble == []
    words = {"proved": "✓ proved", "needs_external_fact": "? needs an external fact", "contradicted": "✗ contradicted"}
    expected = {("18", capture, f"{words[capture]} · step 15")}
    if platform is not None:
        expected.add(("17", platform, f"{words[platform]} · step 17"))
    assert {tuple(row) for row in rows} == expected


def test_the_report_that_is_saved_is_that_of_the_python_command(chromium: Browser, page: Path, tmp_path: Path) -> None:
    with visit(chromium, page) as shown:
        examine(shown.page, KEPT / "case.zip", KEPT / "trust.json")
        with shown.page.expect_download(timeout=PATIENCE) as saved:
            shown.page.click("a[download]")
        saved.value.save_as(tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert outcomes(report) == outcomes(first(Trial("kept", KEPT / "case.zip", KEPT / "trust.json", AT)))


def test_nothing_but_the_file_itself_is_asked_for(chromium: Browser, page: Path) -> None:
    with visit(chromium, page) as shown:
        examine(shown.page, KEPT / "case.zip", KEPT / "trust.json")
        assert [url for url in shown.asked if not url.startswith("blob:")] == [page.as_uri()]
        refused = shown.page.evaluate("fetch('https://example.org/').then(() => 'left', () => 'refused')")
        assert refused == "refused"
        assert any("Content Security Policy" in message for message in shown.trouble), shown.trouble


def test_the_policy_allows_the_scripts_of_the_file_and_no_other(page: Path) -> None:
    text = page.read_text()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    *_, script = re.findall(r"<script>(.*?)</script>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}' blob:;" in policy
    assert "unsafe" not in policy
    assert "connect-src" not in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text.split("<script", 1)[0])


def test_what_is_dropped_is_told_apart(chromium: Browser, page: Path) -> None:
    with visit(chromium, page) as shown:
        for name in ("case.zip", "trust.json"):
            content = base64.b64encode((KEPT / name).read_bytes()).decode()
            shown.page.evaluate(
                """([name, content]) => {
                    const bytes = Uint8Array.from(atob(content), one => one.charCodeAt(0));
                    const dropped = new DataTransfer();
                    dropped.items.add(new File([bytes], name));
                    const how = {dataTransfer: dropped, bubbles: true, cancelable: true};
                    document.body.dispatchEvent(new DragEvent("drop", how));
                }""",
                [name, content],
            )
        assert [shown.page.inner_text(f"#{kind}-name") for kind in ("bundle", "trust")] == ["case.zip", "trust.json"]
        shown.page.fill("#at", AT.removesuffix("Z"))
        shown.page.click("#examine")
        shown.page.wait_for_selector(".verdict.proved", timeout=PATIENCE)


def test_a_trust_file_that_cannot_be_read_is_told_with_what_to_do(chromium: Browser, page: Path) -> None:
    with visit(chromium, page) as shown:
        examine(shown.page, KEPT / "case.zip", KEPT / "case.zip")
        said = shown.page.inner_text("#result")
        assert "could not be read" in said
        assert "get it again from its publisher" in said


@pytest.mark.parametrize("width", [1100, 360])
def test_it_fits_and_speaks_both_languages(chromium: Browser, page: Path, width: int) -> None:
    with visit(chromium, page, width) as shown:
        examine(shown.page, KEPT / "case.zip", KEPT / "trust.json")
        shown.page.click("[data-language=zh]")
        assert shown.page.inner_text(".verdict h2") == "✓ 已证明"
        assert shown.page.get_attribute("html", "lang") == "zh-CN"
        assert "需" in shown.page.inner_text("[data-claim=completeness] .outcome")
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        shown.page.click("[data-language=en]")
        assert shown.page.inner_text(".verdict h2") == "✓ Proved"
        assert shown.trouble == []
