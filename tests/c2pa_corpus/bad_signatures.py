"""Signatures that are none, claims that are not what was signed, and times that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import cbor2

from tests.c2pa_corpus.bad_signers import JUNE_15
from tests.c2pa_corpus.case import Case, bad
from tests.c2pa_corpus.forge import CREATED, Recipe, actions, box, licence, superbox
from tests.c2pa_corpus.people import AUTHORITY, CLOCK, ISSUING, SIGNER, TSA, Person, der, person
from tests.core.timestamp.forge import Holder, tlv, token
from tests.core.timestamp.forge import Recipe as TokenRecipe

JUNE_2 = datetime(2025, 6, 2, tzinfo=UTC)
UNKNOWN_CLOCK = person("unknown clock", person("unknown clock root", None, AUTHORITY, key=TSA.key), CLOCK, key=TSA.key)
BRIEF = person("brief", ISSUING, end=JUNE_15)


def cases() -> Iterator[Case]:
    yield from _algorithms()
    yield from _envelopes()
    yield from _claims()
    yield from _times()


def _algorithms() -> Iterator[Case]:
    for name, algorithm in {
        "none": 0,
        "rs1": -65535,
        "rs256": -257,
        "es256k": -47,
        "hs256": 5,
        "es256-for-an-ed25519-key": -7,
        "ps256-for-an-ed25519-key": -37,
        "as-text": "EdDSA",
        "true": True,
    }.items():
        yield bad(f"algorithm-{name}", "claimSignature.mismatch", algorithm=algorithm)
    yield bad("algorithm-left-out", "claimSignature.mismatch", edit_protected=lambda header: header.pop(1))


def changed(change: Callable[[list[Any]], None], tag: int = 18) -> Callable[[bytes], bytes]:
    """An edit of the four parts of a COSE_Sign1."""

    def edit(cose: bytes) -> bytes:
        parts = list(cbor2.loads(cose).value)
        change(parts)
        return cbor2.dumps(cbor2.CBORTag(tag, parts))

    return edit


def put(index: int, value: Any) -> Callable[[list[Any]], None]:
    def change(parts: list[Any]) -> None:
        parts[index] = value(parts[index]) if callable(value) else value

    return change


def _envelopes() -> Iterator[Case]:
    for name, code, edit in (
        ("of-zeros", "claimSignature.mismatch", changed(put(3, bytes(64)))),
        ("cut-by-a-byte", "claimSignature.mismatch", changed(put(3, lambda value: value[:-1]))),
        ("with-a-byte-more", "claimSignature.mismatch", changed(put(3, lambda value: value + b"\0"))),
        (
            "with-a-flipped-bit",
            "claimSignature.mismatch",
            changed(put(3, lambda value: bytes([value[0] ^ 1]) + value[1:])),
        ),
        ("empty", "claimSignature.mismatch", changed(put(3, b""))),
        ("as-text", "malformed", changed(put(3, "signature"))),
        ("with-its-payload-attached", "malformed", changed(put(2, b"claim"))),
        ("of-three-parts", "malformed", changed(lambda parts: parts.pop())),
        ("with-the-tag-of-many-signers", "malformed", changed(lambda parts: None, 98)),
        ("with-the-tag-of-a-mac", "malformed", changed(lambda parts: None, 17)),
        ("with-a-byte-after-it", "malformed", lambda cose: cose + b"\0"),
        ("that-is-no-cbor", "malformed", lambda cose: b"\xff" + cose),
        ("with-an-unknown-header", "malformed", changed(put(1, {"note": b"trust me"}))),
        ("with-padding-that-is-not-zero", "malformed", changed(put(1, {"pad": b"\0\1"}))),
        ("with-another-header", "claimSignature.mismatch", changed(put(0, _with_kid))),
        ("with-an-empty-header", "malformed", changed(put(0, b""))),
        ("with-a-second-chain", "malformed", changed(put(1, {33: [der(SIGNER.certificate)]}))),
        ("nested-3000-deep", "malformed", lambda cose: b"\x81" * 3_000 + b"\0"),
        ("of-2-to-the-63-items", "malformed", lambda cose: b"\x9b\x7f" + b"\xff" * 7),
        ("with-shared-references", "malformed", lambda cose: b"\xd8\x1c\x81" * 40 + b"\xd8\x1d\x00"),
    ):
        yield bad(f"signature-{name}", code, edit_signature=edit)
    bare_chain = {33: list(SIGNER.shown)}
    yield bad(
        "chain-outside-the-signature",
        "malformed",
        edit_protected=lambda header: header.pop(33),
        unprotected=lambda protected, signature, claim: bare_chain,
    )
    yield bad(
        "chain-under-both-its-names", "malformed", edit_protected=lambda header: header.update(x5chain=header[33])
    )
    yield bad("header-that-must-be-understood", "malformed", edit_protected=lambda header: header.update({2: ["x"]}))
    yield bad("signature-box-twice", "malformed", extra=(superbox(b"c2cs", "c2pa.signature", box(b"cbor", b"\xa0")),))
    yield bad("signature-by-another-key", "claimSignature.mismatch", signer=Person(SIGNER.chain, ISSUING.key))


def _with_kid(protected: bytes) -> bytes:
    return cbor2.dumps({**cbor2.loads(protected), 4: b"kid"})


def put_claim(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda claim: claim.update(members)


def _claims() -> Iterator[Case]:
    other = "urn:c2pa:00000000-0000-4000-8000-00000000000f"
    for name, edit in {
        "that-names-another-manifests-signature": put_claim(signature=f"self#jumbf=/c2pa/{other}/c2pa.signature"),
        "that-names-a-signature-elsewhere": put_claim(signature="https://elsewhere.example/signature"),
        "without-a-signature": lambda claim: claim.pop("signature"),
        "with-a-key-that-is-no-text": lambda claim: claim.update({7: 7}),
        "whose-assertions-are-no-list": put_claim(created_assertions="all"),
    }.items():
        yield bad(f"claim-{name}", "malformed", edit_claim=edit)
    for name, edit in {
        "with-a-key-twice": lambda claim: (
            bytes([claim[0] + 1]) + claim[1:] + cbor2.dumps("alg") + cbor2.dumps("sha512")
        ),
        "with-a-key-twice-in-two-forms": lambda claim: (
            bytes([claim[0] + 1]) + claim[1:] + b"\x78\x03alg" + cbor2.dumps("md5")
        ),
        "with-a-byte-after-it": lambda claim: claim + b"\0",
        "that-is-a-list": lambda claim: b"\x81" + claim,
        "nested-3000-deep": lambda claim: b"\x81" * 3_000 + b"\0",
        "with-a-decimal-bomb": lambda claim: b"\xc4\x82\x1b" + b"\x7f" * 8 + b"\x01",
    }.items():
        yield bad(f"claim-{name}", "malformed", edit_claim_bytes=edit)
    yield bad("claim-of-an-unknown-version", "malformed", claim_label="c2pa.claim.v3")
    second = superbox(b"c2cl", "c2pa.claim", box(b"cbor", cbor2.dumps({"signature": "self#jumbf=c2pa.signature"})))
    yield bad("claim-beside-another", "malformed", extra=(second,))
    changed_after = Recipe(edit_signature=_signature_of(Recipe(edit_claim=put_claim(**{"dc:title": "corpse"}))))
    yield bad("claim-changed-after-signing", "claimSignature.mismatch", changed_after)


def _signature_of(recipe: Recipe) -> Callable[[bytes], bytes]:
    """The signature of another claim in the place of its own."""
    from tests.c2pa_corpus.forge import signature

    return lambda cose: signature(recipe, cbor2.dumps({"dc:title": "corpse"}))


class Steady:
    """A key whose signatures follow from what they are over."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def sign(self, data: bytes, algorithm: Any) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec

        return bytes(self._key.sign(data, ec.ECDSA(algorithm.algorithm, deterministic_signing=True)))


def stamp(
    signer: Person = TSA, form: str = "sigTst2", **changes: Any
) -> Callable[[bytes, bytes, bytes], dict[Any, Any]]:
    """An unprotected header with a timestamp over the signature."""

    def made(protected: bytes, signature: bytes, claim: bytes) -> dict[Any, Any]:
        over = changes.get("over", claim if form == "sigTst" else cbor2.dumps(signature))
        message = cbor2.dumps(["CounterSignature", protected, b"", over])
        kept = {name: value for name, value in changes.items() if name != "over"}
        recipe = TokenRecipe(
            Holder(signer.certificate, signer.key),
            **({"message": message, "gen_time": JUNE_2, "signing_key": Steady(signer.key)} | kept),
        )
        value = token(recipe)
        if form == "sigTst":
            value = tlv(0x30, tlv(0x30, b"\x02\x01\x00") + value)
        # The length of a signature varies, that of the header must not.
        return {form: {"tstTokens": [{"val": value}]}, "pad": bytes(2500 - len(value))}

    return made


def _times() -> Iterator[Case]:
    future = {**CREATED, "when": cbor2.CBORTag(0, "2099-01-01T00:00:00Z")}
    yield bad("action-of-the-future", "time.future", parts=(actions(future), licence()))
    local = {**CREATED, "when": "2025-06-01T00:00:00"}
    yield bad("action-at-a-time-without-a-zone", "malformed", parts=(actions(local), licence()))
    strange = {**CREATED, "when": "yesterday"}
    yield bad("action-at-a-time-that-is-none", "malformed", parts=(actions(strange), licence()))
    late = datetime(2026, 1, 1, tzinfo=UTC)
    yield bad("timestamp-of-the-future", "time.future", unprotected=stamp(gen_time=late))
    own = person("own clock", ISSUING, CLOCK, key=TSA.key)
    for name, header in {
        "by-an-unknown-clock": stamp(UNKNOWN_CLOCK),
        "by-a-clock-under-the-claim-root": stamp(own, certificates=own.shown),
        "by-the-claim-signer-himself": stamp(BRIEF, signing_key=Steady(TSA.key)),
        "over-another-signature": stamp(over=cbor2.dumps(bytes(64))),
        "over-the-claim-and-not-the-signature": stamp(form="sigTst"),
        "made-after-it-expired": stamp(gen_time=datetime(2025, 6, 20, tzinfo=UTC)),
        "that-is-no-token": lambda protected, signature, claim: {"sigTst2": {"tstTokens": [{"val": b"noon"}]}},
        "over-sha1": stamp(imprint="sha1"),
    }.items():
        yield bad(f"expired-with-a-timestamp-{name}", "signer.expired", signer=BRIEF, unprotected=header)
    young = person("young", ISSUING, begin=datetime(2025, 6, 10, tzinfo=UTC))
    yield bad("timestamp-from-before-the-certificate", "signer.not_yet_valid", signer=young, unprotected=stamp())
    two = lambda protected, signature, claim: {"sigTst2": {"tstTokens": [{"val": b""}] * 2}}  # noqa: E731
    yield bad("timestamps-two-in-one-header", "malformed", signer=BRIEF, unprotected=two)
