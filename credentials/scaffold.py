"""What c2pa-python writes: the manifest store in the place that each format has for it, and the hash of the file.

It signs with a throw-away key of this process, under a certificate that nobody trusts. `credentials.manifests` makes
the manifest that counts of it.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from cryptography.hazmat.primitives import serialization

from credentials.ca import issue_authority, issue_signer, new_root
from credentials.errors import SigningFailed
from credentials.manifests import ROOM
from tallystick.c2pa.containers import EMBEDDED
from tallystick.c2pa.reading import strict_context

if TYPE_CHECKING:
    import c2pa

PLAIN = "application/octet-stream"
"""Any bytes, as far as we know their format."""
Progress = Callable[[int], None]
"""Told of bytes as they are read."""


@contextmanager
def building(definition: dict[str, Any], room: int) -> Iterator[c2pa.Builder]:
    """A builder that leaves `room` bytes; its errors become ours. Raises SigningFailed."""
    import c2pa

    if room:
        padding = {"label": ROOM, "kind": "Json", "created": True, "data": "0" * room}
        definition = {**definition, "assertions": [padding, *definition["assertions"]]}
    try:
        yield c2pa.Builder(json.dumps(definition), context=strict_context())
    except c2pa.C2paError as error:
        raise SigningFailed(f"the file was not signed: {error}") from error


def write_scaffold(
    builder: c2pa.Builder, media_type: str, source: BinaryIO, target: BinaryIO, progress: Progress | None
) -> bytes:
    """Run the builder; returns the manifest store. A format that carries none gets its store beside it."""
    known = media_type if media_type in EMBEDDED else PLAIN
    if media_type not in EMBEDDED:
        builder.set_no_embed()
    source.seek(0)
    return bytes(builder.sign(_signer(os.getpid()), known, counted(source, progress), target))


@functools.lru_cache(maxsize=1)
def _signer(process: int) -> c2pa.Signer:
    """Made once in each process: one inherited through a fork is not valid. Its time means nothing."""
    # Loaded when a file is signed, not when the service starts.
    import c2pa

    years, since = 200, datetime(2000, 1, 1, tzinfo=UTC)
    root = new_root("Scaffold", "Scaffold root", since, years * 365)
    signer = issue_signer(
        issue_authority(root, "Scaffold authority", since, years * 365), "Scaffold", since, 365 * years
    )
    key = signer.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, signer.signing_chain_pem, key, None))


def counted(stream: BinaryIO, progress: Progress | None) -> Any:
    """The stream, which tells how much is read of it."""
    return _Counted(stream, progress) if progress else stream


class _Counted:
    """A stream that tells how much was read of it."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._progress(len(data))
        return data

    def readinto(self, buffer: memoryview) -> int:
        count = int(self._stream.readinto(buffer))  # type: ignore[attr-defined]
        self._progress(count)
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
