"""Ways to change a case: its members, with everything that depends on them made right again, or left as it was."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tallystick import canonical
from tallystick.bundle.bag import BAGIT, INFO, MANIFEST, SIGNATURE, TAG_MANIFEST, read_bundle
from tallystick.bundle.container import Member, write_container
from tallystick.case.crate import crate_of
from tallystick.case.model import CRATE, INDEX, PROOFS

Members = dict[str, bytes]
TAGS = (BAGIT, INFO, MANIFEST, TAG_MANIFEST, SIGNATURE)


def entry(position: int) -> str:
    return f"data/entries/{position}.cose"


def edit_json(members: Members, name: str, change: Callable[[Any], None]) -> Members:
    """The members with one JSON member changed, canonical again."""
    value = canonical.decode(members[name], len(members[name]))
    change(value)
    return {**members, name: canonical.encode(value)}


def described(members: Members) -> Members:
    """The members with metadata that describes exactly them, as an honest writer would leave it."""
    index = canonical.decode(members[INDEX], 1 << 20)
    return {**members, CRATE: crate_of(index["kind"], index["subject"], index["exported_at"], members)}


def without(members: Members, *names: str) -> Members:
    return described({name: data for name, data in members.items() if name not in names})


def without_entry(members: Members, position: int) -> Members:
    """Entry, its proof and its disclosures gone, without a trace in the other members."""

    def forget(proofs: Any) -> None:
        del proofs["inclusion"][str(position)]

    return without(edit_json(members, PROOFS, forget), entry(position), f"data/disclosures/{position}.json")


def flipped(data: bytes, at: int, mask: int = 0x01) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def rezip(members: Mapping[str, bytes]) -> bytes:
    """A well-formed container of these members, tag files included; no manifest is made right."""
    file = io.BytesIO()
    write_container(file, _placed(members))
    return file.getvalue()


def _placed(members: Mapping[str, bytes]) -> Iterator[tuple[Member, list[bytes]]]:
    offset = 0
    for name in sorted(members, key=lambda name: name.encode()):
        member = Member(name, zlib.crc32(members[name]), len(members[name]), offset)
        yield member, [members[name]]
        offset = member.end


def tags_of(bundle: bytes) -> Members:
    """The tag files of a bundle."""
    opened = read_bundle(io.BytesIO(bundle))
    return {name: opened.read(name, 1 << 20) for name in TAGS}
