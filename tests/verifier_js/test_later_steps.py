"""What came with rules version 4 and case version 5: every case of the first one's tests, judged by both alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier_js.both import Second, captured, compare, first

TESTS = {
    "test_custody": "custody",
    "test_facts": "capture",
    "test_words_beside": "timestamp",
}
"""Parts of originals, and what each kind must show, are in the exhaustive run over all of tests/core/verify."""


@pytest.mark.parametrize(("tests", "claim"), TESTS.items(), ids=TESTS)
def test_every_case_of_these_is_judged_alike(second: Second, tests: str, claim: str, tmp_path: Path) -> None:
    trials = captured(tmp_path, f"tests/core/verify/{tests}.py")
    said = {one["outcome"] for trial in trials for one in first(trial)["claims"] if one["id"] == claim}
    assert {"contradicted", "not_proved"} & said
    assert compare(second, trials) >= 12
