"""The case: members from typed values and back, one place for each, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tallystick import canonical, cose
from tallystick.base64s import to_base64
from tallystick.case import CaseMaterial, OriginalMaterial, case_members, read_case
from tallystick.case.crate import crate_of
from tallystick.case.model import CHECKPOINT, CRATE, INDEX, PROOFS, leaf_index
from tallystick.content import entry_of, file_content
from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter
from tallystick.versions import UnknownVersion
from tests.world import World

WORLD = World()
LOG = WORLD.genesis()
OBJECT = WORLD.identifier(Letter.OBJECT)
FOLDER = WORLD.identifier(Letter.OBJECT)
SLUG, FOLDER_SLUG = OBJECT.partition("/")[2], FOLDER.partition("/")[2]
FILES = {"a.txt": b"a", "sub/é b.txt": b"b"}
LISTED = tuple(entry_of(path, file_content([data])) for path, data in FILES.items())
HONEST = CaseMaterial(
    kind="object",
    subject=OBJECT,
    log=WORLD.origin,
    exported_at="2026-02-01T00:00:00Z",
    entries={at: one.entry for at, one in enumerate(LOG)},
    checkpoint=b"a note\n",
    inclusion={at: [bytes([at]) * 32] for at in range(len(LOG))},
    consistency={(2, 3): [b"\x01" * 32], (1, 3): []},
    disclosures={1: [WORLD.disclosures[WORLD.register(WORLD.studio, "studio").statement_id][0].text]},
    originals=[OriginalMaterial(FOLDER, FILES, LISTED), OriginalMaterial(OBJECT, {})],
    credentials={2: ("card.png", b"png")},
)


@dataclass
class Members:
    """Members in memory, as a bundle gives them."""

    data: dict[str, bytes]

    def names(self) -> tuple[str, ...]:
        return tuple(self.data)

    def read(self, name: str, limit: int) -> bytes:
        if len(self.data[name]) > limit:
            raise MalformedInput(f"{name} is too long")
        return self.data[name]


def members(material: CaseMaterial = HONEST) -> dict[str, bytes]:
    return {name: data for name, data in case_members(material).items() if isinstance(data, bytes)}


def described(data: dict[str, bytes]) -> dict[str, bytes]:
    index = canonical.decode(data[INDEX], 1 << 20)
    return {**data, CRATE: crate_of(index["kind"], index["subject"], index["exported_at"], data)}


def test_it_reads_what_it_writes() -> None:
    case = read_case(Members(members()))
    assert (case.index.kind, case.index.subject, case.index.log) == ("object", OBJECT, WORLD.origin)
    assert [placed.statement.entry for placed in case.entries] == [one.entry for one in LOG]
    assert case.inclusion == {at: (bytes([at]) * 32,) for at in range(len(LOG))}
    assert case.consistency == {(1, 3): (), (2, 3): (b"\x01" * 32,)}
    assert [one.text for one in case.disclosures[1]] == HONEST.disclosures[1]
    assert case.file_lists == {FOLDER: LISTED}
    assert dict(case.originals[FOLDER]) == {path: f"data/originals/{FOLDER_SLUG}/{path}" for path in FILES}
    assert case.originals[OBJECT] == {}
    assert case.credentials == {2: "data/credentials/card.png"}


def test_the_order_in_which_it_was_gathered_leaves_no_trace() -> None:
    backwards = replace(
        HONEST,
        entries=dict(reversed(HONEST.entries.items())),
        inclusion=dict(reversed(HONEST.inclusion.items())),
        consistency=dict(reversed(HONEST.consistency.items())),
        originals=list(reversed(HONEST.originals)),
    )
    assert list(members(backwards).items()) == list(members().items())


def test_the_metadata_lists_every_file_once_in_uri_form() -> None:
    graph = canonical.decode(members()[CRATE], 1 << 20)["@graph"]
    files = {item["@id"] for item in graph if item["@type"] == "File"}
    assert f"originals/{FOLDER_SLUG}/sub/%C3%A9%20b.txt" in files
    assert len(files) == len(members()) - 1
    root = next(item for item in graph if item["@id"] == "./")
    assert {part["@id"] for part in root["hasPart"]} == files
    assert next(item for item in graph if item["@id"] == "ro-crate-metadata.json")["conformsTo"] == {
        "@id": "https://w3id.org/ro/crate/1.2"
    }


# --- places ------------------------------------------------------------------------------


STRANGERS = [
    "data/notes.txt",
    "data/entries/01.cose",
    "data/entries/-1.cose",
    "data/entries/1.cose.bak",
    "data/entries/a.cose",
    "data/entries/1e3.cose",
    "data/disclosures/x.json",
    "data/anchors/0/proof.json",
    "data/anchors/0/extra",
    "data/contents/A-0000-0000-0000-0000-0.json",
    f"data/contents/{SLUG}.txt",
    "data/originals/A-0000-0000-0000-0000-0/file",
    f"data/originals/{SLUG}/../x",
    "data/credentials/second.png",
    "data/log/other",
    "data/entries",
    "data/",
]


@pytest.mark.parametrize("name", STRANGERS)
def test_a_member_without_a_place(name: str) -> None:
    with pytest.raises(MalformedInput):
        read_case(Members(described({**members(), name: b"{}"})))


def test_an_index_that_json_cannot_count() -> None:
    assert (leaf_index("9007199254740991"), leaf_index("9007199254740992")) == ((1 << 53) - 1, None)
    found = members()
    entry = next(data for name, data in found.items() if name.startswith("data/entries/"))
    read_case(Members(described({**found, "data/entries/9007199254740991.cose": entry})))
    with pytest.raises(MalformedInput, match="9007199254740992"):
        read_case(Members(described({**found, "data/entries/9007199254740992.cose": entry})))


@pytest.mark.parametrize("name", [INDEX, CRATE, CHECKPOINT, PROOFS])
def test_a_member_that_every_case_has(name: str) -> None:
    left = {other: data for other, data in members().items() if other != name}
    with pytest.raises(MalformedInput, match=name):
        read_case(Members(left))


def test_a_case_without_entries() -> None:
    with pytest.raises(MalformedInput, match="1 to"):
        read_case(Members(members(replace(HONEST, entries={}, inclusion={}, disclosures={}))))


def test_a_promised_original_must_be_there_and_no_other() -> None:
    data = members()
    gone = {name: value for name, value in data.items() if "/originals/" not in name}
    with pytest.raises(MalformedInput, match="included"):
        read_case(Members(described(gone)))
    with pytest.raises(MalformedInput, match="digests"):
        read_case(Members(described({**data, f"data/originals/{SLUG}/x": b"x"})))


# --- forms -------------------------------------------------------------------------------


Change = Callable[[Any], Any]
ONE = to_base64(b"\x00" * 32)
FORMS: dict[str, tuple[str, Change]] = {
    "index: unknown field": (INDEX, lambda v: v | {"trust": "me"}),
    "index: missing field": (INDEX, lambda v: {k: v[k] for k in v if k != "log"}),
    "index: another kind": (INDEX, lambda v: v | {"kind": "party"}),
    "index: subject of another kind": (INDEX, lambda v: v | {"kind": "job"}),
    "index: mistyped subject": (INDEX, lambda v: v | {"subject": v["subject"][:-1] + "*"}),
    "index: originals out of order": (INDEX, lambda v: v | {"originals": v["originals"][::-1]}),
    "index: an original twice": (INDEX, lambda v: v | {"originals": v["originals"] * 2}),
    "index: a credential twice": (INDEX, lambda v: v | {"credentials": v["credentials"] * 2}),
    "index: a credential elsewhere": (INDEX, lambda v: v | {"credentials": [{"file": "data/x.png", "position": 2}]}),
    "index: anchors not in order": (INDEX, lambda v: v | {"anchors": [1]}),
    "index: an anchor that is not there": (INDEX, lambda v: v | {"anchors": [0]}),
    "index: a time of another form": (INDEX, lambda v: v | {"exported_at": "2026-02-01"}),
    "proofs: no version": (PROOFS, lambda v: {k: v[k] for k in v if k != "v"}),
    "proofs: a version that is true": (PROOFS, lambda v: v | {"v": True}),
    "proofs: a version that is null": (PROOFS, lambda v: v | {"v": None}),
    "proofs: a version that is text": (PROOFS, lambda v: v | {"v": "1"}),
    "proofs: unknown field": (PROOFS, lambda v: v | {"root": ONE}),
    "proofs: a list": (PROOFS, lambda v: [v]),
    "proofs: inclusion is a list": (PROOFS, lambda v: v | {"inclusion": []}),
    "proofs: a key that is no index": (PROOFS, lambda v: v | {"inclusion": {"01": []}}),
    "proofs: an entry that is not there": (PROOFS, lambda v: v | {"inclusion": {"77": []}}),
    "proofs: a short hash": (PROOFS, lambda v: v | {"inclusion": {"0": [to_base64(b"\x00" * 31)]}}),
    "proofs: a hash that is a number": (PROOFS, lambda v: v | {"inclusion": {"0": [7]}}),
    "proofs: too many hashes": (PROOFS, lambda v: v | {"inclusion": {"0": [ONE] * 66}}),
    "proofs: consistency out of order": (PROOFS, lambda v: v | {"consistency": v["consistency"][::-1]}),
    "proofs: consistency twice": (PROOFS, lambda v: v | {"consistency": v["consistency"][:1] * 2}),
    "proofs: consistency of nothing": (PROOFS, lambda v: v | {"consistency": [{}]}),
    "proofs: sizes that are true": (PROOFS, lambda v: v | {"consistency": [{"from": True, "to": 3, "path": []}]}),
    "proofs: a negative size": (PROOFS, lambda v: v | {"consistency": [{"from": -1, "to": 3, "path": []}]}),
    "disclosures: none": ("data/disclosures/1.json", lambda v: []),
    "disclosures: a number": ("data/disclosures/1.json", lambda v: [7]),
    "disclosures: not base64url": ("data/disclosures/1.json", lambda v: ["*"]),
    "file list: an object": (f"data/contents/{FOLDER_SLUG}.json", lambda v: {"files": v}),
    "file list: out of order": (f"data/contents/{FOLDER_SLUG}.json", lambda v: v[::-1]),
    "file list: a path that escapes": (f"data/contents/{FOLDER_SLUG}.json", lambda v: [v[0] | {"path": "../a"}]),
    "file list: empty": (f"data/contents/{FOLDER_SLUG}.json", lambda v: []),
}


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_member_of_another_form(name: str) -> None:
    member, change = FORMS[name]
    data = members()
    data[member] = canonical.encode(change(canonical.decode(data[member], 1 << 20)))
    with pytest.raises(MalformedInput):
        read_case(Members(data))


@pytest.mark.parametrize(
    "name", sorted(name for name in members() if name.endswith(".json") and "originals" not in name)
)
def test_json_that_is_not_canonical(name: str) -> None:
    with pytest.raises(MalformedInput):
        read_case(Members({**members(), name: members()[name] + b"\n"}))


@pytest.mark.parametrize(("name", "change"), [(INDEX, {"v": 9}), (INDEX, {"format": "x/2"}), (PROOFS, {"v": 2})])
def test_a_later_version_says_what_to_install(name: str, change: dict[str, Any]) -> None:
    data = members()
    value = canonical.decode(data[name], 1 << 20) | change
    with pytest.raises(UnknownVersion, match="install a newer one"):
        read_case(Members({**data, name: canonical.encode(value)}))


def later_entry(**changes: Any) -> bytes:
    """An entry as a later program may write it, signed and well formed."""
    event = canonical.decode(LOG[1].envelope.payload or b"", 1 << 16) | changes
    header = {label: value for label, value in LOG[1].envelope.protected.items() if label != cose.ALG}
    return cose.sign1(WORLD.registrar.signer, header, canonical.encode(event))


@pytest.mark.parametrize("change", [{"v": 9}, {"type": "log.of-later-rules"}])
def test_an_entry_of_a_later_version_or_type_is_not_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(UnknownVersion, match=r"data/entries/1\.cose: .*(event version 9|unknown event type)"):
        read_case(Members({**members(), "data/entries/1.cose": later_entry(**change)}))


def test_an_entry_with_a_field_of_another_type_is_malformed() -> None:
    with pytest.raises(MalformedInput) as refused:
        read_case(Members({**members(), "data/entries/1.cose": later_entry(type=7)}))
    assert not isinstance(refused.value, UnknownVersion)


def test_a_member_that_is_no_statement_is_named() -> None:
    with pytest.raises(MalformedInput, match=r"data/entries/1\.cose"):
        read_case(Members({**members(), "data/entries/1.cose": b"\xd2"}))


def test_the_writer_refuses_an_index_that_the_reader_would() -> None:
    for changes in ({"kind": "licence"}, {"subject": "x"}, {"log": "has space"}, {"exported_at": "now"}):
        with pytest.raises(MalformedInput):
            case_members(replace(HONEST, **changes))  # type: ignore[arg-type]
