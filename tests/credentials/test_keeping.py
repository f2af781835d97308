"""The kept signer: replaced without breaking what was signed, imported from elsewhere, never lost without a word."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from credentials.ca import issue_authority, issue_signer, new_root
from credentials.errors import KeyUnreadable, SigningFailed
from credentials.keeping import (
    CA,
    ROOTS,
    ClaimKeys,
    actors,
    claim_keys,
    identity_roots,
    import_chain,
    import_identity,
    read_private_key,
    replace_keys,
)
from tallystick.c2pa import CredentialRefused, SignerRoots, judge, read
from tallystick.c2pa.verdict import OtherRoots
from tests.core.c2pa.kit import AT, BORN, PAYLOAD, custom, make_world, manifest, named, plain, signed_by, world

PASS = b"p"


def kept(folder: Path) -> ClaimKeys:
    return claim_keys(folder, PASS, "Registrar", BORN)


def picture(keys: ClaimKeys) -> bytes:
    return signed_by(keys.signer, plain("image/png"), "image/png", manifest())


def holds(data: bytes, keys: ClaimKeys) -> bool:
    return judge(read(data, "image/png"), SignerRoots(keys.roots), AT).licence == PAYLOAD


def test_begun_once_and_found_again(tmp_path: Path) -> None:
    first = kept(tmp_path)
    assert kept(tmp_path).signer.chain == first.signer.chain
    assert holds(picture(first), kept(tmp_path))
    assert (tmp_path / ROOTS).stat().st_mode & 0o777 == 0o600


def test_an_authority_begun_earlier_goes_on(tmp_path: Path) -> None:
    root = new_root("Registrar", "Registrar root", BORN)
    issuing = issue_authority(root, "Registrar issuing authority", BORN)
    earlier = issue_signer(issuing, "Registrar content credentials", BORN)
    for name, identity in (("root", root), ("issuing", issuing), ("signer", earlier)):
        identity.save(tmp_path / CA, name, PASS)
    found = kept(tmp_path)
    assert (found.signer.chain, found.roots) == (earlier.chain[:-1], (earlier.chain[-1],))


@pytest.mark.parametrize("names", [("signer",), ("signer", "issuing"), ("signer", "issuing", "root")])
def test_replaced_keys_leave_old_files_good(tmp_path: Path, names: tuple[str, ...]) -> None:
    before = kept(tmp_path)
    old = picture(before)
    moved = replace_keys(tmp_path, names)
    assert len(moved) == 2 * len(names)
    if "root" in names:
        with pytest.raises(KeyUnreadable, match="keys begin"):
            kept(tmp_path)
        claim_keys(tmp_path, PASS, "Registrar", BORN, begin=True)
    after = kept(tmp_path)
    assert after.signer.chain[0] != before.signer.chain[0]
    assert (after.signer.chain[1] == before.signer.chain[1]) == (names == ("signer",))
    assert holds(old, after)
    assert holds(picture(after), after)


@pytest.mark.parametrize("lost", [("signer",), ("signer", "issuing")])
def test_a_beginning_that_was_interrupted_goes_on(tmp_path: Path, lost: tuple[str, ...]) -> None:
    first = kept(tmp_path)
    for name in lost:
        (tmp_path / CA / f"{name}.key.pem").unlink()
    (tmp_path / ROOTS).unlink()
    assert kept(tmp_path).roots == first.roots


def test_a_lost_authority_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    kept(tmp_path)
    shutil.rmtree(tmp_path / CA)
    with pytest.raises(KeyUnreadable, match="bring the folder back"):
        kept(tmp_path)
    assert not (tmp_path / CA).exists()


def test_the_root_may_be_taken_offline(tmp_path: Path) -> None:
    first = kept(tmp_path)
    (tmp_path / CA / "root.key.pem").rename(tmp_path / "safe")
    assert kept(tmp_path).signer.chain == first.signer.chain
    replace_keys(tmp_path, ("signer",))
    assert kept(tmp_path).roots == first.roots
    with pytest.raises(KeyUnreadable, match="key of root is not in"):
        replace_keys(tmp_path, ("signer", "issuing"))


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()])
def test_an_imported_chain_signs(tmp_path: Path, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
    before = kept(tmp_path)
    old = picture(before)
    chain = named(world().issuing, "Elsewhere", key.public_key())
    import_chain(tmp_path, PASS, chain, world().root.root_pem, key, AT)
    after = kept(tmp_path)
    assert after.roots == (before.roots[0], world().root.certificate)
    assert holds(old, after)
    assert holds(picture(after), after)
    with pytest.raises(KeyUnreadable, match="wrong passphrase"):
        claim_keys(tmp_path, b"q", "Registrar", BORN)


def test_an_imported_chain_that_may_not_sign_is_refused_with_each_fault(tmp_path: Path) -> None:
    first = kept(tmp_path)
    bad = custom(world().issuing, purposes=("1.3.6.1.5.5.7.3.8",), usage=("key_cert_sign",))
    with pytest.raises(KeyUnreadable, match=r"signer\.key_usage.*signer\.purpose"):
        import_chain(tmp_path, PASS, bad.signing_chain_pem, world().root.root_pem, bad.key, AT)
    with pytest.raises(KeyUnreadable, match=r"signer\.untrusted"):
        import_chain(tmp_path, PASS, world().signer.signing_chain_pem, make_world().root.root_pem, bad.key, AT)
    with pytest.raises(SigningFailed, match="no ES256 signature"):
        import_chain(tmp_path, PASS, world().signer.signing_chain_pem, world().root.root_pem, bad.key, AT)
    with pytest.raises(KeyUnreadable, match="does not open"):
        read_private_key(b"nothing", None)
    assert kept(tmp_path).signer.chain == first.signer.chain


def test_identities_are_kept_by_party(tmp_path: Path) -> None:
    person = custom(world().issuing, purposes=("1.3.6.1.5.5.7.3.4",))
    import_identity(tmp_path, PASS, "10.5555/P-1", person.signing_chain_pem, person.key)
    again = custom(world().issuing, purposes=("1.3.6.1.5.5.7.3.4",))
    import_identity(tmp_path, PASS, "10.5555/P-1", again.signing_chain_pem, again.key)
    found = actors(tmp_path, PASS)
    assert {party: actor.signer.chain[0] for party, actor in found.items()} == {"10.5555/P-1": again.certificate}
    said = replace(manifest(), identities=tuple(found.values()))
    keys = kept(tmp_path)
    data = signed_by(keys.signer, plain("image/png"), "image/png", said)
    [identity] = judge(read(data, "image/png"), SignerRoots(keys.roots), AT).identities
    assert not identity.trusted  # no list of identity roots was given: it is told, and refuses nothing
    with pytest.raises(SigningFailed):
        import_identity(tmp_path, PASS, "10.5555/P-2", person.signing_chain_pem, again.key)


def test_the_root_above_an_identity_is_kept_for_identities_alone(tmp_path: Path) -> None:
    mine = make_world()
    person = custom(mine.issuing, purposes=("1.3.6.1.5.5.7.3.4",))
    above = (mine.root.root_pem, AT)
    for party in ("10.5555/P-1", "10.5555/P-2"):
        import_identity(tmp_path, PASS, party, person.signing_chain_pem, person.key, above)
    assert identity_roots(tmp_path) == (mine.root.certificate,)
    keys = kept(tmp_path)
    assert mine.root.certificate not in keys.roots
    others = OtherRoots((), SignerRoots(identity_roots(tmp_path)))
    said = replace(manifest(), identities=(actors(tmp_path, PASS)["10.5555/P-1"],))
    data = signed_by(keys.signer, plain("image/png"), "image/png", said)
    [identity] = judge(read(data, "image/png"), SignerRoots(keys.roots), AT, others).identities
    assert identity.trusted
    for signer in (mine.signer, person):
        forged = signed_by(signer.claim_signer(), plain("image/png"), "image/png", manifest())
        with pytest.raises(CredentialRefused) as refused:
            judge(read(forged, "image/png"), SignerRoots(keys.roots), AT, others)
        assert refused.value.code == "signer.untrusted"


def test_an_identity_under_another_root_than_the_one_given_is_refused(tmp_path: Path) -> None:
    person = custom(world().issuing, purposes=("1.3.6.1.5.5.7.3.4",))
    above = (make_world().root.root_pem, AT)
    with pytest.raises(KeyUnreadable, match=r"identifies nobody.*signer\.untrusted"):
        import_identity(tmp_path, PASS, "10.5555/P-1", person.signing_chain_pem, person.key, above)
    assert (actors(tmp_path, PASS), identity_roots(tmp_path)) == ({}, ())


def test_no_more_roots_above_identities_than_a_trust_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credentials.keeping.MAX_IDENTITY_ROOTS", 1)
    one, two = make_world(), make_world()
    for mine in (one, two):
        person = custom(mine.issuing, purposes=("1.3.6.1.5.5.7.3.4",))
        given = (person.signing_chain_pem, person.key, (mine.root.root_pem, AT))
        if mine is one:
            import_identity(tmp_path, PASS, "10.5555/P-1", *given)
        else:
            with pytest.raises(KeyUnreadable, match="a trust file names no more"):
                import_identity(tmp_path, PASS, "10.5555/P-2", *given)
    assert identity_roots(tmp_path) == (one.root.certificate,)


def test_keys_are_encrypted_at_rest(tmp_path: Path) -> None:
    kept(tmp_path)
    for path in (tmp_path / CA).glob("*.key.pem"):
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        with pytest.raises((ValueError, TypeError)):
            serialization.load_pem_private_key(path.read_bytes(), None)
