"""The entries of a log in a folder of tiles (C2SP tlog-tiles), such as a mirror: nothing of them is believed here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tallystick.errors import MalformedInput
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.tiles import WIDTH, Tile, parse_bundle

_MOST = WIDTH * (2 + MAX_ENTRY_BYTES)


def entries_in(folder: Path) -> Iterator[bytes]:
    """Every entry, from the first on; ``folder`` is a tree of tiles or holds one as ``public``.

    Raises ``MalformedInput`` where there is none, or a file is no bundle.
    """
    root = folder / "public" if (folder / "public").is_dir() else folder
    if not (root / "tile" / "entries").is_dir():
        raise MalformedInput(
            f"{folder} holds no entries of a log: give the folder of a mirror (python -m ledger mirror)"
        )
    for index in count():
        path = root / Tile(None, index).path()
        data = _read(path) if path.is_file() else _partial(path)
        if data is None:
            return
        entries = parse_bundle(data)
        yield from entries
        if len(entries) < WIDTH:
            return


def _partial(full: Path) -> bytes | None:
    """The widest of the bundles that were not full."""
    folder = full.with_name(full.name + ".p")
    widths = [int(one.name) for one in folder.iterdir() if one.name.isdecimal()] if folder.is_dir() else []
    return _read(folder / str(max(widths))) if widths else None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise MalformedInput(f"{path} is longer than any bundle of entries")
    return data
