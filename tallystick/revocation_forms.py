"""Extensions of revocation lists and answers as they stand there: whether one is critical, or stands twice.

What they say is not read, but for the reason of an entry. cryptography, which has read the whole before, reads them
too, and would take a list that names the key of its issuer in an odd way for one that says nothing. Nor does it look
for extensions in a list of version 1, or for lists of none, and any string is as good to it as any other in a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from tallystick.errors import MalformedInput
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
_NONE = bytes([der.SEQUENCE, 0])
_TEXTS = {
    der.UTF8: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "ascii", 0x16: "ascii", 0x1A: "ascii", 0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}  # fmt: skip
"""Kinds of string whose texts are compared: UTF-8, numeric, printable, T61 (as far as it is ASCII), IA5, visible,
universal, BMP."""


def is_same_name(one: bytes, other: bytes) -> bool:
    """Whether two names (DER) have the same attributes with the same texts in the same order.

    What is no text is the same only byte for byte.
    """
    return one == other or _said(one) == _said(other)


def _said(name: bytes) -> list[list[tuple[bytes, int, bytes]]]:
    found = []
    for each in _values(der.single(name, der.SEQUENCE, _WHAT).content):
        parts = [Fields(part.content, _WHAT) for part in _values(each.content)]
        found.append(sorted((part.take(der.OID, "attribute").whole, *_text(part.next())) for part in parts))
    return found


def _text(value: Element) -> tuple[int, bytes]:
    """Of a text no matter of which kind: 0 for the tag."""
    if value.tag in _TEXTS:
        with suppress(UnicodeError):
            return 0, value.content.decode(_TEXTS[value.tag]).encode()
    return value.tag, value.content


def speaks_of_all(signed: bytes) -> bool:
    """Whether a list (its signed part) is of all certificates and reasons, and has no extension that must be known.

    Raises ``MalformedInput`` for extensions that no list has: in version 1, or none at all where some stand.
    """
    fields = _list_fields(signed)
    entries, wrapped = fields.maybe(der.SEQUENCE), fields.maybe(der.context(0))
    is_first = der.single(signed, der.SEQUENCE, _WHAT).content[:1] != bytes([der.INTEGER])
    # Of a list that may be long all is read where something can be wrong, and not else.
    if entries is not None and (is_first or _NONE in entries.content):
        _check_entries(entries, is_first)
    if is_first and wrapped is not None:
        raise MalformedInput("a revocation list of version 1 has no extensions (RFC 5280 §5.1.2.1)")
    found = _extensions(wrapped)
    return _understood(found) and not _NARROWING & {name for name, _, _ in found}


def _check_entries(entries: Element, is_first: bool) -> None:
    for entry in _values(entries.content):
        fields = Fields(entry.content, _WHAT)
        fields.take(der.INTEGER, "serial number")
        fields.next()  # since when
        if fields.more and (is_first or fields.next().whole == _NONE):
            raise MalformedInput("an entry of a revocation list has extensions where there are none")


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
    # Those that are not looked at too: what is not wholly of its form says nothing.
    return [whole and _understood(_extensions(_last(one))) for one in _values(words.content)][:most]


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
    """Identifier, whether it is critical, value. Raises ``MalformedInput`` where there is none."""
    if not extensions.content:
        raise MalformedInput("where there are extensions there is one at least (RFC 5280 §4.1)")
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
