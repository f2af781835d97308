"""Events of the log about itself: its keys, its rules, its anchors, its batches."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from tallystick.identifiers import Letter
from tallystick.keys import VALID_KEY, KeyText
from tallystick.schema import COUNT, HEX20, HEX32, TIME, base64_bytes, identifier, items, matching, record, text

ORIGIN = matching(r"[!-*,-~]{1,200}", "a schema-less URL of printable ASCII without space or +")
PREFIX = matching(r"10\.[0-9]{4,9}(\.[0-9]{1,9}){0,3}", "a DOI prefix")


RulesVersion: TypeAlias = Literal[1, 2, 3, 4]
"""Versions of the rules ``tallystick-admission``."""
Role: TypeAlias = Literal["log", "log-pq", "authority", "registrar", "service", "exporter", "status"]


@record
class RoleKey:
    """A key and the one role that it has. ``proof``: its own signature over the key set without proofs."""

    role: Role
    key: Annotated[KeyText, VALID_KEY]
    not_before: Annotated[str, TIME]
    proof: Annotated[str, base64_bytes(2420)] | None = None
    not_after: Annotated[str, TIME] | None = None


@record
class KeySet:
    """Entry 0: binds the log's origin, all its keys and the registrar, signed by the registrar (the root of trust)."""

    origin: Annotated[str, ORIGIN]
    prefix: Annotated[str, PREFIX]
    registrar: Annotated[str, identifier(Letter.PARTY)]
    service: Annotated[str, identifier(Letter.PARTY)]
    keys: Annotated[tuple[RoleKey, ...], items(16, 7)]


@record
class Policy:
    """The registration policy: who may say what, in which state. In force for all entries after it until the next."""

    rules: Literal["tallystick-admission"]
    version: RulesVersion


@record
class AnchorTarget:
    """A contract that may hold this log's checkpoints; verifiers accept no target that the log or they do not name."""

    kind: Literal["evm"]
    chain_id: Annotated[int, COUNT]
    genesis: Annotated[str, HEX32]
    contract: Annotated[str, HEX20]
    code_hash: Annotated[str, HEX32]
    log_id: Annotated[str, HEX32]
    hash: Literal["keccak256"]
    vouched_by: Literal["operator", "chain"]
    sealer: Annotated[str, HEX20] | None = None


@record
class Batch:
    """Closes a batch: its time (the event's ``time``) is the operator's claim for positions ``first`` to ``last``."""

    first: Annotated[int, COUNT]
    last: Annotated[int, COUNT]
    policy: Annotated[int, COUNT]


@record
class KeyRotation:
    """A role's key is replaced. ``old``, ``new``: what the replaced key (thumbprint ``replaces``) and ``key`` signed.

    ``log``: what the log's key signed, where the registrar's own key is replaced: nobody rotates alone.
    """

    role: Role
    key: Annotated[KeyText, VALID_KEY]
    replaces: Annotated[str, HEX32]
    old: Annotated[str, base64_bytes(2420)]
    new: Annotated[str, base64_bytes(2420)]
    log: Annotated[str, base64_bytes(64)] | None = None


@record
class Freeze:
    """The log ends: after this entry only its batch entry stands. ``successor``: origin of the log that goes on."""

    reason: Literal["successor", "closure", "key-compromise", "court-order", "other"]
    successor: Annotated[str, ORIGIN] | None = None


@record
class Predecessor:
    """Entry 2 of a log that succeeds another: where that one ended.

    ``checkpoint``: SHA-256 of its last checkpoint, the whole note, as it was read when this log began.
    """

    origin: Annotated[str, ORIGIN]
    size: Annotated[int, COUNT]
    root: Annotated[str, HEX32]
    checkpoint: Annotated[str, HEX32]


@record
class MapRoot:
    """The root of the map of the first ``size`` entries (``tallystick.map``): what the log says happened to whom."""

    size: Annotated[int, COUNT]
    root: Annotated[str, HEX32]


@record
class TimeMark:
    """Something that nobody could know earlier: what stands after this entry was logged after it came to be.

    ``rfc3161``: ``digest`` is SHA-256 of a timestamp token (DER) of authority ``source`` over a checkpoint of this
    log of ``number`` entries. ``cosignature``: of the signature field of witness ``source`` on such a checkpoint.
    ``block``: the hash of block ``number`` of the chain ``source``, as ``eip155:<id>``. It only points there:
    whether that time counts is decided by whoever reads the token, the cosignature or the block.
    """

    kind: Literal["rfc3161", "cosignature", "block"]
    digest: Annotated[str, HEX32]
    source: Annotated[str, text(200)]
    number: Annotated[int, COUNT]
