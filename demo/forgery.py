"""A dishonest exporter: an entry is dated back, another left out, and everything is signed again, with its own key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tallystick import canonical
from tallystick.bundle import read_bundle, write_bundle
from tallystick.case import read_case
from tallystick.case.crate import DESCRIPTOR, crate_of
from tallystick.keys import Signer

_INDEX, _PROOFS = "data/case.json", "data/log/proofs.json"
_LARGE = 1 << 26


def date_back(case: Path, subject: str, exporter: Signer, work: Path, forged: Path) -> str:
    """Write ``forged``: ``case`` with the first statement about ``subject`` dated back; the name of its member.

    ``work``: a folder for the members of the case, which may be large.
    """
    members = _members(case, work)
    with case.open("rb") as file:
        entries = read_case(read_bundle(file)).entries
        first = next(one for one in entries if one.statement.event.subject == subject)
    entry, time = first.statement.entry, first.statement.event.time
    changed = f"data/entries/{first.position}.cose"
    # The year is in clear in the signed payload; all its lengths stay as they are.
    members[changed] = entry.replace(b'"time":"' + time.encode(), b'"time":"' + _year_before(time).encode())
    with forged.open("wb") as out:
        write_bundle(out, members, exporter, {})
    return changed


def leave_out(case: Path, position: int, exporter: Signer, work: Path, forged: Path) -> str:
    """Write ``forged``: ``case`` as if there were no entry at ``position``, consistent in itself; the member's name."""
    members = _members(case, work)
    gone = f"data/entries/{position}.cose"
    del members[gone]
    proofs = canonical.decode(_bytes(members[_PROOFS]), _LARGE)
    del proofs["inclusion"][str(position)]
    members[_PROOFS] = canonical.encode(proofs)
    index = canonical.decode(_bytes(members[_INDEX]), _LARGE)
    index["adverse"] = [one for one in index["adverse"] if one != position]
    if not index["adverse"]:
        del index["adverse"]
    members[_INDEX] = canonical.encode(index)
    payload = [name for name in members if name.startswith("data/") and name != DESCRIPTOR]
    members[DESCRIPTOR] = crate_of(index["kind"], index["subject"], index["exported_at"], payload)
    with forged.open("wb") as out:
        write_bundle(out, members, exporter, {})
    return gone


def _members(case: Path, work: Path) -> dict[str, bytes | Path]:
    with case.open("rb") as file:
        bundle = read_bundle(file)
        return {name: _copy(work / name, bundle.stream(name)) for name in bundle.names()}


def _bytes(member: bytes | Path) -> bytes:
    return member if isinstance(member, bytes) else member.read_bytes()


def _year_before(time: str) -> str:
    return f"{int(time[:4]) - 1:04d}{time[4:]}"


def _copy(path: Path, blocks: Iterable[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(blocks)
    return path
