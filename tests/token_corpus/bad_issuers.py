"""Certificates that do not entitle to sign this log's tokens, by honest authorities and others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tallystick.base64s import to_base64
from tallystick.c2pa.chain import CLAIM_SIGNING
from tallystick.token.issuer import LICENCE_TOKENS
from tests.c2pa_corpus.people import AUTHORITY, Extension, Person, constraints, der, purposes, usage
from tests.token_corpus.case import Case, Wallet, bad, wallet
from tests.token_corpus.people import ISSUER, OTHER_SIGNER, ROOT, SIGNER, certified, issuing, leaf

ISSUERS = "issuer"
HONEST = dict(enumerate(leaf(ISSUER)))
"""Constraints, usage, purpose, name: by their place."""
URI = x509.UniformResourceIdentifier


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _leaves()
    yield from _paths()


def signed_by(who: Person, chain: tuple[bytes, ...] | None = None) -> str:
    """The token of the corpus, under this certificate."""
    held = Wallet(wallet().paper)
    made = issuing(who)
    held.issuer = made if chain is None else type(made)(chain, made.root, made.signer, made.ends)  # type: ignore[misc]
    return held.present().text


def certificate(name: str, changes: Mapping[str, Extension | None]) -> Person:
    """An issuer's certificate with some of its extensions others; ``None``: not there."""
    places = {"constraints": 0, "usage": 1, "purpose": 2, "name": 3}
    made = dict(HONEST)
    for what, extension in changes.items():
        if what in places and extension is None:
            del made[places[what]]
        elif extension is not None:
            made[places.get(what, 9)] = extension
    return certified(name, ROOT, tuple(made[place] for place in sorted(made)))


def named(*names: x509.GeneralName) -> Extension:
    return x509.SubjectAlternativeName(names), False


LEAVES: dict[str, tuple[dict[str, Extension | None], str]] = {
    "without a purpose": ({"purpose": None}, "purpose"),
    "for signing files": ({"purpose": purposes(CLAIM_SIGNING)}, "purpose"),
    "for signing files too": ({"purpose": purposes(LICENCE_TOKENS, CLAIM_SIGNING)}, "purpose"),
    "for any purpose": ({"purpose": purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)}, "purpose"),
    "for timestamps": ({"purpose": purposes(ExtendedKeyUsageOID.TIME_STAMPING)}, "purpose"),
    "for servers": ({"purpose": purposes(ExtendedKeyUsageOID.SERVER_AUTH)}, "purpose"),
    "that is an authority": ({"constraints": constraints(True, 0)}, "purpose"),
    "that is silent about authority": ({"constraints": None}, "purpose"),
    "without key usage": ({"usage": None}, "purpose"),
    "that signs certificates": ({"usage": usage("digital_signature", "key_cert_sign")}, "purpose"),
    "that signs revocation lists": ({"usage": usage("digital_signature", "crl_sign")}, "purpose"),
    "that signs nothing": ({"usage": usage("key_agreement")}, "purpose"),
    "without a name": ({"name": None}, "name"),
    "of another log": ({"name": named(URI("https://log.example/other"))}, "name"),
    "of two logs": ({"name": named(URI(ISSUER), URI("https://log.example/other"))}, "name"),
    "of the host alone": ({"name": named(URI("https://log.example"))}, "name"),
    "of a host of that name": ({"name": named(x509.DNSName("log.example"))}, "name"),
    "with an unknown critical extension": (
        {"more": (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)},
        "chain",
    ),
}


def _leaves() -> Iterator[Case]:
    for name, (changes, code) in LEAVES.items():
        yield bad(f"issuer {name}", signed_by(certificate(f"leaf {name}", changes)), ISSUERS, f"issuer.{code}")
    early = certified("early", ROOT, leaf(ISSUER), begin=datetime(2026, 2, 2, tzinfo=UTC))
    late = certified("late", ROOT, leaf(ISSUER), end=datetime(2026, 1, 31, tzinfo=UTC))
    yield bad("issuer not yet valid", signed_by(early), ISSUERS, "issuer.time")
    yield bad("issuer no longer valid", signed_by(late), ISSUERS, "issuer.time")
    big = certified("big", ROOT, leaf(ISSUER), "es256k")
    yield bad("issuer with a secp256k1 key", _borrowed(big), ISSUERS, "issuer.key")


def _borrowed(who: Person) -> str:
    """The certificate of a key with which no JWS is signed here, over the honest signature."""
    held = wallet()
    token = held.forged({"x5c": [to_base64(one) for one in who.shown]})
    return held.shown(token).text


def _paths() -> Iterator[Case]:
    stranger = certified("strange root", None, AUTHORITY)
    theirs = certified("strange signer", stranger, leaf(ISSUER))
    yield bad("path to an unknown root", signed_by(theirs), ISSUERS, "issuer.untrusted")
    with_root = (*theirs.shown, der(stranger.certificate))
    yield bad("path with its unknown root", signed_by(theirs, with_root), ISSUERS, "issuer.untrusted")
    alone = certified("self signed", None, leaf(ISSUER))
    yield bad("path of one that signed itself", signed_by(alone), ISSUERS, "issuer.untrusted")
    yield bad("path of another logs issuer", signed_by(OTHER_SIGNER), ISSUERS, "issuer.name")
    child = certified("child of a signer", SIGNER, leaf(ISSUER))
    yield bad("path through a signer", signed_by(child), ISSUERS, "issuer.chain")
    between = certified("idle", ROOT, (constraints(True, 0), usage("crl_sign")))
    under = certified("under idle", between, leaf(ISSUER))
    yield bad("path through an authority that signs no certificates", signed_by(under), ISSUERS, "issuer.chain")
    files = certified("files", ROOT, (*AUTHORITY, purposes(CLAIM_SIGNING)))
    below = certified("under files", files, leaf(ISSUER))
    yield bad("path through an authority for files", signed_by(below), ISSUERS, "issuer.purpose")
    narrow = certified("narrow", ROOT, (constraints(True, 0), usage("key_cert_sign")))
    second = certified("second", narrow, AUTHORITY)
    third = certified("third", second, leaf(ISSUER))
    yield bad("path longer than an authority allows", signed_by(third), ISSUERS, "issuer.chain")
    swapped = (third.shown[0], third.shown[2], third.shown[1])
    yield bad("path in another order", signed_by(third, swapped), ISSUERS, "issuer.chain")
    yield bad("path with a link missing", signed_by(third, third.shown[:2]), ISSUERS, "issuer.untrusted")
    stray = (*SIGNER.shown, OTHER_SIGNER.shown[0])
    yield bad("path with a stray certificate", signed_by(SIGNER, stray), ISSUERS, "issuer.chain")
    ended = certified("ended", ROOT, AUTHORITY, end=datetime(2026, 1, 31, tzinfo=UTC))
    after = certified("under ended", ended, leaf(ISSUER))
    yield bad("path through an authority that has ended", signed_by(after), ISSUERS, "issuer.time")
    spoilt = bytearray(SIGNER.shown[0])
    spoilt[-1] ^= 1
    yield bad("path with a spoilt signature", signed_by(SIGNER, (bytes(spoilt),)), ISSUERS, "issuer.untrusted")
    yield bad("path of no certificate", signed_by(SIGNER, (b"\x30\x00",)), None)
    yield bad("path with a byte more", signed_by(SIGNER, (SIGNER.shown[0] + b"\0",)), None)
