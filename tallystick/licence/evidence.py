"""What proves a licence and its status as of one checkpoint: the staple of version 2.

It brings the entries of the log by which a stranger decides the grant again, all under one checkpoint, and the
signed status lists computed from that checkpoint. So a licence token, which only points into the log, and a file
whose own entries are old are both checked offline as of now. Canonical JSON. It discloses nothing of the licence
itself; for a sublicensee it may bring terms of the licences above.
"""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick import canonical
from tallystick.base64s import from_base64
from tallystick.c2pa.verdict import MAX_PAYLOAD
from tallystick.commitments import Disclosure
from tallystick.digests import DigestPair
from tallystick.errors import VerificationFailed
from tallystick.events.licence import LICENSEE, LicenceGrant, LicenceTransfer, StatusPointer
from tallystick.identifiers import Letter
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.credential import MAX_ENTRIES, NOTE, LicenceCredential, ShownEntry
from tallystick.licence.staple import StatusStaple, decode_staple
from tallystick.licence.status_list import MAX_TOKEN_BYTES, MAX_URI
from tallystick.schema import COUNT, FieldError, base64_bytes, identifier, items, read, record, text, write
from tallystick.statement import Statement, parse_statement
from tallystick.versions import check_version

VERSION: Literal[2] = 2
MAX_EVIDENCE_BYTES = 8 << 20
MAX_LISTS = 16


@record
class SignedList:
    """A status list (base64) and the URI that grants name it by."""

    uri: Annotated[str, text(MAX_URI)]
    list: Annotated[str, base64_bytes(MAX_TOKEN_BYTES)]


@record
class LicenceEvidence:
    """``grant``: index of the entry that grants ``licence``; ``lists``: by their URI, each once."""

    v: Literal[2]
    licence: Annotated[str, identifier(Letter.LICENCE)]
    grant: Annotated[int, COUNT]
    checkpoint: Annotated[str, NOTE]
    entries: Annotated[tuple[ShownEntry, ...], items(MAX_ENTRIES, 1)]
    lists: Annotated[tuple[SignedList, ...], items(MAX_LISTS, 1)]
    disclosures: dict[str, Annotated[tuple[Annotated[str, text(MAX_PAYLOAD)], ...], items(32, 1)]] | None = None
    """Terms of licences above it, by entry index: only for those who may know them."""


@dataclass(frozen=True)
class Pieces:
    """What a check takes: the credential that the evidence makes up, and the staple of its status, if any."""

    credential: LicenceCredential
    staple: StatusStaple | None


def decode_evidence(data: bytes) -> LicenceEvidence:
    """Raises ``MalformedInput``; for a later version ``UnknownVersion``."""
    value = canonical.decode(data, MAX_EVIDENCE_BYTES)
    check_version(value, "licence status", 1, VERSION)
    evidence = read(LicenceEvidence, value, "status")
    indices = [shown.index for shown in evidence.entries]
    if indices != sorted(set(indices)):
        raise FieldError("status.entries", "expected entries in order of their index, each once")
    if evidence.grant not in indices:
        raise FieldError("status.grant", f"entry {evidence.grant} is not among the entries shown")
    for index in evidence.disclosures or ():
        if index not in map(str, indices) or index == str(evidence.grant):
            raise FieldError(f"status.disclosures.{index}", "no entry of this index is shown, or it is the grant")
    uris = [one.uri for one in evidence.lists]
    if uris != sorted(set(uris)):
        raise FieldError("status.lists", "expected lists in order of their URI, each once")
    return evidence


def encode_evidence(evidence: LicenceEvidence) -> bytes:
    """Canonical bytes. Inverse of ``decode_evidence``."""
    data = canonical.encode(write(evidence))
    decode_evidence(data)
    return data


def decode_status(data: bytes) -> StatusStaple | LicenceEvidence:
    """A staple of either version. Raises ``MalformedInput``, ``UnknownVersion``."""
    value = canonical.decode(data, MAX_EVIDENCE_BYTES)
    check_version(value, "licence status", 1, VERSION)
    if isinstance(value, dict) and value.get("v") == VERSION:
        return decode_evidence(data)
    return decode_staple(data)


def grant_of(evidence: LicenceEvidence) -> Statement:
    """The grant that the evidence shows. Raises ``MalformedInput``; ``VerificationFailed`` if it is none."""
    statement = _entry(evidence, evidence.grant)
    if not isinstance(statement.event.body, LicenceGrant) or statement.event.subject != evidence.licence:
        raise VerificationFailed(f"entry {evidence.grant} of the evidence does not grant {evidence.licence}")
    return statement


def pieces(evidence: LicenceEvidence, disclosures: tuple[Disclosure, ...]) -> Pieces:
    """The evidence with the terms that the holder shows; nothing is verified yet.

    Raises ``VerificationFailed`` where the grant is none, ``MalformedInput``.
    """
    pointer, moved = _last_transfer(evidence, grant_of(evidence))
    token = next((one.list for one in evidence.lists if one.uri == pointer.list), None)
    shown: dict[str, list[str]] = {index: list(texts) for index, texts in (evidence.disclosures or {}).items()}
    for one in disclosures:
        # After a transfer the licensee is what the transfer says, under its own commitment.
        at = moved if moved is not None and one.name == LICENSEE else evidence.grant
        shown.setdefault(str(at), []).append(one.text)
    credential = LicenceCredential(
        v=1,
        licence=evidence.licence,
        grant=evidence.grant,
        checkpoint=evidence.checkpoint,
        entries=evidence.entries,
        disclosures={index: tuple(texts) for index, texts in shown.items()},
        status=pointer,
    )
    proof = next(one.proof for one in evidence.entries if one.index == evidence.grant)
    return Pieces(credential, None if token is None else StatusStaple(1, token, evidence.checkpoint, proof))


def commitments_of(evidence: LicenceEvidence) -> dict[str, DigestPair]:
    """What the licence commits to by the entries shown: the grant's, the licensee's of the last transfer."""
    grant = grant_of(evidence)
    _, moved = _last_transfer(evidence, grant)
    if moved is None:
        return grant.event.commitments
    return {**grant.event.commitments, **_entry(evidence, moved).event.commitments}


def _last_transfer(evidence: LicenceEvidence, grant: Statement) -> tuple[StatusPointer, int | None]:
    """Where the status stands, and the index of the last transfer, by the entries shown."""
    pointer, moved = grant.event.body.status, None
    for shown in evidence.entries:
        if shown.index > evidence.grant:
            event = parse_statement(from_base64(shown.entry)).event
            if isinstance(event.body, LicenceTransfer) and event.subject == evidence.licence:
                pointer, moved = event.body.status, shown.index
    return pointer, moved


def _entry(evidence: LicenceEvidence, index: int) -> Statement:
    return parse_statement(from_base64(next(one.entry for one in evidence.entries if one.index == index)))
