"""A dishonest exporter: an entry of the case is dated back by a year, and everything is signed again, with its key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tallystick.bundle import read_bundle, write_bundle
from tallystick.case import read_case
from tallystick.keys import Signer


def date_back(case: Path, subject: str, exporter: Signer, work: Path, forged: Path) -> str:
    """Write ``forged``: ``case`` with the first statement about ``subject`` dated back; the name of its member.

    ``work``: a folder for the members of the case, which may be large.
    """
    members: dict[str, bytes | Path] = {}
    with case.open("rb") as file:
        bundle = read_bundle(file)
        first = next(one for one in read_case(bundle).entries if one.statement.event.subject == subject)
        for name in bundle.names():
            members[name] = _copy(work / name, bundle.stream(name))
    entry, time = first.statement.entry, first.statement.event.time
    changed = f"data/entries/{first.position}.cose"
    # The year is in clear in the signed payload; all its lengths stay as they are.
    members[changed] = entry.replace(b'"time":"' + time.encode(), b'"time":"' + _year_before(time).encode())
    with forged.open("wb") as out:
        write_bundle(out, members, exporter, {})
    return changed


def _year_before(time: str) -> str:
    return f"{int(time[:4]) - 1:04d}{time[4:]}"


def _copy(path: Path, blocks: Iterable[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(blocks)
    return path
