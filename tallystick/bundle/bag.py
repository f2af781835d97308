"""The bag: BagIt 1.0 (RFC 8493) with SHA-256 manifests, and the exporter's signature over the tag manifest.

``tagmanifest-sha256.txt`` lists the declaration, the bag info and the payload
manifest; the payload manifest lists every file under ``data/``. The signature is a
COSE_Sign1 over the exact bytes of the tag manifest and stands in the only file
that no manifest lists. The reader recomputes both manifests from the bytes and
compares them whole.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from tallystick import cose
from tallystick.bundle.container import (
    MAX_FILE_BYTES,
    MAX_MEMBERS,
    Member,
    read_directory,
    stream,
    write_container,
)
from tallystick.bundle.sources import Source, blocks_of
from tallystick.content import check_path
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
BAGIT, INFO, MANIFEST, TAG_MANIFEST = "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"
SIGNATURE = "tagmanifest-sha256.txt.cose"
CONTENT_TYPE = "application/vnd.tallystick.bag-tagmanifest"
PAYLOAD = "data/"
MAX_TAG_BYTES = 64 << 20

_TAG_FILES = (BAGIT, INFO, MANIFEST)


@dataclass(frozen=True)
class Bundle:
    """A bundle whose bytes are exactly what its manifests say. Who signed them is not yet judged.

    ``sha256``: of each member by name, hex. ``exporter_kid``: thumbprint of the key that claims to have signed.
    """

    file: BinaryIO
    members: Mapping[str, Member]
    sha256: Mapping[str, str]
    tag_manifest: bytes
    signature: cose.Sign1

    @property
    def exporter_kid(self) -> bytes:
        """RFC 9679 thumbprint, 32 bytes."""
        kid: bytes = self.signature.protected[cose.KID]
        return kid

    def verify_signature(self, key: PublicKey) -> None:
        """Raise ``VerificationFailed`` unless ``key`` signed the tag manifest."""
        self.signature.verify(key, self.tag_manifest)

    def names(self) -> tuple[str, ...]:
        """Names of the payload members, ``data/`` included, sorted by their UTF-8 bytes."""
        return tuple(name for name in self.members if name.startswith(PAYLOAD))

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a member. Raises ``MalformedInput`` when it is absent or has more than ``limit`` bytes."""
        return b"".join(self.stream(name, limit))

    def stream(self, name: str, limit: int = MAX_FILE_BYTES) -> Iterator[bytes]:
        """The bytes of a member in blocks, as ``read``."""
        member = self.members.get(name)
        if member is None:
            raise MalformedInput(f"the bundle has no member {name}")
        if member.size > limit:
            raise MalformedInput(f"{name} has {member.size} bytes, at most {limit} are read")
        return stream(self.file, member)


def read_bundle(file: BinaryIO) -> Bundle:
    """Open a bundle and recompute its manifests from its bytes.

    Raises ``MalformedInput`` when it is not a bundle, and ``VerificationFailed``
    when its bytes are not those that were signed for.
    """
    members = read_directory(file)
    for name in (*_TAG_FILES, TAG_MANIFEST, SIGNATURE):
        if name not in members:
            raise MalformedInput(f"the bundle has no {name}")
    for name, member in members.items():
        if not name.startswith(PAYLOAD):
            if name not in (*_TAG_FILES, TAG_MANIFEST, SIGNATURE):
                raise MalformedInput(f"the bundle holds {name}, which no bundle has")
            if member.size > MAX_TAG_BYTES:
                raise MalformedInput(f"{name} has {member.size} bytes, at most {MAX_TAG_BYTES} are read")
    signature = _parse_signature(b"".join(stream(file, members[SIGNATURE])))
    sha256 = {name: _sha256(stream(file, member)) for name, member in members.items()}
    stored = {name: b"".join(stream(file, members[name])) for name in (*_TAG_FILES, TAG_MANIFEST)}
    _check_manifest(MANIFEST, stored[MANIFEST], {n: h for n, h in sha256.items() if n.startswith(PAYLOAD)})
    _check_manifest(TAG_MANIFEST, stored[TAG_MANIFEST], {name: sha256[name] for name in _TAG_FILES})
    if stored[BAGIT] != DECLARATION:
        raise MalformedInput("bagit.txt does not declare BagIt 1.0 in UTF-8")
    _check_info(stored[INFO], members)
    return Bundle(file, members, sha256, stored[TAG_MANIFEST], signature)


def _check_manifest(name: str, found: bytes, sha256: Mapping[str, str]) -> None:
    if found == encode_manifest(sha256):
        return
    expected = set(encode_manifest(sha256).split(b"\n"))
    strange = next((line for line in found.split(b"\n") if line not in expected), b"")
    raise VerificationFailed(
        f"{name} is not the list of the files in the bundle: "
        f"{strange[:200].decode(errors='replace') or 'a file that is here is not listed'}"
    )


def _check_info(found: bytes, members: Mapping[str, Member]) -> None:
    oxum = f"Payload-Oxum: {_oxum(members.values())}".encode()
    if oxum not in found.split(b"\n"):
        raise VerificationFailed(f"bag-info.txt does not say {oxum.decode()}")


def _oxum(members: Iterable[Member]) -> str:
    sizes = [member.size for member in members if member.name.startswith(PAYLOAD)]
    return f"{sum(sizes)}.{len(sizes)}"


def _parse_signature(data: bytes) -> cose.Sign1:
    envelope = cose.parse_sign1(data, 8192)
    header = envelope.protected
    if envelope.payload is not None or envelope.unprotected or set(header) != {cose.ALG, cose.CONTENT_TYPE, cose.KID}:
        raise MalformedInput(f"{SIGNATURE} is not a detached signature with algorithm, content type and key alone")
    if header[cose.CONTENT_TYPE] != CONTENT_TYPE or not isinstance(header[cose.KID], bytes):
        raise MalformedInput(f"{SIGNATURE} is not of content type {CONTENT_TYPE}")
    return envelope


def encode_manifest(sha256: Mapping[str, str]) -> bytes:
    """Manifest lines sorted by path bytes; CR, LF and % in paths percent-encoded (RFC 8493 §2.1.3)."""
    return b"".join(
        f"{sha256[name]}  {_escape(name)}\n".encode() for name in sorted(sha256, key=lambda name: name.encode())
    )


def _escape(path: str) -> str:
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def write_bundle(file: BinaryIO, members: Mapping[str, Source], exporter: Signer, bag_info: Mapping[str, str]) -> None:
    """Write a bundle of the payload ``members`` (names under ``data/``). The same input gives the same bytes,
    the exporter's signature apart where its algorithm is randomised.

    ``bag_info``: labels and values (RFC 8493 §2.2.2); Payload-Oxum is added. Raises
    ``MalformedInput`` for what ``read_bundle`` would refuse, and when a file changes while it is read.
    """
    sources = dict(members)
    for name in sources:
        if not name.startswith(PAYLOAD):
            raise FieldError(name, f"payload members stand under {PAYLOAD}")
    measured = {name: _measure(name, source) for name, source in sources.items()}
    tags: dict[str, bytes] = {
        BAGIT: DECLARATION,
        INFO: _encode_info(bag_info, _oxum(member for member, _ in measured.values())),
        MANIFEST: encode_manifest({name: sha256 for name, (_, sha256) in measured.items()}),
    }
    tags[TAG_MANIFEST] = encode_manifest({name: hashlib.sha256(data).hexdigest() for name, data in tags.items()})
    header = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: exporter.public.kid}
    tags[SIGNATURE] = cose.sign1(exporter, header, tags[TAG_MANIFEST], detached=True)
    measured |= {name: _measure(name, data) for name, data in tags.items()}
    sources |= tags
    write_container(file, _placed(sources, measured))


def _placed(
    sources: Mapping[str, Source], measured: Mapping[str, tuple[Member, str]]
) -> Iterator[tuple[Member, Iterable[bytes]]]:
    offset = 0
    if len(sources) > MAX_MEMBERS:
        raise MalformedInput(f"a bundle has at most {MAX_MEMBERS} members, found {len(sources)}")
    for name in sorted(sources, key=lambda name: name.encode()):
        member, sha256 = measured[name]
        member = replace(member, offset=offset)
        if member.end > MAX_FILE_BYTES:
            raise MalformedInput("the bundle would exceed 4 GiB: leave large originals out and give their digests")
        yield member, _unchanged(name, sources[name], sha256)
        offset = member.end


def _measure(name: str, source: Source) -> tuple[Member, str]:
    check_path(name)
    crc, size, hasher = 0, 0, hashlib.sha256()
    for block in blocks_of(source):
        crc, size = zlib.crc32(block, crc), size + len(block)
        hasher.update(block)
    return Member(name, crc, size, 0), hasher.hexdigest()


def _unchanged(name: str, source: Source, sha256: str) -> Iterator[bytes]:
    hasher = hashlib.sha256()
    for block in blocks_of(source):
        hasher.update(block)
        yield block
    if hasher.hexdigest() != sha256:
        raise MalformedInput(f"{name} changed while it was being exported; export again")


def _encode_info(bag_info: Mapping[str, str], oxum: str) -> bytes:
    lines = {**bag_info, "Payload-Oxum": oxum}
    for label, value in lines.items():
        if ":" in label or any(ord(character) < 32 for character in label + value):
            raise FieldError(f"bag_info.{label}", "a label holds no colon, and neither part a control character")
    return "".join(f"{label}: {value}\n" for label, value in lines.items()).encode()


def _sha256(blocks: Iterable[bytes]) -> str:
    hasher = hashlib.sha256()
    for block in blocks:
        hasher.update(block)
    return hasher.hexdigest()
