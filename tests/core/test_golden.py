"""Formats are for ever: the bytes of version 1 as they were when it was fixed.

``golden/v1.json`` was written once by ``values()`` and is never regenerated: a
test that fails here means that old entries, signatures and proofs would no
longer be what they were. A new format is a new version with a file of its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tallystick import canonical
from tallystick.admission.log_rules import proof_message
from tallystick.checkpoint import Checkpoint
from tallystick.commitments import disclose, parse_disclosure
from tallystick.content import entry_of, file_content
from tallystick.cosignature import cosigned_message
from tallystick.events import encode_event, parse_event
from tallystick.events.envelope import Event
from tallystick.events.log import Policy
from tallystick.identifiers import Letter, new_identifier, parse_identifier
from tallystick.merkle import leaf_hash
from tallystick.modelsig import fingerprint, verify_model
from tallystick.schema import write
from tallystick.statement import parse_statement, sign_statement
from tallystick.tiles import Tile, encode_bundle
from tallystick.tree_head import LocalAuthority, LogSigners, origin_hash, sign_checkpoint, verify_tree_head
from tests.core.builders import (
    BARE_KEY_SET,
    CAPABILITY,
    FILE,
    FIRST,
    FOLDER,
    FOURTH,
    LATER_FOURTH,
    LATER_THIRD,
    LEAST_FIRST,
    LEAST_FOURTH,
    LEAST_SECOND,
    LEAST_THIRD,
    MODEL_SIGNATURE,
    ORIGIN,
    PARTY,
    PARTY_KEY,
    ROLE_KEYS,
    SALT,
    SECOND,
    THIRD,
    WEIGHTS,
)

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "v1.json").read_text(encoding="utf-8"))
SECOND_GOLDEN: dict[str, str] = json.loads((Path(__file__).parent / "golden" / "v2.json").read_text(encoding="utf-8"))
THIRD_GOLDEN: dict[str, str] = json.loads((Path(__file__).parent / "golden" / "v3.json").read_text(encoding="utf-8"))
FOURTH_GOLDEN: dict[str, str] = json.loads((Path(__file__).parent / "golden" / "v4.json").read_text(encoding="utf-8"))
EVENTS: dict[str, Event] = {**FIRST, **{f"{kind} (least)": one for kind, one in LEAST_FIRST.items()}}
EVENTS_2: dict[str, Event] = {
    "log.policy": dataclasses.replace(FIRST["log.policy"], body=Policy("tallystick-admission", 2)),
    **SECOND,
    **{f"{kind} (least)": one for kind, one in LEAST_SECOND.items()},
}
"""Types that came with version 2 of the rules: their bytes stand in ``golden/v2.json``."""
EVENTS_3: dict[str, Event] = {
    "log.policy": dataclasses.replace(FIRST["log.policy"], body=Policy("tallystick-admission", 3)),
    **THIRD,
    **LATER_THIRD,
    **{f"{kind} (least)": one for kind, one in LEAST_THIRD.items()},
}
"""Types, fields and words that came with version 3: their bytes stand in ``golden/v3.json``."""
EVENTS_4: dict[str, Event] = {
    "log.policy": dataclasses.replace(FIRST["log.policy"], body=Policy("tallystick-admission", 4)),
    **FOURTH,
    **LATER_FOURTH,
    **{f"{kind} (least)": one for kind, one in LEAST_FOURTH.items()},
}
"""Types, fields and words that came with version 4: their bytes stand in ``golden/v4.json``."""
SIGNERS = LogSigners(ORIGIN, ROLE_KEYS["log"], ROLE_KEYS["log-pq"], LocalAuthority(ROLE_KEYS["authority"]))
CHECKPOINT = Checkpoint(ORIGIN, 70_000, hashlib.sha256(b"root").digest())


def statements() -> dict[str, dict[str, str]]:
    found = {}
    for name in ("object.register", "job.register", "licence.grant (least)"):
        made = sign_statement(PARTY_KEY, PARTY, EVENTS[name])
        found[name] = {"entry": made.entry.hex(), "id": made.statement_id.hex(), "leaf": made.leaf.hex()}
    return found


def values() -> dict[str, Any]:
    """All that is deterministic; the note's ML-DSA signature is not and is only verified."""
    disclosed = [disclose("name", "Ada", SALT), disclose("价格", {"amount": "12.50", "n": [1, None, True]}, SALT * 2)]
    lines = sign_checkpoint(CHECKPOINT, SIGNERS, 1_769_904_000).splitlines()
    return {
        "events": {name: encode_event(one).decode() for name, one in EVENTS.items()},
        "statements": statements(),
        "leaf of 'hello'": leaf_hash(b"hello").hex(),
        "contents": {"hello": write(FILE), "empty": write(file_content([])), "folder": write(FOLDER)},
        "file list line": canonical.encode(write(entry_of("tex/灯.png", FILE))).decode(),
        "disclosures": [{"text": one.text, **write(one.commitment)} for one in disclosed],
        "identifiers": {one.name: new_identifier(one, bytes(range(10))) for one in Letter},
        "key set without proofs, as each key signs it": proof_message(BARE_KEY_SET).decode(),
        "kids": {role: key.public.kid.hex() for role, key in ROLE_KEYS.items()},
        "model signature": {"base64": MODEL_SIGNATURE, "fingerprint": fingerprint(MODEL_SIGNATURE)},
        "verifier keys": list(SIGNERS.keys.verifier_keys()),
        "checkpoint": lines[:4],
        "Ed25519 line": lines[4],
        "EIP-712 line": lines[6],
        "ML-DSA message": cosigned_message(ORIGIN, 1_769_904_000, CHECKPOINT.body()).hex(),
        "origin hash": origin_hash(ORIGIN).hex(),
        "tiles": [Tile(0, 1234067).path(), Tile(1, 1, 17).path(), Tile(None, 273, 112).path()],
        "bundle of 'a' and ''": encode_bundle([b"a", b""]).hex(),
    }


MADE = values()


@pytest.mark.parametrize("name", [name for name in GOLDEN if name not in ("events", "a signed note")])
def test_the_bytes_are_what_they_were(name: str) -> None:
    assert MADE[name] == GOLDEN[name]


@pytest.mark.parametrize("name", EVENTS)
def test_the_events_are_what_they_were(name: str) -> None:
    text = GOLDEN["events"][name]
    assert encode_event(EVENTS[name]).decode() == text
    assert parse_event(canonical.decode(text.encode(), 1 << 16)) == EVENTS[name]


@pytest.mark.parametrize("name", EVENTS_2)
def test_the_events_of_version_2_are_what_they_were(name: str) -> None:
    text = SECOND_GOLDEN[name]
    assert encode_event(EVENTS_2[name]).decode() == text
    assert parse_event(canonical.decode(text.encode(), 1 << 16)) == EVENTS_2[name]


@pytest.mark.parametrize("name", EVENTS_3)
def test_the_events_of_version_3_are_what_they_were(name: str) -> None:
    text = THIRD_GOLDEN[name]
    assert encode_event(EVENTS_3[name]).decode() == text
    assert parse_event(canonical.decode(text.encode(), 1 << 16)) == EVENTS_3[name]


@pytest.mark.parametrize("name", EVENTS_4)
def test_the_events_of_version_4_are_what_they_were(name: str) -> None:
    text = FOURTH_GOLDEN[name]
    assert encode_event(EVENTS_4[name]).decode() == text
    assert parse_event(canonical.decode(text.encode(), 1 << 16)) == EVENTS_4[name]


def test_nothing_is_missing_on_either_side() -> None:
    assert MADE.keys() | {"a signed note"} == GOLDEN.keys()
    assert MADE["events"].keys() == GOLDEN["events"].keys()
    assert EVENTS_2.keys() == SECOND_GOLDEN.keys()
    assert EVENTS_3.keys() == THIRD_GOLDEN.keys()
    assert EVENTS_4.keys() == FOURTH_GOLDEN.keys()


def test_what_was_signed_then_verifies_now() -> None:
    verify_tree_head("\n".join(GOLDEN["a signed note"]).encode(), SIGNERS.keys)
    verify_model(GOLDEN["model signature"]["base64"], PARTY_KEY.public, CAPABILITY, "1.0", WEIGHTS)
    for one in GOLDEN["statements"].values():
        statement = parse_statement(bytes.fromhex(one["entry"]))
        statement.verify(PARTY_KEY.public)
        assert (statement.statement_id.hex(), statement.leaf.hex()) == (one["id"], one["leaf"])
    for one in GOLDEN["disclosures"]:
        assert write(parse_disclosure(one["text"]).commitment) == {"sha256": one["sha256"], "sm3": one["sm3"]}
    for letter, one in GOLDEN["identifiers"].items():
        parse_identifier(one, Letter[letter])
