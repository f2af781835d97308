"""``map/proofs.json`` of a case: one form, one version."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick import canonical
from tallystick.case.histories import encode_map_proofs, read_map_proofs
from tallystick.errors import MalformedInput
from tallystick.map import NAMED, OWN, MapProof, Relation
from tallystick.versions import UnknownVersion

PROOFS: dict[int, dict[tuple[Relation, str], MapProof]] = {
    7: {(OWN, "x"): MapProof(None), (NAMED, "x"): MapProof(None)}
}


def changed(**members: Any) -> bytes:
    return canonical.encode(canonical.decode(encode_map_proofs(PROOFS), 1 << 20) | members)


def test_what_is_written_is_read() -> None:
    assert read_map_proofs(encode_map_proofs(PROOFS)) == PROOFS


@pytest.mark.parametrize("version", [None, True, "1", [1], 1.5])
def test_a_version_is_an_integer(version: Any) -> None:
    text = changed(v=0).replace(
        b'"v":0', b'"v":' + repr(version).replace("None", "null").lower().replace("'", '"').encode()
    )
    with pytest.raises(MalformedInput):
        read_map_proofs(text)


def test_a_version_must_be_there() -> None:
    value = canonical.decode(changed(), 1 << 20)
    with pytest.raises(MalformedInput, match="integer v"):
        read_map_proofs(canonical.encode({"roots": value["roots"]}))


def test_a_later_version_says_what_to_install() -> None:
    with pytest.raises(UnknownVersion, match="install a newer one"):
        read_map_proofs(changed(v=9))


@pytest.mark.parametrize(
    "roots",
    [
        [],
        {"07": {OWN: {}, NAMED: {}}},
        {"7": {OWN: {}}},
        {"7": {OWN: {}, NAMED: {}, "else": {}}},
        {"7": {OWN: [], NAMED: {}}},
        {"7": {OWN: {"x": {}}, NAMED: {}}},
    ],
    ids=[
        "a list",
        "an index with a zero",
        "no named",
        "another relation",
        "a list of proofs",
        "a proof without members",
    ],
)
def test_other_forms(roots: Any) -> None:
    with pytest.raises(MalformedInput):
        read_map_proofs(changed(roots=roots))
