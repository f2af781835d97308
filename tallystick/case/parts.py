"""An original of which some parts are here: a map of the whole that says of each piece whether it is here or withheld.

The pieces are the leaves of the tree whose root stands in the log: of a file its chunks of 1 MiB, of a folder the
lines of its file list. What is here is its own proof; of what is withheld the map gives the hashes of the largest
subtrees that hold nothing else. Together they give the root, so every piece here is that piece of the registered
object, and nothing is said of the others. See docs/evidence-format.md, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.content import CHUNK_BYTES, MAX_FILES, FileEntry, check_file_list
from tallystick.errors import MalformedInput
from tallystick.merkle import covering
from tallystick.schema import COUNT, HEX32, between, items, read, record, text
from tallystick.versions import check_version

VERSION: Literal[1] = 1
MAX_RUNS = 20_000
MAX_PARTS_BYTES = 1 << 28
MAX_PIECES = 1 << 33
"""Of a file: those of 2^53 bytes."""
_SUBTREES = 80
"""A run of pieces never needs more."""
MAX_PARTS_VALUES = 5 * MAX_FILES + 100 * MAX_RUNS
"""Commas and brackets outside texts that a map can have: five for each line, and fewer than a hundred for each run, as
many subtrees as it may need.
"""
_STRING = rb'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_MARKS = (b",", b"[", b"{")


@record
class Run:
    """Pieces ``first`` to ``first + count - 1``. nodes (hex): they are withheld; these are the roots of the largest
    complete subtrees of them, left to right. lines: of a folder, their lines. reason: why they are withheld.
    """

    first: Annotated[int, COUNT]
    count: Annotated[int, between(1, MAX_PIECES)]
    nodes: Annotated[tuple[Annotated[str, HEX32], ...], items(_SUBTREES, 1)] | None = None
    lines: Annotated[tuple[FileEntry, ...], items(MAX_FILES, 1)] | None = None
    reason: Annotated[str, text(400)] | None = None

    @property
    def last(self) -> int:
        """The last of its pieces."""
        return self.first + self.count - 1


@record
class PartsMap:
    """Every piece of an object, once, in order: here or withheld. ``count``: how many there are."""

    v: Literal[1]
    form: Literal["file", "folder"]
    count: Annotated[int, between(1, MAX_PIECES)]
    runs: Annotated[tuple[Run, ...], items(MAX_RUNS, 1)]

    @property
    def here(self) -> tuple[Run, ...]:
        """The runs that are not withheld."""
        return tuple(run for run in self.runs if run.nodes is None)

    @property
    def withheld(self) -> tuple[Run, ...]:
        """The others."""
        return tuple(run for run in self.runs if run.nodes is not None)

    @property
    def lines(self) -> tuple[FileEntry, ...]:
        """Of a folder: the lines that are here, in order."""
        return tuple(line for run in self.here for line in run.lines or ())


def decode_parts(data: bytes) -> PartsMap:
    """``parts/<slug>.json``. Raises ``MalformedInput``; for a later version ``UnknownVersion``."""
    check_values(data, MAX_PARTS_VALUES)
    value = canonical.decode(data, MAX_PARTS_BYTES)
    check_version(value, "map of parts", VERSION)
    parts = read(PartsMap, value)
    check_parts(parts)
    return parts


def check_values(data: bytes, most: int) -> None:
    """Refuse (``MalformedInput``) JSON with more than ``most`` commas and brackets outside its texts before it is read.

    A value that takes two bytes here takes sixty once it is read; what a map or file list may hold takes five times its
    length.
    """
    count = sum(data.count(mark) for mark in _MARKS)
    if count > most:  # Some of them stand in texts.
        count -= sum(sum(one[0].count(mark) for mark in _MARKS) for one in re.finditer(_STRING, data))
    if count > most:
        raise MalformedInput(f"the JSON has more than {most} values")


def check_parts(parts: PartsMap) -> None:
    """Raise ``MalformedInput`` unless the runs are every piece once, in the one form that they may have."""
    at, before = 0, None
    for run in parts.runs:
        if run.first != at:
            raise MalformedInput(f"a run begins at piece {run.first}, the one before it ends before piece {at}")
        if run.nodes is None:
            _check_here(run, parts.form, before)
        elif run.lines is not None or len(run.nodes) != len(covering(run.first, run.count)):
            wanted = len(covering(run.first, run.count))
            raise MalformedInput(f"the withheld run at piece {at} has {wanted} subtrees and no lines")
        at, before = run.last + 1, run
    if at != parts.count:
        raise MalformedInput(f"the runs are {at} pieces, the map counts {parts.count}")
    if not parts.here or (parts.form == "file" and not parts.withheld):
        raise MalformedInput("a map of parts is of an object of which something is here, and not everything")
    if parts.form == "folder":
        check_file_list(parts.lines)


def _check_here(run: Run, form: str, before: Run | None) -> None:
    if run.reason is not None or (before is not None and before.nodes is None):
        raise MalformedInput(f"the run at piece {run.first} is here: it has no reason, and is one with its neighbour")
    if (run.lines is None) != (form == "file") or len(run.lines or ()) not in (0, run.count):
        raise MalformedInput(
            f"the run at piece {run.first} of a {form} has a line for each piece of a folder, else none"
        )


def piece_name(run: Run) -> str:
    """The file under ``originals/<slug>/`` that holds the chunks of a run of a file."""
    return f"chunks-{run.first}-{run.last}"


def check_members(parts: PartsMap, files: Collection[str]) -> None:
    """Raise ``MalformedInput`` unless ``files`` are those that may stand under the object: of a file each run that is
    here; of a folder files of lines that are here, and not all of them if nothing else is withheld.
    """
    if parts.form == "file":
        odd = set(files) ^ {piece_name(run) for run in parts.here}
    else:
        listed = {line.path for line in parts.lines}
        odd = set(files) - listed
        if not parts.withheld and listed == set(files):
            raise MalformedInput("every file of the folder is here: it is included, not in parts")
    if odd:
        raise MalformedInput(f"the map of parts and the files do not agree on {min(odd)[:200]!r}")


def chunks_of(size: int) -> int:
    """Number of chunks of a file of ``size`` bytes."""
    return -(-size // CHUNK_BYTES)


def run_bytes(run: Run, size: int) -> int:
    """Bytes of a run of chunks of a file of ``size`` bytes."""
    return min((run.last + 1) * CHUNK_BYTES, size) - run.first * CHUNK_BYTES
