"""Certificates as PDF (docs/evidence/credentials.md section 5): both verifiers say the same, and nothing is left open.

Honest ones beside documents made to be believed: signed by who may sign, or changed afterwards by anyone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core
from cryptography import x509

from credentials.certificate import render_certificate
from credentials.pades import Attachment, sign_pdf
from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.case import case_members
from tallystick.digests import digest_pair
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.credential import CredentialIssue
from tallystick.pdf.pades import judge_document
from tallystick.schema import write
from tallystick.times import format_time
from tallystick.timestamp import Authority
from tests.core.pdf import kit as pdf_kit
from tests.core.timestamp import forge
from tests.core.timestamp.forge import AUTHORITY, Holder, holder, tlv, usage
from tests.core.verify.kit import AT as AT_BUNDLE
from tests.core.verify.kit import Scene
from tests.core.verify.test_credentials import LIES, certificate_of
from tests.core.verify.test_documents import certified, certified_object, with_logs
from tests.credentials.pades_kit import signer, stamper
from tests.credentials.test_documents import FACTS
from tests.verifier_js.both import Second, Trial, first, outcomes
from tests.verifier_js.pdf_forge import (
    CLOCK,
    CLOCK_ROOT,
    REGISTRAR,
    ROOT,
    SIGNED,
    SMALL,
    Recipe,
    document,
    for_documents,
    objects_of,
    revocations,
    stamped,
    updated,
    with_lists,
)
from tests.verifier_js.test_evidence_corpus import CORPUS
from tests.world import World

NAME = "tallystick-certificate.json"
AT = datetime(2026, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SERIAL = REGISTRAR.certificate.serial_number


@dataclass(frozen=True)
class Case:
    """A document, when it is judged and by which roots; what both say, and when they judge the signer."""

    make: Callable[[], bytes]
    holds: bool = False
    at: datetime = AT
    roots: tuple[Holder, ...] = (ROOT,)
    clocks: tuple[Holder, ...] = (CLOCK_ROOT,)
    judged_at: datetime = SIGNED


def of(holds: bool = False, **changes: Any) -> Case:
    return Case(lambda: document(Recipe(**changes)), holds)


def good() -> bytes:
    return document(Recipe())


def at_place(number: int, old: bytes, new: bytes, holds: bool = False) -> Case:
    """One object says something else before it is signed."""
    body = objects_of(Recipe())[number]
    assert old in body
    return of(holds, objects={number: body.replace(old, new, 1)})


def leaf(name: str, *purposes: str, uses: tuple[str, ...] = ("digital_signature",), **more: Any) -> Holder:
    return holder(f"signer {name}", ROOT, for_documents(*purposes, uses=uses), **more)


def behind(name: str, *, extensions: forge.Extensions, holds: bool = False, **more: Any) -> Case:
    """With an authority between, which the signature brings."""
    between = holder(f"authority {name}", ROOT, extensions, **more)
    signer = holder(f"signer behind {name}", between, for_documents())
    return of(holds, signer=signer, shown=(signer.der, between.der))


def attributes(edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Case:
    return of(edit_attributes=edit)


def parts(edit: Callable[[list[bytes]], list[bytes]]) -> Case:
    return of(edit_parts=edit)


def purpose(dotted: str) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(dotted)]), False


DOCUMENT, ADOBE = "1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"
CLAIMS, CLOCKS, MAIL, ANY = "1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0"
JUNK_TOKEN = cms.ContentInfo({"content_type": "data", "content": b"x"})
V1 = {"type": "signing_certificate", "values": [{"certs": [{"cert_hash": hashlib.sha1(REGISTRAR.der).digest()}]}]}

RANGES: dict[str, Case] = {
    **{f"{tail!r} behind the end": Case(lambda tail=tail: good() + tail) for tail in (b"\n", b" ", b"x", b"%%EOF\n")},  # type: ignore[misc]
    "a hole that the signer left": of(ranges=lambda start, end, last: (0, start, end + 9, last - end - 9)),
    "a hole before the signature": of(ranges=lambda start, end, last: (0, start - 9, end, last - end)),
    "a range that ends early": of(ranges=lambda start, end, last: (0, start, end, last - end - 9)),
    "a range that begins late": of(ranges=lambda start, end, last: (1, start - 1, end, last - end)),
    "three ranges": of(ranges=lambda start, end, last: (0, 9, 9, start - 9, end, last - end)),
    "brackets among the signed": of(ranges=lambda start, end, last: (0, start + 1, end - 1, last - end + 1)),
    "a second value in the signature": of(also=b" /Contents <00>"),
    "a second value that is escaped": of(also=b" /Content#73 <00>"),
    "a second range": of(also=b" /ByteRange [0 1 2 3]"),
    "something behind the signature": of(edit_contents=lambda value: value + b"\x01"),
    "a value of zeros": of(edit_contents=lambda value: b""),
    "another form of signature": of(subfilter=b"adbe.pkcs7.detached"),
    "a range changed afterwards": Case(lambda: good().replace(b"/ByteRange [0 ", b"/ByteRange [1 ", 1)),
    "another payload afterwards": Case(lambda: good().replace(b'{"v":2}', b'{"v":3}', 1)),
}  # fmt: skip

FORM: dict[str, Case] = {
    "nothing wrong": of(True),
    "a hole that a later revision could fill": at_place(3, b"/Parent", b"/X 99 0 R /Parent"),
    "a trailer that names what is not there": of(trailer=b" /ID 99 0 R"),
    "a trailer with another table": of(trailer=b" /XRefStm 9"),
    "a trailer that encrypts": of(trailer=b" /Encrypt 8 0 R"),
    **{f"a catalog with {key}": at_place(1, b"/Type", b"/%s <<>> /Type" % key.encode())
       for key in ("AA", "Collection", "JavaScript", "OCProperties", "OpenAction", "Perms", "Threads", "XFA")},
    **{f"a page with {key}": at_place(3, b"/MediaBox", b"/X <</%s (x)>> /MediaBox" % key.encode())
       for key in ("Alternates", "Encrypt", "GoToE", "GoToR", "ImportData", "JS", "Launch", "Movie", "OC", "ObjStm",
                   "Renditions", "RichMedia", "Sound", "SubmitForm", "URI", "Op#65nAction")},
    "two fields": at_place(5, b"[6 0 R]", b"[6 0 R 6 0 R]"),
    "no field": at_place(5, b"[6 0 R]", b"[]"),
    "fields that stand elsewhere": of(objects={5: b"<</Fields 12 0 R>>", 12: b"[6 0 R]"}),
    "a field for text": at_place(6, b"/FT /Sig", b"/FT /Tx"),
    "no attachment": at_place(1, b"/Names [", b"/Foo ["),
    "another attachment": at_place(1, b"(tallystick-certificate.json)", b"(x.json)"),
    "two attachments": at_place(1, b"9 0 R]", b"9 0 R (x) 9 0 R]"),
    "a second attachment on another branch": at_place(1, b"/Names [(", b"/Kids [<</Names [(a) 9 0 R]>>] /Names [("),
    "a second attachment that readers list": of(
        objects={1: SMALL[1].replace(b"/Type", b"/AF [12 0 R] /Type", 1), 12: SMALL[9]}),
    "another file under the newer name": at_place(9, b"/EF <</F 10 0 R>>", b"/EF <</F 10 0 R /UF 4 0 R>>"),
    "an attachment through a filter": at_place(10, b"/Length", b"/Filter [] /Length"),
    "the name of the attachment in hex": at_place(
        1, b"(%s)" % NAME.encode(), b"<%s>" % NAME.encode().hex().encode(), True),
    "a comment": at_place(8, b"<<", b"<< %x\n"),
    "a key twice": at_place(8, b"<<", b"<</Producer (x)"),
    "a length that stands elsewhere": of(objects={4: b"<</Length 12 0 R>>\nstream\nq Q\nendstream", 12: b"3"}),
}  # fmt: skip

SIGNER: dict[str, Case] = {
    "for Adobe": of(True, signer=leaf("adobe", ADOBE)),
    "for both": of(True, signer=leaf("both", ADOBE, DOCUMENT)),
    "of long RSA": of(True, signer=leaf("rsa", kind="rsa2048")),
    "of P-384 over SHA-512": of(True, signer=leaf("p384", kind="p384"), digest="sha512"),
    "of short RSA": of(signer=leaf("short", kind="rsa1024")),
    "of another curve": of(signer=leaf("k1", kind="k1")),
    "over SHA-1": of(digest="sha1"),
    **{f"for {name}": of(signer=leaf(name, *oids))
       for name, oids in {"claims": (CLAIMS,), "timestamps": (CLOCKS,), "mail too": (DOCUMENT, MAIL), "all": (ANY,),
                          "documents and all": (DOCUMENT, ANY)}.items()},
    "to commit": of(True, signer=leaf("commit", uses=("content_commitment",))),
    "to agree on keys": of(signer=leaf("agree", uses=("key_agreement",))),
    "to sign certificates too": of(signer=leaf("issues", uses=("digital_signature", "key_cert_sign"))),
    "of no key usage": of(signer=holder("free key", ROOT, (for_documents()[0], for_documents()[2]))),
    "of no purpose": of(signer=holder("no purpose", ROOT, for_documents()[:2])),
    "an authority": of(signer=holder("ca", ROOT, ((x509.BasicConstraints(True, None), True), *for_documents()[1:]))),
    "with name constraints": of(signer=holder("nc", ROOT, (
        *for_documents(), (x509.NameConstraints([x509.DNSName("x")], None), False)))),
    "expired, and no stamp": of(signer=leaf("old", end=SIGNED + DAY), stamp=None),
    "expired since": of(True, signer=leaf("old", end=SIGNED + DAY)),
    "expired since, by nobody's clock": Case(lambda: document(Recipe(signer=leaf("old", end=SIGNED + DAY))), clocks=()),
    "expired before": of(signer=leaf("older", end=SIGNED - DAY)),
    "not yet valid": of(signer=leaf("newer", begin=SIGNED + DAY)),
    "under another root": Case(good, roots=(CLOCK_ROOT,)),
    "under no root": Case(good, roots=()),
    "who is in the list himself": Case(good, roots=(REGISTRAR,)),
    "by another's key": of(signer=Holder(REGISTRAR.certificate, leaf("somebody").key)),
    "who is not shown": of(shown=()),
    "among certificates of no meaning": of(True, shown=(tlv(0x30, b"\5\0"), CLOCK.der, REGISTRAR.der)),
    "behind an authority": behind("plain", extensions=AUTHORITY, holds=True),
    "behind one for documents": behind("documents", extensions=(*AUTHORITY, purpose(DOCUMENT)), holds=True),
    "behind one for timestamps": behind("timestamps", extensions=(*AUTHORITY, purpose(CLOCKS))),
    "behind one for claims": behind("claims", extensions=(*AUTHORITY, purpose(CLAIMS))),
    "behind a signer": behind("a signer", extensions=for_documents()),
    "behind one that signs lists alone": behind("lists", extensions=(AUTHORITY[0], (usage("crl_sign"), True))),
    "behind one that expired": behind("expired", extensions=AUTHORITY, end=SIGNED - DAY),
}  # fmt: skip

SIGNATURE: dict[str, Case] = {
    "of version 3": parts(lambda given: [cms.CMSVersion("v3").dump(), *given[1:]]),
    "that brings its data": parts(
        lambda given: [*given[:2], tlv(0x30, cms.ContentType("data").dump() + tlv(0xA0, tlv(4, b"x"))), *given[3:]]),
    "by two": parts(lambda given: [*given[:4], tlv(0x31, given[4][4:] * 2)]),
    "with revocation lists": parts(lambda given: [*given[:4], tlv(0xA1, revocations(ROOT, {})), given[4]]),
    "of no digest": attributes(lambda given: [given[0], given[2]]),
    "of another digest": attributes(lambda given: [given[0], {**given[1], "values": [b"x" * 32]}, given[2]]),
    "of two digests": attributes(
        lambda given: [given[0], {**given[1], "values": [*given[1]["values"], b"x" * 32]}, given[2]]),
    "of no certificate": attributes(lambda given: given[:2]),
    "that names its certificate by SHA-1": attributes(lambda given: [*given[:2], V1]),
    "that names it by SHA-1 too": attributes(lambda given: [*given, V1]),
    "that signs its own time": attributes(
        lambda given: [*given, {"type": "signing_time", "values": [cms.Time({"utc_time": SIGNED})]}]),
    "of another content type": attributes(lambda given: [{**given[0], "values": ["signed_data"]}, *given[1:]]),
    "that names its signer by key": of(edit_signer=lambda signer: {
        **signer, "version": "v3", "sid": cms.SignerIdentifier(
            {"subject_key_identifier": x509.SubjectKeyIdentifier.from_public_key(REGISTRAR.key.public_key()).digest})}),
    "that names another algorithm": of(
        edit_signer=lambda signer: {**signer, "signature_algorithm": {"algorithm": "sha384_ecdsa"}}),
    "with two tokens": of(edit_signer=lambda signer: {**signer, "unsigned_attrs": signer["unsigned_attrs"] * 2}),
    "with a token that is none": of(edit_signer=lambda signer: {
        **signer, "unsigned_attrs": [{"type": "signature_time_stamp_token", "values": [JUNK_TOKEN]}]}),
    "with something else unsigned": of(edit_signer=lambda signer: {
        **signer, "unsigned_attrs": [{"type": "1.2.3.4", "values": [core.OctetString(b"x")]}]}),
}  # fmt: skip

LATER_BY_A_SECOND = forge.Recipe(CLOCK, gen_time=AT + timedelta(seconds=1))
TIME: dict[str, Case] = {
    "a document timestamp": Case(lambda: stamped(good()), True),
    "without any": Case(lambda: document(Recipe(stamp=None)), True, judged_at=AT),
    "by authorities that nobody knows": Case(lambda: stamped(good()), True, clocks=(), judged_at=AT),
    "a signature timestamp over something else": of(stamped=b"x"),
    "a document timestamp over something else": Case(lambda: stamped(good(), message=b"x")),
    "the same, by an unknown authority": Case(lambda: stamped(good(), message=b"x"), clocks=()),
    "a signature timestamp of tomorrow": of(stamp=LATER_BY_A_SECOND),
    "a document timestamp of tomorrow": Case(lambda: stamped(good(), stamp=LATER_BY_A_SECOND)),
    "one that may be of now": Case(lambda: stamped(good(), stamp=forge.Recipe(
        CLOCK, gen_time=AT + timedelta(seconds=1), accuracy={"seconds": 1})), True),
    "one of after the examination": Case(lambda: stamped(good()), at=SIGNED + timedelta(seconds=30)),
    "one over the first revision alone": Case(lambda: stamped(
        good(), ranges=lambda start, end, last: (0, 100, 200, len(good()) - 200))),
    "one with a hole": Case(lambda: stamped(
        good(), ranges=lambda start, end, last: (0, start, end + 3, last - end - 3))),
    "one that ends early": Case(lambda: stamped(
        good(), ranges=lambda start, end, last: (0, start, end, last - end - 1))),
}  # fmt: skip

REVOKED: dict[str, Case] = {
    "nobody": Case(lambda: with_lists(good(), revocations(ROOT, {})), True),
    "before": Case(lambda: with_lists(good(), revocations(ROOT, {SERIAL: SIGNED - DAY}))),
    "a second after": Case(
        lambda: with_lists(good(), revocations(ROOT, {SERIAL: SIGNED + timedelta(seconds=1)})), True),
    "in the second of two lists": Case(
        lambda: with_lists(good(), revocations(ROOT, {}), revocations(ROOT, {SERIAL: SIGNED - DAY}))),
    "by a stranger's key": Case(
        lambda: with_lists(good(), revocations(ROOT, {SERIAL: SIGNED - DAY}, key=CLOCK_ROOT)), True),
    "by another issuer": Case(lambda: with_lists(good(), revocations(CLOCK_ROOT, {SERIAL: SIGNED - DAY})), True),
    "another": Case(lambda: with_lists(good(), revocations(ROOT, {SERIAL + 1: SIGNED - DAY})), True),
    "by a list that is none": Case(lambda: with_lists(good(), b"x"), True),
}  # fmt: skip

STORE = {1: SMALL[1].removesuffix(b">>") + b" /DSS 30 0 R>>"}
CHANGED: dict[str, Case] = {
    "a new object": Case(lambda: updated(good(), {50: b"(x)"}), True),
    "the same catalog": Case(lambda: updated(good(), {1: SMALL[1]}), True),
    "notes of another date": Case(lambda: updated(good(), {8: b"<</Producer (x) /ModDate (D:2027)>>"}), True),
    "notes of a title": Case(lambda: updated(good(), {8: b"<</Producer (x) /ModDate (D:2027) /Title (x)>>"})),
    "what the page shows": Case(lambda: updated(good(), {4: b"<</Length 1>>\nstream\nx\nendstream"})),
    "the same page content": Case(lambda: updated(good(), {4: SMALL[4]})),
    "the attachment": Case(lambda: updated(good(), {10: b'<</Length 7>>\nstream\n{"v":3}\nendstream'})),
    "the list of attachments": Case(
        lambda: updated(good(), {1: SMALL[1].replace(b"9 0 R", b"50 0 R"), 50: SMALL[9]})),
    "the tree of pages": Case(
        lambda: updated(good(), {1: SMALL[1].replace(b"/Pages 2", b"/Pages 50"), 50: SMALL[2]})),
    "an annotation on the page": Case(
        lambda: updated(good(), {3: SMALL[3].replace(b"[6 0 R]", b"[6 0 R 50 0 R]"), 50: b"<</Type /Annot>>"})),
    "the signature": Case(lambda: updated(good(), {7: objects_of(Recipe())[7]})),
    "what acts": Case(lambda: updated(good(), {50: b"<</S /JavaScript /JS (x)>>"})),
    "the catalog, which acts": Case(
        lambda: updated(good(), {1: SMALL[1].replace(b"/Type", b"/OpenAction 4 0 R /Type", 1)})),
    "a second signature": Case(lambda: stamped(good(), {21: objects_of(Recipe())[7]})),
    "a second signature that calls itself a timestamp": Case(
        lambda: stamped(good(), {21: objects_of(Recipe())[7].replace(b"/Type /Sig", b"/Type /DocTimeStamp")})),
    "a field that shows": Case(lambda: stamped(
        good(), {20: SMALL[6].replace(b"7 0 R", b"21 0 R").replace(b"[0 0 0 0]", b"[0 0 9 9]")})),
    "a field with an appearance": Case(lambda: stamped(
        good(), {20: SMALL[6].replace(b"7 0 R", b"21 0 R").replace(b"/T ", b"/AP <</N 4 0 R>> /T ")})),
    "a field on another page": Case(lambda: stamped(
        good(), {20: SMALL[6].replace(b"7 0 R", b"21 0 R").replace(b"/P 3", b"/P 2")})),
    "a field that was there": Case(lambda: stamped(good(), {5: SMALL[5].replace(b"[6 0 R]", b"[6 0 R 6 0 R]")})),
    "fields that are gone": Case(lambda: updated(good(), {5: SMALL[5].replace(b"[6 0 R]", b"[]")})),
    "a store of pages": Case(lambda: updated(good(), {**STORE, 30: b"<</Kids [3 0 R]>>"})),
    "a store with pages within": Case(lambda: updated(good(), {**STORE, 30: b"<</VRI <</Kids [3 0 R]>>>>"})),
    "lists that are none": Case(lambda: updated(good(), {**STORE, 30: b"<</CRLs 1>>"})),
    "a store that is none any more": Case(
        lambda: updated(updated(good(), {**STORE, 30: b"<</Certs []>>"}), {30: b"<</Contents 3 0 R>>"})),
    "bytes behind the last revision": Case(lambda: stamped(good()) + b"\n"),
    "the table that the last one follows": Case(
        lambda: updated(good(), {50: b"(x)"}).replace(b"/Prev ", b"/Prev 1", 1)),
    "an object where none stands": Case(lambda: updated(good(), {50: b"(x)"}).replace(b"50 0 obj", b"51 0 obj", 1)),
}  # fmt: skip

TABLES = {
    "ranges": RANGES,
    "form": FORM,
    "signer": SIGNER,
    "signature": SIGNATURE,
    "time": TIME,
    "revoked": REVOKED,
    "changed": CHANGED,
}


@dataclass
class Written:
    """Documents and trust files in a folder."""

    folder: Path
    trusted: dict[tuple[tuple[Holder, ...], tuple[Holder, ...]], Path] = field(default_factory=dict)

    def trial(self, name: str, case: Case) -> Trial:
        number = len(list(self.folder.glob("*.pdf")))
        path, key = self.folder / f"{number}.pdf", (case.roots, case.clocks)
        path.write_bytes(case.make())
        if key not in self.trusted:
            self.trusted[key] = self.folder / f"{len(self.trusted)}.json"
            self.trusted[key].write_text(json.dumps(trust_file(case)))
        return Trial(name, path, self.trusted[key], case.at.strftime("%Y-%m-%dT%H:%M:%SZ"), kind="document")


def trust_file(case: Case) -> dict[str, Any]:
    given: dict[str, Any] = json.loads((CORPUS / "trust.json").read_text())
    clocks = [{"name": f"clock {at}", "root": text(one), "independent": False} for at, one in enumerate(case.clocks)]
    logs = [{"replaced": [], **log} for log in given["logs"]]
    unlisted = {name: one for name, one in given.items() if name != "pdf_roots"}
    listed = {"pdf_roots": list(map(text, case.roots))} if case.roots else {}
    return {**unlisted, **listed, "v": 4, "logs": logs, "tsa_roots": clocks}


def text(one: Holder) -> str:
    return base64.b64encode(one.der).decode()


def of_the_first(path: Path, case: Case) -> dict[str, Any]:
    clocks = [Authority(f"clock {at}", one.der, False) for at, one in enumerate(case.clocks)]
    try:
        found = judge_document(path.read_bytes(), [one.der for one in case.roots], clocks, case.at, NAME)
    except (VerificationFailed, MalformedInput):
        return {"outcome": "contradicted"}
    judged = found.judged_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"signer": found.signer, "judged_at": judged, "attachment": found.attachment.hex()}
    told = [
        {"of": one.of, "form": one.form, "by": one.by, "from": as_text(one.since), "until": as_text(one.until),
         "revoked": as_text(one.revoked), "sha256": one.sha256, **({"reason": one.reason} if one.reason else {})}
        for one in found.revocation
    ]  # fmt: skip
    return {"outcome": "proved", **said, "problems": len(found.problems), **({"revocation": told} if told else {})}


def as_text(at: datetime | None) -> str | None:
    return None if at is None else format_time(int(at.timestamp()))


@pytest.mark.parametrize("table", TABLES)
def test_documents(table: str, second: Second, tmp_path: Path) -> None:
    written = Written(tmp_path)
    trials = {name: written.trial(name, case) for name, case in TABLES[table].items()}
    found = dict(zip(trials, second.judge(trials.values()), strict=True))
    for name, case in TABLES[table].items():
        said = {key: value for key, value in found[name].items() if key != "reason"}
        assert said == of_the_first(trials[name].path, case), (name, found[name])
        assert said["outcome"] == ("proved" if case.holds else "contradicted"), name
        assert not case.holds or said["judged_at"] == case.judged_at.strftime("%Y-%m-%dT%H:%M:%SZ"), name


# --- in a bundle -----------------------------------------------------------------------------------------


def bundled(scene: Scene, certificate: str, file: bytes, folder: Path, **trust: Any) -> Trial:
    """The file logged as that certificate's, in a bundle of its object."""
    folder.mkdir()
    body = CredentialIssue("pades", "certificate", "application/pdf", digest_pair(file), len(file))
    scene.log.add(scene.world.say(scene.world.service, "credential.issue", certificate, body))
    position = scene.log.find("credential.issue")
    scene.anchor()
    case = replace(scene.material(certified_object(scene)), credentials={position: ("one.pdf", file)})
    bundle, trusted = folder / "case.zip", folder / "trust.json"
    bundle.write_bytes(scene.bundle(case_members(case)))
    roots = {"pdf_roots": tuple(map(to_base64, pdf_kit.roots())), "v": 4}
    trusted.write_bytes(canonical.encode(write(scene.trust_file(**with_logs(scene, {**roots, **trust})))))
    return Trial(folder.name, bundle, trusted, format_time(AT_BUNDLE))


def said_in_a_bundle(folder: Path, lie: str | None, **trust: Any) -> Trial:
    scene, number, opened = certified(folder / "scene")
    honest = {**certificate_of(scene, number), "v": 2, "disclosures": [one.text for one in opened]}
    payload = honest if lie is None else LIES[lie](honest, scene.world)
    if lie == "a later version":
        payload = {**payload, "v": 3}
    if lie == "nothing":
        payload = {}
    at = datetime.fromtimestamp(scene.world.clock, UTC)
    attached = Attachment(canonical.encode(payload), "proof")
    file = sign_pdf(render_certificate(FACTS), attached, signer(at), stamper(at), at, "registration")
    return bundled(scene, number, file, folder / "case", **trust)


@pytest.mark.parametrize("lie", [None, *LIES])
def test_what_a_document_says_of_the_log(lie: str | None, second: Second, tmp_path: Path) -> None:
    trial = said_in_a_bundle(tmp_path, lie)
    expected, (found,) = first(trial), second.judge([trial])
    assert outcomes(found) == outcomes(expected)
    assert outcomes(found)["credential"][1] == ("proved" if lie is None else "contradicted")
    assert found["facts"].get("credentials") == expected["facts"].get("credentials")


def test_documents_of_a_log_that_the_reader_does_not_know(second: Second, tmp_path: Path) -> None:
    trial = said_in_a_bundle(tmp_path, None)
    other = Scene(tmp_path / "other", World("other", "log.example/other", rules=3))
    trust = json.loads(trial.trust.read_bytes())
    trial.trust.write_bytes(canonical.encode({**trust, "logs": [write(replace(other.first, replaced=()))]}))
    expected, (found,) = first(trial), second.judge([trial])
    assert outcomes(found) == outcomes(expected)
    assert outcomes(found)["credential"][1] != "needs_external_fact"
