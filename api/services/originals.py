"""Uploaded originals of a case, whole or in parts: what does not match its registration is refused now, not by a court
later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import partial
from pathlib import Path

from api.services.gathering import Gathered
from tallystick.admission import Refused
from tallystick.assets import describe_file
from tallystick.bundle import blocks_of
from tallystick.case import Kind, OriginalMaterial, slug_of
from tallystick.case.parts import PartsMap, check_members, check_parts
from tallystick.content import Content, FileContent, FileEntry, check_content, entry_of, folder_content
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.objects import ObjectRegistration
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError
from tallystick.verify.parts import Held, check_held


@dataclass(frozen=True)
class Brought:
    """What the asker brings of originals. ``files``: by name: in a case of kind ``object`` the path in the object's
    file list (a single file: any name; in parts: the names of its runs), else the object's slug, ``/`` and that.
    ``lists``: file lists of folders, and ``parts``: maps of parts, both by object.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    lists: Mapping[str, tuple[FileEntry, ...]] = field(default_factory=dict)
    parts: Mapping[str, PartsMap] = field(default_factory=dict)


def original_material(kind: Kind, subject: str, found: Gathered, brought: Brought) -> list[OriginalMaterial]:
    """The objects that the case is about, each with its bytes, some of them, or its digests alone; others if something
    is brought of them. Raises ``Refused``, ``FieldError``.
    """
    registered = {one.event.subject: one.event.body for _, one in found.of_type("object.register")}
    allowed = {subject} & registered.keys() if kind == "object" else registered.keys()
    files = _by_object(kind, subject, sorted(allowed), brought.files)
    for name, given in (("files", brought.lists), ("parts", brought.parts)):
        for of in given:
            if of not in allowed:
                raise FieldError(f"{name}.{of[:60]}", "it is no object of this case, or not the one that it is about")
    named = {*files, *brought.lists, *brought.parts, *(allowed & ({subject} if kind == "object" else found.focus))}
    return [
        _material(of, registered[of], files.get(of, {}), brought.lists.get(of), brought.parts.get(of))
        for of in sorted(named)
    ]


def _by_object(kind: Kind, subject: str, allowed: list[str], files: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
    if kind == "object":
        return {subject: dict(files)} if files else {}
    slugs = {slug_of(of): of for of in allowed}
    sorted_out: dict[str, dict[str, Path]] = {}
    for name, path in files.items():
        slug, _, inner = name.partition("/")
        if slug not in slugs or not inner:
            raise FieldError("original", f"{name[:200]!r} does not begin with an object of the case, and a slash")
        sorted_out.setdefault(slugs[slug], {})[inner] = path
    return sorted_out


def _material(
    of: str,
    body: ObjectRegistration,
    files: Mapping[str, Path],
    file_list: tuple[FileEntry, ...] | None,
    parts: PartsMap | None,
) -> OriginalMaterial:
    if parts is not None:
        if file_list is not None:
            raise FieldError(f"files.{of}", "the map of parts has the lines that are here: send no file list")
        _check_parts(of, body.digest_record, files, parts)
    elif files:
        _check(body.digest_record, files, file_list)
    elif file_list is not None:
        _check_list(body.digest_record, file_list)
    return OriginalMaterial(of, dict(files), file_list, parts)


def _check_parts(of: str, expected: Content, files: Mapping[str, Path], parts: PartsMap) -> None:
    try:
        check_parts(parts)
        check_members(parts, files)
    except MalformedInput as error:
        raise FieldError(f"parts.{of}", str(error)) from None
    try:
        held = {name: Held(path.stat().st_size, partial(blocks_of, path)) for name, path in files.items()}
        check_held(parts, held, expected)
    except VerificationFailed as error:
        raise Refused("inconsistent", "parts", str(error), "make the map from the object as registered") from None


def _check(expected: Content, uploaded: Mapping[str, Path], file_list: tuple[FileEntry, ...] | None) -> None:
    if isinstance(expected, FileContent):
        if len(uploaded) != 1 or file_list is not None:
            raise FieldError("original", "the object is a single file: send that file, and no file list")
        ((name, path),) = uploaded.items()
        try:
            check_content(expected, describe_file(path, name, lambda name, read: None))
        except VerificationFailed as error:
            raise _refused(name, str(error)) from None
        return
    if file_list is None:
        raise FieldError("files", "missing: the object is a folder; send its file list with its files")
    _check_list(expected, file_list)
    listed = {entry.path: entry for entry in file_list}
    if uploaded.keys() != listed.keys():
        odd = min(uploaded.keys() ^ listed.keys())
        problem = "it is in the file list, and was not sent" if odd in listed else "it is not in the file list"
        raise _refused(odd, problem)
    for name, path in uploaded.items():
        if entry_of(name, describe_file(path, name, lambda name, read: None)) != listed[name]:
            raise _refused(name, "its bytes are not those that were registered")


def _check_list(expected: Content, file_list: tuple[FileEntry, ...]) -> None:
    try:
        check_content(expected, folder_content(file_list))
    except VerificationFailed as error:
        raise Refused("inconsistent", "files", str(error), "send the file list that was registered") from None


def _refused(name: str, problem: str) -> Refused:
    return Refused("inconsistent", "original", f"{name!r}: {problem}", "send every file of the object as registered")
