"""The file of auditors: what it holds is named with the variable where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.services.maps import read_auditors
from tallystick.errors import MalformedInput

KEY = "auditor.example+d360874e+/3RhbGx5c3RpY2svbWFwLWF1ZGl0L3YxCnIbgo3MQvd1j7nQQ87gWNjo0YfI0mUfee0XXA4+SAmz"


def test_keys_a_line_and_what_is_said_to_people(tmp_path: Path) -> None:
    (tmp_path / "auditors").write_text(f"# 审计方\n\n{KEY}\n")
    assert [one.verifier_key for one in read_auditors(tmp_path / "auditors")] == [KEY]
    assert read_auditors(None) == ()


@pytest.mark.parametrize("text", ["nonsense", '{"keys": ["a+b+c"]}', KEY[:-4], f"{KEY}\nrest"])
def test_what_is_no_auditor_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "auditors").write_text(text)
    with pytest.raises(
        MalformedInput, match=r"^TALLYSTICK_AUDITORS: .*auditors: .*; a line is a key that `monitor` printed$"
    ):
        read_auditors(tmp_path / "auditors")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"^TALLYSTICK_AUDITORS: "):
        read_auditors(tmp_path / "nothing")
