"""Extensions of revocation lists and answers as they stand there: whether one is critical, or stands twice.

What they say is not read, but for the reason of an entry. cryptography, which has read the whole before, reads them
too, and would take a list that names the key of its issuer in an odd way for one that says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from tallystick.timestamp import der
from tallystick.timestamp.der import Element, Fields

_WHAT = "what was said of revocation"
_UTC_TIME = 0x17
_NARROWING = {ExtensionOID.DELTA_CRL_INDICATOR.dotted_string, ExtensionOID.ISSUING_DISTRIBUTION_POINT.dotted_string}
_REASON = CRLEntryExtensionOID.CRL_REASON.dotted_string
_REASONS = {
    b"\x0a\1" + bytes([number]): name
    for number, name in enumerate((
        "unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
        "certificateHold", None, "removeFromCRL", "privilegeWithdrawn", "aACompromise",
    ))
}  # fmt: skip
_REMOVED = "removeFromCRL"


def speaks_of_all(signed: bytes) -> bool:
    """Whether a list (its signed part) is of all certificates and reasons, and has no extension that must be known."""
    fields = _list_fields(signed)
    fields.maybe(der.SEQUENCE)
    found = _extensions(fields.maybe(der.context(0)))
    return _understood(found) and not _NARROWING & {name for name, _, _ in found}


def entry_says(signed: bytes, serial: int) -> tuple[bool, str | None]:
    """Whether the first entry of a list for this number says that a certificate of its issuer is revoked, and why.

    Not of another's (critical), nor that it is so no more. The reason is ``None`` where none is told that is known.
    """
    entries = _list_fields(signed).take(der.SEQUENCE, "entries")
    for entry in _values(entries.content):
        fields = Fields(entry.content, _WHAT)
        if int.from_bytes(fields.take(der.INTEGER, "serial number").content, "big", signed=True) == serial:
            fields.next()
            found = _found(fields.next()) if fields.more else []
            reason = next((_REASONS.get(value) for name, _, value in found if name == _REASON), None)
            return _understood(found) and reason != _REMOVED, reason
    return False, None


def understood_words(signed: bytes, most: int) -> list[bool]:
    """Of an answer (its signed part), which of the first ``most`` things that it says can be understood."""
    fields = Fields(der.single(signed, der.SEQUENCE, _WHAT).content, _WHAT)
    fields.next()  # who answers
    fields.take(der.GENERALIZED_TIME, "time")
    words = fields.take(der.SEQUENCE, "what is said")
    whole = _understood(_extensions(fields.maybe(der.context(1))))
    return [whole and _understood(_extensions(_last(one))) for one in islice(_values(words.content), most)]


def _last(word: Element) -> Element | None:
    fields = Fields(word.content, _WHAT)
    for _ in ("certificate", "status", "time"):
        fields.next()
    fields.maybe(der.context(0))
    return fields.maybe(der.context(1))


def _list_fields(signed: bytes) -> Fields:
    """Of a list, from its entries on."""
    fields = Fields(der.single(signed, der.SEQUENCE, _WHAT).content, _WHAT)
    fields.maybe(der.INTEGER)
    for _ in ("algorithm", "issuer", "time"):
        fields.next()
    for tag in (_UTC_TIME, der.GENERALIZED_TIME):
        fields.maybe(tag)
    return fields


def _values(data: bytes) -> Iterator[Element]:
    fields = Fields(data, _WHAT)
    while fields.more:
        yield fields.next()


def _extensions(wrapped: Element | None) -> list[tuple[str, bool, bytes]]:
    return [] if wrapped is None else _found(der.single(wrapped.content, der.SEQUENCE, _WHAT))


def _found(extensions: Element) -> list[tuple[str, bool, bytes]]:
    """Identifier, whether it is critical, value."""
    found = []
    for one in _values(extensions.content):
        fields = Fields(one.content, _WHAT)
        name = der.oid(fields.take(der.OID, "extension").content, _WHAT)
        critical = fields.maybe(der.BOOLEAN) is not None
        found.append((name, critical, fields.take(der.OCTET_STRING, "value").content))
    return found


def _understood(found: list[tuple[str, bool, bytes]]) -> bool:
    names = {name for name, _, _ in found}
    return len(names) == len(found) and not any(critical for _, critical, _ in found)
