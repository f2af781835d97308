"""A status list as JWT: the same statuses as the CWT, the vectors of the draft, and every forgery."""

from __future__ import annotations

import zlib
from typing import Any

import jwt as pyjwt
import pytest

from tallystick.base64s import from_base64url, to_base64url
from tallystick.errors import MalformedInput
from tallystick.keys import LocalSigner
from tallystick.licence.status_list import Status, StatusList, StatusRefused, inflate, pack, verify_status_list
from tallystick.token.jose import write_jwk
from tallystick.token.status_jwt import LOG, TYP, sign_status_jwt, verify_status_jwt
from tests.core.licence.paper import URI, Paper
from tests.core.token.kit import resigned
from tests.world import key_from


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def signer_of(paper: Paper) -> LocalSigner:
    return paper.world.roles["status"]


def signed(paper: Paper, status: Status = Status.SUSPENDED, **changes: Any) -> str:
    return sign_status_jwt(paper.status_list(status, **changes), signer_of(paper))


@pytest.mark.parametrize("status", list(Status))
def test_it_says_what_the_cwt_says(paper: Paper, status: Status) -> None:
    found = verify_status_jwt(signed(paper, status), signer_of(paper).public, URI)
    assert found == paper.status_list(status)
    assert found.status(paper.index) is status


def test_the_two_bit_vector_of_the_draft() -> None:
    """draft-ietf-oauth-status-list §4.2: twelve statuses, their bytes, and the compressed text."""
    statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    assert pack([Status(one) for one in statuses]) == bytes.fromhex("c944f9")
    assert inflate(from_base64url("eNo76fITAAPfAgc")) == bytes.fromhex("c944f9")


def test_the_one_bit_vector_of_the_draft_inflates() -> None:
    assert inflate(from_base64url("eNrbuRgAAhcBXQ")) == bytes.fromhex("b9a3")


def test_pyjwt_verifies_it(paper: Paper) -> None:
    token = signed(paper)
    key = pyjwt.PyJWK(write_jwk(signer_of(paper).public)).key
    claims = pyjwt.decode(token, key, algorithms=["EdDSA"], options={"verify_exp": False, "verify_iat": False})
    assert (claims["sub"], claims["status_list"]["bits"]) == (URI, 2)
    assert pyjwt.get_unverified_header(token)["typ"] == TYP == "statuslist+jwt"


def forged(paper: Paper, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return resigned(signed(paper), signer_of(paper), claims, header)


REFUSED: dict[str, Any] = {
    "another key": lambda p: sign_status_jwt(p.status_list(), key_from("thief")),
    "another key under the name of the right one": lambda p: resigned(signed(p), key_from("thief"), {}),
    "the token's type": lambda p: forged(p, {"typ": "dc+sd-jwt"}),
    "no signature": lambda p: forged(p, {"alg": "none"}),
    "another list": lambda p: forged(p, sub="https://log.example/status/2"),
}
MALFORMED: dict[str, Any] = {
    "another header": lambda p: forged(p, {"x5c": []}),
    "one bit": lambda p: forged(p, status_list={"bits": 1, "lst": "eNrbuRgAAhcBXQ"}),
    "no lifetime": lambda p: forged(p, ttl=None),
    "no end": lambda p: forged(p, exp=None),
    "an end before its issue": lambda p: forged(p, exp=1),
    "no checkpoint": lambda p: forged(p, **{LOG: None}),
    "more statuses than it has": lambda p: forged(p, **{LOG: {"count": 9, "origin": "x", "root": "", "size": 1}}),
    "another claim": lambda p: forged(p, nbf=1),
    "bytes that are not zlib": lambda p: forged(p, status_list={"bits": 2, "lst": "AAAA"}),
    "a bomb": lambda p: forged(p, status_list={"bits": 2, "lst": bomb()}),
    "bytes after it": lambda p: forged(p, status_list={"bits": 2, "lst": "eNo76fITAAPfAgcAAA"}),
}


def bomb() -> str:
    return to_base64url(zlib.compress(bytes(1 << 22)))


@pytest.mark.parametrize("name", REFUSED)
def test_a_list_that_is_not_the_logs(paper: Paper, name: str) -> None:
    with pytest.raises(StatusRefused):
        verify_status_jwt(REFUSED[name](paper), signer_of(paper).public, URI)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_list_that_has_not_its_form(paper: Paper, name: str) -> None:
    with pytest.raises(MalformedInput):
        verify_status_jwt(MALFORMED[name](paper), signer_of(paper).public, URI)


def test_a_name_without_a_scheme_gets_one(paper: Paper) -> None:
    """As the service names its lists, from before tokens: ``log.example/status/1``."""
    found: StatusList = paper.status_list(uri="log.example/status/1")
    token = sign_status_jwt(found, signer_of(paper), "https://log.example/status")
    assert verify_status_jwt(token, signer_of(paper).public, "log.example/status/1") == found
    assert verify_status_jwt(token, signer_of(paper).public, "https://log.example/status/1").packed == found.packed


def test_one_form_is_not_the_other(paper: Paper) -> None:
    with pytest.raises(MalformedInput):
        verify_status_list(signed(paper).encode(), signer_of(paper).public, URI)
