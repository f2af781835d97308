"""Proving a grant from a licence file alone: one checkpoint, the entries under it, the rules decided again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.admission import LOG
from tallystick.admission.state import LicenceState, LogState
from tallystick.base64s import from_base64
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.commitments import open_commitments, parse_disclosure
from tallystick.digests import DigestPair
from tallystick.errors import VerificationFailed
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.events.log import RoleKey
from tallystick.key_history import KeyHistory
from tallystick.licence.credential import LicenceCredential
from tallystick.licence.terms import DisclosedTerms, disclosed_terms
from tallystick.merkle import verify_inclusion
from tallystick.note import parse_note
from tallystick.replay import Admitted, Placed, Replay, replay, shown_keys
from tallystick.statement import Statement, parse_statement
from tallystick.times import UnixSeconds
from tallystick.tree_head import verify_tree_head
from tallystick.trust import LogTrust


@dataclass(frozen=True)
class ProvedGrant:
    """A grant in a trusted log. ``admitted_at``: the operator's claim; ``standing``: by the entries shown.

    ``keys``: of the log, with the rotations that the file shows.
    """

    log: LogTrust
    keys: KeyHistory
    position: int
    statement: Statement
    checkpoint: Checkpoint
    admitted_at: UnixSeconds
    licensor: str
    recorded_by_service: bool
    standing: str
    status_key: RoleKey
    pointer: StatusPointer
    disclosed: DisclosedTerms

    @property
    def commitments(self) -> dict[str, DigestPair]:
        """What the licence commits to, by term."""
        return self.statement.event.commitments


def prove_grant(credential: LicenceCredential, logs: Mapping[str, LogTrust]) -> ProvedGrant:
    """The grant, by whichever of the trusted ``logs`` (by origin) the file's checkpoint is of.

    Raises ``VerificationFailed`` with the first thing that does not hold, ``MalformedInput`` on bad bytes.
    """
    note = credential.checkpoint.encode()
    trust = _trusted(parse_body(parse_note(note).text).origin, logs)
    placed = [Placed(shown.index, parse_statement(from_base64(shown.entry))) for shown in credential.entries]
    decided = replay(placed)
    keys = shown_keys(decided, trust.history)
    head = verify_tree_head(note, keys)
    trust.require_quorum(head.note)
    checkpoint = head.checkpoint
    for one, shown in zip(placed, credential.entries, strict=True):
        hashes = [from_base64(each) for each in shown.proof]
        verify_inclusion(one.statement.leaf, one.position, checkpoint.size, hashes, checkpoint.root)
    _require_registrar(decided, trust)
    admitted = _admitted(decided, credential.grant)
    body = _grant_body(admitted.placed.statement, credential)
    opened = _open(placed, credential)
    standing = decided.state.get(credential.licence)
    state = decided.state.get(LOG)
    if not isinstance(standing, LicenceState) or not isinstance(state, LogState):
        raise VerificationFailed("the entries shown do not register this licence")
    return ProvedGrant(
        log=trust,
        keys=keys,
        position=credential.grant,
        statement=admitted.placed.statement,
        checkpoint=checkpoint,
        admitted_at=UnixSeconds(admitted.admitted_at),
        licensor=standing.licensor,
        recorded_by_service=admitted.placed.statement.event.recorded_for is not None,
        standing=standing.status,
        status_key=_status_key(state),
        pointer=body.status,
        disclosed=_agreeing(opened, body),
    )


def _trusted(origin: str, logs: Mapping[str, LogTrust]) -> LogTrust:
    if origin not in logs:
        raise VerificationFailed(f"the log {origin!r} is not trusted; the trust file names: {', '.join(logs)}")
    return logs[origin]


def _require_registrar(decided: Replay, trust: LogTrust) -> None:
    """Entry 0 names its own registrar; only the trust file says that it is the right one."""
    first = decided.admitted.get(0)
    if first is None:
        raise decided.refused.get(0, VerificationFailed("entry 0, the log's key set, is not shown"))
    if first.admission.key != trust.registrar:
        raise VerificationFailed(
            f"the key set is signed by registrar key {first.admission.key.kid.hex()}, "
            f"the trust file names {trust.registrar.kid.hex()}"
        )
    if first.placed.statement.event.subject != trust.keys.origin:
        raise VerificationFailed(
            f"the key set is of log {first.placed.statement.event.subject!r}, expected {trust.keys.origin!r}"
        )


def _admitted(decided: Replay, position: int) -> Admitted:
    found = decided.admitted.get(position)
    if found is None:
        raise decided.refused[position]
    return found


def _grant_body(statement: Statement, credential: LicenceCredential) -> LicenceGrant:
    event = statement.event
    if event.type != "licence.grant" or event.subject != credential.licence:
        raise VerificationFailed(
            f"entry {credential.grant} is {event.type} of {event.subject}, "
            f"expected licence.grant of {credential.licence}"
        )
    body: LicenceGrant = event.body
    if body.status != credential.status:
        raise VerificationFailed(
            f"the grant has its status at {body.status.list}#{body.status.index}, "
            f"the file says {credential.status.list}#{credential.status.index}"
        )
    return body


def _open(placed: list[Placed], credential: LicenceCredential) -> DisclosedTerms:
    """Every disclosure in the file must open a commitment of its entry; those of the grant are the terms."""
    terms = None
    for each in placed:
        texts = credential.disclosures.get(str(each.position), ())
        commitments = each.statement.event.commitments
        opened = open_commitments(commitments, [parse_disclosure(text) for text in texts])
        if each.position == credential.grant:
            terms = disclosed_terms(commitments.keys(), opened)
    if terms is None:
        raise ValueError("decode_credential saw to it that the grant is shown")
    return terms


def _agreeing(disclosed: DisclosedTerms, body: LicenceGrant) -> DisclosedTerms:
    """What the leaf says openly and what a term says under its commitment must be the same."""
    asset, licensee = disclosed.terms.asset, disclosed.terms.licensee
    if asset is not None and asset.object != body.object:
        raise VerificationFailed(f"the grant licenses {body.object}, its term asset names {asset.object}")
    if licensee is not None and body.holder not in (None, licensee.party):
        raise VerificationFailed(f"the grant names holder {body.holder}, its term licensee {licensee.party}")
    return disclosed


def _status_key(state: LogState) -> RoleKey:
    """That of entry 0; later ones stand among the rotations."""
    for gone in state.retired or ():
        if gone.role == "status":
            return RoleKey("status", gone.key, gone.not_before)
    return next(key for key in state.keys if key.role == "status")
