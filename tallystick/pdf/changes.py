"""What may follow the signed revision: security stores and document timestamps, and nothing that is shown.

A revision may bring new objects, which nothing that was signed names, and may replace four kinds of old ones: the
catalog (it gains a security store), the form (it gains timestamp fields), the first page (it gains their invisible
places), and the notes on the file itself (its dates, the producer, the store). All else refuses the document: what was
signed stays what is shown (compare Mainka et al., "Shadow Attacks", NDSS 2021).
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

from tallystick.lazy_dataclass import dataclass
from tallystick.pdf.refusal import DocumentRefused
from tallystick.pdf.revisions import Object, Revision
from tallystick.pdf.values import Dictionary, Name, Number, Ref, keys_of, references

ACTIVE = frozenset(
    b"JavaScript JS OpenAction AA Launch OCProperties OC RichMedia XFA Encrypt ObjStm Renditions Movie Sound URI "
    b"SubmitForm ImportData GoToR GoToE Collection Perms Alternates Threads".split()
)
"""Keys by which a document could act, or show itself differently to different readers."""

_FIELD = {b"FT", b"T", b"Type", b"Subtype", b"F", b"Rect", b"P", b"V", b"TU"}
_INFO = {b"ModDate", b"Producer"}
_DATES = re.compile(rb"(xmp:(?:ModifyDate|MetadataDate)(?:=\"|>))[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{9,21}(?=[\"<])")
_SHOWN = {b"Kids", b"Contents", b"Annots", b"Names"}
_STORE = {b"Type", b"Certs", b"CRLs", b"OCSPs", b"VRI"}


@dataclass
class Document:
    """The objects as they stand after a revision, by number. ``fields``: signature fields in their order."""

    root: int
    objects: dict[int, Object]
    info: int | None
    fields: tuple[int, ...] = ()
    stores: list[int] = field(default_factory=list)

    def value(self, number: int) -> Any:
        """The value of an object. Raises ``DocumentRefused``."""
        if number not in self.objects:
            raise DocumentRefused("pdf.dangling", f"the document names object {number}, which it does not hold")
        return self.objects[number].value

    def follow(self, value: Any) -> Any:
        """What a value names, or itself."""
        return self.value(value.number) if isinstance(value, Ref) else value

    def dictionary(self, value: Any, what: str) -> Dictionary:
        """As ``follow``. Raises ``DocumentRefused`` unless it is a dictionary."""
        found = self.follow(value)
        if not isinstance(found, dict):
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
        pages = self.dictionary(self.catalog.get(b"Pages"), "the page tree")
        kids = self.follow(pages.get(b"Kids"))
        if not isinstance(kids, tuple) or not kids or not isinstance(kids[0], Ref):
            raise DocumentRefused("pdf.form", "the page tree holds no pages")
        return int(kids[0].number)


def signed_document(revision: Revision) -> Document:
    """The signed revision as a document: whole, and without anything that acts. Raises ``DocumentRefused``."""
    info = revision.trailer.get(b"Info")
    found = Document(revision.root, dict(revision.objects), info.number if isinstance(info, Ref) else None)
    held = set(revision.objects)
    if references(revision.trailer) - held:
        raise DocumentRefused("pdf.dangling", "the trailer names notes on the file that are not there (shadow)")
    for number, one in revision.objects.items():
        active = keys_of(one.value) & ACTIVE
        if active:
            raise DocumentRefused("pdf.active", f"object {number} has {sorted(active)[0].decode('ascii', 'replace')}")
        missing = references(one.value) - held
        if missing:
            raise DocumentRefused("pdf.dangling", f"object {number} names {min(missing)}, which is not there (shadow)")
    found.fields = _fields(found)
    return found


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
    after = Document(before.root, {**before.objects, **revision.objects}, before.info)
    after.fields = _fields(after)
    added = after.fields[len(before.fields) :]
    if after.fields[: len(before.fields)] != before.fields or len(added) > 1:
        raise DocumentRefused("pdf.changed", "a later revision takes fields away, or adds more than one")
    store = after.catalog.get(b"DSS")
    after.stores = [*before.stores, *([store.number] if isinstance(store, Ref) else [])]
    for number, one in revision.objects.items():
        if number in before.objects:
            _check_replaced(before, after, number, added)
        elif keys_of(one.value) & ACTIVE:
            raise DocumentRefused("pdf.active", f"a later revision brings object {number}, which acts")
    for number in added:
        _check_field(before, after, number)
    return after


def _check_replaced(before: Document, after: Document, number: int, added: tuple[int, ...]) -> None:
    if not _may_replace(before, after, number, added):
        raise DocumentRefused("pdf.changed", f"a later revision changes object {number}, which was signed")


def _may_replace(before: Document, after: Document, number: int, added: tuple[int, ...]) -> bool:
    old, new = before.objects[number], after.objects[number]
    form, page = before.catalog.get(b"AcroForm"), before.first_page()
    if before.catalog.get(b"Metadata") == Ref(number):
        return number not in (before.root, page, before.info) and form != Ref(number) and _same_notes(old, new)
    was, now = old.value, new.value
    # What is no dictionary, and what has a stream, could be shown: a list of pages, a page's content, an attachment.
    if not isinstance(was, dict) or not isinstance(now, dict) or old.stream is not None or new.stream is not None:
        return False
    refs = tuple(Ref(one) for one in added)
    if number == before.root:
        return _without(was, b"DSS") == _without(now, b"DSS") and _is_store(after)
    if form == Ref(number):
        return now == {**was, b"Fields": (*was[b"Fields"], *refs)}
    if number == page:
        annotations = was.get(b"Annots", ())
        if not refs:
            return bool(now == was)
        return isinstance(annotations, tuple) and now == {**was, b"Annots": (*annotations, *refs)}
    if number == before.info:
        return _without(was, *_INFO) == _without(now, *_INFO)
    return number in before.stores and _is_store(after) and _store_like(now)


def _without(value: Dictionary, *keys: bytes) -> Dictionary:
    return {key: one for key, one in value.items() if key not in keys}


def _same_notes(old: Object, new: Object) -> bool:
    """The metadata stream may tell other times of its last change, where it told some, and nothing else."""
    if not isinstance(old.value, dict) or not isinstance(new.value, dict) or old.stream is None or new.stream is None:
        return False
    same = _without(old.value, b"Length") == _without(new.value, b"Length")
    return same and _DATES.sub(rb"\1-", old.stream) == _DATES.sub(rb"\1-", new.stream)


def _is_store(document: Document) -> bool:
    """A security store names only streams of certificates, lists and answers, and for whom they are."""
    if b"DSS" not in document.catalog:
        return True
    return _store_like(document.dictionary(document.catalog[b"DSS"], "the security store"))


def _store_like(value: object) -> bool:
    return isinstance(value, dict) and set(value) <= _STORE and not keys_of(value) & _SHOWN


def _check_field(before: Document, after: Document, number: int) -> None:
    """An invisible field with a document timestamp, which is new and on the first page."""
    found = after.dictionary(Ref(number), "a field")
    value = found.get(b"V")
    shape = (found.get(b"FT"), found.get(b"Subtype"), found.get(b"Rect"), found.get(b"P"))
    wanted = (Name(b"Sig"), Name(b"Widget"), (Number(b"0"),) * 4, Ref(before.first_page()))
    if number in before.objects or not set(found) <= _FIELD or shape != wanted or not isinstance(value, Ref):
        raise DocumentRefused("pdf.changed", f"a later revision adds field {number}, which is no document timestamp")
    if value.number in before.objects or after.dictionary(value, "a timestamp").get(b"Type") != Name(b"DocTimeStamp"):
        raise DocumentRefused("pdf.changed", f"field {number} of a later revision holds no new document timestamp")
