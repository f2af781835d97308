"""The published corpus in a real browser, from disk, as `expected.json` says; and evidence against a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tallystick.fork import accuse
from tallystick.trust import encode_trust
from tests.core.verify.kit import build_kit
from tests.core.verify.test_convictions import _resigned, forged
from tests.verifier_js.test_evidence_corpus import CORPUS, EXPECTED
from tests.verifier_js.test_page import PATIENCE, examine, visit

BAD = [name for name in sorted(EXPECTED["bad"]) if not name.endswith(".as-is")]
FEW = 24
SHARES = 8


def told(page: Page, bundle: Path) -> dict[str, Any]:
    """What the page says of one more bundle."""
    page.evaluate("document.querySelector('#result').replaceChildren()")
    page.set_input_files("#bundle", str(bundle))
    page.click("#examine")
    page.wait_for_selector("#result section", timeout=PATIENCE)
    shown = "all => all.map(one => [one.dataset.claim, one.dataset.outcome])"
    return {
        "claims": dict(page.eval_on_selector_all("[data-claim]", shown)),
        "verdict": str(page.get_attribute(".verdict", "class")).split()[-1],
    }


def all_alike(chromium: Browser, page: Path, kind: str, names: list[str]) -> int:
    with visit(chromium, page) as shown:
        shown.page.set_input_files("#trust", str(CORPUS / "trust.json"))
        shown.page.fill("#at", EXPECTED["at"].removesuffix("Z"))
        for name in names:
            expected = {field: EXPECTED[kind][name][field] for field in ("claims", "verdict")}
            assert told(shown.page, CORPUS / kind / f"{name}.zip") == expected, name
        assert shown.trouble == []
    return len(names)


def test_the_good_ones_and_some_bad_ones(chromium: Browser, page: Path) -> None:
    assert all_alike(chromium, page, "good", sorted(EXPECTED["good"])) >= 22
    assert all_alike(chromium, page, "bad", BAD[::FEW]) >= 10


@pytest.mark.exhaustive
@pytest.mark.parametrize("share", range(SHARES))
def test_all_bad_ones(chromium: Browser, page: Path, share: int) -> None:
    assert all_alike(chromium, page, "bad", sorted(EXPECTED["bad"])[share::SHARES]) > 45


def test_evidence_against_a_log_is_dropped_beside_the_case(chromium: Browser, page: Path, tmp_path: Path) -> None:
    kit = build_kit(tmp_path / "kit")
    (tmp_path / "case.zip").write_bytes(kit.bundle())
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    fork = accuse(forged(kit, 3), _resigned(kit, 3)).decode()
    with visit(chromium, page) as shown:
        shown.page.evaluate(
            """text => {
                const dropped = new DataTransfer();
                dropped.items.add(new File([text], "fork.json"));
                const how = {dataTransfer: dropped, bubbles: true, cancelable: true};
                document.body.dispatchEvent(new DragEvent("drop", how));
            }""",
            fork,
        )
        shown.page.wait_for_selector(".against[open]", timeout=PATIENCE)
        assert shown.page.inner_text("#against-name") == "fork.json"
        assert shown.page.inner_text("#trust-name") != "fork.json"
        examine(shown.page, tmp_path / "case.zip", tmp_path / "trust.json")
        assert shown.page.get_attribute("[data-claim=checkpoint-signature]", "data-outcome") == "contradicted"
        assert "the log forked" in shown.page.inner_text("[data-claim=checkpoint-signature]")
        assert shown.page.inner_text(".verdict h2") == "○ Not proved"
        (tmp_path / "bad.json").write_text(json.dumps({"kind": "fork"}))
        shown.page.set_input_files("#against", str(tmp_path / "bad.json"))
        shown.page.evaluate("document.querySelector('#result').replaceChildren()")
        shown.page.click("#examine")
        shown.page.wait_for_selector("#result section", timeout=PATIENCE)
        assert "evidence against the log could not be read" in shown.page.inner_text("#result")
        assert shown.trouble == []
