"""What may follow the signed revision: security stores and document timestamps, and nothing that is shown.

A revision may bring new objects, which nothing that was signed names, and may replace four kinds of old ones: the
catalog (it gains a security store), the form (it gains timestamp fields), the first page (it gains their invisible
places), and the notes on the file itself (its dates, the producer), unless what is shown names them too. All else
refuses the document: what was signed stays what is shown (compare Mainka et al., "Shadow Attacks", NDSS 2021).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import field
from typing import Any

from tallystick.lazy_dataclass import dataclass
from tallystick.pdf.refusal import DocumentRefused
from tallystick.pdf.revisions import Object, Revision
from tallystick.pdf.values import Dictionary, Name, Number, Ref, keys_of, named

ACTIVE = frozenset(
    b"JavaScript JS OpenAction AA Launch OCProperties OC RichMedia XFA Encrypt ObjStm Renditions Movie Sound URI "
    b"SubmitForm ImportData GoToR GoToE Collection Perms Alternates Threads".split()
)
"""Keys by which a document could act, or show itself differently to different readers."""

_FIELD = {b"FT", b"T", b"Type", b"Subtype", b"F", b"Rect", b"P", b"V", b"TU"}
_NAME = re.compile(rb"[ -\-/-~]{1,127}")
"""Of a field that is gained: visible ASCII and spaces, no point, which divides names (ISO 32000-2 12.7.4.2)."""
_INFO = {b"ModDate", b"Producer"}
_DATES = re.compile(rb"(xmp:(?:ModifyDate|MetadataDate)(?:=\"|>))[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{9,21}(?=[\"<])")
_SHOWN = {b"Kids", b"Contents", b"Annots", b"Names"}
_STORE = {b"Type", b"Certs", b"CRLs", b"OCSPs", b"VRI"}


@dataclass
class Document:
    """The objects as they stand after a revision, by number. ``fields``: signature fields in their order.

    signed: objects of the first revision. named: how often those name each. stores: what is or was a security store.
    """

    root: int
    objects: dict[int, Object]
    info: int | None
    signed: frozenset[int] = frozenset()
    named: Counter[int] = field(default_factory=Counter)
    fields: tuple[int, ...] = ()
    stores: frozenset[int] = frozenset()

    def value(self, number: int) -> Any:
        """The value of an object. Raises ``DocumentRefused``."""
        if number not in self.objects:
            raise DocumentRefused("pdf.dangling", f"the document names object {number}, which it does not hold")
        return self.objects[number].value

    def follow(self, value: Any) -> Any:
        """What a value names, or itself."""
        return self.value(value.number) if isinstance(value, Ref) else value

    def dictionary(self, value: Any, what: str) -> Dictionary:
        """As ``follow``. Raises ``DocumentRefused`` unless it is a dictionary; a stream is none (ISO 32000-2 7.3.8)."""
        found = self.follow(value)
        if not isinstance(found, dict) or (isinstance(value, Ref) and self.objects[value.number].stream is not None):
            raise DocumentRefused("pdf.form", f"{what} is not a dictionary")
        return found

    @property
    def catalog(self) -> Dictionary:
        """The root of everything."""
        return self.dictionary(Ref(self.root), "the catalog")

    @property
    def form(self) -> Dictionary:
        """The form that holds the signature fields."""
        return self.dictionary(self.catalog.get(b"AcroForm"), "the form")

    def first_page(self) -> int:
        """The number of the first page."""
        pages = self.follow(self.catalog.get(b"Pages"))
        kids = self.follow(pages.get(b"Kids")) if isinstance(pages, dict) else None
        if not isinstance(kids, tuple) or not kids or not isinstance(kids[0], Ref):
            raise DocumentRefused("pdf.form", "the page tree holds no pages")
        return int(kids[0].number)


def signed_document(revision: Revision) -> Document:
    """The signed revision as a document: whole, and without anything that acts. Raises ``DocumentRefused``."""
    info = revision.trailer.get(b"Info")
    held = frozenset(revision.objects)
    found = Document(revision.root, dict(revision.objects), info.number if isinstance(info, Ref) else None, held)
    if set(named(revision.trailer)) - held:
        raise DocumentRefused("pdf.dangling", "the trailer names notes on the file that are not there (shadow)")
    for number, one in revision.objects.items():
        if active := _active(one):
            raise DocumentRefused("pdf.active", f"object {number} has {sorted(active)[0].decode('ascii', 'replace')}")
        names = Counter(named(one.value))
        missing = set(names) - held
        if missing:
            raise DocumentRefused("pdf.dangling", f"object {number} names {min(missing)}, which is not there (shadow)")
        found.named.update(names)
    found.fields = _fields(found)
    return found


def _active(one: Object) -> set[bytes]:
    """Keys by which an object acts; a stream with ``F`` has its bytes in another file (ISO 32000-2 7.3.8.2)."""
    if one.stream is not None and isinstance(one.value, dict) and b"F" in one.value:
        return {b"F"}
    return keys_of(one.value) & ACTIVE


def _fields(document: Document) -> tuple[int, ...]:
    listed = document.form.get(b"Fields")
    if not isinstance(listed, tuple) or not all(isinstance(one, Ref) for one in listed):
        raise DocumentRefused("pdf.form", "the form does not list its fields")
    return tuple(one.number for one in listed)


def extend(before: Document, revision: Revision) -> Document:
    """The document after one more revision. Raises ``DocumentRefused`` for a change that is not allowed."""
    info = revision.trailer.get(b"Info")
    if (info.number if isinstance(info, Ref) else None) != before.info:
        raise DocumentRefused("pdf.changed", "a later revision names other notes on the file")
    stores = _stores(before, frozenset())
    gained = _gained(before, revision)
    for number, one in revision.objects.items():
        if number in before.objects and not _may_replace(before, number, one, gained):
            raise DocumentRefused("pdf.changed", f"a later revision changes object {number}, which was signed")
        if _active(one):
            raise DocumentRefused("pdf.active", f"a later revision brings object {number}, which acts")
    after = Document(
        root=before.root,
        objects={**before.objects, **revision.objects},
        info=before.info,
        signed=before.signed,
        named=before.named,
        fields=(*before.fields, *(one.number for one in gained)),
        stores=stores,
    )
    after.stores = _stores(after, frozenset(revision.objects))
    for ref in gained:
        _check_field(before, after, ref.number)
    return after


def _gained(before: Document, revision: Revision) -> tuple[Ref, ...]:
    """The field that the form gains in a revision, if it gains one."""
    form = before.catalog.get(b"AcroForm")
    value = _plain(revision.objects.get(form.number)) if isinstance(form, Ref) else None
    if value is None:
        return ()
    listed, old = value.get(b"Fields"), tuple(map(Ref, before.fields))
    if not isinstance(listed, tuple) or listed[: len(old)] != old:
        raise DocumentRefused("pdf.changed", "a later revision takes fields away")
    gained = tuple(one for one in listed[len(old) :] if isinstance(one, Ref))
    if len(gained) > 1 or len(old) + len(gained) != len(listed):
        raise DocumentRefused("pdf.changed", "a later revision adds more than one field")
    return gained


def _may_replace(before: Document, number: int, new: Object, gained: tuple[Ref, ...]) -> bool:
    """Whether what a document shows is the same after this object was replaced."""
    old, page = before.objects[number], before.first_page()
    form = before.catalog.get(b"AcroForm") == Ref(number)
    shared = form or number in (before.root, page)
    if before.catalog.get(b"Metadata") == Ref(number):
        # What is also named elsewhere could be shown: the content of a page with a date in it.
        return not shared and number != before.info and before.named[number] == 1 and _same_notes(old, new)
    # What is no dictionary, and what has a stream, could be shown: a list of pages, a page's content, an attachment.
    was, now = _plain(old), _plain(new)
    if was is None or now is None:
        return False
    if number in before.stores and number not in before.signed:
        return True
    if not shared and number != before.info:
        return False
    if form:
        was = {**was, b"Fields": (*was[b"Fields"], *gained)}
    if number == page and gained:
        annotations = was.get(b"Annots", ())
        # What begins with a name could be a colour space that a page calls so.
        if not isinstance(annotations, tuple) or not all(isinstance(one, Ref | dict) for one in annotations):
            return False
        was = {**was, b"Annots": (*annotations, *gained)}
    free = {b"DSS"} if number == before.root else set()
    if not shared and number not in before.named:  # fonts that a page calls /Producer are no notes
        free = _INFO
    return _without(was, *free) == _without(now, *free)


def _plain(one: Object | None) -> Dictionary | None:
    """An object that is a dictionary; a stream is none."""
    return one.value if one is not None and isinstance(one.value, dict) and one.stream is None else None


def _without(value: Dictionary, *keys: bytes) -> Dictionary:
    return {key: one for key, one in value.items() if key not in keys}


def _same_notes(old: Object, new: Object) -> bool:
    """The metadata stream may tell other times of its last change, where it told some, and nothing else."""
    if not isinstance(old.value, dict) or not isinstance(new.value, dict) or old.stream is None or new.stream is None:
        return False
    same = _without(old.value, b"Length") == _without(new.value, b"Length")
    return same and _DATES.split(old.stream) == _DATES.split(new.stream)


def _stores(document: Document, replaced: frozenset[int]) -> frozenset[int]:
    """What is or was a security store; the last one, and each that was replaced, has the form of one."""
    catalog, known = document.catalog, document.stores
    if b"DSS" in catalog:
        store = catalog[b"DSS"]
        if isinstance(store, Ref):
            known |= {store.number}
        _check_store(document.objects.get(store.number) if isinstance(store, Ref) else Object(0, 0, store, None))
    for number in known & replaced:
        _check_store(document.objects[number])
    return known


def _check_store(one: Object | None) -> None:
    """A security store names only streams of certificates, lists and answers, and for whom they are."""
    value = _plain(one)
    if value is None or not set(value) <= _STORE or keys_of(value) & _SHOWN:
        raise DocumentRefused("pdf.changed", "what a document names as its security store is none")


def _check_field(before: Document, after: Document, number: int) -> None:
    """An invisible field with a document timestamp, which is new and on the first page."""
    found = _added(before, after, number)
    value = found.get(b"V")
    shape = (found.get(b"FT"), found.get(b"Subtype"), found.get(b"Rect"), found.get(b"P"))
    wanted = (Name(b"Sig"), Name(b"Widget"), (Number(b"0"),) * 4, Ref(before.first_page()))
    if not set(found) <= _FIELD or shape != wanted or not isinstance(value, Ref):
        raise DocumentRefused("pdf.changed", f"a later revision adds field {number}, which is no document timestamp")
    if (name := found.get(b"T")) is not None:
        _check_name(before, name)
    if _added(before, after, value.number).get(b"Type") != Name(b"DocTimeStamp"):
        raise DocumentRefused("pdf.changed", f"field {number} of a later revision holds no new document timestamp")


def _check_name(before: Document, name: Any) -> None:
    """Fields of one name are one field to a reader: its value would be the signature, or what came after it."""
    fields = [_plain(before.objects.get(number)) or {} for number in before.fields]
    others = {_text(before.follow(one.get(b"T"))) for one in fields}
    if not isinstance(name, bytes) or not _NAME.fullmatch(name) or _text(name) in others:
        raise DocumentRefused(
            "pdf.changed", "a later revision adds a field under a name that there is, or that is none"
        )


def _text(value: Any) -> str | None:
    """A text string (ISO 32000-2 7.9.2.2), as far as it can be an ASCII text."""
    if not isinstance(value, bytes):
        return None
    for mark, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if value.startswith(mark):
            return value.removeprefix(mark).decode(encoding, "replace")
    return value.decode("latin-1")


def _added(before: Document, after: Document, number: int) -> Dictionary:
    """A dictionary that a revision adds; nothing of an object that is none."""
    return {} if number in before.objects else _plain(after.objects.get(number)) or {}
