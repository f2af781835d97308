"""What the operator keeps of revocation, and what of it goes into a bundle: words about those who signed in it.

The operator fills the folder; nothing is fetched. The service decides nothing here: a word counts by its issuer's
signature, and each reader looks again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import ocsp

from tallystick.base64s import from_base64
from tallystick.brought import Brought
from tallystick.c2pa.brought import brought_by_file
from tallystick.case import CaseMaterial, RevocationMaterial
from tallystick.case.model import MAX_REVOCATION, MAX_REVOCATION_BYTES
from tallystick.errors import MalformedInput
from tallystick.evm import proof
from tallystick.lazy_dataclass import dataclass
from tallystick.revocation import Revocation, Words, places_of
from tallystick.timestamp import der, parse_token
from tallystick.trust import Trust

MAX_FILES = 1_000
"""Of the folder, by name; each is read anew for a bundle."""
MAX_PEOPLE = 1_000
"""Certificates that are looked at, and words that files enclose: anybody can put thousands into a file."""
MAX_TRIED = 20_000
"""Signatures of certificates that are tried, to find who issued whom: there may be many of one name."""
_MAX_TEXT = 2 * MAX_REVOCATION_BYTES
_PEM = re.compile(rb"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*", re.ASCII)
_ADDRESS = re.compile(r"https?://[!-~]{1,300}", re.ASCII)
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.InvalidVersion)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """What goes into a bundle. unanswered: addresses of issuers of whom nothing is here at all."""

    material: RevocationMaterial
    unanswered: tuple[str, ...]


def take(folder: Path, trust: Trust, case: CaseMaterial, files: Iterable[tuple[Path, str]]) -> Taken:
    """What ``folder`` (lists as DER or PEM, answers as DER) has about those who signed in ``case``.

    ``trust``: this log's own trust file; its roots issued many of those who are asked about. ``files``: the signed
    files of the case, with their media types.
    """
    found = list(_brought(case, files))
    kept = Words(*_read(folder))
    enclosed = Words(
        islice((word for one in found for word in one.lists), MAX_PEOPLE),
        islice((word for one in found for word in one.answers), MAX_PEOPLE),
    )
    chosen: dict[str, Revocation] = {}
    unanswered: dict[str, None] = {}
    for certificate, issuer in _pairs(_people(found, trust)):
        said = kept.about(certificate, issuer)
        chosen |= {one.sha256: one for one in _worth_keeping(said)}
        if not said and not enclosed.about(certificate, issuer):
            unanswered |= dict.fromkeys(one for one in places_of(certificate) if _ADDRESS.fullmatch(one))
    return Taken(_material(kept, _at_most(chosen.values())), tuple(unanswered))


def _brought(case: CaseMaterial, files: Iterable[tuple[Path, str]]) -> Iterator[Brought]:
    from tallystick.pdf.pades import brought_by_document

    tokens = [one.token for one in case.timestamps]
    for anchor in case.anchors:
        tokens += map(from_base64, proof.decode(anchor.proof).tokens or ())
    yield _with_signers(Brought(tokens=tuple(tokens)))
    for path, media_type in files:
        yield _with_signers(brought_by_file(path, media_type))
        if media_type == "application/pdf":
            yield _with_signers(brought_by_document(path.read_bytes()))


def _with_signers(part: Brought) -> Brought:
    """With the certificates that its timestamps bring."""
    shown = (one for token in part.tokens for one in _certificates(token))
    return replace(part, certificates=(*part.certificates, *shown))


def _certificates(token: bytes) -> Sequence[bytes]:
    try:
        return parse_token(token).certificates
    except MalformedInput:
        return ()


def _people(found: Iterable[Brought], trust: Trust) -> list[x509.Certificate]:
    """The roots under whom this log itself would judge, and everybody in the bundle: first who gave it timestamps."""
    file = trust.file
    roots = [*file.c2pa_roots, *(file.cawg_roots or ()), *(file.pdf_roots or ())]
    roots += [text for one in file.tsa_roots for text in (one.root, *(one.certificates or ()))]
    people = [certificate for one in found for certificate in one.certificates]
    return list(islice(_loaded(dict.fromkeys([*map(from_base64, roots), *people])), MAX_PEOPLE))


def _loaded(ders: Iterable[bytes]) -> Iterator[x509.Certificate]:
    for one in ders:
        try:
            certificate = x509.load_der_x509_certificate(one)
            _ = certificate.subject, certificate.issuer, certificate.public_key(), certificate.serial_number
        except _UNREADABLE:
            continue
        yield certificate


def _pairs(people: Sequence[x509.Certificate]) -> Iterator[tuple[x509.Certificate, x509.Certificate]]:
    """Each with whoever issued him; not a root with itself."""
    by_name: dict[x509.Name, list[x509.Certificate]] = {}
    for one in people:
        by_name.setdefault(one.subject, []).append(one)
    tried = ((one, issuer) for one in people for issuer in by_name.get(one.issuer, ()) if issuer != one)
    for one, issuer in islice(tried, MAX_TRIED):
        if _issued(one, issuer):
            yield one, issuer


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except _UNREADABLE:
        return False
    return True


def _worth_keeping(said: Iterable[Revocation]) -> Iterator[Revocation]:
    """Of each form the newest, and of each that says *revoked*, from when and why, the newest."""
    newest: dict[tuple[str, datetime | None, str | None], Revocation] = {}
    for one in said:
        for sort in {(one.form, None, None), ("revoked" if one.revoked else one.form, one.revoked, one.reason)}:
            if sort not in newest or newest[sort].since < one.since:
                newest[sort] = one
    yield from newest.values()


def _at_most(chosen: Iterable[Revocation]) -> set[str]:
    """Those that fit: first what says *revoked*, then the newest."""
    ranked = sorted(chosen, key=lambda one: (one.revoked is None, -one.since.timestamp(), one.sha256))
    if len(ranked) > MAX_REVOCATION:
        _log.warning("%d lists and answers speak of a case, %d go into its bundle", len(ranked), MAX_REVOCATION)
    return {one.sha256 for one in ranked[:MAX_REVOCATION]}


def _material(kept: Words, chosen: set[str]) -> RevocationMaterial:
    lists, answers = (
        [one for one in words if hashlib.sha256(one).hexdigest() in chosen] for words in (kept.lists, kept.answers)
    )
    return RevocationMaterial(lists, answers)


# --- files ---------------------------------------------------------------------


def _read(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """Lists and answers, each once. What cannot be read is left out, and the operator is told."""
    lists: dict[bytes, None] = {}
    answers: dict[bytes, None] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        _log.warning("the folder of revocation data cannot be read: %s", error)
        return [], []
    if len(paths) > MAX_FILES:
        _log.warning("%s holds %d files; the first %d are read", folder, len(paths), MAX_FILES)
    for path in paths[:MAX_FILES]:
        try:
            data, is_list = read_word(_bytes_of(path))
        except (MalformedInput, OSError) as error:
            _log.warning("%s is left out of bundles: %s", path, error)
            continue
        (lists if is_list else answers)[data] = None
    return list(lists), list(answers)


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_TEXT + 1)


def read_word(data: bytes) -> tuple[bytes, bool]:
    """The DER of a list (DER or PEM) or of an answer, and whether it is a list. Raises ``MalformedInput``."""
    if (text := _PEM.fullmatch(data)) is not None:
        try:
            data = base64.b64decode(b"".join(text[1].split()), validate=True)
        except binascii.Error:
            raise MalformedInput("it is PEM whose base64 cannot be read") from None
    if len(data) > MAX_REVOCATION_BYTES:
        raise MalformedInput(f"it has {len(data)} bytes or more, at most {MAX_REVOCATION_BYTES} go into a bundle")
    der.single(data, der.SEQUENCE, "a list or answer")
    try:
        x509.load_der_x509_crl(data)
        return data, True
    except _UNREADABLE:
        pass
    try:
        if ocsp.load_der_ocsp_response(data).response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
            return data, False
    except _UNREADABLE:
        pass
    raise MalformedInput("it is neither a revocation list (DER or PEM) nor a successful answer (OCSP, DER)")
