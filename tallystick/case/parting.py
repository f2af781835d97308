"""Making a map of parts: from a file by its chunks, from a folder by its lines, what is withheld replaced by subtrees.

Whoever has the original makes it; what is withheld need not leave the machine that it is on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from tallystick import canonical
from tallystick.bundle.sources import Slice
from tallystick.case.parts import PartsMap, Run, check_parts, chunks_of, piece_name, run_bytes
from tallystick.content import CHUNK_BYTES, FileEntry, rechunked
from tallystick.errors import MalformedInput
from tallystick.merkle import covering, leaf_hash, root_of
from tallystick.schema import write

_RANGE = re.compile(r"(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})", re.ASCII)


def part_file(blocks: Iterable[bytes], here: Collection[int], reason: str | None = None) -> PartsMap:
    """The map of a file of which the chunks ``here`` are shown; ``blocks``: all of its bytes, in blocks of any size.

    Raises ``MalformedInput`` when all of it would be shown, or nothing.
    """
    leaves = [leaf_hash(chunk) for chunk in rechunked(blocks)]
    runs = [_run(leaves, first, count, shown, reason) for first, count, shown in _runs(len(leaves), here)]
    return _checked(PartsMap(1, "file", len(leaves), tuple(runs)))


def part_folder(lines: Sequence[FileEntry], withheld: Collection[str], reason: str | None = None) -> PartsMap:
    """The map of a folder of whose file list the lines of the paths ``withheld`` are not shown, nor their names."""
    here = [at for at, line in enumerate(lines) if line.path not in withheld]
    leaves = [leaf_hash(canonical.encode(write(line))) for line in lines]
    runs = [
        Run(first, count, lines=tuple(lines[first : first + count]))
        if shown
        else _run(leaves, first, count, shown, reason)
        for first, count, shown in _runs(len(lines), here)
    ]
    return _checked(PartsMap(1, "folder", len(lines), tuple(runs)))


def slices(parts: PartsMap, place: Slice) -> dict[str, Slice]:
    """The runs of a file that are shown, by the names of their members; ``place``: the whole file."""
    return {
        piece_name(run): Slice(place.path, place.start + run.first * CHUNK_BYTES, run_bytes(run, place.size))
        for run in parts.here
    }


def chunks_within(ranges: Iterable[str], size: int, *, whole: bool) -> set[int]:
    """Chunks of a file of ``size`` bytes that ranges ``FROM-TO`` of bytes (the first, and the one after the last)
    touch; ``whole``: that lie in one of them altogether. Raises ``MalformedInput``.
    """
    found: set[int] = set()
    for text in ranges:
        match = _RANGE.fullmatch(text)
        start, end = (int(match[1]), int(match[2])) if match else (0, 0)
        if not start < end <= size:
            raise MalformedInput(f"{text[:60]!r} is no range of bytes FROM-TO with FROM < TO <= {size}")
        first, last = start // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        if whole:
            first = -(-start // CHUNK_BYTES)
            last = chunks_of(size) - 1 if end == size else end // CHUNK_BYTES - 1
        found.update(range(first, last + 1))
    return found


def _runs(count: int, here: Collection[int]) -> list[tuple[int, int, bool]]:
    """(first, count, shown) of the fewest runs of all pieces."""
    wanted, found = set(here), list[tuple[int, int, bool]]()
    for piece in range(count):
        shown = piece in wanted
        if found and found[-1][2] == shown:
            found[-1] = (found[-1][0], found[-1][1] + 1, shown)
        else:
            found.append((piece, 1, shown))
    return found


def _run(leaves: Sequence[bytes], first: int, count: int, shown: bool, reason: str | None) -> Run:
    if shown:
        return Run(first, count)
    nodes, at = [], first
    for level in covering(first, count):
        nodes.append(root_of(leaves[at : at + (1 << level)]).hex())
        at += 1 << level
    return Run(first, count, tuple(nodes), reason=reason)


def _checked(parts: PartsMap) -> PartsMap:
    check_parts(parts)
    return parts
