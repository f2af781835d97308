"""`python -m api keys`: run as an operator runs it, on a service's own folder."""

from __future__ import annotations

import argparse
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from api.founding import found_keyring
from api.settings import Settings, read_settings
from api.signing_keys import add_commands, run
from api.wiring import open_services
from credentials.errors import KeyUnreadable, SigningFailed
from credentials.keeping import claim_keys
from tallystick.base64s import to_base64
from tallystick.c2pa import CredentialRefused, judge, read, roots_of
from tallystick.trust import parse_trust
from tests.core.c2pa.kit import AT, custom, make_world, manifest, plain, signed_by, world


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = read_settings({"TALLYSTICK_DATA": str(tmp_path / "data")})
    (tmp_path / "data").mkdir()
    found_keyring(found)
    return found


def told(settings: Settings, *arguments: str) -> list[str]:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(dest="command", required=True))
    return run(settings, parser.parse_args(["keys", *arguments]), lambda: int(AT.timestamp()))


def test_signer_and_authority_are_replaced_and_the_roots_kept(settings: Settings) -> None:
    first = told(settings, "show")
    assert [line.split(":")[0] for line in first] == ["signer", "root"]
    assert told(settings, "replace", "signer")[1:] == first[1:]
    assert told(settings, "replace", "issuing")[1:] == first[1:]
    assert len(told(settings, "begin")) == 3
    assert told(settings, "show")[1] == first[1]


def test_a_lost_authority_is_not_replaced_in_silence(settings: Settings) -> None:
    first = told(settings, "show")
    shutil.rmtree(settings.keys / "ca")
    with pytest.raises(KeyUnreadable, match="python -m api keys begin"):
        told(settings, "show")
    assert told(settings, "begin")[1] == first[1]


def test_chains_are_imported(settings: Settings, tmp_path: Path) -> None:
    told(settings, "show")
    signer = custom(world().issuing)
    person = custom(world().issuing, purposes=("1.3.6.1.5.5.7.3.4",))
    form = serialization.PrivateFormat.PKCS8
    for name, one in (("signer", signer), ("person", person)):
        (tmp_path / f"{name}.pem").write_bytes(one.signing_chain_pem)
        secret = one.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        (tmp_path / f"{name}.key").write_bytes(secret)
    (tmp_path / "root.pem").write_bytes(world().root.root_pem)
    chain, key, root = (str(tmp_path / name) for name in ("signer.pem", "signer.key", "root.pem"))
    lines = told(settings, "import", chain, key, "--root", root)
    assert lines[0].startswith("signer: CN=Custom,O=Registrar, ES256")
    assert lines[-1].startswith("root: CN=Test root")
    party = "10.5555/P-AAAA-BBBB-CCCC-DDDD-" + _check("10.5555/P-AAAA-BBBB-CCCC-DDDD-")
    lines = told(settings, "identity", party, str(tmp_path / "person.pem"), str(tmp_path / "person.key"))
    assert lines[-1] == f"identity: {party}, CN=Custom,O=Registrar"
    passphrase = (settings.keys / "passphrase").read_bytes().strip()
    assert claim_keys(settings.keys, passphrase, settings.origin, AT).signer.chain == signer.chain[:-1]


def test_the_trust_file_names_the_root_above_an_identity_and_no_signer_of_claims_under_it(
    settings: Settings, tmp_path: Path
) -> None:
    """What a licensee is handed checks who stands behind a card, and that root makes nobody a signer of cards."""
    mine, clock = make_world(), lambda: int(AT.timestamp())
    with open_services(settings, clock) as services:
        before = parse_trust(services.trust)
    person = custom(mine.issuing, purposes=("1.3.6.1.5.5.7.3.4",))
    (tmp_path / "person.pem").write_bytes(person.signing_chain_pem)
    form = serialization.PrivateFormat.PKCS8
    secret = person.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (tmp_path / "person.key").write_bytes(secret)
    (tmp_path / "root.pem").write_bytes(mine.root.root_pem)
    party = "10.5555/P-AAAA-BBBB-CCCC-DDDD-" + _check("10.5555/P-AAAA-BBBB-CCCC-DDDD-")
    paths = [str(tmp_path / name) for name in ("person.pem", "person.key")]
    lines = told(settings, "identity", party, *paths, "--root", str(tmp_path / "root.pem"))
    assert lines[-2:] == [f"root of identities: {mine.root.certificate.subject.rfc4514_string()}",
                          f"identity: {party}, CN=Custom,O=Registrar"]  # fmt: skip
    with open_services(settings, clock) as services:
        trust = parse_trust(services.trust)
    root = to_base64(mine.root.certificate.public_bytes(serialization.Encoding.DER))
    assert (before.file.cawg_roots, trust.file.cawg_roots, trust.file.v) == (None, (root,), 4)
    assert trust.file.c2pa_roots == before.file.c2pa_roots
    roots, others = roots_of(trust)
    forged = signed_by(mine.signer.claim_signer(), plain("image/png"), "image/png", manifest())
    with pytest.raises(CredentialRefused) as refused:
        judge(read(forged, "image/png"), roots, AT, others)
    assert refused.value.code == "signer.untrusted"


def _check(stem: str) -> str:
    from tallystick.errors import MalformedInput
    from tallystick.identifiers import parse_identifier

    for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        try:
            parse_identifier(stem + character)
        except MalformedInput:
            continue
        return character
    raise AssertionError("no check character fits")


@pytest.mark.parametrize(
    ("days", "told_next"),
    [
        (-1, "is valid from .*; the operator compares the clock of the service's machine"),
        (731, "was valid until .*signer.expired.; the operator puts another in its place: python -m api keys replace"),
    ],
    ids=["before", "after"],
)
def test_a_signer_before_and_after_its_time_says_what_to_do(settings: Settings, days: int, told_next: str) -> None:
    kept = claim_keys(settings.keys, (settings.keys / "passphrase").read_bytes().strip(), "x", AT)
    begins = kept.signer.chain[0].not_valid_before_utc
    kept.signer.require_valid(begins)
    kept.signer.require_valid(begins + timedelta(days=729))
    with pytest.raises(SigningFailed, match=told_next):
        kept.signer.require_valid(begins + timedelta(days=days))
