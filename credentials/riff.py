"""RIFF files (WebP, WAV): their head says how long they are, and an update manifest makes them longer.

So the hash of the file leaves out the four bytes of that length besides the store; c2pa-python hashes them, and no
update of its own survives that. Nothing can hide behind the length: a reader demands that it ends where the file does.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import cbor2

from tallystick.c2pa.cbor import decode_cbor
from tallystick.c2pa.containers import Container
from tallystick.c2pa.jumbf import parse_store

RIFF = frozenset({"image/webp", "audio/wav"})
_HASH = "c2pa.hash.data"
_BLOCK = 1 << 20


def unhashed_lengths(file: BinaryIO, scaffold: bytes, held: Container) -> dict[str, bytes]:
    """The data hash of `scaffold`, made anew without the bytes that say how long the file is."""
    active = parse_store(scaffold).children[-1]
    value = decode_cbor(active.child("c2pa.assertions").child(_HASH).content(b"cbor"), _HASH)
    left_out = sorted([*held.lengths, held.span])
    digest, position = hashlib.sha256(), 0
    for start, end in [*left_out, (1 << 62, 1 << 62)]:
        file.seek(position)
        while position < start and (block := file.read(min(_BLOCK, start - position))):
            digest.update(block)
            position += len(block)
        position = end
    exclusions = [{"start": start, "length": end - start} for start, end in left_out]
    told = {"exclusions": exclusions, "name": value["name"], "alg": "sha256", "hash": digest.digest(), "pad": b""}
    return {_HASH: cbor2.dumps(told)}
