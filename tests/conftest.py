"""What every test gets: the same Hypothesis examples each time, and no skip that nobody agreed to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("tallystick", derandomize=True, deadline=None, database=None)
settings.load_profile("tallystick")

ALLOWED_SKIPS = Path(__file__).with_name("allowed-skips.txt")


def read_allowed_skips(text: str) -> set[str]:
    """Test ids from lines `test id  # reason`; a line without a reason is an error."""
    allowed = set()
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        test, mark, reason = line.partition("  # ")
        if not mark or not reason.strip():
            raise pytest.UsageError(f"{ALLOWED_SKIPS.name}: no reason given for {test!r}")
        allowed.add(test.strip())
    return allowed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: at the end of a run no worker has many minutes to go while the others are done."""
    items.sort(key=lambda item: "verifier_js" not in item.path.parts)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With TALLYSTICK_NO_SKIPS=1 (.ci/run sets it) a skipped test fails the run unless allowed-skips.txt names it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("TALLYSTICK_NO_SKIPS") != "1" or hasattr(session.config, "workerinput") or reporter is None:
        return
    skipped = {report.nodeid for report in reporter.stats.get("skipped", [])}
    for test in sorted(skipped - read_allowed_skips(ALLOWED_SKIPS.read_text(encoding="utf-8"))):
        reporter.write_line(f"skipped without leave in {ALLOWED_SKIPS.name}: {test}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
