"""Proving a grant from a licence file alone: one checkpoint, the entries under it, the rules decided again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tallystick.admission import LOG
from tallystick.admission.standing import Standing, licensor_of, lineage, standing_at
from tallystick.admission.state import LicenceState, LogState, StateReader
from tallystick.base64s import from_base64
from tallystick.canonical import JsonValue
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.commitments import open_commitments, parse_disclosure
from tallystick.digests import DigestPair
from tallystick.errors import VerificationFailed
from tallystick.events.licence import LICENSEE, LicenceGrant, StatusPointer
from tallystick.events.log import RoleKey
from tallystick.key_history import KeyHistory
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.chain import Link
from tallystick.licence.credential import LicenceCredential
from tallystick.licence.terms import DisclosedTerms, disclosed_terms
from tallystick.merkle import verify_inclusion
from tallystick.note import parse_note
from tallystick.replay import Admitted, Placed, Replay, replay, shown_keys
from tallystick.statement import Statement, parse_statement
from tallystick.times import UnixSeconds, format_time
from tallystick.tree_head import CheckpointKeys, verify_tree_head
from tallystick.trust import LogTrust


@dataclass(frozen=True)
class ProvedGrant:
    """A grant in a trusted log. ``admitted_at``: the operator's claim; ``standing``: by the entries shown.

    ``keys``: of the log, with the rotations that the file shows. ``pointer``: where the status stands by the entries
    shown, the last transfer's where there is one; so are the term ``licensee`` and its commitment. ``chain``: the
    licence and all above it, the root first. ``licensor``: who stands above it, by the entries shown.
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
    commitments: dict[str, DigestPair]
    chain: tuple[Link, ...]
    states: StateReader

    def standing_at(self, at: str) -> Standing:
        """What the licence is at ``at``, by the entries shown: its own changes and those of all above it."""
        return standing_at(self.states, self.statement.event.subject, at)


def prove_grant(credential: LicenceCredential, logs: Mapping[str, LogTrust]) -> ProvedGrant:
    """The grant, by whichever of the trusted ``logs`` (by origin) the file's checkpoint is of.

    Raises ``VerificationFailed`` with the first thing that does not hold, ``MalformedInput`` on bad bytes.
    """
    note = credential.checkpoint.encode()
    trust = _trusted(parse_body(parse_note(note).text).origin, logs)
    placed = _placed(credential)
    decided = replay(placed)
    keys = shown_keys(decided, trust.history)
    head = verify_tree_head(note, keys)
    trust.require_quorum(head.note)
    checkpoint = head.checkpoint
    _require_included(placed, credential, checkpoint)
    _require_registrar(decided, trust)
    admitted = _admitted(decided, credential.grant)
    _require_subject(admitted.placed.statement, credential)
    opened = _open(placed, credential)
    standing = decided.state.get(credential.licence)
    state = decided.state.get(LOG)
    if not isinstance(standing, LicenceState) or not isinstance(state, LogState):
        raise VerificationFailed("the entries shown do not register this licence")
    about = [one for one in decided.admitted.values() if one.placed.statement.event.subject == credential.licence]
    pointer = pointer_at(about, checkpoint.size)
    _require_pointer(pointer, credential.status)
    chain = _chain(decided, opened, credential.licence)
    return ProvedGrant(
        log=trust,
        keys=keys,
        position=credential.grant,
        statement=admitted.placed.statement,
        checkpoint=checkpoint,
        admitted_at=UnixSeconds(admitted.admitted_at),
        licensor=licensor_of(decided.state, standing) or standing.licensor,
        recorded_by_service=admitted.placed.statement.event.recorded_for is not None,
        standing=standing_at(decided.state, credential.licence, _last_time(decided)).status,
        status_key=_status_key(state),
        pointer=pointer,
        disclosed=chain[-1].disclosed,
        commitments=_commitments(decided, admitted),
        chain=chain,
        states=decided.state,
    )


def hold_credential(credential: LicenceCredential, about: Sequence[Admitted], keys: CheckpointKeys) -> None:
    """What the file shows, held against entries that others decided: those of a bundle, which may be more than its own.

    about: what they admit with this licence as subject, in log order. keys: of the log by which it must be signed.
    Raises ``VerificationFailed`` with the first thing that does not hold, ``MalformedInput`` on bad bytes
    (docs/evidence/credentials.md §4).
    """
    placed = _placed(credential)
    checkpoint = verify_tree_head(credential.checkpoint.encode(), keys).checkpoint
    _require_included(placed, credential, checkpoint)
    grants = [one.placed.position for one in about if one.placed.statement.event.type == "licence.grant"]
    if grants != [credential.grant]:
        raise VerificationFailed(
            f"the file says that entry {credential.grant} grants {credential.licence}, "
            f"the log grants it by {grants[0] if grants else 'none that is shown'}"
        )
    _open(placed, credential)
    _require_pointer(pointer_at(about, checkpoint.size), credential.status)


def pointer_at(about: Iterable[Admitted], size: int) -> StatusPointer:
    """Where the status stands in the tree of ``size`` entries, by the admitted entries ``about`` the licence, of which
    its grant is one: by its last transfer there, else by its grant.
    """
    kinds = ("licence.grant", "licence.transfer")
    stating = [one.placed for one in about if one.placed.statement.event.type in kinds and one.placed.position < size]
    found: StatusPointer = max(stating, key=lambda placed: placed.position).statement.event.body.status
    return found


def _placed(credential: LicenceCredential) -> list[Placed]:
    return [Placed(shown.index, parse_statement(from_base64(shown.entry))) for shown in credential.entries]


def _require_included(placed: Sequence[Placed], credential: LicenceCredential, checkpoint: Checkpoint) -> None:
    """Every entry that the file shows stands under its checkpoint."""
    for one, shown in zip(placed, credential.entries, strict=True):
        hashes = [from_base64(each) for each in shown.proof]
        verify_inclusion(one.statement.leaf, one.position, checkpoint.size, hashes, checkpoint.root)


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


def _require_subject(statement: Statement, credential: LicenceCredential) -> None:
    event = statement.event
    if event.type != "licence.grant" or event.subject != credential.licence:
        raise VerificationFailed(
            f"entry {credential.grant} is {event.type} of {event.subject}, "
            f"expected licence.grant of {credential.licence}"
        )


def _require_pointer(known: StatusPointer, said: StatusPointer) -> None:
    if known != said:
        raise VerificationFailed(
            f"the grant has its status at {known.list}#{known.index}, the file says {said.list}#{said.index}"
        )


def _open(placed: list[Placed], credential: LicenceCredential) -> dict[int, dict[str, JsonValue]]:
    """What is disclosed, by entry: every disclosure in the file must open a commitment of its entry."""
    opened = {}
    for each in placed:
        texts = credential.disclosures.get(str(each.position), ())
        commitments = each.statement.event.commitments
        opened[each.position] = open_commitments(commitments, [parse_disclosure(text) for text in texts])
    return opened


def _chain(decided: Replay, opened: Mapping[int, Mapping[str, JsonValue]], licence: str) -> tuple[Link, ...]:
    """The licence and all above it, the root first, each with its terms as far as they are shown."""
    links = []
    for name, state in lineage(decided.state, licence):
        if state is None:
            raise VerificationFailed(f"{name}, above {licence}, is not among the entries shown")
        granted = _last(decided, "licence.grant", name)
        if granted is None:
            raise VerificationFailed(f"the grant of {name} is not among the entries shown")
        moved = _last(decided, "licence.transfer", name)
        links.append(Link(name, _shown_terms(granted, moved, opened), state.commenced))
    return tuple(reversed(links))


def _shown_terms(
    granted: Admitted, moved: Admitted | None, opened: Mapping[int, Mapping[str, JsonValue]]
) -> DisclosedTerms:
    """Those of the grant; who the licensee is, the last transfer says."""
    event = granted.placed.statement.event
    values = opened[granted.placed.position]
    _agree(disclosed_terms(event.commitments.keys(), values), event.body)
    if moved is None:
        return disclosed_terms(event.commitments.keys(), values)
    others = {name: value for name, value in values.items() if name != LICENSEE}
    found = disclosed_terms(event.commitments.keys(), {**others, **opened[moved.placed.position]})
    to = moved.placed.statement.event.body.to
    if found.terms.licensee is not None and found.terms.licensee.party != to:
        raise VerificationFailed(f"the licence went to {to}, the term licensee names {found.terms.licensee.party}")
    return found


def _agree(disclosed: DisclosedTerms, body: LicenceGrant) -> None:
    """What the leaf says openly and what a term says under its commitment must be the same."""
    asset, licensee, depth = disclosed.terms.asset, disclosed.terms.licensee, disclosed.terms.sublicensing
    if asset is not None and asset.object != body.object:
        raise VerificationFailed(f"the grant licenses {body.object}, its term asset names {asset.object}")
    if licensee is not None and body.holder not in (None, licensee.party):
        raise VerificationFailed(f"the grant names holder {body.holder}, its term licensee {licensee.party}")
    if depth is not None and (body.sublicences or 0) > depth.max_depth:
        raise VerificationFailed(
            f"the grant admits sublicences {body.sublicences} deep, its term sublicensing {depth.max_depth}"
        )


def _commitments(decided: Replay, granted: Admitted) -> dict[str, DigestPair]:
    event = granted.placed.statement.event
    moved = _last(decided, "licence.transfer", event.subject)
    return {**event.commitments, **(moved.placed.statement.event.commitments if moved else {})}


def _last(decided: Replay, kind: str, subject: str) -> Admitted | None:
    """The last admitted entry of this type and subject."""
    found = [
        one
        for one in decided.admitted.values()
        if (one.placed.statement.event.type, one.placed.statement.event.subject) == (kind, subject)
    ]
    return max(found, key=lambda one: one.placed.position, default=None)


def _last_time(decided: Replay) -> str:
    """Of the last batch among the entries shown."""
    return format_time(max(one.admitted_at for one in decided.admitted.values()))


def _status_key(state: LogState) -> RoleKey:
    """That of entry 0; later ones stand among the rotations."""
    for gone in state.retired or ():
        if gone.role == "status":
            return RoleKey("status", gone.key, gone.not_before)
    return next(key for key in state.keys if key.role == "status")
