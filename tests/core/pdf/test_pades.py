"""A signed document is judged as it stands; whatever else is written into or behind it is refused, with a code."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from credentials.ca import Identity, issue_authority, issue_signer, new_root
from credentials.certificate import render_certificate
from credentials.documents_ca import LIST_DAYS, ROOT, DocumentSigner, issue_document_signer, revocation_list
from credentials.pades import Attachment, Stamper, renew_pdf, sign_pdf
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.pdf.chain import document_faults
from tallystick.pdf.changes import signed_document
from tallystick.pdf.pades import judge_document
from tallystick.pdf.refusal import DocumentRefused
from tallystick.pdf.revisions import Object, Revision, parse_revisions
from tallystick.pdf.values import Ref, Values
from tallystick.timestamp import Authority
from tests.core.pdf.kit import NAME, judge, numbered, roots, source, update
from tests.credentials.pades_kit import BORN, SECRET, SIGNED, kept, signed, signer, stamper
from tests.credentials.test_documents import FACTS

PAYLOAD = b'{"v":2}'
LATER = datetime(2032, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def good() -> bytes:
    return signed(render_certificate(FACTS), PAYLOAD)


def code(data: bytes, at: datetime = SIGNED) -> str:
    with pytest.raises(DocumentRefused) as refused:
        judge(data, at)
    return refused.value.code


def catalog(data: bytes) -> int:
    return parse_revisions(data)[0].root


def page(data: bytes) -> int:
    return numbered(data, b"/Annots [")


def test_a_good_document(good: bytes) -> None:
    verdict = judge(good)
    assert (verdict.signer, verdict.attachment) == ("CN=Registrar registrar,O=Registrar", PAYLOAD)
    assert [one.over for one in verdict.stamps] == ["signature", "document"]
    facts = [one.fact for one in verdict.stamps]
    assert all(fact is not None and fact.operator_only and not fact.independent for fact in facts)
    assert (verdict.judged_at, len(verdict.revocation)) == (SIGNED + timedelta(seconds=1), 1)
    assert verdict.problems == ()


def test_it_holds_after_its_signer_expired_and_after_renewal(good: bytes) -> None:
    assert judge(good, LATER) == judge(good)
    day = datetime(2028, 6, 1, tzinfo=UTC)
    renewed = renew_pdf(good, stamper(day), roots(), (), day)
    verdict = judge(renewed, LATER)
    assert ([one.over for one in verdict.stamps], verdict.attachment) == (["signature", *["document"] * 2], PAYLOAD)
    assert code(renewed) == "time.future"


def test_a_reader_who_knows_no_clock_judges_the_signer_at_the_examination(good: bytes) -> None:
    verdict = judge_document(good, roots(), [], SIGNED, NAME)
    assert verdict.judged_at == SIGNED
    assert [one.fact for one in verdict.stamps] == [None, None]
    assert len(verdict.problems) == 2
    with pytest.raises(DocumentRefused, match=r"pdf\.signer.*valid from"):
        judge_document(good, roots(), [], LATER, NAME)


# --- changed bytes ----------------------------------------------------------------------------------------


def test_no_flipped_byte_changes_what_is_shown(good: bytes) -> None:
    """Refused, or in what nobody signed (the last store, the zeros behind a signature), and then it says the same."""
    whole = judge(good)
    end = parse_revisions(good)[0].end
    hole = good.index(b"/Contents <")
    for at in range(0, len(good), 211):
        changed = good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :]
        try:
            verdict = judge(changed)
        except (VerificationFailed, MalformedInput):
            continue
        assert at >= end or at >= hole, at
        assert (verdict.signer, verdict.attachment, verdict.judged_at) == (
            whole.signer,
            whole.attachment,
            whole.judged_at,
        )


@pytest.mark.parametrize("tail", [b"\n", b"x", b"%%EOF\n", b"<html>", b"% comment\n"])
def test_bytes_behind_the_end(good: bytes, tail: bytes) -> None:
    with pytest.raises(MalformedInput):
        judge(good + tail)


def test_bytes_before_the_beginning(good: bytes) -> None:
    with pytest.raises(MalformedInput):
        judge(b"\n" + good)


# --- shadow attacks -------------------------------------------------------------------------------------------


def test_replace_the_contents_of_a_page(good: bytes) -> None:
    number = int(re.findall(rb"/Contents (\d+) 0 R", source(good, page(good)))[0])
    assert code(update(good, {number: b"<</Length 3>>\nstream\nq Q\nendstream"})) == "pdf.changed"


def test_replace_a_font(good: bytes) -> None:
    number = numbered(good, b"/FontDescriptor")
    assert code(update(good, {number: source(good, number)})) == "pdf.changed"


def test_replace_the_attachment(good: bytes) -> None:
    number = numbered(good, b"/EmbeddedFile\n")
    body = b'<</Type /EmbeddedFile /Length 7>>\nstream\n{"v":3}\nendstream'
    assert code(update(good, {number: body})) == "pdf.changed"


def test_hide_behind_another_page_tree(good: bytes) -> None:
    root = source(good, catalog(good))
    pages = re.sub(rb"/Pages \d+ 0 R", b"/Pages 900 0 R", root)
    new = {catalog(good): pages, 900: b"<</Type /Pages /Kids [] /Count 0>>"}
    assert code(update(good, new)) == "pdf.changed"


def test_lay_an_annotation_over_the_page(good: bytes) -> None:
    over = source(good, page(good)).replace(b"/Annots [", b"/Annots [ 900 0 R")
    stamp = b"<</Type /Annot /Subtype /FreeText /Rect [0 0 600 800] /Contents (VOID)>>"
    assert code(update(good, {page(good): over, 900: stamp})) == "pdf.changed"
    behind = source(good, page(good)).replace(b" ]\n>>", b" 900 0 R ]\n>>")
    assert behind != source(good, page(good))
    assert code(update(good, {page(good): behind, 900: stamp})) == "pdf.changed"


@pytest.mark.parametrize("key", [b"OpenAction", b"AA", b"OCProperties", b"Open#41ction"])
def test_the_catalog_gains_what_acts(good: bytes, key: bytes) -> None:
    root = source(good, catalog(good))
    changed = root.removesuffix(b">>") + b"/" + key + b" <</S /Named>> >>"
    assert code(update(good, {catalog(good): changed})) == "pdf.changed"


def test_a_new_object_that_acts(good: bytes) -> None:
    assert code(update(good, {900: b"<</S /JavaScript /JS (x)>>"})) == "pdf.active"


def clock_field(good: bytes) -> bytes:
    return re.sub(rb"/T \(Timestamp[^)]*\)", b"/T (Clock)", source(good, numbered(good, b"(Timestamp")))


def test_a_second_signature(good: bytes) -> None:
    form = numbered(good, b"/SigFlags")
    fields = source(good, form).replace(b"/Fields [", b"/Fields [ 900 0 R")
    field = clock_field(good)
    assert code(update(good, {form: fields, 900: field})) == "pdf.changed"
    last = re.sub(rb"(\d+ 0 R) \]", rb"\1 900 0 R ]", source(good, form))
    field = re.sub(rb"/V \d+ 0 R", b"/V 901 0 R", field)
    other = {form: last, 900: field, 901: b"<</Type /Sig /SubFilter /ETSI.CAdES.detached>>"}
    assert code(update(good, other)) == "pdf.changed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 600 800 ]"),
        (b"/TU (Timestamp)", b"/AP <</N 902 0 R>>"),
        (b"/FT /Sig", b"/FT /Tx"),
    ],
)
def test_a_timestamp_field_that_shows(good: bytes, old: bytes, new: bytes) -> None:
    form, field = numbered(good, b"/SigFlags"), clock_field(good)
    assert old in field
    last = re.sub(rb"(\d+ 0 R) \]", rb"\1 900 0 R ]", source(good, form))
    field = re.sub(rb"/V \d+ 0 R", b"/V 901 0 R", field).replace(old, new)
    stamp = b"<</Type /DocTimeStamp /SubFilter /ETSI.RFC3161 /Contents <00> /ByteRange [0 1 2 3]>>"
    shown = {902: b"<</Length 0>>\nstream\n\nendstream"} if b"AP" in new else {}
    assert code(update(good, {form: last, 900: field, 901: stamp, **shown})) == "pdf.changed"


def test_a_document_timestamp_over_something_else(good: bytes) -> None:
    form, field = numbered(good, b"/SigFlags"), clock_field(good)
    last = re.sub(rb"(\d+ 0 R) \]", rb"\1 900 0 R ]", source(good, form))
    field = re.sub(rb"/V \d+ 0 R", b"/V 901 0 R", field)
    old = source(good, numbered(good, b"/DocTimeStamp"))
    assert code(update(good, {form: last, 900: field, 901: old})) == "pdf.range"


def test_a_store_that_brings_pages(good: bytes) -> None:
    root = source(good, catalog(good))
    store = re.sub(rb"/DSS \d+ 0 R", b"/DSS <</Kids [3 0 R]>>", root)
    assert code(update(good, {catalog(good): store})) == "pdf.changed"


def test_a_prepared_hole_is_refused_in_the_signed_revision() -> None:
    """Hide and replace: what was signed names an object that only a later revision brings."""
    objects = {
        1: Object(0, 1, Values(b"<</AcroForm 2 0 R /Pages 9 0 R>>", 0).value(), None),
        2: Object(1, 2, Values(b"<</Fields []>>", 0).value(), None),
    }
    with pytest.raises(DocumentRefused, match=r"pdf\.dangling.*shadow"):
        signed_document(Revision(0, 2, objects, {}, 1))
    objects[1] = Object(0, 1, {b"AcroForm": Ref(2), b"OpenAction": Ref(2)}, None)
    with pytest.raises(DocumentRefused, match=r"pdf\.active"):
        signed_document(Revision(0, 2, objects, {}, 1))


def test_notes_on_the_file_that_only_a_later_revision_brings_are_refused() -> None:
    objects = {
        1: Object(0, 1, Values(b"<</AcroForm 2 0 R /Pages 2 0 R>>", 0).value(), None),
        2: Object(1, 2, Values(b"<</Fields []>>", 0).value(), None),
    }
    assert signed_document(Revision(0, 2, objects, {b"Root": Ref(1), b"Info": Ref(2)}, 1)).info == 2
    with pytest.raises(DocumentRefused, match=r"pdf\.dangling.*trailer"):
        signed_document(Revision(0, 2, objects, {b"Root": Ref(1), b"Info": Ref(3)}, 1))


def test_notes_on_the_file_in_the_trailer_itself_are_not_read(good: bytes) -> None:
    title = b"/Info <</Title (another)>>"
    data = re.sub(rb"/Info \d+ 0 R", title, update(good, {}))
    with pytest.raises(MalformedInput, match="notes on the file"):
        parse_revisions(data)


def test_a_table_that_others_cannot_read_is_refused(good: bytes) -> None:
    """They would look for objects by themselves, also inside the stream that a later revision brought."""
    inner = b"\n23 0 obj\n<</Length 27>>\nstream\n0.8 0 0 rg 0 0 600 900 re f\nendstream\nendobj\n"
    new = 1 + max(number for revision in parse_revisions(good) for number in revision.objects)
    data = update(good, {new: b"<</Length %d>>\nstream\n%s\nendstream" % (len(inner), inner)})
    assert judge(data).attachment == PAYLOAD
    at = data.rindex(b"trailer")
    with pytest.raises(MalformedInput, match="objects above"):
        judge(data[:at] + b"30000 1\n" + data[at:])


# --- what a signature covers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["longer hole", "shorter", "not from the start", "three numbers"])
def test_a_range_with_a_gap(good: bytes, change: str) -> None:
    found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\] *", good)
    assert found is not None
    end, start, length = map(int, found.groups())
    spans = {
        "longer hole": b"0 %d %d %d" % (end, start + 9, length - 9),
        "shorter": b"0 %d %d %d" % (end, start, length - 9),
        "not from the start": b"1 %d %d %d" % (end - 1, start, length),
        "three numbers": b"0 %d %d" % (end, start),
    }
    new = (b"/ByteRange [" + spans[change] + b"]").ljust(len(found[0]))
    assert code(good[: found.start()] + new + good[found.end() :]) == "pdf.range"


def test_a_signature_of_zeros(good: bytes) -> None:
    start = good.index(b"/Contents <") + 11
    end = good.index(b">", start)
    with pytest.raises(MalformedInput):
        judge(good[:start] + b"0" * (end - start) + good[end:])


def test_a_signature_of_another_document(good: bytes) -> None:
    other = signed(render_certificate(FACTS), b'{"v":3}')
    places = [(one.index(b"/Contents <") + 11, one.index(b">", one.index(b"/Contents <"))) for one in (good, other)]
    (a, b), (c, d) = places
    assert code(good[:a] + other[c:d][: b - a].ljust(b - a, b"0") + good[b:]) == "pdf.signature"


def test_something_else_than_zeros_behind_the_signature(good: bytes) -> None:
    end = good.index(b">", good.index(b"/Contents <"))
    with pytest.raises(MalformedInput, match="zeros"):
        judge(good[: end - 1] + b"1" + good[end:])


# --- who signed ---------------------------------------------------------------------------------------------------


def made_by(leaf: object, lists: tuple[bytes, ...] = (), at: datetime = SIGNED) -> bytes:
    return sign_pdf(
        render_certificate(FACTS),
        Attachment(PAYLOAD, "x"),
        DocumentSigner(leaf, lists),  # type: ignore[arg-type]
        stamper(at),
        at,
        "x",
    )


def test_a_signer_under_another_root(good: bytes) -> None:
    root = new_root("Stranger", "Stranger", BORN)
    theirs = made_by(issue_document_signer(root, "x", BORN), (revocation_list(root.certificate, root.key, SIGNED),))
    assert code(theirs) == "pdf.signer"
    clocks = [x509.load_der_x509_certificate(one) for one in stamper().roots]
    with pytest.raises(DocumentRefused, match=r"pdf\.signer"):
        judge_document(good, [one.public_bytes(Encoding.DER) for one in clocks], [], SIGNED, NAME)


def test_a_signer_of_claims_signs_no_documents() -> None:
    """Even where somebody lists the root of Content Credentials for documents; nor does one of timestamps."""
    root = new_root("Registrar", "C2PA root", BORN)
    claims = issue_signer(issue_authority(root, "issuing", BORN), "claims", BORN)
    documents = issue_document_signer(root, "documents", BORN)
    assert list(document_faults(documents.chain, SIGNED)) == []
    (fault,) = document_faults(claims.chain, SIGNED)
    assert "is not for documents alone" in fault
    assert any("certificate authority" in one for one in document_faults(root.chain, SIGNED))
    assert any("is valid from" in one for one in document_faults(documents.chain, LATER))


def issuer() -> Identity:
    """The authority above the signer, with its key."""
    return Identity.load(kept() / "ca", ROOT, SECRET.encode())


def revoking(since: datetime) -> bytes:
    """The list of the signer's own issuer that names the signer."""
    serial = signer().identity.certificate.serial_number
    return revocation_list(issuer().certificate, issuer().key, SIGNED, {serial: since})


def answering(since: datetime | None) -> bytes:
    """The same as an answer (OCSP)."""
    by, asked = issuer(), signer().identity.certificate
    status = ocsp.OCSPCertStatus.GOOD if since is None else ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        asked, by.certificate, hashes.SHA256(), status, SIGNED, None, since, None
    )
    told = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).sign(by.key, hashes.SHA256())
    return told.public_bytes(Encoding.DER)


def storing(good: bytes, **streams: bytes) -> bytes:
    """One more revision, whose security store holds these alone."""
    root, first = catalog(good), 1 + max(number for one in parse_revisions(good) for number in one.objects)
    named = b"".join(b"/%s [%d 0 R] " % (kind.encode(), first + at) for at, kind in enumerate(streams, 1))
    held = {
        first + at: b"<</Length %d>>\nstream\n%s\nendstream" % (len(one), one)
        for at, one in enumerate(streams.values(), 1)
    }
    found = re.sub(rb"/DSS \d+ 0 R", b"/DSS %d 0 R" % first, source(good, root))
    return update(good, {root: found, first: b"<</Type /DSS %s>>" % named, **held})


@pytest.mark.parametrize("kind", ["CRLs", "OCSPs"])
def test_a_signer_that_was_revoked_before(good: bytes, kind: str) -> None:
    """Nobody who signs honestly makes this: somebody renewed the security store afterwards."""
    told = revoking if kind == "CRLs" else answering
    assert code(storing(good, **{kind: told(SIGNED)})) == "pdf.revoked"
    assert code(storing(good, **{kind: told(BORN)})) == "pdf.revoked"
    later = SIGNED + timedelta(hours=1)
    (one,) = judge(storing(good, **{kind: told(later)})).revocation
    form = "list" if kind == "CRLs" else "answer"
    who, by = ("CN=Registrar registrar,O=Registrar", signer().identity.chain[-1].subject.rfc4514_string())
    assert (one.of, one.form, one.by, one.revoked) == (who, form, by, later)


def test_what_the_store_holds_of_revocation_is_told_with_its_dates(good: bytes) -> None:
    (one,) = judge(good).revocation
    assert (one.of, one.form, one.revoked) == ("CN=Registrar registrar,O=Registrar", "list", None)
    assert one.since <= SIGNED < (one.until or BORN)
    (answer,) = judge(storing(good, OCSPs=answering(None))).revocation
    assert (answer.form, answer.since, answer.until, answer.revoked) == ("answer", SIGNED, None, None)
    verdict = judge(storing(good, CRLs=b"x", OCSPs=b"y"))
    assert (verdict.revocation, SILENT in verdict.problems) == ((), True)


SILENT = "nothing that is enclosed says whether its signer's certificate was revoked by 2026-11-21T08:31:01+00:00"


def test_a_list_that_was_old_when_the_signer_is_judged_leaves_it_open(good: bytes) -> None:
    held = judge(good).judged_at - timedelta(days=LIST_DAYS)
    told = [storing(good, CRLs=revocation_list(issuer().certificate, issuer().key, at)) for at in (BORN, held)]
    assert held - BORN > timedelta(0)
    assert [(len(judge(one).revocation), judge(one).problems) for one in told] == [(1, (SILENT,)), (1, ())]


def test_a_timestamp_by_an_unknown_authority_is_told(good: bytes) -> None:
    other = Authority("other", roots()[0], True)
    verdict = judge_document(good, roots(), [other], SIGNED, NAME)
    assert [one.fact for one in verdict.stamps] == [None, None]


def test_an_examination_before_the_signature(good: bytes) -> None:
    assert code(good, SIGNED - timedelta(days=1)) == "time.future"


# --- form ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"trailer\n<<\n/Root", b"trailer\n<<\n/XRefStm 9/Root"),
        (b"trailer\n<<\n/Root", b"trailer\n<<\n/Encrypt 9 0 R/Root"),
        (b"1 0 obj", b"%x\n1 0 obj"),
        (b"2 0 obj", b"1 0 obj"),
        (b"%PDF-2.0", b"%PDF-1.4"),
        (b"/Type /Catalog", b"/Type /Catalog /Type /Catalog"),
        (b"0000000017 00000 n", b"0000000018 00000 n"),
        (b"0000000017 00000 n", b"0000000017 00001 n"),
        (b"0000000017 00000 n", b"0000000017 00000 f"),
    ],
)
def test_what_no_table_of_ours_says(good: bytes, old: bytes, new: bytes) -> None:
    assert old in good
    with pytest.raises(MalformedInput):
        judge(good.replace(old, new, 1))


def test_a_document_without_its_attachment(good: bytes) -> None:
    with pytest.raises(DocumentRefused, match=r"pdf\.attachment"):
        judge_document(good, roots(), [], SIGNED, "other.json")


def test_an_unsigned_document() -> None:
    with pytest.raises(MalformedInput):
        judge(render_certificate(FACTS))


def test_a_stamper_is_not_asked_twice_for_one_signature() -> None:
    """One dummy for the size, one token over the signature, one over the document: an authority counts its tokens."""
    asked: list[bytes] = []
    own = stamper()

    def ask(query: bytes) -> bytes:
        asked.append(query)
        return own.ask(query)

    made = sign_pdf(
        render_certificate(FACTS),
        Attachment(PAYLOAD, "x"),
        signer(),
        Stamper(ask, own.roots, own.certificates, own.lists),
        SIGNED,
        "x",
    )
    assert len(asked) == 3
    assert judge(made).attachment == PAYLOAD
