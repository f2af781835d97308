"""Files that must be accepted, some with something to be told."""

from __future__ import annotations

from collections.abc import Iterator

import cbor2
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from tests.c2pa_corpus.bad_signatures import BRIEF, UNKNOWN_CLOCK, stamp
from tests.c2pa_corpus.bad_signers import es256_signer
from tests.c2pa_corpus.case import Case, bad
from tests.c2pa_corpus.chains import SECOND, STRANGER, boxed, identified, ingredient, update, updated
from tests.c2pa_corpus.forge import (
    JPEG,
    PNG,
    SIDECAR,
    WAV,
    Part,
    Recipe,
    actions,
    jpeg,
    licence,
    png,
    restored,
    signed,
    store,
    wav,
)
from tests.c2pa_corpus.people import ISSUING, ROOT, SIGNER, TSA, constraints, der, person, purposes, usage


def cases() -> Iterator[Case]:
    yield from _formats()
    yield from _signers()
    yield from _contents()


def good(name: str, **changes: object) -> Case:
    return Case(name, bad(name, "", **changes).data, None)


def _formats() -> Iterator[Case]:
    yield Case("picture", signed()[0], None)
    yield Case("sound", signed(None, wav(), WAV)[0], None, WAV)
    yield Case("photograph", signed(None, jpeg(), JPEG)[0], None, JPEG)
    asset = b"any bytes of any kind"
    yield Case("sidecar", asset, None, SIDECAR, signed(None, asset, SIDECAR)[1])
    yield Case("sidecar-of-a-picture", png(), None, PNG, signed(None, png(), SIDECAR)[1])
    yield Case("picture-with-bytes-after-it-that-were-signed", signed(None, png() + b"PK\x05\x06" + bytes(18))[0], None)


def _signers() -> Iterator[Case]:
    mail = person("mail", ISSUING, (constraints(False), usage("digital_signature"), purposes(Purpose.EMAIL_PROTECTION)))
    yield good("signer-for-mail", signer=mail)
    yield good("signer-with-es256", signer=es256_signer())
    yield good("chain-that-brings-its-root", chain=(*SIGNER.shown, der(ROOT.certificate)))
    yield good("expired-with-a-timestamp-by-a-trusted-clock", signer=BRIEF, unprotected=stamp())
    yield good("timestamp-over-the-claim-alone", unprotected=stamp(form="sigTst"))
    yield good("timestamp-by-an-unknown-clock", unprotected=stamp(UNKNOWN_CLOCK))


def _contents() -> Iterator[Case]:
    yield good("without-a-licence", parts=(actions(),))
    soft = Part("c2pa.soft-binding", cbor2.dumps({"alg": "phash", "blocks": []}))
    yield good(
        "with-assertions-that-are-not-judged", parts=(actions(), licence(), soft, Part("org.example.note", b"\xa0"))
    )
    yield Case("with-an-update", updated(), None)
    file, made = signed()
    parent = boxed(made)
    first = update(parent, Recipe().label)
    second = update(first, SECOND, "urn:c2pa:00000000-0000-4000-8000-000000000003")
    yield Case("with-two-updates", restored(file, made, store(parent, first, second)), None)
    theirs = boxed(signed(Recipe(signer=STRANGER, parts=(actions(),), label=SECOND), png(91))[1])
    over = Recipe(parts=(actions(), licence(), ingredient(SECOND, theirs, relationship="componentOf")))
    yield Case("with-an-ingredient-by-a-stranger", signed(over, before=(theirs,))[0], None)
    yield Case("with-an-identity", identified(), None)
    yield Case("with-an-identity-under-the-claim-root", identified(SIGNER), None)
    yield Case("with-an-identity-by-the-clock", identified(TSA), None)
    yield Case("with-an-identity-by-a-stranger", identified(STRANGER), None)
    did = identified(change=lambda payload: payload.update(sig_type="cawg.identity_claims_aggregation"))
    yield Case("with-an-identity-of-another-kind", did, None)
