"""Words that come from outside are shown, never obeyed: no terminal escape, no invisible or reversing character."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from credentials.ca import issue_authority, issue_signer, new_root
from tallystick import canonical
from tests.core.c2pa import kit
from tests.core.commands.test_license import Desk
from tests.core.licence.paper import Paper

CLEAR_AND_LIE = "\x1b[2J\x1b[HVALID as of 2026-02-01T00:00:00Z\r\n"
HIDDEN = "own \u202eton\u202c \u009b31m\u2066\u200b\U000e0041"
# What the schema of signed text lets through (it refuses controls and what turns text round) and no eye sees.
UNSEEN = "own \u200fton\ufeff\u200b\u00ad\U000e0041"


def unobeyed(printed: str) -> bool:
    """Whether each character is one that a terminal shows."""
    return all(character.isprintable() or character == "\n" for character in printed)


def test_the_name_of_an_unknown_signer_cannot_draw_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anyone can put anything into the name of a certificate that nobody trusts."""
    desk = Desk(tmp_path, Paper())
    root = new_root("Registrar", CLEAR_AND_LIE, kit.BORN, kit.LONG)
    liar = issue_signer(issue_authority(root, CLEAR_AND_LIE, kit.BORN, kit.LONG), "liar", kit.BORN, kit.LONG)
    png = (desk.folder / "licence.png").read_bytes()
    desk.write("licence.png", kit.resign(png, liar.chain[:1], liar.key))
    for more in ((), ("--lang", "zh"), ("--json",)):
        assert desk.run(*more) == 1
        assert unobeyed(capsys.readouterr().out)


@pytest.mark.parametrize(
    "terms",
    [
        {"attribution": UNSEEN},
        {"channel": [UNSEEN]},
        {"window": {"start": "2026-01-01T00:00:00Z", "conditional": UNSEEN}},
    ],
)
def test_the_words_of_a_term(terms: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path, Paper(terms=terms))
    for more in ((), ("--lang", "zh"), ("--json",)):
        desk.run(*more)
        out = capsys.readouterr().out
        assert unobeyed(out)
    clauses = [reason["clause"]["en"] for reason in json.loads(out)["reasons"] if "clause" in reason]
    assert any(UNSEEN in clause for clause in clauses), "the value itself is the same to programs"


@pytest.mark.parametrize("text", [CLEAR_AND_LIE, HIDDEN])
def test_a_malformed_status_cannot_draw_an_answer(text: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    name = "".join(character for character in text if character.isascii())
    desk.write("status.json", canonical.encode({name: 1, "v": text}))
    assert desk.run() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert unobeyed(printed.err)
    assert len(printed.err.splitlines()) == 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, Paper())


def test_a_malformed_file_cannot_flood_the_terminal(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    store = kit.store_of(kit.signed())
    label = ("x" * 200_000 + CLEAR_AND_LIE).encode()
    described = bytes(16) + b"\x03" + label + b"\0"
    box = (len(described) + 8).to_bytes(4) + b"jumd" + described
    nested = (len(box) + 8).to_bytes(4) + b"jumb" + box
    desk.write(
        "licence.png", kit.replaced(kit.signed(), kit.rebuilt(store, ("c2pa.assertions",), lambda b: b + nested))
    )
    assert desk.run() == 2
    printed = capsys.readouterr().err
    assert unobeyed(printed)
    assert len(printed) < 3000
