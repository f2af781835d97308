"""Certificates as PDF: changed after they were logged, or logged as they ought not to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from credentials.ca import new_root
from credentials.documents_ca import DocumentSigner, issue_document_signer, revocation_list
from tallystick.commitments import disclose
from tallystick.pdf.revisions import parse_revisions
from tests.core.pdf import kit as pdf_kit
from tests.core.verify.mutate import flipped, without
from tests.core.verify.test_credentials import LIES
from tests.credentials.pades_kit import BORN
from tests.evidence_corpus.documents import FILE, Draft, Payload, answered, listed, recorded, stored
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Faults, change, made_so, members_of


def faults(worlds: Worlds) -> Faults:
    yield from _after_it_was_logged(worlds)
    for number, (name, make) in enumerate(_LOGGED.items()):
        made = recorded(worlds.folder / f"pdf-{number}", make)
        yield made_so(f"pdf-{name}", made.scene, made.case(), 12, credential="contradicted")


def _after_it_was_logged(worlds: Worlds) -> Faults:
    honest, file = worlds.honest["pdf-certificate-of-few-words"], worlds.document.file
    name, other = f"data/credentials/{FILE}", worlds.honest["pdf-certificate-of-a-signer-revoked-since"]
    yield change(honest, "pdf-left-out", members_of(replace(honest.material, credentials={})), 12)
    yield change(honest, "pdf-promised-and-absent", without(honest.members(), name), 12)
    changed = {
        **{f"{where}-byte-changed": flipped(file, at) for where, at in _places(file).items()},
        "cut": file[:-7],
        "with-bytes-behind": file + b"\n",
        "extended": pdf_kit.update(file, {900: b"<</Type /VRI>>"}),
        "of-another-signing": other.members()[name],
    }
    for fault, data in changed.items():
        yield change(honest, f"pdf-{fault}", {**honest.members(), name: data}, 12)


def _places(file: bytes) -> dict[str, int]:
    return {"first": 0, "middle": len(file) // 2, "last": len(file) - 1}


def _says(change_it: Callable[[Draft, Payload], Payload]) -> Callable[[Draft], bytes]:
    """Its attachment says something else than the log; the signature and the clock are right."""
    return lambda draft: draft.signed(change_it(draft, draft.payload))


def _lie(name: str) -> Callable[[Draft], bytes]:
    return _says(lambda draft, honest: LIES[name](honest, draft.scene.world))


def _more(name: str, value: str) -> Callable[[Draft], bytes]:
    more = disclose(name, value, b"s" * 16).text
    return _says(lambda draft, honest: {**honest, "disclosures": [*honest["disclosures"], more]})


def _by_a_stranger(draft: Draft) -> bytes:
    root = new_root("Stranger", "Stranger", BORN)
    lists = (revocation_list(root.certificate, root.key, draft.at),)
    return draft.signed(by=DocumentSigner(issue_document_signer(root, "Registrar registrar", BORN), lists))


def _page_exchanged(draft: Draft) -> bytes:
    file = draft.signed()
    page = pdf_kit.numbered(file, b"/Annots [")
    return pdf_kit.update(
        file, {page: pdf_kit.source(file, page).replace(b"/MediaBox", b"/CropBox [0 0 9 9] /MediaBox")}
    )


def _acting(draft: Draft) -> bytes:
    file = draft.signed()
    root = parse_revisions(file)[0].root
    catalog = pdf_kit.source(file, root)
    return pdf_kit.update(file, {root: catalog[:-2] + b"/OpenAction <</S /JavaScript /JS (x)>>>>"})


def _unsigned(draft: Draft) -> bytes:
    """The signature's value is zeros: the form of a signed file, and nobody signed it."""
    file = draft.signed()
    start = file.index(b"/Contents <") + len(b"/Contents <")
    end = file.index(b">", start)
    return file[:start] + b"0" * (end - start) + file[end:]


def _in_its_text(draft: Draft) -> bytes:
    """One digit of what was signed: where the first page begins."""
    file = draft.signed()
    (at,) = (found.start(1) for found in islice(re.finditer(rb"/MediaBox \[\s*(0)", file), 1))
    return file[:at] + b"1" + file[at + 1 :]


_DAY = timedelta(days=1)
_LOGGED: dict[str, Callable[[Draft], bytes]] = {
    **{f"with-{name.replace(' ', '-')}": _lie(name) for name in LIES if name not in ("nothing", "a later version")},
    "of-a-later-version": _says(lambda draft, honest: {**honest, "v": 3}),
    "with-a-value-that-is-not-the-logs": _more("title", "Mine"),
    "with-a-value-of-nothing": _more("holders", "Mine"),
    "with-a-value-twice": _says(lambda draft, honest: {**honest, "disclosures": honest["disclosures"] * 2}),
    "by-a-signer-of-a-strangers-root": _by_a_stranger,
    "whose-signer-was-revoked-before": lambda draft: stored(draft.signed(), "CRLs", listed(draft, draft.at - _DAY)),
    "whose-signer-was-revoked-before-says-an-answer": lambda draft: stored(
        draft.signed(), "OCSPs", answered(draft, draft.at - _DAY)
    ),
    "with-a-page-exchanged-behind-its-signature": _page_exchanged,
    "that-acts-when-it-is-opened": _acting,
    "that-nobody-signed": _unsigned,
    "changed-within-what-was-signed": _in_its_text,
}
"""Logged by the service as it is; what is wrong the document itself says."""
