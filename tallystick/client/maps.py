"""What a service says of an identifier by its map, believed only as far as it proves it (docs/map.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from tallystick.base64s import from_base64
from tallystick.checkpoint import Checkpoint
from tallystick.client.http import Client
from tallystick.errors import VerificationFailed
from tallystick.events.log import MapRoot
from tallystick.lazy_dataclass import dataclass
from tallystick.map import NAMED, OWN, Leaf, prove_answer
from tallystick.map.audit import Auditor, out_of_time, parse_audit, verify_audit
from tallystick.map.proof import read_proof
from tallystick.merkle import leaf_hash, verify_consistency, verify_inclusion
from tallystick.schema import COUNT, HEX32, read, record
from tallystick.statement import parse_statement
from tallystick.times import parse_time
from tallystick.tree_head import verify_tree_head
from tallystick.trust import LogTrust, Trust

Paths = Callable[[int, int], Sequence[bytes]]
"""The consistency path between two sizes of the log's tree."""


@dataclass(frozen=True)
class MapAnswer:
    """Under the root that the log states for its first ``size`` entries: how many of them are about the text.

    own, named: the leaf of each history, with its count and chain; ``None``: no entry. head: the checkpoint in whose
    tree the root is stated. auditors: names of those of the trust file who replayed the map of this very tree
    and found this root, at a time at which that counts; without one the answer is the log's own word.
    """

    text: str
    size: int
    root: bytes
    own: Leaf | None
    named: Leaf | None
    head: Checkpoint
    auditors: tuple[str, ...]


@record
class _Answer:
    text: str
    position: Annotated[int, COUNT]
    size: Annotated[int, COUNT]
    root: Annotated[str, HEX32]
    entry: str
    path: tuple[str, ...]
    checkpoint: str
    own: Any
    named: Any
    audits: tuple[str, ...]


def ask_map(
    client: Client, text: str, trust: Trust, origin: str, at: int, *, audited: bool = False, covers: int = 0
) -> MapAnswer:
    """``GET /v1/map`` of the log ``origin``, verified by the caller's own trust file as of ``at`` (Unix seconds).

    ``audited``: under the newest root that an auditor signed. Raises ``ServiceProblem``, with the code ``not-found`` as
    long as no such root covers the entry at position ``covers``; and as ``check_answer``.
    """
    query = urlencode({"audited": str(audited).lower(), "covers": covers})
    answer = json.loads(client.fetch(f"/v1/map/{quote(text, safe='/')}?{query}"))

    def paths(old: int, new: int) -> list[bytes]:
        return _path(client.consistency(old, new)["path"])

    found = check_answer(answer, text, trust, origin, at, paths)
    if found.size <= covers:
        raise VerificationFailed(f"the answer is of {found.size} entries, which do not reach position {covers}")
    return found


def check_answer(answer: Any, text: str, trust: Trust, origin: str, at: int, paths: Paths) -> MapAnswer:
    """Hold an answer against the keys of the log ``origin``, and the quorum of witnesses who cosigned by ``at``.

    Auditors count by the rules of step 13: until their ``not_after``, not later than ``at``, not before the entry.
    Raises ``MalformedInput`` or ``VerificationFailed``, which say why not.
    """
    if origin not in trust.logs:
        raise VerificationFailed(f"the log {origin!r} is not trusted; the trust file names: {', '.join(trust.logs)}")
    log = trust.logs[origin]
    told = read(_Answer, answer)
    entry, notes = from_base64(told.entry), [note.encode() for note in told.audits]
    signed = verify_tree_head(told.checkpoint.encode(), log.history)
    log.require_quorum(signed.note, at)
    head = signed.checkpoint
    verify_inclusion(leaf_hash(entry), told.position, head.size, _path(told.path), head.root)
    stated, time = _stated(entry, told.position, log)
    root = bytes.fromhex(stated.root)
    own = prove_answer(root, OWN, text, read_proof(told.own))
    named = prove_answer(root, NAMED, text, read_proof(told.named))
    names = [
        one.name
        for note in notes
        for one, until in trust.auditors
        if _in_time(note, one, at, until, time) and _audited(note, one, stated, root, head, paths)
    ]
    return MapAnswer(text, stated.size, root, own, named, head, tuple(dict.fromkeys(names)))


def _stated(entry: bytes, position: int, log: LogTrust) -> tuple[MapRoot, int]:
    """What the entry says, signed by the log, and its time (Unix seconds)."""
    statement = parse_statement(entry)
    statement.verify(log.history.key_of("log", position) or log.keys.ed25519)
    body = statement.event.body
    if not isinstance(body, MapRoot) or statement.event.subject != log.keys.origin:
        raise VerificationFailed(f"entry {position} states no root of the map of {log.keys.origin}")
    if body.size > position:
        raise VerificationFailed(f"entry {position} states the map of {body.size} entries, more than there were")
    return body, parse_time(statement.event.time)


def _in_time(note: bytes, auditor: Auditor, at: int, until: int | None, stated_at: int) -> bool:
    """Whether the auditor signed this note, at a time at which that counts. ``VerificationFailed``: it was changed."""
    signatures = parse_audit(note)[1].signatures
    if (auditor.name, auditor.key_id) not in {(one.name, one.key_id) for one in signatures}:
        return False
    return out_of_time(verify_audit(note, auditor)[1], at, until, stated_at) is None


def _audited(note: bytes, auditor: Auditor, stated: MapRoot, root: bytes, head: Checkpoint, paths: Paths) -> bool:
    """Whether this auditor's note is of this root over the tree of ``head``. ``VerificationFailed``: of another."""
    told = parse_audit(note)[0]
    if (told.origin, told.size) != (head.origin, stated.size):
        return False
    verify_consistency(told.size, told.tree, head.size, head.root, paths(told.size, head.size))
    if told.root != root:
        raise VerificationFailed(f"{auditor.name} found another root of the map of {told.size} entries: the log lies")
    return True


def _path(hashes: Sequence[str]) -> list[bytes]:
    return [from_base64(one) for one in hashes]
