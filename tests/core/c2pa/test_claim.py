"""The manifest itself: what its claim does not cover, or what could be read in two ways, is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tallystick.c2pa import C2paReading, CredentialRefused, judge, read
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.reading import Status, _engine_report, _parse_report, _require_free_box
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import AT, custom, raw, rebuilt, replaced, resign, signed, store_of, world


def refusal_of(png: bytes) -> str:
    """Why it is not read."""
    with pytest.raises(MalformedInput) as refused:
        read(png, "image/png")
    return str(refused.value)


def test_an_assertion_outside_the_claim_is_refused() -> None:
    """Placed beside the signed ones, it would look signed."""

    def smuggle(body: bytes) -> bytes:
        twin = parse_store(store_of(signed())).children[-1].child("c2pa.assertions").child("org.tallystick.licence")
        return body + raw(twin, twin.body.replace(b"licence", b"licencf"))

    store = rebuilt(store_of(signed()), ("c2pa.assertions",), smuggle)
    assert "not in the claim" in refusal_of(replaced(signed(), store))


def test_two_boxes_of_one_name_are_refused() -> None:
    store = store_of(signed())
    assertions = parse_store(store).children[-1].child("c2pa.assertions")
    twin = raw(assertions.child("org.tallystick.licence"))
    assert "expected exactly" in refusal_of(
        replaced(signed(), rebuilt(store, ("c2pa.assertions",), lambda body: body + twin))
    )
    for label in ("c2pa.claim.v2", "c2pa.signature"):
        twin = raw(parse_store(store).children[-1].child(label))
        assert "expected exactly" in refusal_of(
            replaced(signed(), rebuilt(store, (), lambda body, twin=twin: body + twin))
        )


def test_two_manifests_of_one_label_are_refused() -> None:
    top = parse_store(store_of(signed()))
    twice = raw(top, top.body + raw(top.children[-1]))
    assert "same label" in refusal_of(replaced(signed(), twice))


def test_a_manifest_of_an_unknown_kind_is_refused() -> None:
    store = store_of(signed())
    assert "compressed or of an unknown kind" in refusal_of(replaced(signed(), store.replace(b"c2ma", b"c2cm")))


def test_an_empty_store_is_refused() -> None:
    top = parse_store(store_of(signed()))
    described = top.body[: int.from_bytes(top.body[:4])]
    assert "empty" in refusal_of(replaced(signed(), raw(top, described)))


def with_claim(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The signed picture with its claim changed and honestly signed again."""

    def edit(body: bytes) -> bytes:
        start = body.index(b"cbor") - 4
        claim = cbor2.loads(body[start + 8 :])
        change(claim)
        content = cbor2.dumps(claim)
        return body[:start] + (len(content) + 8).to_bytes(4) + b"cbor" + content

    store = rebuilt(store_of(signed()), ("c2pa.claim.v2",), edit)
    return resign(replaced(signed(), store), world().signer.chain[:-1], world().signer.key)


def set_uri(uri: str) -> Callable[[dict[str, Any]], None]:
    def change(claim: dict[str, Any]) -> None:
        claim["created_assertions"][0]["url"] = uri

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda claim: claim.update(signature="self#jumbf=/c2pa/urn:c2pa:other/c2pa.signature"), "signature box"),
        (lambda claim: claim.update(created_assertions="all"), "not a list"),
        (lambda claim: claim["created_assertions"].append(claim["created_assertions"][0]), "listed twice"),
        (lambda claim: claim["created_assertions"].append(7), "not in its own manifest"),
        (lambda claim: claim.update(alg="md5"), "md5"),
        (lambda claim: claim.update({7: 7}), "text keys"),
        (set_uri("self#jumbf=/c2pa/urn:c2pa:other/c2pa.assertions/c2pa.actions.v2"), "not in its own manifest"),
        (set_uri("https://elsewhere.example/assertion"), "not in its own manifest"),
        (set_uri("self#jumbf=c2pa.assertions/absent"), "expected exactly one"),
    ],
)
def test_claims_that_point_elsewhere(change: Callable[[dict[str, Any]], None], says: str) -> None:
    assert says in refusal_of(with_claim(change))


def test_a_second_certificate_chain_is_refused() -> None:
    """One reader could judge the protected one, another the one that nobody signed."""
    signer = world().signer
    png = resign(signed(), signer.chain[:1], signer.key, unprotected={"x5chain": b"other"})
    assert "unprotected header" in refusal_of(png)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_certificates_that_do_not_parse_are_refused() -> None:
    """The serial numbers are given: of one by chance 1 in 256 is no DER once it is made negative."""
    from tests.core.c2pa.kit import der

    signer = world().signer

    def negative(serial: int) -> bytes:
        good = der(custom(world().issuing, serial=serial).certificate)
        at = good.index(b"\xa0\x03\x02\x01\x02\x02") + 7
        return good[:at] + bytes([good[at] | 0x80]) + good[at + 1 :]

    for wrong, says in (
        (negative(0x4F), "serial number"),
        (negative(0x0102 << 144), "serial number"),
        (negative(0xFF << 144), "serial number"),
        (negative(0x7F80 << 144), "does not parse"),
        (b"nonsense", "does not parse"),
        (b"", "does not parse"),
    ):
        assert says in refusal_of(resign(signed(), (wrong,), signer.key))
    assert "1 to 8" in refusal_of(resign(signed(), (b"\x30\x00",) * 9, signer.key))


@pytest.mark.parametrize(
    ("cose", "says"),
    [
        (b"\xd2\x84", "does not decode"),
        (b"\xff", "does not decode"),
        (cbor2.dumps(7) + b"\0", "1 bytes follow"),
        (cbor2.dumps(7), "COSE_Sign1"),
        (cbor2.dumps(cbor2.CBORTag(98, [b"", {}, None, b""])), "has the tag 98"),
        (cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"payload", b""])), "detached"),
        (cbor2.dumps(cbor2.CBORTag(18, ["", {}, None, b""])), "wrong type"),
        (cbor2.dumps(cbor2.CBORTag(18, [b"\x80", {}, None, b""])), "not a map"),
        (cbor2.dumps(cbor2.CBORTag(18, [b"\xa0", {}, None, b""])), "0 x5chain"),
    ],
)
def test_signatures_that_are_none(cose: bytes, says: str) -> None:
    def put(body: bytes) -> bytes:
        start = body.index(b"cbor") - 4
        return body[:start] + (len(cose) + 8).to_bytes(4) + b"cbor" + cose

    assert says in refusal_of(replaced(signed(), rebuilt(store_of(signed()), ("c2pa.signature",), put)))


def test_deep_cbor_is_refused_not_followed() -> None:
    bomb = b"\x81" * 100_000 + b"\x00"
    store = rebuilt(
        store_of(signed()),
        ("c2pa.signature",),
        lambda body: body[: body.index(b"cbor") - 4] + (len(bomb) + 8).to_bytes(4) + b"cbor" + bomb,
    )
    assert "does not decode" in refusal_of(replaced(signed(), store))


def judged(change: Callable[[C2paReading], C2paReading]) -> str:
    with pytest.raises(CredentialRefused) as caught:
        judge(change(read(signed(), "image/png")), world().roots, AT)
    return caught.value.code


def test_what_the_engine_says_fails_closed() -> None:
    def engine(**changes: object) -> Callable[[C2paReading], C2paReading]:
        return lambda reading: replace(reading, engine=replace(reading.engine, **changes))

    revoked = Status("signingCredential.ocsp.revoked", "self#jumbf=/c2pa/x", "revoked")
    assert judged(engine(failure=(revoked,))) == "signingCredential.ocsp.revoked"
    broken = Status("assertion.hashedURI.mismatch", "self#jumbf=/c2pa/x", "")
    assert judged(engine(ingredient_failure=(broken,))) == "assertion.hashedURI.mismatch"
    assert judged(engine(failure=(Status("some.new.code", "", ""),))) == "some.new.code"
    assert judged(engine(success=())) == "binding.absent"
    assert judged(engine(failure=(), state="Invalid")) == "engine.unknown"
    assert judged(engine(signed_at="2026-01-01T00:00:00Z")) == "time.future"


def test_reports_of_an_unknown_shape_are_refused() -> None:
    active = {"success": [], "informational": [], "failure": []}
    report = {"manifests": {"m": {}}, "validation_state": "Valid", "validation_results": {"activeManifest": active}}
    assert _parse_report(report, "m").failure == ()
    for results in ({}, {"activeManifest": active, "newSection": {}}):
        with pytest.raises(CredentialRefused) as caught:
            _parse_report(report | {"validation_results": results}, "m")
        assert caught.value.code == "engine.unknown"


def test_two_readers_must_see_the_same_manifest() -> None:
    with pytest.raises(CredentialRefused) as caught:
        _engine_report(io.BytesIO(signed()), "image/png", store_of(signed()), "urn:c2pa:other")
    assert caught.value.code == "claim.ambiguous"


def test_a_bmff_hash_leaves_out_nothing_that_is_seen() -> None:
    for xpath in ("/mdat", "/moov", "/moov/trak", None):
        with pytest.raises(CredentialRefused) as caught:
            _require_free_box({"xpath": xpath})
        assert caught.value.code == "binding.exclusion"
    with pytest.raises(CredentialRefused):
        _require_free_box({"xpath": "/uuid"})


def test_our_assertion_must_be_json() -> None:
    def as_cbor(reading: C2paReading) -> C2paReading:
        changed = tuple(
            replace(a, kind="cbor") if a.label == "org.tallystick.licence" else a for a in reading.manifest.assertions
        )
        return replace(reading, manifests=(replace(reading.manifest, assertions=changed),))

    assert judged(as_cbor) == "assertion.not_created"


def test_our_assertion_must_be_canonical() -> None:
    def swap(content: bytes) -> bytes:
        return content.replace(b'"entry":"AAAA"', b'"entry" :"AAA"')

    signer = world().signer
    png = resign(signed(), signer.chain[:-1], signer.key, {"org.tallystick.licence": swap})
    with pytest.raises(MalformedInput, match="canonical"):
        judge(read(png, "image/png"), world().roots, AT)


def test_es256_is_for_p256_alone() -> None:
    """A signature of another curve has the same length; COSE in C2PA fixes the curve by the algorithm."""
    leaf = custom(world().issuing, curve=ec.SECP256K1())
    with pytest.raises(CredentialRefused, match="does not fit its algorithm") as caught:
        read(resign(signed(), leaf.chain[:-1], leaf.key), "image/png")
    assert caught.value.code == "claimSignature.mismatch"
