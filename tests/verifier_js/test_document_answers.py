"""Answers about certificates (OCSP) in a document (docs/evidence/credentials.md section 6): what counts, and what not.

Each says that the signer was revoked before he signed, but for some. Where it counts, both verifiers refuse the
document; where it does not, both say alike what else is told, and that nothing tells how it stood.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.core.timestamp import forge
from tests.core.timestamp.forge import AUTHORITY, Holder, holder, tlv, usage
from tests.verifier_js.both import Second
from tests.verifier_js.pdf_forge import CLOCK, CLOCK_ROOT, REGISTRAR, ROOT, SIGNED, with_answers
from tests.verifier_js.revocation_forge import (
    CRITICAL,
    ED25519,
    HASHES,
    NONCE,
    NOT_CRITICAL,
    NULL,
    RESPONDING,
    SIGNATURES,
    Answer,
    Single,
    by_key,
    extension,
    oid,
    when,
)
from tests.verifier_js.test_document_lists import ANSWERED, OPEN, REFUSED, said
from tests.verifier_js.test_documents import AT, DAY, Case, Written, good, of_the_first

BEFORE, SECOND = SIGNED - DAY, timedelta(seconds=1)
REVOKED = Single(revoked=BEFORE)
OTHER = Single(serial=5)
SERIAL = REGISTRAR.certificate.serial_number
LEAF, SIGNS, RESPONDS = (
    (x509.BasicConstraints(False, None), True),
    (usage("digital_signature"), True),
    (RESPONDING, False),
)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), NULL)
ANY = x509.ObjectIdentifier("2.5.29.37.0")
NAMED = x509.NameConstraints([x509.DNSName("x")], None)


def responder(
    name: str, *extensions: tuple[x509.ExtensionType, bool], issuer: Holder | None = ROOT, **more: object
) -> Holder:
    return holder(f"responder {name}", issuer, extensions or (LEAF, SIGNS, RESPONDS), **more)  # type: ignore[arg-type]


def with_edwards(key: ed25519.Ed25519PrivateKey) -> Holder:
    made = x509.CertificateBuilder().subject_name(forge.named("edwards")).issuer_name(ROOT.certificate.subject)
    made = made.public_key(key.public_key()).serial_number(77).not_valid_before(forge.BEGIN)
    made = made.not_valid_after(forge.END).add_extension(*RESPONDS)
    return Holder(made.sign(ROOT.key, hashes.SHA256()), key)  # type: ignore[arg-type]


PLAIN, RSA, P384 = responder("plain"), responder("rsa", kind="rsa2048"), responder("p384", kind="p384")
EDWARDS = with_edwards(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
PSS = algos.SignedDigestAlgorithm(
    {
        "algorithm": "rsassa_pss",
        "parameters": {
            "hash_algorithm": {"algorithm": "sha256"},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
            "salt_length": 32,
        },
    }
).dump()


def by(one: Holder, *shown: bytes, **more: object) -> Answer:
    return Answer((REVOKED,), by=one, shown=shown or (one.der,), **more)  # type: ignore[arg-type]


def single(**how: object) -> Answer:
    return Answer((replace(REVOKED, **how),))


def algorithm(kind: str, digest: str, *parameters: bytes) -> bytes:
    return tlv(0x30, oid(SIGNATURES[kind][digest]) + b"".join(parameters))


def part(place: int, value: bytes) -> dict[str, object]:
    """One part of what names the certificate."""
    return {"edit_id": lambda given: [*given[:place], value, *given[place + 1 :]]}


def named(*extensions: tuple[x509.ExtensionType, bool]) -> Answer:
    return by(responder(hashlib.sha256(repr(extensions).encode()).hexdigest()[:16], *extensions))


Table = dict[str, tuple[Answer | bytes, str]]
STATUS: Table = {
    "revoked": (Answer((REVOKED,)), REFUSED),
    "good": (Answer(), ANSWERED),
    "unknown": (single(status=tlv(0x82, b"")), OPEN),
    "good, to the last second": (Answer((Single(since=SIGNED - 7 * DAY, until=SIGNED),)), ANSWERED),
    "good, of the day after": (Answer((Single(since=SIGNED + DAY, until=None),)), ANSWERED),
    "good, old": (Answer((Single(since=SIGNED - 7 * DAY, until=SIGNED - SECOND),)), OPEN),
    "good, old and without an end": (Answer((Single(since=SIGNED - SECOND, until=None),)), OPEN),
    "revoked at that second": (single(revoked=SIGNED), REFUSED),
    "revoked a second later": (single(revoked=SIGNED + SECOND), ANSWERED),
    "revoked, says an old one": (single(since=SIGNED - 90 * DAY, until=SIGNED - 80 * DAY), REFUSED),
    "revoked, says one of the future": (single(since=AT + DAY, until=AT + 2 * DAY), REFUSED),
    "revoked, without an end": (single(until=None), REFUSED),
    "revoked, until before it began": (single(until=SIGNED - DAY), REFUSED),
    "good with content": (single(status=tlv(0x80, b"\0")), OPEN),
    "good and constructed": (single(status=tlv(0xA0, b"")), OPEN),
    "unknown with content": (single(status=tlv(0x82, b"x")), OPEN),
    "a status that is none": (single(status=tlv(0x83, b"")), OPEN),
    "revoked at no time": (single(status=tlv(0xA1, b"")), OPEN),
    "revoked at a time within": (single(status=tlv(0xA1, tlv(0x30, when(BEFORE)))), OPEN),
    **{f"for reason {number}": (single(reason=tlv(0xA0, tlv(10, bytes([number])))), REFUSED)
       for number in (1, 6, 8, 99)},
    "for no reason": (single(reason=tlv(0xA0, b"")), OPEN),
    "for a number": (single(reason=tlv(0xA0, b"\2\1\1")), OPEN),
    "for two reasons": (single(reason=tlv(0xA0, b"\x0a\1\1" * 2)), OPEN),
    "for a reason without its tag": (single(reason=tlv(0x80, b"\1")), OPEN),
}  # fmt: skip
ABOUT: Table = {
    **{f"by {name}": (single(digest=name), REFUSED) for name in ("sha1", "sha224", "sha256", "sha384", "sha512")},
    **{f"by {name}": (single(digest=name), OPEN) for name in ("md5", "sha3_256", "sha512_256")},
    "by a hash without NULL": (single(**part(0, tlv(0x30, oid(HASHES["sha1"])))), REFUSED),
    "by a hash of other parameters": (single(**part(0, tlv(0x30, oid(HASHES["sha1"]) + tlv(4, b"")))), OPEN),
    "by a hash of two parameters": (single(**part(0, tlv(0x30, oid(HASHES["sha1"]) + NULL * 2))), OPEN),
    "of another issuer's name": (single(**part(1, tlv(4, bytes(20)))), OPEN),
    "of another issuer's key": (single(**part(2, tlv(4, bytes(20)))), OPEN),
    "of another issuer": (single(issuer=CLOCK_ROOT), OPEN),
    "of no key": (single(**part(2, tlv(4, b""))), OPEN),
    "of another number": (single(serial=SERIAL + 1), OPEN),
    "of the number below zero": (single(serial=-SERIAL), OPEN),
    "of the number with a zero before": (single(serial=tlv(2, b"\0" * 2 + core.Integer(SERIAL).contents)), OPEN),
    "of something more": (single(edit_id=lambda given: [*given, NULL]), OPEN),
    "of another and of him": (Answer((OTHER, REVOKED)), REFUSED),
    "good and revoked": (Answer((Single(), REVOKED)), REFUSED),
    "revoked and good": (Answer((REVOKED, Single())), REFUSED),
    "of nobody": (Answer(()), OPEN),
    "behind 63 others": (Answer((*[OTHER] * 63, REVOKED)), REFUSED),
    "behind 64 others": (Answer((*[OTHER] * 64, REVOKED)), OPEN),
    "before 70 others": (Answer((REVOKED, *[OTHER] * 70)), REFUSED),
    "before 64 others and something else": (Answer((REVOKED, *[OTHER] * 64, NULL)), OPEN),
    "good, 70 times": (Answer((Single(),) * 70), ANSWERED),
}  # fmt: skip
TIMES: Table = {
    **{f"{name} {text!r}": (single(**{name: tlv(tag, text)}), OPEN)
       for name in ("since", "until", "revoked")
       for tag, text in ((0x17, b"260114120000Z"), (0x18, b"20260114120000.5Z"), (0x18, b"20260114120000"),
                         (0x18, b"20260114120000+0000"), (0x18, b"202601141200Z"), (0x18, b"20260230000000Z"),
                         (0x18, b"20261231235960Z"), (0x18, b"00000114120000Z"))},
    "given in UTCTime": (Answer((REVOKED,), produced=tlv(0x17, b"260114120000Z")), OPEN),
    "given at a fraction": (Answer((REVOKED,), produced=tlv(0x18, b"20260114120000.5Z")), OPEN),
    "given before it began": (Answer((REVOKED,), produced=SIGNED - DAY), REFUSED),
    "given in the future": (Answer((REVOKED,), produced=AT + DAY), REFUSED),
    "said in the year 1": (single(since=tlv(0x18, b"00010114120000Z")), REFUSED),
}  # fmt: skip
FORM: Table = {
    "a version that is written": (Answer((REVOKED,), version=tlv(0xA0, b"\2\1\0")), OPEN),
    "a later version": (Answer((REVOKED,), version=tlv(0xA0, b"\2\1\1")), OPEN),
    "of another status": (Answer((REVOKED,), status=b"\x0a\1\1"), OPEN),
    "of no status": (Answer((REVOKED,), status=b"\2\1\0"), OPEN),
    "of a long status": (Answer((REVOKED,), status=b"\x0a\2\0\0"), OPEN),
    "of another kind": (Answer((REVOKED,), kind=oid("1.2.3.4")), OPEN),
    "a refusal": (Answer(edit=lambda given: [b"\x0a\1\3"]), OPEN),
    "a status alone": (Answer(edit=lambda given: given[:1]), OPEN),
    **{f"more {where}": (replace(Answer((REVOKED,)), **{where: lambda given: [*given, NULL]}), OPEN)
       for where in ("edit", "edit_basic", "edit_data")},
    "more in what is said": (single(edit=lambda given: [*given, NULL]), OPEN),
    "something else said before": (Answer((NULL, REVOKED)), OPEN),
    "something else said behind": (Answer((REVOKED, NULL)), OPEN),
    "bytes behind": (Answer((REVOKED,)).der() + b"\0", OPEN),
    "a line behind": (Answer((REVOKED,)).der() + b"\n", OPEN),
    "cut": (Answer((REVOKED,)).der()[:-1], OPEN),
    "of indefinite length": (b"\x30\x80" + Answer((REVOKED,)).der()[4:] + b"\0\0", OPEN),
    "of a long length": (b"\x30\x83\0" + Answer((REVOKED,)).der()[2:], OPEN),
    "nothing": (b"", OPEN),
    "a letter": (b"x", OPEN),
}  # fmt: skip
EXTENSIONS: Table = {
    "a nonce": (Answer((REVOKED,), extensions=(extension(NONCE, tlv(4, b"12345678")),)), REFUSED),
    "a nonce that is none": (Answer((REVOKED,), extensions=(extension(NONCE, b"1"),)), REFUSED),
    "a nonce that must be known": (Answer((REVOKED,), extensions=(extension(NONCE, tlv(4, b"1"), CRITICAL),)), OPEN),
    **{f"{what} {where}": (made, outcome)
       for what, given, outcome in (
           ("an extension", (extension("1.2.3.4"),), REFUSED),
           ("one that must be known", (extension("1.2.3.4", NULL, CRITICAL),), OPEN),
           ("one that need not, in so many words", (extension("1.2.3.4", NULL, NOT_CRITICAL),), OPEN),
           ("one that must by half", (extension("1.2.3.4", NULL, b"\1\1\1"),), OPEN),
           ("one twice", (extension("1.2.3.4"),) * 2, OPEN),
           ("one that is none", (NULL,), OPEN),
           ("none of them", (), OPEN))
       for where, made in (("of the answer", Answer((REVOKED,), extensions=given)),
                           ("of him", single(extensions=given)))},
    "the reason removeFromCRL": (single(extensions=(extension("2.5.29.21", b"\x0a\1\x08"),)), REFUSED),
    "of another one that must be known": (
        Answer((replace(OTHER, extensions=(extension("1.2.3.4", NULL, CRITICAL),)), REVOKED)), REFUSED),
    "of another one twice": (Answer((replace(OTHER, extensions=(extension("1.2.3.4"),) * 2), REVOKED)), REFUSED),
    "of another that is none": (Answer((replace(OTHER, extensions=(NULL,)), REVOKED)), OPEN),
}  # fmt: skip
SIGNATURE: Table = {
    **{f"over {digest}": (Answer((REVOKED,), digest=digest), REFUSED) for digest in ("sha256", "sha384", "sha512")},
    **{f"over {digest}": (Answer((REVOKED,), digest=digest), OPEN) for digest in ("sha1", "sha224")},
    "of P-384 over SHA-256": (by(P384), REFUSED),
    "of P-521": (by(responder("p521", kind="p521"), digest="sha512"), REFUSED),
    "of RSA": (by(RSA), REFUSED),
    "of RSA over SHA-512": (by(RSA, digest="sha512"), REFUSED),
    "of RSA over SHA-1": (by(RSA, digest="sha1"), OPEN),
    "of RSA without NULL": (by(RSA, algorithm=algorithm("rsa", "sha256")), REFUSED),
    "of RSA with other parameters": (by(RSA, algorithm=algorithm("rsa", "sha256", tlv(4, b""))), OPEN),
    "of RSA-PSS": (by(RSA, algorithm=PSS, pss=True), OPEN),
    "of RSA without a hash": (by(RSA, algorithm=tlv(0x30, oid("1.2.840.113549.1.1.1") + NULL)), OPEN),
    "of Ed25519": (by(EDWARDS), REFUSED),
    "of Ed25519 with NULL": (by(EDWARDS, algorithm=tlv(0x30, oid(ED25519) + NULL)), OPEN),
    "of Ed25519 that is said to be ECDSA": (by(EDWARDS, algorithm=algorithm("ecdsa", "sha256")), OPEN),
    "of RSA that is said to be ECDSA": (by(RSA, algorithm=algorithm("ecdsa", "sha256")), OPEN),
    "of ECDSA that is said to be RSA": (Answer((REVOKED,), algorithm=algorithm("rsa", "sha256", NULL)), OPEN),
    "of ECDSA that is said to be Ed25519": (Answer((REVOKED,), algorithm=tlv(0x30, oid(ED25519))), OPEN),
    "of ECDSA with NULL": (Answer((REVOKED,), algorithm=algorithm("ecdsa", "sha256", NULL)), OPEN),
    "said to be over SHA-384": (Answer((REVOKED,), algorithm=algorithm("ecdsa", "sha384")), OPEN),
    "of an unknown algorithm": (Answer((REVOKED,), algorithm=tlv(0x30, oid("1.2.3.4"))), OPEN),
    "of another bit": (Answer((REVOKED,), edit_signature=lambda given: given[:-1] + bytes([given[-1] ^ 1])), OPEN),
    "of a byte more": (Answer((REVOKED,), edit_signature=lambda given: given + b"\0"), OPEN),
    "by a stranger in the issuer's name": (Answer((REVOKED,), key=CLOCK_ROOT.key), OPEN),
}  # fmt: skip
WHO: Table = {
    "the issuer, by key": (Answer((REVOKED,), named=by_key(ROOT)), REFUSED),
    "the issuer, by another name": (
        Answer((REVOKED,), named=tlv(0xA1, CLOCK_ROOT.certificate.subject.public_bytes())), REFUSED),
    "the issuer, by another key": (Answer((REVOKED,), named=by_key(CLOCK_ROOT)), REFUSED),
    "the issuer, by a key of one byte": (Answer((REVOKED,), named=tlv(0xA2, tlv(4, b"x"))), REFUSED),
    "the issuer, by no name": (Answer((REVOKED,), named=tlv(0xA1, tlv(0x30, b""))), REFUSED),
    "the issuer, nameless": (Answer((REVOKED,), named=b""), OPEN),
    "the issuer, by a name that is none": (Answer((REVOKED,), named=tlv(0xA1, tlv(0x30, NULL))), OPEN),
    "the issuer, by key without its tag": (Answer((REVOKED,), named=tlv(0x82, bytes(20))), OPEN),
    "the issuer, in a third way": (Answer((REVOKED,), named=tlv(0xA3, tlv(4, b""))), OPEN),
    "the issuer, who shows himself": (Answer((REVOKED,), shown=(ROOT.der,)), REFUSED),
    "the issuer, beside what is none": (Answer((REVOKED,), shown=(tlv(0x30, NULL),)), OPEN),
    "a stranger": (Answer((REVOKED,), by=CLOCK_ROOT), OPEN),
    "a stranger who shows himself": (by(responder("stranger", issuer=None)), OPEN),
    "the signer himself": (by(REGISTRAR), OPEN),
    "a responder": (by(PLAIN), REFUSED),
    "a responder who says good": (Answer(by=PLAIN, shown=(PLAIN.der,)), ANSWERED),
    "a responder, by key": (by(PLAIN, named=by_key(PLAIN)), REFUSED),
    "a responder in the issuer's name": (by(PLAIN, named=tlv(0xA1, ROOT.certificate.subject.public_bytes())), REFUSED),
    "a responder who is not shown": (by(PLAIN, CLOCK.der), OPEN),
    "the fourth who is shown": (by(PLAIN, CLOCK.der, ROOT.der, REGISTRAR.der, PLAIN.der), REFUSED),
    "the fifth who is shown": (by(PLAIN, CLOCK.der, ROOT.der, REGISTRAR.der, CLOCK_ROOT.der, PLAIN.der), OPEN),
    "the fifth behind one": (by(PLAIN, *[CLOCK.der] * 4, PLAIN.der), OPEN),
    "a responder behind what is none": (by(PLAIN, tlv(0x30, NULL), PLAIN.der), OPEN),
    "a responder of a responder": (by(responder("below", issuer=PLAIN)), OPEN),
    "a responder of another": (by(responder("elsewhere", issuer=CLOCK_ROOT)), OPEN),
    "one whom SHA-224 certifies": (by(responder("224", digest=hashes.SHA224())), OPEN),
    "one whom SHA-512 certifies": (by(responder("512", digest=hashes.SHA512())), REFUSED),
    "one of another curve": (by(responder("k1", kind="k1")), OPEN),
    "one of short RSA": (by(responder("short", kind="rsa1024")), OPEN),
    "from the next second on": (by(responder("early", begin=SIGNED + SECOND)), OPEN),
    "to the second before": (by(responder("late", end=SIGNED - SECOND)), OPEN),
    "from that second on": (by(responder("first", begin=SIGNED)), REFUSED),
    "to that second": (by(responder("last", end=SIGNED)), REFUSED),
    "valid when it was said, and no more when it was written": (
        by(responder("then", end=SIGNED + DAY), produced=SIGNED + 2 * DAY), REFUSED),
    "valid only when it was written": (by(responder("since", begin=SIGNED + DAY), produced=SIGNED + 2 * DAY), OPEN),
    "for other purposes": (named(LEAF, SIGNS, (x509.ExtendedKeyUsage([ANY]), False)), OPEN),
    "for other purposes too": (
        named(LEAF, SIGNS, (x509.ExtendedKeyUsage([*RESPONDING, ANY]), False)), REFUSED),
    "for no purpose": (named(LEAF, SIGNS), OPEN),
    "for that purpose and nothing else said": (named(RESPONDS), REFUSED),
    "critically": (named(LEAF, SIGNS, (RESPONDING, True)), REFUSED),
    "an authority": (named(*AUTHORITY[:1], SIGNS, RESPONDS), REFUSED),
    "to commit": (named(LEAF, (usage("content_commitment"), True), RESPONDS), REFUSED),
    "to sign certificates": (named(LEAF, (usage("key_cert_sign"), True), RESPONDS), OPEN),
    "to agree on keys": (named(LEAF, (usage("key_agreement"), True), RESPONDS), OPEN),
    "with an unknown extension": (named(LEAF, SIGNS, RESPONDS, (UNKNOWN, False)), REFUSED),
    "with one that must be known": (named(LEAF, SIGNS, RESPONDS, (UNKNOWN, True)), OPEN),
    "with name constraints": (named(LEAF, SIGNS, RESPONDS, (NAMED, False)), OPEN),
}  # fmt: skip
TABLES = {"status": STATUS, "about": ABOUT, "times": TIMES, "form": FORM, "extensions": EXTENSIONS,
          "signature": SIGNATURE, "who": WHO}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_what_counts_counts_in_both(table: str, second: Second, tmp_path: Path) -> None:
    written, cases = Written(tmp_path), {}
    for name, (made, _) in TABLES[table].items():
        answer = made if isinstance(made, bytes) else made.der()
        cases[name] = Case(lambda answer=answer: with_answers(good(), answer))  # type: ignore[misc]
    trials = {name: written.trial(name, case) for name, case in cases.items()}
    found = dict(zip(trials, second.judge(trials.values()), strict=True))
    for name, case in cases.items():
        told = {key: value for key, value in found[name].items() if key != "reason"}
        assert told == of_the_first(trials[name].path, case), name
        assert said(told["outcome"], told.get("problems", 0)) == TABLES[table][name][1], (name, found[name])
