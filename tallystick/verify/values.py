"""Steps 7 and 8: opened private values match their commitments, and original bytes match their digest records."""

from __future__ import annotations

from tallystick.bundle import Bundle
from tallystick.commitments import open_commitments
from tallystick.content import (
    Content,
    FileContent,
    FolderContent,
    check_content,
    entry_of,
    file_content,
    folder_content,
)
from tallystick.errors import VerificationFailed
from tallystick.events.erasure import Erasure
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text
from tallystick.verify.parts import check_parts, tell_parts


def check_disclosures(ex: Examination) -> Finding:
    """Step 7: each disclosure opens a commitment of its entry; what is withheld is named."""
    tally = Tally()
    opened: dict[str, object] = {}
    for position, disclosures in ex.case.disclosures.items():
        commitments = ex.entries[position].statement.event.commitments
        try:
            opened[str(position)] = open_commitments(commitments, list(disclosures))
        except VerificationFailed as error:
            tally.contradicts("disclosure.bad", position=position, detail=str(error))
    withheld = {
        str(position): names
        for position, placed in sorted(ex.entries.items())
        if (names := sorted(placed.statement.event.commitments.keys() - _opened(ex, position)))
    }
    if tally.holds:
        shown = sum(map(len, ex.case.disclosures.values()))
        tally.shows("disclosure.good", opened=shown, withheld=sum(map(len, withheld.values())))
        ex.facts["disclosed"] = opened
        ex.facts["withheld"] = withheld
        _list_erasures(ex, tally)
    return tally.finding()


def _opened(ex: Examination, position: int) -> set[str]:
    return {one.name for one in ex.case.disclosures.get(position, ())}


def _list_erasures(ex: Examination, tally: Tally) -> None:
    """What the service erased, when and why; a value that somebody else kept may be shown all the same."""
    erased = []
    for position, one in sorted(ex.replay.admitted.items()):
        body = one.placed.statement.event.body
        if not isinstance(body, Erasure):
            continue
        time, names = time_text(one.admitted_at), ", ".join(body.names)
        tally.shows(
            "disclosure.erased", position=body.position, names=names, time=time, grounds=body.grounds, entry=position
        )
        if set(body.names) & _opened(ex, body.position):
            tally.shows("disclosure.kept", position=body.position)
        erased.append(
            {
                "position": body.position,
                "names": list(body.names),
                "grounds": body.grounds,
                "erased_at": time,
                "entry": position,
            }
        )
    ex.facts["erased"] = erased


def check_contents(ex: Examination) -> Finding:
    """Step 8: SHA-256, SM3, size and tree root of the originals, against the registered digest record."""
    tally = Tally()
    records: list[dict[str, object]] = []
    for original in ex.case.index.originals:
        body = ex.history.registration(original.object)
        if body is None:
            tally.lacks("content.unregistered", object=original.object)
            continue
        expected = body.digest_record
        record = {"object": original.object, "mode": original.mode, **_digests(expected)}
        records.append(record)
        parts, files = ex.case.parts.get(original.object), ex.case.originals[original.object]
        try:
            _check_file_list(ex, original.object, expected)
            if original.mode == "included":
                check_content(expected, _content_of(ex, original.object, expected))
            elif parts is not None:
                check_parts(ex.bundle, parts, files, expected)
        except VerificationFailed as error:
            tally.contradicts("content.bad", object=original.object, detail=str(error))
            continue
        if original.mode == "included":
            tally.shows("content.good", object=original.object, count=len(files))
        elif parts is not None:
            record["parts"] = tell_parts(tally, original.object, parts, files, expected)
        else:
            tally.needs("content.digests", object=original.object)
    if not _about_the_case(ex):
        tally.needs("content.none")
    ex.facts["originals"] = records
    return tally.finding()


def _about_the_case(ex: Examination) -> bool:
    """Whether an original is named of the very object that the case is about (of one of them, in other kinds)."""
    index = ex.case.index
    if ex.focus.missing:
        return bool(index.originals)  # what is not registered is step 9's to refuse
    wanted = {index.subject} if index.kind == "object" else set(ex.focus.objects)
    return any(original.object in wanted for original in index.originals)


def _digests(content: Content) -> dict[str, object]:
    if isinstance(content, FileContent):
        return {"form": "file", "sha256": content.sha256, "sm3": content.sm3, "size": content.size}
    return {"form": "folder", "root": content.root, "count": content.count, "size": content.size}


def _check_file_list(ex: Examination, of: str, expected: Content) -> None:
    entries = ex.case.file_lists.get(of)
    if entries is None:
        return
    if isinstance(expected, FileContent):
        raise VerificationFailed("the object is a single file, and the bundle brings a file list for it")
    check_content(expected, folder_content(entries))


def _content_of(ex: Examination, of: str, expected: Content) -> Content:
    """The digest record that the included bytes give."""
    files = ex.case.originals[of]
    if isinstance(expected, FolderContent):
        return folder_content([entry_of(path, _file(ex.bundle, files[path])) for path in sorted(files, key=_bytes)])
    if len(files) != 1:
        raise VerificationFailed(f"the object is a single file, the bundle brings {len(files)}")
    (member,) = files.values()
    return _file(ex.bundle, member)


def _file(bundle: Bundle, member: str) -> FileContent:
    return file_content(bundle.stream(member))


def _bytes(path: str) -> bytes:
    return path.encode()
