"""A small bundle, and its zip taken apart so that tests can put it together wrongly."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tallystick import cose
from tallystick.bundle import Bundle, read_bundle, write_bundle
from tallystick.bundle.bag import (
    BAGIT,
    CONTENT_TYPE,
    DECLARATION,
    INFO,
    MANIFEST,
    SIGNATURE,
    TAG_MANIFEST,
    encode_manifest,
)
from tallystick.bundle.container import Member, end_record
from tests.world import key_from

EXPORTER = key_from("exporter of small bundles")
PAYLOAD: dict[str, bytes] = {
    "data/case.json": b'{"v":1}',
    "data/entries/0.cose": b"entry zero",
    "data/entries/1.cose": b"entry one",
    "data/originals/100 %.txt": b"an original with a percent sign",
}


def small() -> bytes:
    """A bundle that opens."""
    out = io.BytesIO()
    write_bundle(out, dict(PAYLOAD), EXPORTER, {"External-Identifier": "small"})
    return out.getvalue()


def opened(data: bytes) -> Bundle:
    """Open a bundle and check its signature."""
    bundle = read_bundle(io.BytesIO(data))
    bundle.verify_signature(EXPORTER.public)
    return bundle


def contents(data: bytes) -> dict[str, bytes]:
    """Every member, read by a stranger (the standard library)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def signed_again(
    payload: Mapping[str, bytes], *, declaration: bytes = DECLARATION, info: bytes | None = None
) -> dict[str, bytes]:
    """All members for ``payload``, with manifests rebuilt and signed by the exporter's real key."""
    inside = [name for name in payload if name.startswith("data/")]
    oxum = f"Payload-Oxum: {sum(len(payload[name]) for name in inside)}.{len(inside)}\n".encode()
    members = dict(payload)
    members[BAGIT] = declaration
    members[INFO] = oxum if info is None else info
    members[MANIFEST] = encode_manifest({name: _sha256(payload[name]) for name in inside})
    members[TAG_MANIFEST] = encode_manifest({name: _sha256(members[name]) for name in (BAGIT, INFO, MANIFEST)})
    header = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: EXPORTER.public.kid}
    members[SIGNATURE] = cose.sign1(EXPORTER, header, members[TAG_MANIFEST], detached=True)
    return members


@dataclass(frozen=True)
class Part:
    """One member of a zip to be: the two headers may say different things."""

    member: Member
    data: bytes
    local: bytes | None = None
    central: bytes | None = None

    def local_header(self) -> bytes:
        return self.member.local_header() if self.local is None else self.local

    def central_header(self) -> bytes:
        return self.member.central_header() if self.central is None else self.central


def parts(members: Mapping[str, bytes], order: Iterable[str] | None = None) -> list[Part]:
    """Parts in order, at their offsets."""
    found, at = [], 0
    for name in sorted(members, key=str.encode) if order is None else order:
        data = members[name]
        member = Member(name, zlib.crc32(data), len(data), at)
        found.append(Part(member, data))
        at = member.end
    return found


def assembled(found: Iterable[Part], *, gap: bytes = b"", before: bytes = b"", comment: bytes = b"") -> bytes:
    """The zip: ``before`` in front, ``gap`` between members and directory."""
    found = list(found)
    body = b"".join(part.local_header() + part.data for part in found) + gap
    directory = b"".join(part.central_header() for part in found)
    end = bytearray(end_record(len(found), len(directory), len(before) + len(body)))
    end[-2:] = len(comment).to_bytes(2, "little")
    return before + body + directory + bytes(end) + comment


def moved(part: Part, offset: int) -> Part:
    """The same part, said to start elsewhere."""
    return replace(part, member=replace(part.member, offset=offset))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
