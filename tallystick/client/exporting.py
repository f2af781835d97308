"""What ``tallystick export`` brings of an original: the whole, or in parts, cut here, so that nothing else travels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tallystick.assets import Asset
from tallystick.bundle import Slice, blocks_of
from tallystick.case import kind_of, slug_of
from tallystick.case.parting import chunks_within, part_file, part_folder, slices
from tallystick.case.parts import PartsMap, chunks_of
from tallystick.content import FileEntry, FolderContent
from tallystick.errors import MalformedInput
from tallystick.schema import write

Place: TypeAlias = Path | Slice
Progress = Callable[[str, int], None]
"""Called with what is being read and the number of bytes just read."""


@dataclass(frozen=True)
class Bringing:
    """Parts of the request: ``files`` by the names that the service expects, ``lists`` and ``parts`` as JSON values."""

    files: Mapping[str, Place] = field(default_factory=dict)
    lists: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """What is shown of an original. ``only``: byte ranges ``FROM-TO`` of a file, of which every chunk that lies within
    is shown. ``redact``: byte ranges, with every chunk that they touch, or paths of a folder, which are left out, their
    names too. ``reason``: why, in the exporter's words. None of them: the whole.
    """

    only: Sequence[str] = ()
    redact: Sequence[str] = ()
    reason: str | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.only and not self.redact


def bring(
    subject: str, of: str | None, path: Path, cut: Cut, read: Callable[[Path], Asset], told: Progress
) -> Bringing:
    """The original at ``path`` of the object ``of``, or of ``subject`` itself. ``read``: describes a file or folder.

    Raises ``MalformedInput``.
    """
    target = of or subject
    prefix = "" if kind_of(subject) == "object" else f"{slug_of(target)}/"
    if cut.reason is not None and cut.whole:
        raise MalformedInput("--reason says why something is left out: say what, with --redact or --only")
    if not cut.whole and path.is_file():
        parts, files = _cut_file(path, cut, told)
        return Bringing(_named(files, prefix), {}, {target: write(parts)})
    asset = read(path)
    places = {entry.path: place for entry, place in asset.files}
    if cut.whole:
        lists = {target: write(list(asset.entries))} if isinstance(asset.content, FolderContent) else {}
        return Bringing(_named(places, prefix), lists)
    if cut.only:
        raise MalformedInput("--only is for a single file: of a folder, --redact names what is left out")
    gone = _paths(asset.entries, cut.redact)
    parts = part_folder(asset.entries, gone, cut.reason)
    return Bringing(
        _named({name: places[name] for name in places if name not in gone}, prefix), {}, {target: write(parts)}
    )


def disclosing(disclose: str, opened: Sequence[str]) -> Any:
    """``disclose`` of the request: ``all``, ``none``, or names by position, from ``POSITION:NAME`` or ``POSITION``.

    Raises ``MalformedInput``.
    """
    if not opened:
        if disclose not in ("all", "none"):
            raise MalformedInput(f"--disclose is all or none, not {disclose[:40]!r}; --open opens single values")
        return disclose
    chosen: dict[str, list[str]] = {}
    for text in opened:
        position, _, name = text.partition(":")
        if not position.isascii() or not position.isdigit():
            raise MalformedInput(f"--open {text[:60]!r}: expected POSITION:NAME")
        chosen.setdefault(str(int(position)), []).extend([name] if name else [])
    return chosen


def request_of(subject: str, disclose: Any) -> str:
    """The field ``request``."""
    return json.dumps({"subject": subject, "disclose": disclose})


def _cut_file(path: Path, cut: Cut, told: Progress) -> tuple[PartsMap, dict[str, Slice]]:
    place = Slice(path, 0, path.stat().st_size)
    here = set(range(chunks_of(place.size)))
    if cut.only:
        here = chunks_within(cut.only, place.size, whole=True)
    here -= chunks_within(cut.redact, place.size, whole=False)
    _check_cut(here, chunks_of(place.size), place.size)
    parts = part_file(_counted(place, told), here, cut.reason)
    return parts, slices(parts, place)


def _check_cut(here: set[int], count: int, size: int) -> None:
    """Something is shown and something is left out, by whole chunks, or there is nothing to cut."""
    if here and len(here) < count:
        return
    if count <= 1:
        found = f"the file has {size} bytes, one chunk of 1 MiB"
    else:
        found = f"of the file's {count} chunks of 1 MiB {'all' if here else 'none'} would be shown"
    raise MalformedInput(
        f"{found}: --only shows the chunks that lie within it altogether, --redact leaves out those that it touches; "
        f"{'give other bounds, or the whole file' if count > 1 else 'give the whole file, or leave it out'}"
    )


def _counted(place: Slice, told: Progress) -> Any:
    for block in blocks_of(place):
        told(place.path.name, len(block))
        yield block


def _paths(lines: Sequence[FileEntry], redact: Sequence[str]) -> set[str]:
    gone: set[str] = set()
    for text in redact:
        found = {line.path for line in lines if line.path == text or line.path.startswith(f"{text.rstrip('/')}/")}
        if not found:
            raise MalformedInput(f"--redact {text[:120]!r}: the folder has no such file")
        gone |= found
    return gone


def _named(files: Mapping[str, Place], prefix: str) -> dict[str, Place]:
    return {f"{prefix}{name}": source for name, source in files.items()}
