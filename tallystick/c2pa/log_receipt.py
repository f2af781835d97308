"""The log's receipt of a signed file: the JSON of ``org.tallystick.receipt``, version 1, which an update brings.

It shows the ``credential.issue`` entry that names the file as it was before the update, under a checkpoint. The file
as it was is had again by taking the updates out of the store (`tallystick.c2pa.place`): its digests are computed,
never believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from tallystick import canonical
from tallystick.base64s import from_base64
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.place import first_manifests, rewritten
from tallystick.c2pa.reading import C2paReading, opened
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.digests import DigestPair, PairHasher
from tallystick.errors import VerificationFailed
from tallystick.events.credential import CredentialIssue
from tallystick.evm.proof import MAX_PROOF_BYTES, AnchorProof
from tallystick.evm.proof import decode as decode_proof
from tallystick.identifiers import parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.credential import NOTE
from tallystick.merkle import MAX_PROOF_HASHES, verify_inclusion
from tallystick.note import parse_note
from tallystick.schema import COUNT, Rule, base64_bytes, items, read, record, write
from tallystick.statement import MAX_ENTRY_BYTES, parse_statement
from tallystick.timestamp import Authority, TimestampFact, UnknownAuthority, verify_token
from tallystick.tree_head import signing_time, verify_tree_head
from tallystick.trust import LogTrust
from tallystick.versions import check_version

VERSION: Literal[1] = 1
MAX_TOKEN = 1 << 16
MAX_EXTRAS = 8

_SUBJECT = Rule("an identifier", parse_identifier)
_LATER = "signed after the time of this check"


@record
class LogReceipt:
    """What the assertion holds.

    index, entry, proof: the ``credential.issue`` entry (base64), its leaf index and inclusion path (leaf side first)
    in the checkpoint. anchors: proof files (base64) of that checkpoint on a chain. timestamps:
    RFC 3161 tokens (base64) over the checkpoint's note text. Both are added as they become known.
    """

    v: Literal[1]
    subject: Annotated[str, _SUBJECT]
    file: DigestPair
    index: Annotated[int, COUNT]
    entry: Annotated[str, base64_bytes(MAX_ENTRY_BYTES)]
    checkpoint: Annotated[str, NOTE]
    proof: Annotated[tuple[Annotated[str, base64_bytes(32)], ...], items(MAX_PROOF_HASHES)]
    anchors: Annotated[tuple[Annotated[str, base64_bytes(MAX_PROOF_BYTES)], ...], items(MAX_EXTRAS)]
    timestamps: Annotated[tuple[Annotated[str, base64_bytes(MAX_TOKEN)], ...], items(MAX_EXTRAS)]


@dataclass(frozen=True)
class ReceiptFacts:
    """A receipt that holds. `stamps`: tokens of authorities that the caller named, over the note.

    `anchors` are read and not judged here: which contract is to be believed is the caller's to say.
    """

    subject: str
    file: DigestPair
    index: int
    checkpoint: Checkpoint
    body: CredentialIssue
    anchors: tuple[AnchorProof, ...]
    stamps: tuple[TimestampFact, ...]


def decode_receipt(value: Any) -> LogReceipt:
    """Read the assertion's JSON value; nothing is verified. Raises ``MalformedInput``, ``UnknownVersion``."""
    check_version(value, "receipt", VERSION)
    return read(LogReceipt, value, "receipt")


def encode_receipt(receipt: LogReceipt) -> dict[str, Any]:
    """The JSON value to sign. Raises ``MalformedInput`` for what ``decode_receipt`` would refuse."""
    value: dict[str, Any] = write(receipt)
    decode_receipt(canonical.decode(canonical.encode(value), 1 << 20))
    return value


def logged_digests(reading: C2paReading, source: bytes | Path) -> DigestPair:
    """SHA-256 and SM3 of the file (or of the sidecar) as it was before any update. Raises ``MalformedInput``.

    `source`: the file that `reading` was read from; a sidecar comes from the reading itself.
    """
    store, hasher = reading.container.store or b"", PairHasher()
    labels = [box.label for box in parse_store(store).children]
    earlier = first_manifests(store, labels.index(reading.manifest.label) + 1)
    if not reading.embedded:
        hasher.update(earlier)
        return hasher.pair()
    with opened(source) as (stream, size):
        for piece in rewritten(stream, size, reading.media_type, reading.container, earlier):
            hasher.update(piece)
    return hasher.pair()


@dataclass(frozen=True)
class ClaimedReceipt:
    """A receipt that agrees with the file and with itself: its path leads to the root that its checkpoint names.

    Nobody was asked whether that log ever had this root.
    """

    receipt: LogReceipt
    checkpoint: Checkpoint
    body: CredentialIssue


def claimed_receipt(value: Any, found: DigestPair, subject: str) -> ClaimedReceipt:
    """All of `verify_receipt` that needs no trust. Raises ``VerificationFailed``, ``MalformedInput``."""
    receipt = decode_receipt(value)
    if receipt.file != found:
        raise VerificationFailed("the receipt is of another file than this one was before it was updated")
    if receipt.subject != subject:
        raise VerificationFailed(f"the receipt is of {receipt.subject}, and the file is about {subject}")
    statement = parse_statement(from_base64(receipt.entry))
    body = statement.event.body
    if not isinstance(body, CredentialIssue) or (statement.event.subject, body.file) != (subject, found):
        raise VerificationFailed("the entry that the receipt shows does not record this file")
    checkpoint = parse_body(parse_note(receipt.checkpoint.encode()).text)
    hashes = [from_base64(one) for one in receipt.proof]
    verify_inclusion(statement.leaf, receipt.index, checkpoint.size, hashes, checkpoint.root)
    return ClaimedReceipt(receipt, checkpoint, body)


def verify_receipt(
    value: Any,
    found: DigestPair,
    subject: str,
    logs: Mapping[str, LogTrust],
    at: int,
    authorities: tuple[Authority, ...] = (),
) -> ReceiptFacts:
    """What a trusted log says of the file with the digests `found` (see `logged_digests`) and of `subject`.

    `subject`: the licence or certificate that the file itself names. `at`: Unix seconds; nothing signed later counts.
    Raises ``VerificationFailed`` with the first thing that does not hold, ``MalformedInput`` on a receipt that has not
    its form.
    """
    claimed = claimed_receipt(value, found, subject)
    receipt, note = claimed.receipt, claimed.receipt.checkpoint.encode()
    origin = claimed.checkpoint.origin
    if origin not in logs:
        raise VerificationFailed(f"the log {origin!r} is not trusted; the trust file names: {', '.join(logs)}")
    head = verify_tree_head(note, logs[origin].history)
    if signing_time(head.note, logs[origin].history) > at:
        raise VerificationFailed(f"the receipt's checkpoint was {_LATER}")
    logs[origin].require_quorum(head.note, at)
    anchors = tuple(decode_proof(from_base64(one)) for one in receipt.anchors)
    for anchor in anchors:
        if (anchor.checkpoint.size, anchor.checkpoint.root) != (head.checkpoint.size, head.checkpoint.root.hex()):
            raise VerificationFailed("an anchor of the receipt is of another checkpoint")
    return ReceiptFacts(
        subject=subject,
        file=found,
        index=receipt.index,
        checkpoint=head.checkpoint,
        body=claimed.body,
        anchors=anchors,
        stamps=tuple(_stamps(receipt, head.note.text.encode(), authorities, at)),
    )


def _stamps(receipt: LogReceipt, message: bytes, authorities: tuple[Authority, ...], at: int) -> list[TimestampFact]:
    """A token of somebody whom the caller did not name proves nothing; a false one of somebody named is an error."""
    found = []
    for one in receipt.timestamps:
        try:
            fact = verify_token(from_base64(one), message, authorities)
        except UnknownAuthority:
            continue
        if fact.not_after > at:
            raise VerificationFailed(f"a timestamp in the receipt was {_LATER}")
        found.append(fact)
    return found
