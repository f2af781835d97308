"""The index of a case, where its members stand, and what an exporter puts in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Literal, TypeAlias

from tallystick.bundle.sources import Source as Source
from tallystick.case.parts import PartsMap
from tallystick.content import FileEntry
from tallystick.errors import MalformedInput
from tallystick.events.log import ORIGIN
from tallystick.identifiers import Letter, letter_of, parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.map import MapProof, Relation
from tallystick.schema import COUNT, HEX32, TIME, identifier, items, matching, record

VERSION: Literal[1] = 1
"""Of ``proofs.json``."""
FORMATS: dict[int, str] = {version: f"tallystick-evidence/{version}" for version in (1, 2, 3, 4, 5)}
"""By version of ``case.json``. Version 2 is that of cases with timestamps, version 3 of those with ``V3_MEMBERS``,
version 4 of those with ``V4_MEMBERS`` or an original of a mode among ``V4_MODES``, version 5 of those with
``V5_MEMBERS``.
"""
V3_MEMBERS = ("map",)
"""Optional members of ``case.json`` since version 3."""
V4_MEMBERS = (
    "adverse",
    "platform",
    "report",
)
"""Optional members of ``case.json`` since version 4."""
V4_MODES = ("parts",)
V5_MEMBERS = ("revocation",)
"""Optional members of ``case.json`` since version 5; to add one, name it here, in ``CaseIndex`` and in the format."""

MAX_ENTRIES = 20_000
MAX_ANCHORS = 256
MAX_TIMESTAMPS = 64
MAX_ROOTS = 4
MAX_AUDITS = 64
MAX_PLATFORM = 64
MAX_REPORTS = 64
MAX_REVOCATION = 64
MAX_REVOCATION_BYTES = 1 << 20
MAX_PATHS = MAX_ANCHORS + MAX_TIMESTAMPS + MAX_AUDITS
"""Consistency proofs: one for each of these at most."""
MAX_INDEX_BYTES = 1 << 24
MAX_PROOFS_BYTES = 1 << 26
MAX_DISCLOSURES_BYTES = 1 << 23
MAX_ALL_DISCLOSURES_BYTES = 1 << 26
"""Of all disclosures together: their values are kept, and a byte of JSON can be twenty bytes of memory."""
MAX_FILE_LIST_BYTES = 1 << 28
MAX_FILE_LIST_VALUES = 5 * 1_000_000 + 1
"""Commas and brackets outside texts: five for each of its files."""
MAX_TOTAL_BYTES = 1 << 29
"""Of all members together that are read into memory: everything but originals and credentials."""

INDEX = "data/case.json"
CRATE = "data/ro-crate-metadata.json"
CHECKPOINT = "data/log/checkpoint"
PROOFS = "data/log/proofs.json"
MAP_PROOFS = "data/map/proofs.json"
PLATFORM = "data/platform/"
"""Documents of the operator, by SHA-256."""
REVOCATION = "data/revocation/"
"""What issuers said of certificates: lists (``.crl``) and answers (``.ocsp``), by SHA-256."""

Kind: TypeAlias = Literal["object", "licence", "job", "dispute"]

SUBJECT_LETTERS: dict[Kind, Letter] = {
    "object": Letter.OBJECT,
    "licence": Letter.LICENCE,
    "job": Letter.JOB,
    "dispute": Letter.DISPUTE,
}

REPORT_NAME = r"data/report/[a-z0-9][a-z0-9._-]{0,119}"
REVOCATION_NAME = r"data/revocation/[0-9a-f]{64}\.(crl|ocsp)"
CREDENTIAL_NAME = r"data/credentials/[A-Za-z0-9][A-Za-z0-9._-]{0,119}"


@record
class Original:
    """Whether the bytes of an object are in the bundle, or only their digests in the log, or (version 4) some parts."""

    object: Annotated[str, identifier(Letter.OBJECT)]
    mode: Literal["included", "digests", "parts"]


@record
class CredentialFile:
    """The signed file that the ``credential.issue`` entry at ``position`` recorded."""

    position: Annotated[int, COUNT]
    file: Annotated[str, matching(CREDENTIAL_NAME, "a name under data/credentials/")]


@record
class MapIndex:
    """Where the roots of the map stand under which the case's histories are shown, and how many audits are here."""

    roots: Annotated[tuple[Annotated[int, COUNT], ...], items(MAX_ROOTS, 1)]
    audits: Annotated[tuple[Annotated[int, COUNT], ...], items(MAX_AUDITS)]


@record
class CaseIndex:
    """``data/case.json``. Lists are sorted; ``log`` is the origin, ``exported_at`` the exporter's claim.

    ``adverse``: positions of the entries that speak against something (``tallystick.events.adverse``).
    ``platform``: SHA-256 of the operator's documents that are here. ``report``: the exporter's own report and forms,
    which are there for people and on which nothing rests. ``revocation``: what issuers said of those who signed here.
    """

    v: Literal[1, 2, 3, 4, 5]
    format: Literal[
        "tallystick-evidence/1",
        "tallystick-evidence/2",
        "tallystick-evidence/3",
        "tallystick-evidence/4",
        "tallystick-evidence/5",
    ]
    kind: Literal["object", "licence", "job", "dispute"]
    subject: Annotated[str, identifier()]
    log: Annotated[str, ORIGIN]
    exported_at: Annotated[str, TIME]
    originals: Annotated[tuple[Original, ...], items(MAX_ENTRIES)]
    credentials: Annotated[tuple[CredentialFile, ...], items(MAX_ENTRIES)]
    anchors: Annotated[tuple[Annotated[int, COUNT], ...], items(MAX_ANCHORS)]
    timestamps: Annotated[tuple[Annotated[int, COUNT], ...], items(MAX_TIMESTAMPS, 1)] | None = None
    map: MapIndex | None = None
    adverse: Annotated[tuple[Annotated[int, COUNT], ...], items(MAX_ENTRIES, 1)] | None = None
    platform: Annotated[tuple[Annotated[str, HEX32], ...], items(MAX_PLATFORM, 1)] | None = None
    report: (
        Annotated[tuple[Annotated[str, matching(REPORT_NAME, "a name under data/report/")], ...], items(MAX_REPORTS, 1)]
        | None
    ) = None
    revocation: (
        Annotated[
            tuple[Annotated[str, matching(REVOCATION_NAME, "a name under data/revocation/")], ...],
            items(MAX_REVOCATION, 1),
        ]
        | None
    ) = None


def check_index(index: CaseIndex) -> None:
    """Raise ``MalformedInput`` unless subject and kind agree and the lists are sorted and without repeats."""
    parse_identifier(index.subject, SUBJECT_LETTERS[index.kind])
    objects = [original.object for original in index.originals]
    positions = [credential.position for credential in index.credentials]
    files = {credential.file for credential in index.credentials}
    if objects != sorted(set(objects)) or positions != sorted(set(positions)) or len(files) != len(positions):
        raise MalformedInput(f"{INDEX}: originals and credentials must be sorted and name each object and file once")
    roots, audits = (index.map.roots, index.map.audits) if index.map else ((), ())
    if roots != tuple(sorted(set(roots))):
        raise MalformedInput(f"{INDEX}: the positions of map roots must be sorted, each once")
    if index.adverse is not None and index.adverse != tuple(sorted(set(index.adverse))):
        raise MalformedInput(f"{INDEX}: the positions of adverse entries must be sorted, each once")
    if index.platform is not None and index.platform != tuple(sorted(set(index.platform))):
        raise MalformedInput(f"{INDEX}: the digests of platform documents must be sorted, each once")
    if index.report is not None and index.report != tuple(sorted(set(index.report))):
        raise MalformedInput(f"{INDEX}: the names of reports must be sorted, each once")
    if index.revocation is not None and index.revocation != tuple(sorted(set(index.revocation))):
        raise MalformedInput(f"{INDEX}: the names of revocation data must be sorted, each once")
    numbered = (("anchors", index.anchors), ("timestamps", index.timestamps or ()), ("map.audits", audits))
    for name, numbers in numbered:
        if numbers != tuple(range(len(numbers))):
            raise MalformedInput(f"{INDEX}: {name} must be numbered 0, 1, 2 …")
    if version_of(index) != index.v or index.format != FORMATS[index.v]:
        raise MalformedInput(
            f"{INDEX}: version 5, and its format, is that of a case with {', '.join(V5_MEMBERS)}; version 4 that of "
            f"another with {', '.join(V4_MEMBERS)} or an original in parts; version 3 that of another with "
            f"{', '.join(V3_MEMBERS)}; version 2 that of one with timestamps"
        )


def version_of(index: CaseIndex) -> Literal[1, 2, 3, 4, 5]:
    """The one version that a case with these members has."""
    if any(getattr(index, name) is not None for name in V5_MEMBERS):
        return 5
    if any(getattr(index, name) is not None for name in V4_MEMBERS):
        return 4
    if any(original.mode in V4_MODES for original in index.originals):
        return 4
    if any(getattr(index, name) is not None for name in V3_MEMBERS):
        return 3
    return 1 if index.timestamps is None else 2


@dataclass(frozen=True)
class AnchorMaterial:
    """An anchor proof (canonical JSON) and the signed checkpoint that was anchored."""

    proof: bytes
    checkpoint: bytes


@dataclass(frozen=True)
class TimestampMaterial:
    """A timestamp token (DER) and the signed checkpoint whose text it is over."""

    token: bytes
    checkpoint: bytes


@dataclass(frozen=True)
class MapMaterial:
    """Histories by the map. proofs: by (relation, text), under each root's position. audits: notes. others: entries
    that a history has and that decide nothing here, by leaf index.
    """

    proofs: Mapping[int, Mapping[tuple[Relation, str], MapProof]]
    audits: Sequence[bytes] = ()
    others: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class RevocationMaterial:
    """What issuers said of revocation (DER): lists (RFC 5280) and answers (RFC 6960), each once."""

    lists: Sequence[bytes] = ()
    answers: Sequence[bytes] = ()


@dataclass(frozen=True)
class OriginalMaterial:
    """An object's bytes: by path within a folder, or a single file. Empty ``files``: its digests only.

    ``file_list``: the file list of a folder object, wanted when its files are included. ``parts``: what is here of an
    object that is not here whole; ``files`` are then its runs of pieces, by ``parts.piece_name``, or its files.
    """

    object: str
    files: Mapping[str, Source] = field(default_factory=dict)
    file_list: tuple[FileEntry, ...] | None = None
    parts: PartsMap | None = None


@dataclass(frozen=True)
class CaseMaterial:
    """What an exporter gathered. Mappings named after entries are by leaf index.

    log: origin. checkpoint: the signed note of the case's tree head. inclusion: the path of each
    entry in that tree. consistency: paths by (anchored or stamped size, case size). credentials: file name and
    bytes by the position of the ``credential.issue`` entry. adverse: positions of the entries that speak
    against something. platform: the operator's documents by SHA-256. report: what is enclosed for people, by file
    name. revocation: lists and answers (DER) of the issuers of those who signed.
    """

    kind: Kind
    subject: str
    log: str
    exported_at: str
    entries: Mapping[int, bytes]
    checkpoint: bytes
    inclusion: Mapping[int, Sequence[bytes]]
    consistency: Mapping[tuple[int, int], Sequence[bytes]] = field(default_factory=dict)
    disclosures: Mapping[int, Sequence[str]] = field(default_factory=dict)
    anchors: Sequence[AnchorMaterial] = ()
    timestamps: Sequence[TimestampMaterial] = ()
    originals: Sequence[OriginalMaterial] = ()
    credentials: Mapping[int, tuple[str, Source]] = field(default_factory=dict)
    map: MapMaterial | None = None
    adverse: Sequence[int] = ()
    platform: Mapping[str, Source] = field(default_factory=dict)
    report: Mapping[str, Source] = field(default_factory=dict)
    revocation: RevocationMaterial = field(default_factory=RevocationMaterial)


def kind_of(subject: str) -> Kind | None:
    """The kind of a case about ``subject``; ``None``: no case is about such. Raises ``MalformedInput``."""
    letter = letter_of(parse_identifier(subject))
    return next((kind for kind, one in SUBJECT_LETTERS.items() if one is letter), None)


def slug_of(of: str) -> str:
    """The part of an identifier that names its members."""
    return of[of.index("/") + 1 :]


_INDEX = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_MOST_INDEX = (1 << 53) - 1
SLUG = re.compile(r"[A-Z](?:-[0-9A-Z]{4}){4}-[0-9A-Z]", re.ASCII)


def leaf_index(text: str) -> int | None:
    """The index that a member's name or key gives: decimal without leading zeros, below 2^53."""
    found = int(text) if _INDEX.fullmatch(text) else None
    return found if found is not None and found <= _MOST_INDEX else None
