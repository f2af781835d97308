"""The worker is kept running, ever more patiently, and stopped in order."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import pytest

from api import supervisor
from api.supervisor import Supervisor
from tests.api.process import PATIENCE


def test_a_worker_that_cannot_start_is_tried_ever_more_rarely(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.4)
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: 0.0)
    kept = Supervisor((sys.executable, "-c", "raise SystemExit(3)"))
    with caplog.at_level(logging.WARNING):
        kept.start()
        end = time.time() + PATIENCE
        while len(caplog.messages) < 5 and time.time() < end:
            time.sleep(0.05)
        kept.stop()
    assert [message.rpartition("again in ")[2] for message in caplog.messages[:5]] == [
        "0.1 s",
        "0.2 s",
        "0.4 s",
        "0.4 s",
        "0.4 s",
    ]
    assert "code 3" in caplog.messages[0]


def test_a_worker_is_told_to_stop_by_the_end_of_its_input(tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    program = (
        "import pathlib, sys\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        "sys.stdin.buffer.read()\n"
        f"pathlib.Path({str(ended)!r}).touch()\n"
    )
    kept = Supervisor((sys.executable, "-c", program))
    kept.start()
    end = time.monotonic() + PATIENCE
    while not begun.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not ended.exists()
    kept.stop()
    assert ended.exists()


def test_a_worker_that_does_not_listen_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun = tmp_path / "begun"
    program = f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(3600)"
    monkeypatch.setattr(supervisor, "PATIENCE", 0.2)
    kept = Supervisor((sys.executable, "-c", program))
    kept.start()
    end = time.monotonic() + PATIENCE
    while not begun.exists() and time.monotonic() < end:
        time.sleep(0.05)
    with caplog.at_level(logging.WARNING):
        kept.stop()
    assert "did not stop" in caplog.text
