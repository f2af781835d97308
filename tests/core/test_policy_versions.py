"""A policy of later rules is no fault of the bytes: an older verifier says what to install."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.errors import MalformedInput
from tallystick.events import parse_event
from tallystick.events.kinds import RULES
from tallystick.versions import UnknownVersion


def policy(version: Any) -> dict[str, Any]:
    body = {"rules": "tallystick-admission", "version": version}
    return {
        "v": 1,
        "type": "log.policy",
        "event_id": "p",
        "subject": "log.example/a",
        "time": "2026-02-01T00:00:00Z",
        "body": body,
    }


@pytest.mark.parametrize("version", range(1, RULES + 1))
def test_these_rules_are_known(version: int) -> None:
    assert parse_event(policy(version)).body.version == version


def test_later_rules_are_an_unknown_version() -> None:
    with pytest.raises(UnknownVersion, match="install a newer one"):
        parse_event(policy(RULES + 1))


@pytest.mark.parametrize("version", [0, -1, "2", True, None])
def test_what_is_no_version_is_malformed(version: Any) -> None:
    with pytest.raises(MalformedInput) as caught:
        parse_event(policy(version))
    assert not isinstance(caught.value, UnknownVersion)
