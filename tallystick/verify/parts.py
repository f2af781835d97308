"""Step 8, of an original that is here in parts: which pieces of the registered object these are, and no word more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from tallystick import canonical
from tallystick.bundle import Bundle
from tallystick.case.parts import PartsMap, Run, chunks_of, piece_name, run_bytes
from tallystick.content import Content, FileContent, FolderContent, check_content, entry_of, file_content, rechunked
from tallystick.errors import VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import CompactRange, leaf_hash
from tallystick.schema import write
from tallystick.verify.outcome import Tally

_TOLD = 50
"""Runs that a sentence names; the facts have all of them."""


@dataclass(frozen=True)
class Held:
    """A file under the object: its size, and its bytes in blocks, each time from the start."""

    size: int
    blocks: Callable[[], Iterable[bytes]]


def check_parts(bundle: Bundle, parts: PartsMap, files: Mapping[str, str], expected: Content) -> None:
    """``check_held`` of members of the bundle, which ``files`` names."""
    held = {name: Held(bundle.members[member].size, partial(bundle.stream, member)) for name, member in files.items()}
    check_held(parts, held, expected)


def check_held(parts: PartsMap, files: Mapping[str, Held], expected: Content) -> None:
    """Raise ``VerificationFailed`` unless every piece that is here is that piece of the object with this record.

    ``files``: as ``parts.check_members`` demands. Reads by the chunk.
    """
    if isinstance(expected, FileContent):
        _check_form(parts, "file", chunks_of(expected.size))
        _check_lengths(parts, files, expected.size)
        chunks = (chunk for run in parts.here for chunk in rechunked(files[piece_name(run)].blocks()))
        _check_root(parts, expected.chunks, chunks)
        return
    _check_form(parts, "folder", expected.count)
    _check_root(parts, expected.root, (canonical.encode(write(line)) for line in parts.lines))
    _check_sizes(parts, expected)
    lines = {line.path: line for line in parts.lines}
    for path, held in files.items():
        if entry_of(path, file_content(held.blocks())) != lines[path]:
            raise VerificationFailed(f"the bytes of {path[:200]!r} are not those that its line of the file list names")


def _check_form(parts: PartsMap, form: str, count: int) -> None:
    if (parts.form, parts.count) != (form, count):
        raise VerificationFailed(
            f"the map of parts is of a {parts.form} of {parts.count} pieces, a {form} of {count} was registered"
        )


def _check_root(parts: PartsMap, expected: str, pieces: Iterable[bytes]) -> None:
    tree, coming = CompactRange(), iter(pieces)
    for run in parts.runs:
        for node in run.nodes or ():
            tree.graft(_level(tree.size, run), bytes.fromhex(node))
        for _ in range(0 if run.nodes else run.count):
            tree.append(leaf_hash(next(coming)))
    if tree.root().hex() != expected:
        raise VerificationFailed(
            f"the parts give the root {tree.root().hex()}, the log says {expected}: "
            "a part, its place, or what stands for a withheld one is not that of the registered object"
        )


def _level(at: int, run: Run) -> int:
    """Of the largest complete subtree from leaf ``at`` on that lies within the run (``merkle.covering``)."""
    level = (run.last + 1 - at).bit_length() - 1
    return min(level, (at & -at).bit_length() - 1) if at else level


def _check_lengths(parts: PartsMap, files: Mapping[str, Held], size: int) -> None:
    """So that a run has all of its chunks and no byte more, which nobody would look at."""
    for run in parts.here:
        name = piece_name(run)
        if files[name].size != run_bytes(run, size):
            found, wanted = files[name].size, run_bytes(run, size)
            raise VerificationFailed(f"{name} has {found} bytes, these chunks of the registered file have {wanted}")


def _check_sizes(parts: PartsMap, expected: FolderContent) -> None:
    if not parts.withheld:
        check_content(expected, FolderContent(1, "folder", expected.root, expected.count, _total(parts)))
    elif _total(parts) > expected.size:
        raise VerificationFailed(f"the files listed have {_total(parts)} bytes, the whole folder {expected.size}")


def _total(parts: PartsMap) -> int:
    return sum(line.size for line in parts.lines)


# --- what is told ---------------------------------------------------------------------------------------


def tell_parts(tally: Tally, of: str, parts: PartsMap, files: Mapping[str, str], expected: Content) -> dict[str, Any]:
    """Say exactly what is proved: these pieces, of so many; never the whole. The same for programs."""
    told = {"object": of, "count": parts.count, "pieces": _ranges(parts.here)}
    if isinstance(expected, FileContent):
        shown = sum(run_bytes(run, expected.size) for run in parts.here)
        tally.needs("content.chunks", **told, bytes=shown, size=expected.size)
    else:
        tally.needs("content.lines", **told, lines=len(parts.lines), files=len(files))
    for run in parts.withheld:
        if run.reason is not None:
            tally.shows("content.withheld", object=of, pieces=_ranges((run,)), reason=run.reason)
    return {
        "count": parts.count,
        "here": [[run.first, run.last] for run in parts.here],
        "withheld": [
            {"first": run.first, "last": run.last, **({"reason": run.reason} if run.reason is not None else {})}
            for run in parts.withheld
        ],
        **({} if parts.form == "file" else {"files": sorted(files, key=lambda path: path.encode())}),
    }


def _ranges(runs: Sequence[Run]) -> str:
    told = [f"{run.first}–{run.last}" if run.count > 1 else str(run.first) for run in runs[:_TOLD]]
    return ", ".join(told) + (" …" if len(runs) > _TOLD else "")
