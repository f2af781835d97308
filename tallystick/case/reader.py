"""From payload members back to typed values: one form, one place, capped, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import partial
from typing import Any, Protocol, TypeVar

from tallystick import canonical
from tallystick.base64s import from_base64
from tallystick.case.crate import crate_of
from tallystick.case.histories import CaseMap, read_map
from tallystick.case.model import (
    CHECKPOINT,
    CRATE,
    FORMATS,
    INDEX,
    MAP_PROOFS,
    MAX_ALL_DISCLOSURES_BYTES,
    MAX_DISCLOSURES_BYTES,
    MAX_ENTRIES,
    MAX_FILE_LIST_BYTES,
    MAX_FILE_LIST_VALUES,
    MAX_INDEX_BYTES,
    MAX_PATHS,
    MAX_PROOFS_BYTES,
    MAX_TOTAL_BYTES,
    PLATFORM,
    PROOFS,
    SLUG,
    VERSION,
    CaseIndex,
    Original,
    check_index,
    leaf_index,
    slug_of,
)
from tallystick.case.parts import MAX_PARTS_BYTES, PartsMap, check_members, check_values, decode_parts
from tallystick.case.revocation import read_revocation
from tallystick.commitments import Disclosure, parse_disclosure
from tallystick.content import FileEntry, check_file_list, check_path
from tallystick.errors import MalformedInput
from tallystick.evm.proof import MAX_PROOF_BYTES, AnchorProof, decode
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import HASH_SIZE, MAX_PROOF_HASHES
from tallystick.note import MAX_NOTE_BYTES
from tallystick.replay import Placed
from tallystick.schema import read
from tallystick.statement import MAX_ENTRY_BYTES, parse_statement
from tallystick.timestamp import MAX_TOKEN_BYTES
from tallystick.versions import UnknownVersion, check_version, require_version

T = TypeVar("T")
Path = tuple[bytes, ...]


class Members(Protocol):
    """What ``read_case`` needs of a bundle."""

    def names(self) -> tuple[str, ...]:
        """Every payload member."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a member of at most ``limit`` bytes; raises ``MalformedInput``."""
        ...


@dataclass
class _Capped:
    """Members of which at most ``left`` bytes are read in all."""

    members: Members
    left: int

    def names(self) -> tuple[str, ...]:
        return self.members.names()

    def read(self, name: str, limit: int) -> bytes:
        data = self.members.read(name, min(limit, self.left))
        self.left -= len(data)
        return data


@dataclass(frozen=True)
class Anchor:
    """A parsed anchor proof and the note that was anchored."""

    number: int
    proof: AnchorProof
    checkpoint: bytes


@dataclass(frozen=True)
class Timestamp:
    """A timestamp token, of which nothing is read yet, and the note whose text it is over."""

    number: int
    token: bytes
    checkpoint: bytes


@dataclass(frozen=True)
class Case:
    """A case that was read: every member has its form, nothing is verified.

    inclusion, disclosures: by leaf index. consistency: by (old size, new size).
    originals: member names by object and path. credentials: member name by position;
    the member itself may be absent. parts: of each object that is here in parts, what is here.
    revocation: lists and answers (DER) by member name, of which nothing is read yet.
    """

    index: CaseIndex
    entries: tuple[Placed, ...]
    checkpoint: bytes
    inclusion: Mapping[int, Path]
    consistency: Mapping[tuple[int, int], Path]
    disclosures: Mapping[int, tuple[Disclosure, ...]]
    anchors: tuple[Anchor, ...]
    timestamps: tuple[Timestamp, ...]
    file_lists: Mapping[str, tuple[FileEntry, ...]]
    originals: Mapping[str, Mapping[str, str]]
    credentials: Mapping[int, str]
    map: CaseMap | None = None
    parts: Mapping[str, PartsMap] = field(default_factory=dict)
    revocation: Mapping[str, bytes] = field(default_factory=dict)


def read_case(members: Members) -> Case:
    """Read every small member. Raises ``MalformedInput`` naming the member; for a later format ``UnknownVersion``."""
    members = _Capped(members, MAX_TOTAL_BYTES)
    names = members.names()
    for needed in (INDEX, CRATE, CHECKPOINT, PROOFS):
        if needed not in names:
            raise MalformedInput(f"{needed} is missing: not a tallystick evidence bundle, or not all of one")
    index = _at(INDEX, _read_index, members.read(INDEX, MAX_INDEX_BYTES))
    places = _sort(names, index)
    _check_crate(members, index, names)
    inclusion, consistency = _at(PROOFS, _read_proofs, members.read(PROOFS, MAX_PROOFS_BYTES))
    return Case(
        index=index,
        entries=_entries(members, places.entries),
        checkpoint=members.read(CHECKPOINT, MAX_NOTE_BYTES),
        inclusion=_within(inclusion, places, PROOFS),
        consistency=consistency,
        disclosures=_within(_disclosures(members, places.disclosures), places, "data/disclosures/"),
        anchors=_anchors(members, index),
        timestamps=_timestamps(members, index),
        file_lists=_file_lists(members, places.file_lists),
        originals=places.originals,
        credentials={credential.position: credential.file for credential in index.credentials},
        map=_map(members, index, places.others),
        parts=_parts(members, places),
        revocation=read_revocation(index.revocation or (), members.read),
    )


# --- places -------------------------------------------------------------------


@dataclass
class _Places:
    """Member names by what they hold."""

    entries: dict[int, str] = field(default_factory=dict)
    disclosures: dict[int, str] = field(default_factory=dict)
    anchors: set[str] = field(default_factory=set)
    """Of timestamps, audits, the platform and revocation data too."""
    others: dict[int, str] = field(default_factory=dict)
    file_lists: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    originals: dict[str, dict[str, str]] = field(default_factory=dict)


def _sort(names: Iterable[str], index: CaseIndex) -> _Places:
    """Each member in its place. Raises ``MalformedInput`` for a name that has none, or for a place left empty."""
    places = _Places(originals={original.object: {} for original in index.originals})
    objects = {slug_of(original.object): original for original in index.originals}
    credentials, reports = {credential.file for credential in index.credentials}, set(index.report or ())
    for name in names:
        if name in (INDEX, CRATE, CHECKPOINT, PROOFS) or name in credentials:
            continue
        if name in reports:
            reports.remove(name)
            continue
        folder, _, rest = name.removeprefix("data/").partition("/")
        if folder == "entries" and (number := _number(rest, ".cose")) is not None:
            places.entries[number] = name
        elif folder == "disclosures" and (number := _number(rest, ".json")) is not None:
            places.disclosures[number] = name
        elif (
            folder == "anchors"
            or (folder == "timestamps" and index.timestamps)
            or (folder == "platform" and index.platform)
            or (folder == "revocation" and index.revocation)
        ):
            places.anchors.add(name)
        elif folder == "map" and index.map:
            _sort_map(places, name, rest)
        elif folder in ("contents", "parts") and (listed := _listed(folder, rest, objects)) is not None:
            (places.parts if folder == "parts" else places.file_lists)[listed] = name
        elif folder == "originals" and (slug := rest.partition("/")[0]) in objects:
            path = rest.partition("/")[2]
            check_path(path)
            places.originals[objects[slug].object][path] = name
        else:
            raise MalformedInput(f"the member {name[:120]!r} has no place in a case of format {index.format}")
    if reports:
        raise MalformedInput(f"{min(reports)} is missing, and {INDEX} names it")
    _check_places(places, index)
    _check_adverse(index, places)
    return places


def _listed(folder: str, rest: str, objects: Mapping[str, Original]) -> str | None:
    """The object whose file list, or whose map of parts, has this name; one that is here in parts has the latter."""
    slug = rest.removesuffix(".json")
    if not rest.endswith(".json") or not SLUG.fullmatch(slug) or slug not in objects:
        return None
    return objects[slug].object if (folder == "parts") == (objects[slug].mode == "parts") else None


def _sort_map(places: _Places, name: str, rest: str) -> None:
    inner, _, file = rest.partition("/")
    if inner == "entries" and (number := _number(file, ".cose")) is not None:
        places.others[number] = name
    else:
        places.anchors.add(name)


def _check_places(places: _Places, index: CaseIndex) -> None:
    if not 1 <= len(places.entries) <= MAX_ENTRIES:
        raise MalformedInput(f"a case has 1 to {MAX_ENTRIES} entries, found {len(places.entries)}")
    expected = {f"data/anchors/{number}/{file}" for number in index.anchors for file in ("proof.json", "checkpoint")}
    stamps = index.timestamps or ()
    expected |= {f"data/timestamps/{number}/{file}" for number in stamps for file in ("token.tst", "checkpoint")}
    if index.map is not None:
        expected |= {MAP_PROOFS, *(f"data/map/audits/{number}.note" for number in index.map.audits)}
    expected |= {PLATFORM + sha256 for sha256 in index.platform or ()}
    expected |= set(index.revocation or ())
    if both := sorted(places.others.keys() & places.entries.keys()):
        raise MalformedInput(f"entry {both[0]} stands twice in the case")
    if len(places.others) + len(places.entries) > MAX_ENTRIES:
        raise MalformedInput(f"a case has at most {MAX_ENTRIES} entries, those of the map among them")
    if places.anchors != expected:
        odd = sorted(places.anchors ^ expected)[0]
        raise MalformedInput(f"{odd} is missing, or {INDEX} does not name it")
    for original in index.originals:
        if (original.mode == "parts") != (original.object in places.parts):
            raise MalformedInput(f"{INDEX} says parts of {original.object} are here, and no map says which")
        if original.mode != "parts" and bool(places.originals[original.object]) != (original.mode == "included"):
            count = len(places.originals[original.object])
            raise MalformedInput(f"{INDEX} says {original.mode} for {original.object}, {count} files are here")


def _number(text: str, suffix: str) -> int | None:
    return leaf_index(text.removesuffix(suffix)) if text.endswith(suffix) else None


def _within(found: dict[int, T], places: _Places, what: str) -> dict[int, T]:
    for position in found:
        if position not in places.entries:
            raise MalformedInput(f"{what} speaks of entry {position}, which is not in the bundle")
    return found


# --- members ------------------------------------------------------------------


def _at(name: str, parse: Callable[[bytes], T], data: bytes) -> T:
    """``parse(data)``; errors name the member."""
    try:
        return parse(data)
    except UnknownVersion as error:
        raise UnknownVersion(f"{name}: {error}") from None
    except MalformedInput as error:
        raise MalformedInput(f"{name}: {error}") from None


def _read_index(data: bytes) -> CaseIndex:
    value = canonical.decode(data, MAX_INDEX_BYTES)
    check_version(value, "case", *FORMATS)
    if isinstance(value, dict) and isinstance(value.get("format"), str) and value["format"] not in FORMATS.values():
        known = ", ".join(FORMATS.values())
        raise UnknownVersion(f"format {value['format'][:60]!r}; this program knows {known}: install a newer one")
    index = read(CaseIndex, value)
    check_index(index)
    return index


def _check_adverse(index: CaseIndex, places: _Places) -> None:
    for position in index.adverse or ():
        if position not in places.entries:
            raise MalformedInput(f"{INDEX} calls entry {position} adverse, which is not in the bundle")


def _check_crate(members: Members, index: CaseIndex, names: Iterable[str]) -> None:
    crate = crate_of(index.kind, index.subject, index.exported_at, names)
    if members.read(CRATE, MAX_FILE_LIST_BYTES) != crate:
        raise MalformedInput(f"{CRATE} is not the description of exactly these members")


def _entries(members: Members, places: Mapping[int, str]) -> tuple[Placed, ...]:
    return tuple(
        Placed(position, _at(name, parse_statement, members.read(name, MAX_ENTRY_BYTES)))
        for position, name in sorted(places.items())
    )


def _read_proofs(data: bytes) -> tuple[dict[int, Path], dict[tuple[int, int], Path]]:
    value = canonical.decode(data, MAX_PROOFS_BYTES)
    require_version(value, "proofs", VERSION)
    if not isinstance(value, dict) or set(value) != {"v", "inclusion", "consistency"}:
        raise MalformedInput("expected an object with v, inclusion and consistency")
    inclusion, consistency = value["inclusion"], value["consistency"]
    if not isinstance(inclusion, dict) or not isinstance(consistency, list):
        raise MalformedInput("inclusion must be an object and consistency a list")
    if any(leaf_index(position) is None for position in inclusion):
        raise MalformedInput("a key of inclusion is not a leaf index")
    return {int(at): _path(path) for at, path in inclusion.items()}, _read_consistency(consistency)


def _read_consistency(value: list[Any]) -> dict[tuple[int, int], Path]:
    if len(value) > MAX_PATHS:
        raise MalformedInput(f"a case has at most {MAX_PATHS} consistency proofs, found {len(value)}")
    found: dict[tuple[int, int], Path] = {}
    before = (-1, -1)
    for item in value:
        if not isinstance(item, dict) or set(item) != {"from", "to", "path"}:
            raise MalformedInput("a consistency proof has from, to and path")
        sizes = (item["from"], item["to"])
        if any(type(size) is not int or size < 0 for size in sizes):
            raise MalformedInput("the sizes of a consistency proof are whole numbers")
        if sizes <= before:
            raise MalformedInput("consistency proofs must be sorted by their sizes and stand once")
        found[sizes], before = _path(item["path"]), sizes
    return found


def _path(value: Any) -> Path:
    if not isinstance(value, list) or len(value) > MAX_PROOF_HASHES + 1:
        raise MalformedInput(f"a proof is a list of at most {MAX_PROOF_HASHES + 1} hashes")
    path = tuple(from_base64(text) if isinstance(text, str) and len(text) < 64 else b"" for text in value)
    if any(len(node) != HASH_SIZE for node in path):
        raise MalformedInput(f"a hash in a proof is base64 of {HASH_SIZE} bytes")
    return path


def _disclosures(members: Members, places: Mapping[int, str]) -> dict[int, tuple[Disclosure, ...]]:
    members = _Capped(members, MAX_ALL_DISCLOSURES_BYTES)
    return {
        position: _at(name, _read_disclosures, members.read(name, MAX_DISCLOSURES_BYTES))
        for position, name in sorted(places.items())
    }


def _read_disclosures(data: bytes) -> tuple[Disclosure, ...]:
    value = canonical.decode(data, MAX_DISCLOSURES_BYTES)
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise MalformedInput("expected a list of disclosures")
    return tuple(parse_disclosure(text) for text in value)


def _anchors(members: Members, index: CaseIndex) -> tuple[Anchor, ...]:
    found = []
    for number in index.anchors:
        name = f"data/anchors/{number}/proof.json"
        proof = _at(name, decode, members.read(name, MAX_PROOF_BYTES))
        found.append(Anchor(number, proof, members.read(f"data/anchors/{number}/checkpoint", MAX_NOTE_BYTES)))
    return tuple(found)


def _map(members: Members, index: CaseIndex, others: Mapping[int, str]) -> CaseMap | None:
    found = index.map
    return None if found is None else _at("data/map/", lambda _: read_map(found, others, members.read), b"")


def _parts(members: Members, places: _Places) -> dict[str, PartsMap]:
    def parse(of: str, data: bytes) -> PartsMap:
        parts = decode_parts(data)
        check_members(parts, places.originals[of])
        return parts

    return {of: _at(name, partial(parse, of), members.read(name, MAX_PARTS_BYTES)) for of, name in places.parts.items()}


def _timestamps(members: Members, index: CaseIndex) -> tuple[Timestamp, ...]:
    return tuple(
        Timestamp(
            number,
            members.read(f"data/timestamps/{number}/token.tst", MAX_TOKEN_BYTES),
            members.read(f"data/timestamps/{number}/checkpoint", MAX_NOTE_BYTES),
        )
        for number in index.timestamps or ()
    )


def _file_lists(members: Members, places: Mapping[str, str]) -> dict[str, tuple[FileEntry, ...]]:
    return {of: _at(name, _read_file_list, members.read(name, MAX_FILE_LIST_BYTES)) for of, name in places.items()}


def _read_file_list(data: bytes) -> tuple[FileEntry, ...]:
    check_values(data, MAX_FILE_LIST_VALUES)
    value = canonical.decode(data, MAX_FILE_LIST_BYTES)
    if not isinstance(value, list):
        raise MalformedInput("expected a list of files")
    entries = tuple(read(FileEntry, item, f"[{number}]") for number, item in enumerate(value))
    check_file_list(entries)
    return entries
