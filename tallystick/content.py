"""The digest record of a file or a folder, version 1: what stands in a leaf in place of the bytes.

File: SHA-256, SM3, size, and the root of a chunk tree, an RFC 6962 tree whose
leaves are the consecutive 1 MiB chunks of the file (the last may be shorter; an
empty file has no chunk and the empty root), so that a part can be proved alone.

Folder: an RFC 6962 tree whose leaves are the canonical JSON
``{"path","sha256","size","sm3"}`` of each file, sorted by the UTF-8 bytes of its
NFC path; root, count and total bytes stand in the leaf, the list stays outside.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, BinaryIO, Literal, TypeAlias

from tallystick import canonical
from tallystick.digests import PairHasher
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.merkle import CompactRange, leaf_hash, root_of
from tallystick.schema import COUNT, HEX32, FieldError, between, check_visible, read, record, text, write
from tallystick.versions import check_version

VERSION: Literal[1] = 1
CHUNK_BYTES = 1 << 20
MAX_FILES = 1_000_000
MAX_PATH_BYTES = 4096


@record
class FileContent:
    """A file: both digests, size in bytes, and the chunk-tree root (hex)."""

    v: Literal[1]
    form: Literal["file"]
    sha256: Annotated[str, HEX32]
    sm3: Annotated[str, HEX32]
    size: Annotated[int, COUNT]
    chunks: Annotated[str, HEX32]


@record
class FolderContent:
    """A folder: root of the file-list tree (hex), number of files, total bytes."""

    v: Literal[1]
    form: Literal["folder"]
    root: Annotated[str, HEX32]
    count: Annotated[int, between(1, MAX_FILES)]
    size: Annotated[int, COUNT]


Content: TypeAlias = FileContent | FolderContent


@record
class FileEntry:
    """One line of a folder's file list."""

    path: Annotated[str, text(MAX_PATH_BYTES)]
    sha256: Annotated[str, HEX32]
    size: Annotated[int, COUNT]
    sm3: Annotated[str, HEX32]


def read_content(value: canonical.JsonValue, path: str = "content") -> Content:
    """A digest record from JSON. Raises ``FieldError``; for a later version ``UnknownVersion``."""
    check_version(value, "digest record", VERSION)
    form = value.get("form") if isinstance(value, dict) else None
    if form == "file":
        return read(FileContent, value, path)
    if form == "folder":
        return read(FolderContent, value, path)
    raise FieldError(f"{path}.form" if path else "form", "expected file or folder")


def file_content(blocks: Iterable[bytes]) -> FileContent:
    """Digest record of the bytes in ``blocks`` (any sizes), in one pass and constant memory."""
    hasher, tree = PairHasher(), CompactRange()
    size, pending = 0, bytearray()
    for block in blocks:
        hasher.update(block)
        size += len(block)
        pending += block
        while len(pending) >= CHUNK_BYTES:
            tree.append(leaf_hash(bytes(pending[:CHUNK_BYTES])))
            del pending[:CHUNK_BYTES]
    if pending:
        tree.append(leaf_hash(bytes(pending)))
    pair = hasher.pair()
    return FileContent(1, "file", pair.sha256, pair.sm3, size, tree.root().hex())


def rechunked(blocks: Iterable[bytes]) -> Iterable[bytes]:
    """The same bytes in chunks of 1 MiB, the last one shorter."""
    pending = bytearray()
    for block in blocks:
        pending += block
        while len(pending) >= CHUNK_BYTES:
            yield bytes(pending[:CHUNK_BYTES])
            del pending[:CHUNK_BYTES]
    if pending:
        yield bytes(pending)


def read_blocks(stream: BinaryIO) -> Iterable[bytes]:
    """The bytes of ``stream`` in chunks."""
    while block := stream.read(CHUNK_BYTES):
        yield block


def folder_content(entries: Sequence[FileEntry]) -> FolderContent:
    """Digest record of a folder from its file list, which must be in order. Raises ``MalformedInput``."""
    check_file_list(entries)
    root = root_of(leaf_hash(canonical.encode(write(entry))) for entry in entries)
    return FolderContent(1, "folder", root.hex(), len(entries), sum(entry.size for entry in entries))


def check_file_list(entries: Sequence[FileEntry]) -> None:
    """Raise ``MalformedInput`` unless the list is non-empty, of safe NFC relative paths, sorted, without repeats."""
    if not 1 <= len(entries) <= MAX_FILES:
        raise MalformedInput(f"a folder has 1 to {MAX_FILES} files, found {len(entries)}")
    previous = b""
    for entry in entries:
        check_path(entry.path)
        current = entry.path.encode("utf-8")
        if current <= previous:
            raise MalformedInput(f"the file list is not sorted by UTF-8 path, or repeats {entry.path!r}")
        previous = current


def check_path(path: str) -> None:
    """Raise ``MalformedInput`` unless ``path`` is NFC, relative, ``/``-separated, and stays inside its folder."""
    if unicodedata.normalize("NFC", path) != path:
        raise MalformedInput(f"the path {path!r} is not in Unicode NFC form")
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:
        # How Python shows a file name whose bytes are not UTF-8.
        raise MalformedInput(f"the path {path[:80]!r} has no UTF-8 form: rename the file") from None
    if len(encoded) > MAX_PATH_BYTES or "\\" in path or path.startswith("/"):
        raise MalformedInput(f"the path {path[:80]!r} is not a relative path of at most {MAX_PATH_BYTES} bytes")
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise MalformedInput(f"the path {path[:80]!r} has an empty, '.' or '..' part")
    try:
        check_visible(path)
    except MalformedInput as error:
        raise MalformedInput(f"the path {path[:80]!r} {error}") from None


def entry_of(path: str, content: FileContent) -> FileEntry:
    """The file-list line of one file."""
    return FileEntry(path, content.sha256, content.size, content.sm3)


def check_content(expected: Content, found: Content) -> None:
    """Raise ``VerificationFailed`` naming the first difference."""
    want, have = write(expected), write(found)
    for name in sorted(want.keys() | have.keys()):
        if want.get(name) != have.get(name):
            raise VerificationFailed(f"content {name}: the log says {want.get(name)}, the bytes give {have.get(name)}")
