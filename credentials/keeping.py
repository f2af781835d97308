"""The claim signer as it is kept on disk: begun once, replaced by command, never lost without a word.

In the key folder: ``c2pa-roots.pem``, every root under which files were ever signed here (a trust file lists them all,
so what was signed before stays good), and ``ca/`` with ``root``, ``issuing`` and ``signer`` (chain and encrypted key).
The root's key may be taken offline: it is asked for when an issuing authority is replaced. Where the chain was
imported, only ``signer`` is used. ``cawg-roots.pem``: roots above licensors who identify themselves; they make nobody a
signer of claims.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.ca import Identity, issue_authority, issue_signer, new_root
from credentials.errors import KeyUnreadable
from credentials.manifests import Actor
from credentials.signer import ClaimSigner, PrivateKey
from tallystick.c2pa import SignerRoots
from tallystick.c2pa.doctor import diagnose
from tallystick.lazy_dataclass import dataclass

ROOTS, CA, RETIRED, IDENTITIES = "c2pa-roots.pem", "ca", "retired", "identities"
IDENTITY_ROOTS, MAX_IDENTITY_ROOTS = "cawg-roots.pem", 64
_PEM, _KEY = ".pem", ".key.pem"


@dataclass(frozen=True, slots=True)
class ClaimKeys:
    """The signer in use, and every root that was ever above one, the one in use last."""

    signer: ClaimSigner
    roots: tuple[x509.Certificate, ...]


def claim_keys(keys: Path, passphrase: bytes, organisation: str, now: datetime, *, begin: bool = False) -> ClaimKeys:
    """The claim signer kept in the folder `keys`; at the first call it is made, with an authority of its own.

    `begin`: a new root may be made although there was one before. Raises KeyUnreadable on a wrong passphrase, and where
    the authority is gone: a new root is never made in silence.
    """
    ca, known = keys / CA, _known(keys)
    if not _has(ca, "signer"):
        if not _has(ca, "issuing"):
            if not _has(ca, "root"):
                if known and not begin:
                    raise KeyUnreadable(
                        f"{ca} has lost its keys, and files were signed under them: bring the folder back from a copy, "
                        "or begin a new authority with `python -m api keys begin` (what was signed stays good, "
                        f"since {ROOTS} still lists the old root)"
                    )
                new_root(organisation, f"{organisation} root", now).save(ca, "root", passphrase)
            root = Identity.load(ca, "root", passphrase)
            issue_authority(root, f"{organisation} issuing authority", now).save(ca, "issuing", passphrase)
        issuing = Identity.load(ca, "issuing", passphrase)
        issue_signer(issuing, f"{organisation} content credentials", now).save(ca, "signer", passphrase)
    chain, key = _load(ca, "signer", passphrase)
    if chain[-1] not in known:
        known = (*known, chain[-1])
        _write(keys / ROOTS, b"".join(one.public_bytes(Encoding.PEM) for one in known))
    ordered = (*(one for one in known if one != chain[-1]), chain[-1])
    return ClaimKeys(ClaimSigner.from_key(_pem(chain[:-1]), key), ordered)


def replace_keys(keys: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Retire what `names` says of signer, issuing and root, in this order; `claim_keys` makes the missing anew.

    The key goes first: cut short anywhere, the same call finishes. Old files stay good: their chain is in them, and
    their root is listed. Raises KeyUnreadable where what is above is not at hand to issue another.
    """
    ca = keys / CA
    above = {"signer": "issuing", "issuing": "root"}.get(names[-1])
    if above is not None and not _has(ca, above):
        raise KeyUnreadable(f"the key of {above} is not in {ca}: bring it for as long as another is issued")
    return tuple(moved for name in names for moved in _retire(ca, name))


def import_chain(
    keys: Path, passphrase: bytes, chain_pem: bytes, root_pem: bytes, key: PrivateKey, now: datetime
) -> ClaimSigner:
    """Take a signer of another authority into use. `chain_pem`: leaf first, without the root.

    Raises KeyUnreadable with every fault that the doctor finds, SigningFailed where key and chain do not fit.
    """
    roots = SignerRoots.from_pem(root_pem)
    if found := diagnose(chain_pem, roots, now):
        raise KeyUnreadable("the chain may not sign: " + "; ".join(f"{one.detail} ({one.code})" for one in found))
    signer = ClaimSigner.from_key(chain_pem, key)
    signer.sign1(b"the key belongs to the certificate")
    replace_keys(keys, ("signer",)) if _has(keys / CA, "issuing") else _retire(keys / CA, "signer")
    [root] = roots.certificates
    _save(keys / CA, "signer", _pem((*signer.chain, root)), key, passphrase)
    return signer


def import_identity(
    keys: Path,
    passphrase: bytes,
    party: str,
    chain_pem: bytes,
    key: PrivateKey,
    above: tuple[bytes, datetime] | None = None,
) -> Actor:
    """Keep a licensor's identity certificate and key, to stand behind the licences that it grants (CAWG).

    `above`: the root (PEM) that the trust file is to name, and the time at which the chain is judged under it; without
    one readers are told of an identity that they cannot check. Raises SigningFailed where chain and key do not fit or
    may not sign, KeyUnreadable with every fault that the doctor finds.
    """
    signer = ClaimSigner.from_key(chain_pem, key)
    signer.sign1(b"the key belongs to the certificate")
    if above is not None:
        roots = SignerRoots.from_pem(above[0])
        if found := diagnose(chain_pem, roots, above[1], "cawg"):
            raise KeyUnreadable("it identifies nobody: " + "; ".join(f"{one.detail} ({one.code})" for one in found))
        known = identity_roots(keys)
        new = [one for one in roots.certificates if one not in known]
        if len(known) + len(new) > MAX_IDENTITY_ROOTS:
            raise KeyUnreadable(f"{MAX_IDENTITY_ROOTS} roots stand above identities; a trust file names no more")
        _write(keys / IDENTITY_ROOTS, _pem((*known, *new)))
    name = party.replace("/", "_")
    _retire(keys / IDENTITIES, name)
    _save(keys / IDENTITIES, name, chain_pem, key, passphrase)
    return Actor(signer)


def identity_roots(keys: Path) -> tuple[x509.Certificate, ...]:
    """Every root that was ever kept above a licensor's identity, the newest last."""
    return _certificates(keys / IDENTITY_ROOTS)


def actors(keys: Path, passphrase: bytes) -> dict[str, Actor]:
    """Who may stand behind licences, by party. Raises KeyUnreadable."""
    found = {}
    for path in sorted((keys / IDENTITIES).glob(f"*{_KEY}")):
        name = path.name.removesuffix(_KEY)
        chain, key = _load(keys / IDENTITIES, name, passphrase)
        found[name.replace("_", "/")] = Actor(ClaimSigner.from_key(_pem(chain), key))
    return found


def read_private_key(pem: bytes, passphrase: bytes | None) -> PrivateKey:
    """A private key from elsewhere. Raises KeyUnreadable."""
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError) as error:
        raise KeyUnreadable(f"the private key does not open: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        raise KeyUnreadable("the private key is of a kind that signs no claims")
    return key


def _known(keys: Path) -> tuple[x509.Certificate, ...]:
    return _certificates(keys / ROOTS)


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_pem_x509_certificates(path.read_bytes())) if path.exists() else ()


def _has(folder: Path, name: str) -> bool:
    return (folder / f"{name}{_KEY}").exists()


def _load(folder: Path, name: str, passphrase: bytes) -> tuple[tuple[x509.Certificate, ...], PrivateKey]:
    chain = tuple(x509.load_pem_x509_certificates((folder / f"{name}{_PEM}").read_bytes()))
    try:
        key = read_private_key((folder / f"{name}{_KEY}").read_bytes(), passphrase)
    except KeyUnreadable:
        raise KeyUnreadable(f"the key {name}{_KEY} does not open: wrong passphrase, or damaged") from None
    if key.public_key() != chain[0].public_key():
        raise KeyUnreadable(f"the key {name}{_KEY} does not belong to the certificate {name}{_PEM}")
    return chain, key


def _save(folder: Path, name: str, chain_pem: bytes, key: PrivateKey, passphrase: bytes) -> None:
    """The key comes last and makes the pair count."""
    form = serialization.BestAvailableEncryption(passphrase)
    secret = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, form)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / f"{name}{_PEM}", chain_pem)
    _write(folder / f"{name}{_KEY}", secret)


def _retire(folder: Path, name: str) -> list[Path]:
    """Move key and chain aside, under the certificate's fingerprint."""
    if not (folder / f"{name}{_PEM}").exists():
        return []
    leaf = x509.load_pem_x509_certificates((folder / f"{name}{_PEM}").read_bytes())[0]
    mark = leaf.public_bytes(Encoding.DER)[-8:].hex()
    (folder / RETIRED).mkdir(mode=0o700, exist_ok=True)
    moved = []
    for suffix in (_KEY, _PEM):
        if (folder / f"{name}{suffix}").exists():
            place = folder / RETIRED / f"{name}-{mark}{suffix}"
            (folder / f"{name}{suffix}").replace(place)
            moved.append(place)
    return moved


def _pem(chain: Sequence[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, for the owner alone."""
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(handle)
    part.replace(path)
