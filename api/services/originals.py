"""Uploaded originals of a case: what does not match its registration is refused now, not by a court later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from api.services.gathering import Gathered
from tallystick.admission import Refused
from tallystick.assets import describe_file
from tallystick.case import OriginalMaterial
from tallystick.content import Content, FileContent, FileEntry, check_content, entry_of, folder_content
from tallystick.errors import VerificationFailed
from tallystick.events.objects import ObjectRegistration
from tallystick.schema import FieldError


def original_material(
    subject: str,
    found: Gathered,
    uploaded: Mapping[str, Path],
    file_lists: Mapping[str, tuple[FileEntry, ...]],
) -> list[OriginalMaterial]:
    """The subject, if it is an object, with its bytes or without. Raises ``Refused``, ``FieldError``.

    ``uploaded``: files by path in the subject's file list; a single file under any name.
    """
    registered = {one.event.subject: one.event.body for _, one in found.of_type("object.register")}
    for of in file_lists:
        if of != subject or of not in registered:
            raise FieldError(f"files.{of[:60]}", "only the file list of the subject itself is taken")
    body: ObjectRegistration | None = registered.get(subject)
    if body is None:
        if uploaded:
            raise FieldError("original", f"{subject} is no object: it has no originals")
        return []
    file_list = file_lists.get(subject)
    if uploaded:
        _check(body.digest_record, uploaded, file_list)
    elif file_list is not None:
        _check_list(body.digest_record, file_list)
    return [OriginalMaterial(subject, dict(uploaded), file_list)]


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
