"""Other people's software reads our tokens, and ours reads theirs: sd-jwt (with jwcrypto), PyJWT, openssl."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from tallystick.base64s import from_base64
from tallystick.keys import LocalSigner
from tallystick.times import format_time
from tallystick.token.binding import Expected, bind, require, verify_binding
from tallystick.token.jose import parse_jws, write_jwk
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import open_claims, parse_sd_jwt
from tests.core.licence.paper import Paper
from tests.core.token.kit import AUDIENCE, NONCE, Pocket
from tests.world import START, World, key_from


class EsWorld(World):
    """A world whose licensee has a P-256 key: sd-jwt checks key bindings under ES256 alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.licensee = self.someone("licensee", "es256")


@pytest.fixture(scope="module")
def pocket() -> Pocket:
    return Pocket(Paper(world=EsWorld()))


def public_jwk(signer: LocalSigner) -> JWK:
    return JWK(**write_jwk(signer.public))


def private_jwk(signer: LocalSigner) -> JWK:
    return JWK.from_pyca(signer.private)


def leaf_key(pocket: Pocket) -> Any:
    """The issuer's key as they would get it: out of the certificate in the header."""

    def key(issuer: str, header: dict[str, Any]) -> JWK:
        assert issuer == pocket.claims().iss
        leaf = x509.load_der_x509_certificate(from_base64(header["x5c"][0]))
        return JWK.from_pem(leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    return key


# --- ours, read by them ----------------------------------------------------------------


def test_sd_jwt_verifies_our_presentation(pocket: Pocket) -> None:
    shown = pocket.present("territory", "window").text
    payload = SDJWTVerifier(shown, leaf_key(pocket), AUDIENCE, NONCE).get_verified_payload()
    values = {one.name: one.value for one in pocket.disclosures}
    assert (payload["territory"], payload["window"]) == (values["territory"], values["window"])
    assert "payment" not in payload
    assert payload["vct"] == "urn:tallystick:vct:licence:1"
    assert payload["cnf"]["jwk"] == write_jwk(pocket.holder.public)


@pytest.mark.parametrize(("audience", "nonce"), [("https://other.example", NONCE), (AUDIENCE, "other")])
def test_sd_jwt_refuses_what_we_refuse(pocket: Pocket, audience: str, nonce: str) -> None:
    shown = pocket.present("territory", audience=audience, nonce=nonce)
    with pytest.raises(ValueError, match="Invalid"):
        SDJWTVerifier(shown.text, leaf_key(pocket), AUDIENCE, NONCE)
    with pytest.raises(TokenRefused):
        require(verify_binding(shown, pocket.holder.public), Expected(AUDIENCE, NONCE), START)


def test_sd_jwt_presents_our_token_and_we_verify_it(pocket: Pocket) -> None:
    """A wallet that has never heard of us chooses the disclosures and signs the binding."""
    wallet = SDJWTHolder(pocket.token.text)
    wallet.create_presentation({"territory": True}, NONCE, AUDIENCE, private_jwk(pocket.holder), "ES256")
    found = pocket.read(parse_sd_jwt(wallet.sd_jwt_presentation))
    assert [one.name for one in found.shown] == ["territory"]
    binding = verify_binding(found.sd_jwt, found.holder)
    assert (binding.audience, binding.nonce) == (AUDIENCE, NONCE)


def test_pyjwt_verifies_both_signatures(pocket: Pocket) -> None:
    leaf = x509.load_der_x509_certificate(pocket.issuer.chain[0]).public_key()
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    token = pocket.present()
    claims = pyjwt.decode(token.jwt, leaf, algorithms=["ES256"], options=options)
    assert claims["licence"]["id"] == pocket.paper.licence.event.subject
    holder = pyjwt.PyJWK(write_jwk(pocket.holder.public)).key
    bound = pyjwt.decode(token.binding, holder, algorithms=["ES256"], options=options)
    assert (bound["aud"], bound["nonce"]) == (AUDIENCE, NONCE)
    assert pyjwt.get_unverified_header(token.binding)["typ"] == "kb+jwt"
    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(token.jwt, holder, algorithms=["ES256"], options=options)


def test_pyjwt_verifies_an_ed25519_binding() -> None:
    pocket = Pocket()
    token = bind(pocket.token, pocket.holder, AUDIENCE, NONCE, START)
    holder = pyjwt.PyJWK(write_jwk(pocket.holder.public)).key
    bound = pyjwt.decode(
        token.binding, holder, algorithms=["EdDSA"], options={"verify_aud": False, "verify_iat": False}
    )
    assert bound["nonce"] == NONCE


def test_openssl_verifies_the_chain(pocket: Pocket, tmp_path: Path) -> None:
    root, leaf = tmp_path / "root.pem", tmp_path / "leaf.pem"
    root.write_bytes(x509.load_der_x509_certificate(pocket.issuer.root).public_bytes(Encoding.PEM))
    leaf.write_bytes(x509.load_der_x509_certificate(pocket.issuer.chain[0]).public_bytes(Encoding.PEM))
    at = ["-attime", str(START)]
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", *at, "-CAfile", root, leaf], capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("leaf.pem: OK\n"), done.stdout + done.stderr
    shown = subprocess.run(
        ["openssl", "x509", "-in", leaf, "-noout", "-ext", "subjectAltName"], capture_output=True, text=True, check=True
    )
    assert f"URI:{pocket.claims().iss}" in shown.stdout, format_time(START)


# --- theirs, read by us ---------------------------------------------------------------------


def theirs(**options: Any) -> tuple[SDJWTIssuer, LocalSigner, LocalSigner]:
    issuer, holder = key_from("their issuer", "es256"), key_from("their holder", "es256")
    claims = {
        "iss": "https://issuer.example",
        SDObj("given_name"): "Ada",
        "address": {SDObj("street"): "Weg 1", "country": "DE"},
        "nationalities": [SDObj("DE"), SDObj("FR")],
        SDObj("nested"): {SDObj("inner"): {"a": [SDObj(1), 2]}},
    }
    made = SDJWTIssuer(
        claims, private_jwk(issuer), JWK.from_json(public_jwk(holder).export_public()), "ES256", **options
    )
    return made, issuer, holder


@pytest.mark.parametrize("decoys", [False, True])
def test_we_open_what_sd_jwt_issues(decoys: bool) -> None:
    made, issuer, _ = theirs(add_decoy_claims=decoys)
    token = parse_sd_jwt(made.sd_jwt_issuance)
    jws = parse_jws(token.jwt, "example+sd-jwt")
    jws.verify(issuer.public)
    opened = open_claims(json.loads(jws.payload), token.disclosures)
    assert {name: each for name, each in opened.items() if name != "cnf"} == {
        "iss": "https://issuer.example",
        "given_name": "Ada",
        "address": {"street": "Weg 1", "country": "DE"},
        "nationalities": ["DE", "FR"],
        "nested": {"inner": {"a": [1, 2]}},
    }
    verified = SDJWTVerifier(made.sd_jwt_issuance, lambda *_: public_jwk(issuer)).get_verified_payload()
    assert opened == verified


def test_we_verify_the_binding_that_sd_jwt_makes() -> None:
    made, _, holder = theirs()
    wallet = SDJWTHolder(made.sd_jwt_issuance)
    wallet.create_presentation({"given_name": True}, NONCE, AUDIENCE, private_jwk(holder), "ES256")
    token = parse_sd_jwt(wallet.sd_jwt_presentation)
    found = verify_binding(token, holder.public)
    assert (found.audience, found.nonce) == (AUDIENCE, NONCE)
    with pytest.raises(TokenRefused):
        verify_binding(token, key_from("thief", "es256").public)
