"""A stapled status: the status list, the checkpoint that it was computed from, and the grant's place under it.

So grant and status are shown in *one* checkpoint, whatever checkpoint the licence
file was issued under. Served per licence, version 1, as canonical JSON
(``application/vnd.tallystick.licence-status+json``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick import canonical
from tallystick.admission.decide import CLOCK_TOLERANCE
from tallystick.base64s import from_base64
from tallystick.checkpoint import parse_body
from tallystick.errors import VerificationFailed
from tallystick.events.log import RoleKey
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.credential import HASH, NOTE, PROOF
from tallystick.licence.grant import ProvedGrant
from tallystick.licence.status_list import (
    MAX_TOKEN_BYTES,
    FreshnessPolicy,
    Status,
    StatusList,
    StatusRefused,
    StatusStale,
    verify_status_list,
)
from tallystick.merkle import verify_inclusion
from tallystick.note import parse_note
from tallystick.schema import base64_bytes, read, record, write
from tallystick.times import UnixSeconds, format_time
from tallystick.tree_head import signing_time, verify_tree_head
from tallystick.versions import check_version

VERSION: Literal[1] = 1
STAPLE_TYPE = "application/vnd.tallystick.licence-status+json"
MAX_STAPLE_BYTES = 600_000


@record
class StatusStaple:
    """``list``: the token (base64); ``checkpoint``: a signed note; ``proof``: the grant's inclusion proof under it."""

    v: Literal[1]
    list: Annotated[str, base64_bytes(MAX_TOKEN_BYTES)]
    checkpoint: Annotated[str, NOTE]
    proof: Annotated[tuple[Annotated[str, HASH], ...], PROOF]


@dataclass(frozen=True)
class ProvedStatus:
    """A status of the log's own saying. ``stale``: why it is not fresh enough, or ``None``."""

    status: Status
    list: StatusList
    stale: StatusStale | None


def decode_staple(data: bytes) -> StatusStaple:
    """Raises ``MalformedInput``; for a later version ``UnknownVersion``."""
    value = canonical.decode(data, MAX_STAPLE_BYTES)
    check_version(value, "licence status", VERSION)
    return read(StatusStaple, value, "status")


def encode_staple(staple: StatusStaple) -> bytes:
    """Canonical bytes. Inverse of ``decode_staple``."""
    return canonical.encode(write(staple))


def prove_status(staple: StatusStaple, grant: ProvedGrant, at: UnixSeconds, policy: FreshnessPolicy) -> ProvedStatus:
    """The status that the staple proves for ``grant``; a stale one is returned with its staleness.

    Raises ``VerificationFailed`` when the staple proves nothing (wrong key, list, index
    or checkpoint, or a list from the future), ``MalformedInput`` on bad bytes.
    """
    held = _status_key(staple, grant)
    found = verify_status_list(from_base64(staple.list), PublicKey.from_text(held.key), grant.pointer.list)
    _require_key_in_force(held, found)
    status = found.status(grant.pointer.index)
    _require_one_checkpoint(staple, grant, found)
    try:
        found.check_fresh(at, policy)
    except StatusStale as stale:
        return ProvedStatus(status, found, stale)
    return ProvedStatus(status, found, None)


def _status_key(staple: StatusStaple, grant: ProvedGrant) -> RoleKey:
    """The key in force at the size that the staple shows: by the trust file it may be later than the licence file."""
    size = parse_body(parse_note(staple.checkpoint.encode()).text).size
    rotations = [one for one in grant.keys.replaced if one.role == "status"]
    after = next((one.since for one in rotations if one.position >= size), None)
    before = [one for one in rotations if one.position < size]
    if before:
        return RoleKey("status", before[-1].key, before[-1].since, not_after=after)
    first = grant.status_key
    return RoleKey("status", first.key, first.not_before, not_after=after or first.not_after)


def _require_key_in_force(key: RoleKey, found: StatusList) -> None:
    issued = format_time(found.issued_at)
    if issued < key.not_before or (key.not_after is not None and issued >= key.not_after):
        raise StatusRefused(
            f"the status key is valid from {key.not_before} until {key.not_after or 'revoked'}, "
            f"the list was issued at {issued}"
        )


def _require_one_checkpoint(staple: StatusStaple, grant: ProvedGrant, found: StatusList) -> None:
    head = verify_tree_head(staple.checkpoint.encode(), grant.keys)
    grant.log.require_quorum(head.note)
    checkpoint = head.checkpoint
    if signing_time(head.note, grant.keys) > found.issued_at + CLOCK_TOLERANCE:
        raise StatusRefused(
            f"the status list is dated {format_time(found.issued_at)}, before the checkpoint that it names was signed"
        )
    if checkpoint != found.checkpoint:
        raise StatusRefused(
            f"the status list shows the tree of size {found.checkpoint.size} with root {found.checkpoint.root.hex()}, "
            f"the stapled checkpoint is of size {checkpoint.size} with root {checkpoint.root.hex()}"
        )
    hashes = [from_base64(each) for each in staple.proof]
    try:
        verify_inclusion(grant.statement.leaf, grant.position, checkpoint.size, hashes, checkpoint.root)
    except VerificationFailed as error:
        raise VerificationFailed(f"it does not show this licence's grant; is it another licence's? {error}") from None
