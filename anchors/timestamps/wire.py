"""Requests and answers of RFC 3161 (§2.4), as DER. Tokens are ``tallystick.timestamp``'s to read."""

from __future__ import annotations

import hashlib

from asn1crypto import core, tsp

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import MAX_TOKEN_BYTES, der

QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
MAX_REQUEST_BYTES = 4096
MAX_REPLY_BYTES = MAX_TOKEN_BYTES + 4096

STATUS = {
    0: "granted",
    1: "granted with modifications",
    2: "rejection",
    3: "waiting",
    4: "revocation warning",
    5: "revocation notification",
}
FAILURES = {
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    17: "addInfoNotAvailable",
    25: "systemFailure",
}
DIGEST_BYTES = {"2.16.840.1.101.3.4.2.1": 32, "2.16.840.1.101.3.4.2.2": 48, "2.16.840.1.101.3.4.2.3": 64}
"""SHA-256, SHA-384, SHA-512, by object identifier."""


@dataclass(frozen=True)
class Request:
    """A ``TimeStampReq`` that was read. ``hash``: object identifier."""

    hash: str
    hashed: bytes
    policy: str | None
    nonce: int | None
    certificates: bool
    has_extensions: bool


@dataclass(frozen=True)
class Reply:
    """A ``TimeStampResp`` that was read: ``token`` as DER, or what the authority says instead."""

    status: int
    texts: tuple[str, ...]
    failures: tuple[str, ...]
    token: bytes | None

    def __str__(self) -> str:
        said = [STATUS.get(self.status, f"status {self.status}"), *self.failures, *map(repr, self.texts)]
        return ", ".join(said)


def encode_request(message: bytes, nonce: int, policy: str | None) -> bytes:
    """A query for SHA-256 of ``message``, with certificates."""
    fields: dict[str, object] = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": {"algorithm": "sha256"},
            "hashed_message": hashlib.sha256(message).digest(),
        },
        "nonce": nonce,
        "cert_req": True,
    }
    if policy is not None:
        fields["req_policy"] = policy
    return bytes(tsp.TimeStampReq(fields).dump())


def parse_request(data: bytes) -> Request:
    """Read a query. Raises ``MalformedInput``."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedInput(f"a timestamp query has at most {MAX_REQUEST_BYTES} bytes")
    fields = der.Fields(der.single(data, der.SEQUENCE, "query").content, "query")
    if der.integer(fields.take(der.INTEGER, "version").content, "version") != 1:
        raise MalformedInput("a query of a version that is not known")
    imprint = der.Fields(fields.take(der.SEQUENCE, "message imprint").content, "message imprint")
    algorithm = der.Fields(imprint.take(der.SEQUENCE, "hash algorithm").content, "hash algorithm")
    kind = der.oid(algorithm.take(der.OID, "it").content, "hash algorithm")
    algorithm.maybe(der.NULL)
    algorithm.end()
    hashed = imprint.take(der.OCTET_STRING, "hashed message").content
    imprint.end()
    policy, nonce = fields.maybe(der.OID), fields.maybe(der.INTEGER)
    wanted, extensions = fields.maybe(der.BOOLEAN), fields.maybe(der.context(0))
    fields.end()
    return Request(
        hash=kind,
        hashed=hashed,
        policy=None if policy is None else der.oid(policy.content, "policy"),
        nonce=None if nonce is None else der.integer(nonce.content, "nonce", 65),
        certificates=wanted is not None and der.truth(wanted.content, "certReq"),
        has_extensions=extensions is not None,
    )


def encode_refusal(failure: int, text: str) -> bytes:
    """An answer without a token. ``failure``: a bit of PKIFailureInfo."""
    # The last byte that a named bit is in, its unused bits counted (X.690 §11.2).
    bits = bytes([7 - failure % 8]) + (0x80 >> failure % 8).to_bytes(failure // 8 + 1, "big")
    texts = core.SequenceOf([core.UTF8String(text)], spec=core.UTF8String)
    status = core.Integer(2).dump() + texts.dump() + bytes([der.BIT_STRING, len(bits)]) + bits
    return _sequence(_sequence(status))


def encode_grant(token: bytes) -> bytes:
    """An answer with a token (DER)."""
    return _sequence(_sequence(core.Integer(0).dump()) + token)


def _sequence(content: bytes) -> bytes:
    # asn1crypto's TimeStampResp knows no answer without a token.
    return bytes(core.Sequence(contents=content).dump())


def parse_reply(data: bytes) -> Reply:
    """Read an answer; its token stays as it is. Raises ``MalformedInput``."""
    if len(data) > MAX_REPLY_BYTES:
        raise MalformedInput(f"a timestamp answer has at most {MAX_REPLY_BYTES} bytes")
    fields = der.Fields(der.single(data, der.SEQUENCE, "answer").content, "answer")
    status = der.Fields(fields.take(der.SEQUENCE, "status").content, "status of the answer")
    number = der.integer(status.take(der.INTEGER, "the status").content, "the status")
    texts, failures = status.maybe(der.SEQUENCE), status.maybe(der.BIT_STRING)
    status.end()
    token = fields.take(der.SEQUENCE, "token") if fields.more else None
    fields.end()
    return Reply(
        status=number,
        texts=() if texts is None else _texts(texts.content),
        failures=() if failures is None else _failures(failures.content),
        token=None if token is None else token.whole,
    )


def _texts(content: bytes) -> tuple[str, ...]:
    """What the authority says, as far as it can be shown."""
    found = (one.content[:200].decode("utf-8", "replace") for one in der.members(content, "status texts", 8))
    return tuple("".join(mark if mark.isprintable() else "�" for mark in text) for text in found)


def _failures(content: bytes) -> tuple[str, ...]:
    bits = [at * 8 + bit for at, byte in enumerate(content[1:9]) for bit in range(8) if byte & 0x80 >> bit]
    return tuple(FAILURES.get(bit, f"failure {bit}") for bit in bits)
