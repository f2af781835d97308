"""How `verify-certificate` shows what was logged: no JSON for a judge, nothing that is empty, nothing run together."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.commands.verify_certificate import _shown

ONE = {"name": "灯笼影业", "party": "", "share": "60 %"}
TWO = {"name": "Harbour", "party": "10.5555/P-1", "share": "40 %"}


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        ("Lantern 灯笼", "Lantern 灯笼", "Lantern 灯笼"),
        (["one"], "one", "one"),
        (["one", "two, three"], "(1) one (2) two, three", "(1) one (2) two, three"),
        ([], "", ""),
        ([ONE], "name 灯笼影业, share 60 %", "名称 灯笼影业，份额 60 %"),
        (
            [ONE, TWO],
            "(1) name 灯笼影业, share 60 % (2) name Harbour, party 10.5555/P-1, share 40 %",
            "(1) 名称 灯笼影业，份额 60 % (2) 名称 Harbour，主体 10.5555/P-1，份额 40 %",
        ),
        ({"unknown": "as it is"}, "unknown as it is", "unknown as it is"),
        ([1, {"a": [2]}], '[1,{"a":[2]}]', '[1,{"a":[2]}]'),
        (True, "true", "true"),
    ],
)
def test_a_value(value: Any, en: str, zh: str) -> None:
    assert (_shown(value, "en"), _shown(value, "zh")) == (en, zh)
