"""What a licence file carries: the JSON of the C2PA assertion ``org.tallystick.licence``, version 1.

The entries of the log by which a stranger can decide the grant again (key set,
policy, licensor, object, grant, the batch entry of each), each with its inclusion
proof in one checkpoint; the disclosures that the holder shows; where the status stands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.c2pa.verdict import MAX_PAYLOAD
from tallystick.canonical import JsonValue
from tallystick.errors import MalformedInput
from tallystick.events.licence import StatusPointer
from tallystick.identifiers import Letter
from tallystick.merkle import MAX_PROOF_HASHES
from tallystick.schema import COUNT, FieldError, Rule, base64_bytes, identifier, items, read, record, text, write
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.versions import check_version

VERSION: Literal[1] = 1
MAX_ENTRIES = 512
MAX_NOTE_CHARACTERS = 16 * 1024


def _check_note(note: str) -> None:
    if not 1 <= len(note) <= MAX_NOTE_CHARACTERS:
        raise MalformedInput(f"expected a signed note of at most {MAX_NOTE_CHARACTERS} characters, found {len(note)}")


NOTE = Rule("a signed note", _check_note)
PROOF = items(MAX_PROOF_HASHES)
HASH = base64_bytes(32)
ENTRIES = items(MAX_ENTRIES, 1)


@record
class ShownEntry:
    """One entry of the log: leaf index, exact bytes (base64), inclusion proof (base64 hashes, leaf side first)."""

    index: Annotated[int, COUNT]
    entry: Annotated[str, base64_bytes(MAX_ENTRY_BYTES)]
    proof: Annotated[tuple[Annotated[str, HASH], ...], PROOF]


@record
class LicenceCredential:
    """``grant``: index of the entry that grants ``licence``; ``disclosures``: by entry index, as decimal text."""

    v: Literal[1]
    licence: Annotated[str, identifier(Letter.LICENCE)]
    grant: Annotated[int, COUNT]
    checkpoint: Annotated[str, NOTE]
    entries: Annotated[tuple[ShownEntry, ...], ENTRIES]
    disclosures: dict[str, Annotated[tuple[Annotated[str, text(MAX_PAYLOAD)], ...], items(32, 1)]]
    status: StatusPointer


def decode_credential(value: JsonValue) -> LicenceCredential:
    """Read the assertion's JSON value; no signature is looked at.

    Raises ``MalformedInput`` naming the field; for a later version ``UnknownVersion``.
    """
    check_version(value, "licence", VERSION)
    _require_room(canonical.encode(value))
    credential = read(LicenceCredential, value, "licence")
    _require_coherent(credential)
    return credential


def _require_coherent(credential: LicenceCredential) -> None:
    indices = [shown.index for shown in credential.entries]
    if indices != sorted(set(indices)):
        raise FieldError("licence.entries", "expected entries in order of their index, each once")
    if credential.grant not in indices:
        raise FieldError("licence.grant", f"entry {credential.grant} is not among the entries shown")
    for index in credential.disclosures:
        if index not in map(str, indices):
            raise FieldError(f"licence.disclosures.{index}", "no entry of this index is shown")


def encode_credential(credential: LicenceCredential) -> dict[str, JsonValue]:
    """The JSON value to sign. Raises ``MalformedInput`` for a credential that ``decode_credential`` would refuse."""
    value: dict[str, JsonValue] = write(credential)
    decode_credential(value)
    return value


class CredentialWriter:
    """Writes credentials that show the same entries, as those of one order do: each entry is checked once."""

    def __init__(self) -> None:
        self._written: dict[ShownEntry, JsonValue] = {}

    def write(self, credential: LicenceCredential) -> bytes:
        """The canonical JSON to sign. Raises ``MalformedInput`` for what ``decode_credential`` would refuse."""
        frame = write(replace(credential, entries=credential.entries[:1]))
        read(LicenceCredential, frame, "licence")
        ENTRIES.check(credential.entries)
        _require_coherent(credential)
        data = canonical.encode_read({**frame, "entries": [self._entry(one) for one in credential.entries]})
        _require_room(data)
        return data

    def _entry(self, shown: ShownEntry) -> JsonValue:
        known = self._written.get(shown)
        if known is None:
            known = write(shown)
            read(ShownEntry, known, "licence.entries")
            self._written[shown] = known
        return known


def _require_room(data: bytes) -> None:
    if len(data) > MAX_PAYLOAD:
        raise MalformedInput(f"the licence credential has {len(data)} bytes, at most {MAX_PAYLOAD} are read")
