"""A licence token: one form, the log's own commitments, and claims that no disclosure can bring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.base64s import from_base64url, to_base64, to_base64url
from tallystick.commitments import disclose
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError, write
from tallystick.times import UnixSeconds
from tallystick.token.binding import verify_binding
from tallystick.token.licence import LicenceToken, parse_licence_token, valid_at
from tallystick.token.metadata import DOCUMENT, INTEGRITY, VCT
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import SdJwt, digest_of
from tallystick.versions import UnknownVersion
from tests.core.token.kit import Pocket, resigned

SALT = bytes(16)


@pytest.fixture(scope="module")
def pocket() -> Pocket:
    return Pocket()


def names(token: LicenceToken) -> list[str]:
    return [one.name for one in token.shown]


def test_issued_and_read(pocket: Pocket) -> None:
    found = pocket.read()
    found.jws.verify(pocket.issuer.signer.public)
    assert found.holder == pocket.holder.public
    assert found.claims == pocket.claims()
    assert found.claims.iss == "https://log.example/little"
    assert found.claims.status.status_list.uri == pocket.paper.licence.event.body.status.list
    assert found.shown == pocket.disclosures
    assert found.jws.header["typ"] == "dc+sd-jwt"


def test_what_is_shown_is_the_disclosure_that_the_log_committed_to(pocket: Pocket) -> None:
    committed = pocket.paper.licence.event.commitments
    found = pocket.read()
    found.require_commitments(committed)
    assert {one.name: one.commitment for one in found.shown} == committed
    assert {bytes.fromhex(pair.sha256) for pair in committed.values()} == {
        bytes.fromhex(one.commitment.sha256) for one in found.shown
    }
    another = disclose("payment", None, SALT).commitment
    fewer = {name: each for name, each in committed.items() if name != "payment"}
    for changed in ({}, fewer, {**committed, "payment": another}, {**committed, "consent": another}):
        with pytest.raises(TokenRefused) as caught:
            found.require_commitments(changed)
        assert caught.value.code == "log.commitments"


def test_a_holder_shows_territory_and_window_without_the_price(pocket: Pocket) -> None:
    shown = pocket.show("territory", "window")
    assert names(pocket.read(shown)) == ["territory", "window"]
    (price,) = (one.text for one in pocket.disclosures if one.name == "payment")
    assert price not in shown.text
    assert pocket.read(shown).digests == pocket.read().digests
    assert names(pocket.read(pocket.show())) == []
    with pytest.raises(FieldError, match="shows no 'consent'"):
        pocket.show("consent")


def test_its_time_is_from_nbf_up_to_exp(pocket: Pocket) -> None:
    found = pocket.read()
    start, end = found.claims.nbf, found.claims.exp
    moments = (start - 1, start, end - 1, end)
    assert [valid_at(found, UnixSeconds(at)) for at in moments] == [False, True, True, False]


FOREIGN = disclose("territory", {"include": ["WW"], "exclude": []}, SALT).text
NESTED = disclose("territory", {"_sd": [digest_of(FOREIGN)]}, SALT).text
REFUSED: dict[str, tuple[Any, str]] = {
    "another licence's disclosure": (
        lambda p: replace(p.token, disclosures=(*p.token.disclosures[:-1], FOREIGN)),
        "disclosure.unreferenced",
    ),
    "a disclosure twice": (
        lambda p: SdJwt(p.token.jwt, (*p.token.disclosures, p.token.disclosures[0])),
        "disclosure.repeated",
    ),
    "another type of credential": (lambda p: p.forged(vct="https://example.com/identity"), "vct"),
    "no type": (lambda p: p.forged(vct=None), "vct"),
    "an unsigned token": (lambda p: p.forged({"alg": "none"}), "alg"),
    "the media type of old": (lambda p: p.forged({"typ": "vc+sd-jwt"}), "typ"),
    "a plain JWT": (lambda p: p.forged({"typ": "JWT"}), "typ"),
    "digests twice": (
        lambda p: p.forged(_sd=[sorted(p.read().digests)[0]] * 2),
        "disclosure.digest",
    ),
    "digests in an order of their own": (
        lambda p: p.forged(_sd=sorted(p.read().digests, reverse=True)),
        "disclosure.digest",
    ),
    "a disclosure inside a disclosure": (
        lambda p: SdJwt(p.forged(_sd=[digest_of(NESTED)]).jwt, (NESTED, FOREIGN)),
        "disclosure.place",
    ),
    **{
        f"{name} by disclosure": (
            lambda p, name=name: SdJwt(
                p.forged(_sd=[digest_of(disclose(name, 1, SALT).text)]).jwt, (disclose(name, 1, SALT).text,)
            ),
            "disclosure.name",
        )
        for name in ("iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "status", "licence", "_sd", "...")
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_licence_token(pocket: Pocket, name: str) -> None:
    make, code = REFUSED[name]
    with pytest.raises(TokenRefused) as caught:
        parse_licence_token(make(pocket).text)
    assert caught.value.code == code


def nested(pocket: Pocket, where: str, **changes: Any) -> dict[str, Any]:
    """A claim of the token with members of it changed, ``None`` taken out."""
    value = {**write(getattr(pocket.claims(), where)), **changes}
    return {name: each for name, each in value.items() if each is not None}


MALFORMED: dict[str, Any] = {
    "without cnf": lambda p: p.forged(cnf=None),
    "without status": lambda p: p.forged(status=None),
    "without exp": lambda p: p.forged(exp=None),
    "without _sd_alg": lambda p: p.forged(_sd_alg=None),
    "without _sd": lambda p: p.forged(_sd=None),
    "digests that are none": lambda p: p.forged(_sd=["x"]),
    "without the type's digest": lambda p: p.forged(**{"vct#integrity": None}),
    "the digest of another type": lambda p: p.forged(**{"vct#integrity": "sha256-AAAA"}),
    "an unknown claim": lambda p: p.forged(aud="x"),
    "an issuer that is another log's": lambda p: p.forged(iss="https://log.example/other"),
    "exp before iat": lambda p: p.forged(exp=p.claims().iat),
    "nbf after iat": lambda p: p.forged(nbf=p.claims().iat + 1),
    "a time that is a text": lambda p: p.forged(exp="2030"),
    "a private key in cnf": lambda p: p.forged(cnf={"jwk": {**p.claims().cnf.jwk, "d": "AA"}}),
    "a kid in cnf": lambda p: p.forged(cnf={"kid": "1"}),
    "two ways in cnf": lambda p: p.forged(cnf={**nested(p, "cnf"), "kid": "1"}),
    "two ways in status": lambda p: p.forged(status={**nested(p, "status"), "other": {}}),
    "an index below none": lambda p: p.forged(status={"status_list": {"idx": -1, "uri": "https://x"}}),
    "an index beyond all": lambda p: p.forged(status={"status_list": {"idx": 1 << 20, "uri": "https://x"}}),
    "no licence": lambda p: p.forged(licence=nested(p, "licence", id=None)),
    "a party for a licence": lambda p: p.forged(licence=nested(p, "licence", id=p.paper.world.studio.id)),
    "a leaf that is no hash": lambda p: p.forged(licence=nested(p, "licence", leaf="00")),
    "no certificate": lambda p: p.forged({"x5c": []}),
    "certificates without end": lambda p: p.forged({"x5c": ["AAAA"] * 5}),
    "a certificate in the other base64": lambda p: p.forged({"x5c": [to_base64url(p.issuer.chain[0])]}),
    "a certificate of no bytes": lambda p: p.forged({"x5c": [""]}),
    "a large certificate": lambda p: p.forged({"x5c": [to_base64(bytes(8193))]}),
    "a kid in the header": lambda p: p.forged({"kid": "1"}),
    "without certificates": lambda p: p.forged({"x5c": None}),
    "a disclosure with little salt": lambda p: SdJwt(
        p.forged(_sd=[digest_of(to_base64url(b'["AA","use",1]'))]).jwt, (to_base64url(b'["AA","use",1]'),)
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_has_not_the_form(pocket: Pocket, name: str) -> None:
    with pytest.raises(MalformedInput):
        parse_licence_token(MALFORMED[name](pocket).text)


def test_a_later_version_says_that_it_is_later(pocket: Pocket) -> None:
    with pytest.raises(UnknownVersion, match="licence token version 2"):
        parse_licence_token(pocket.forged(licence=nested(pocket, "licence", v=2)).text)


@pytest.mark.parametrize("part", [0, 1])
def test_another_spelling_is_another_token(pocket: Pocket, part: int) -> None:
    """A space in header or claims, honestly signed: the same meaning has one form."""
    parts = pocket.token.jwt.split(".")[:2]
    parts[part] = to_base64url(from_base64url(parts[part]).replace(b":", b": ", 1))
    signed = ".".join(parts)
    jwt = f"{signed}.{to_base64url(pocket.issuer.signer.sign(signed.encode()))}"
    with pytest.raises(MalformedInput, match="canonical"):
        parse_licence_token(replace(pocket.token, jwt=jwt).text)


def believed(pocket: Pocket, text: str) -> None:
    """Every check that needs no log and no clock."""
    found = parse_licence_token(text)
    found.jws.verify(pocket.issuer.signer.public)
    found.require_commitments(pocket.paper.licence.event.commitments)
    verify_binding(found.sd_jwt, pocket.holder.public)


def test_no_byte_of_a_token_can_be_flipped(pocket: Pocket) -> None:
    text = pocket.present().text
    believed(pocket, text)
    for place in range(0, len(text), 7):
        changed = text[:place] + ("B" if text[place] == "A" else "A") + text[place + 1 :]
        with pytest.raises((MalformedInput, TokenRefused)):
            believed(pocket, changed)


def test_a_token_signed_by_somebody_else(pocket: Pocket) -> None:
    roles = pocket.paper.world.roles
    for signer in (
        roles["service"],
        roles["registrar"],
        roles["status"],
        pocket.holder,
        pocket.paper.world.studio.signer,
    ):
        jwt = resigned(pocket.token.jwt, signer, {}, {"alg": "EdDSA"})
        with pytest.raises(TokenRefused) as caught:
            pocket.read(replace(pocket.token, jwt=jwt)).jws.verify(pocket.issuer.signer.public)
        assert caught.value.code == "signature"


def test_the_type_is_written_down_for_ever() -> None:
    """Hashed into every token: when this fails, give the changed document another vct."""
    assert (VCT, INTEGRITY) == (
        "urn:tallystick:vct:licence:1",
        "sha256-M87VcxHouUwcF3rVvmY0vnex64fWvPlrbM95JipaNwY=",
    )
    assert len(DOCUMENT) == 3375
