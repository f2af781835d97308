"""The doctor names the one fault that a certificate has, where c2pa-python says "invalid" or says nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from tallystick.__main__ import main
from tallystick.c2pa import SignerRoots
from tallystick.c2pa.chain import CLAIM_SIGNING, DOCUMENT_SIGNING, Fault
from tallystick.c2pa.doctor import PROFILES, diagnose
from tallystick.c2pa.doctor import Purpose as For
from tallystick.c2pa.faults_told import TOLD
from tallystick.commands.doctor import PURPOSES
from tallystick.errors import MalformedInput
from tests.c2pa_corpus.people import BEGIN, CLOCK, END, Extension, constraints, purposes, usage
from tests.core.c2pa.kit import AT as KIT_AT
from tests.core.c2pa.kit import custom, world
from tests.core.c2pa.sick import AT, HEALTHY, ISSUING, KEY, ROOTS, c2pa_signs, path, pem, sick, signer
from tests.docs.pages import page, table

SICK = sick()


def codes(found: Iterable[Fault]) -> list[str]:
    return [fault.code.removeprefix("signer.") for fault in found]


@pytest.mark.parametrize("code", SICK)
def test_the_one_fault_is_named_and_no_other(code: str) -> None:
    assert codes(diagnose(SICK[code].pem, ROOTS, AT, "claim", SICK[code].shown)) == [code]


@pytest.mark.parametrize("code", [code for code, one in SICK.items() if one.signs is not None])
def test_whether_c2pa_python_refuses_it(code: str) -> None:
    assert c2pa_signs(SICK[code].pem) is SICK[code].signs


@pytest.mark.parametrize(
    "extensions",
    [
        (constraints(False), usage("digital_signature"), purposes(CLAIM_SIGNING)),
        (constraints(False), usage("digital_signature", "content_commitment"), purposes(Purpose.EMAIL_PROTECTION)),
        (constraints(False), usage("digital_signature"), purposes(DOCUMENT_SIGNING, Purpose.CLIENT_AUTH)),
        (usage("digital_signature"), purposes(CLAIM_SIGNING)),
    ],
    ids=["claim", "mail", "documents", "no-basic-constraints"],
)
def test_where_no_fault_is_found_c2pa_python_signs(extensions: tuple[Extension, ...]) -> None:
    """And where c2pa-python refuses, a fault is found: the table above."""
    chain = path(signer("well", ISSUING, *extensions))
    assert diagnose(chain, ROOTS, AT) == ()
    assert c2pa_signs(chain)


def test_every_fault_is_told_in_both_languages_and_in_the_document() -> None:
    assert TOLD.keys() == SICK.keys()
    rows = {row[0].strip("`"): row[1:] for row in table(page("doctor.md"))}
    assert list(rows) == list(TOLD)
    for code, told in TOLD.items():
        signs = {True: "yes", False: "no", None: ""}[SICK[code].signs]
        assert rows[code] == [told.what.en, told.remedy.en, signs]
        assert told.what.zh != told.what.en
        assert told.remedy.zh != told.remedy.en


def test_several_faults_at_once() -> None:
    leaf = custom(world().issuing, (), usage=(), ca=True)
    assert codes(diagnose(leaf.signing_chain_pem, SignerRoots(()), KIT_AT)) == [
        "is_ca",
        "key_usage",
        "purpose",
        "authority_missing",
    ]


def test_the_right_order_is_told() -> None:
    [fault] = diagnose(SICK["chain_order"].pem, ROOTS, AT)
    assert fault.detail.endswith("signer to root: CN=healthy,O=Corpus, CN=issuing,O=Corpus".replace("CN=", "CN=sick "))


def test_the_missing_one_is_named() -> None:
    [fault] = diagnose(SICK["authority_missing"].pem, ROOTS, AT)
    assert fault.detail.startswith("CN=sick issuing,O=Corpus, which issued CN=sick healthy,O=Corpus, is missing")
    assert diagnose(SICK["authority_missing"].pem, None, AT) == (), "without roots nobody asks where the path ends"


def test_times_are_judged_at_the_given_instant() -> None:
    chain = path(HEALTHY)
    for edge in (BEGIN, END):
        assert diagnose(chain, ROOTS, edge) == ()
    assert set(codes(diagnose(chain, ROOTS, END + timedelta(seconds=1)))) == {"expired"}
    assert set(codes(diagnose(chain, ROOTS, BEGIN - timedelta(seconds=1)))) == {"not_yet_valid"}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_certificate_fits_its_own_purpose_and_no_other(purpose: For) -> None:
    document = (constraints(False), usage("digital_signature"), purposes(DOCUMENT_SIGNING))
    made = {"claim": HEALTHY, "cawg": HEALTHY, "tsa": signer("clock", ISSUING, *CLOCK)}
    made["pdf"] = signer("document", ISSUING, *document)
    fitting = {name for name, who in made.items() if not diagnose(path(who), ROOTS, AT, purpose)}
    # A certificate for documents may sign claims (C2PA 14.5.1): that is for whoever lists the roots to tell apart.
    expected = {"claim": {"claim", "cawg", "pdf"}, "cawg": {"claim", "cawg", "pdf"}, "tsa": {"tsa"}, "pdf": {"pdf"}}
    assert fitting == expected[purpose]
    assert set(PROFILES) == set(PURPOSES)


def test_a_clock_must_say_so_critically() -> None:
    mild = (constraints(False), usage("digital_signature"), purposes(Purpose.TIME_STAMPING))
    assert codes(diagnose(path(signer("mild", ISSUING, *mild)), ROOTS, AT, "tsa")) == ["purpose"]


def test_keys_that_fit_and_keys_that_cannot_be_read() -> None:
    plain = serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    assert diagnose(path(HEALTHY), ROOTS, AT, "claim", KEY.private_bytes(*form, plain)) == ()
    locked = KEY.private_bytes(*form, serialization.BestAvailableEncryption(b"secret"))
    with pytest.raises(MalformedInput, match="encrypted: give its public key"):
        diagnose(path(HEALTHY), ROOTS, AT, "claim", locked)
    with pytest.raises(MalformedInput, match="no PEM key"):
        diagnose(path(HEALTHY), ROOTS, AT, "claim", b"key")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        pem(b"\x30\x00"),
        b"\xff" * 99,
    ],
    ids=range(6),
)
def test_what_is_no_certificate(data: bytes) -> None:
    assert codes(diagnose(data, ROOTS, AT)) == ["malformed"]


def test_one_certificate_as_der() -> None:
    data = HEALTHY.certificate.public_bytes(serialization.Encoding.DER)
    assert diagnose(data, None, AT) == ()


# --- the command ------------------------------------------------------------------------------


def run(tmp_path: Path, code: str, *more: str) -> int:
    (tmp_path / "chain.pem").write_bytes(SICK[code].pem if code else path(HEALTHY))
    return main(["doctor", "cert", str(tmp_path / "chain.pem"), "--at", "2025-07-01T00:00:00Z", *more])


def test_the_command_names_the_fault_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "is_ca") == 1
    assert capsys.readouterr().out == (
        "1 faults were found, as claim at 2025-07-01T00:00:00Z:\n"
        "  is_ca: The signer's certificate is an authority's (CA:TRUE).\n"
        "    CN=sick ca,O=Corpus is a certificate authority (CA:TRUE) and may not sign claims itself\n"
        "    what to do: Issue one with CA:FALSE below it, and sign with that.\n"
        "whether its root is trusted was not asked (--trust FILE)\n"
    )
    assert run(tmp_path, "is_ca", "--lang", "zh") == 1
    assert "签名者证书是发证机构证书（CA:TRUE）。" in capsys.readouterr().out


def test_the_command_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "", "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["faults"], value["roots_asked"]) == ("no_fault", [], False)
    assert run(tmp_path, "", "--json", "--purpose", "tsa") == 1
    [fault] = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["code"], fault["zh"]["remedy"]) == ("purpose", "请仅为此目的重新签发。")


def test_the_command_asks_the_roots_of_the_purpose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = Path(__file__).parents[3] / "fixtures" / "c2pa" / "trust.json"
    assert run(tmp_path, "", "--trust", str(trust)) == 1
    assert "authority_missing: " in capsys.readouterr().out
    (tmp_path / "key.pem").write_bytes(SICK["key_mismatch"].shown or b"")
    assert run(tmp_path, "", "--key", str(tmp_path / "key.pem")) == 1
    assert "key_mismatch: " in capsys.readouterr().out
    assert run(tmp_path, "", "--key", str(tmp_path / "chain.pem")) == 2
    capsys.readouterr()
