"""Bundles put together again after a change, by an exporter of our own whom the trust file names.

Written from docs/evidence-format.md, as both verifiers must read it; no code of theirs is used.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ed25519

Members = dict[str, bytes]

_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"an exporter for tests").digest())
_RAW = _KEY.public_key().public_bytes_raw()
_KID = hashlib.sha256(bytes.fromhex("a301012006215820") + _RAW).digest()
KEY = {"alg": "ed25519", "public": base64.b64encode(_RAW).decode()}
CASE, CRATE, PROOFS = "data/case.json", "data/ro-crate-metadata.json", "data/log/proofs.json"
INFO, DECLARATION = "bag-info.txt", "bagit.txt"
MANIFEST, TAGS, SIGNATURE = "manifest-sha256.txt", "tagmanifest-sha256.txt", "tagmanifest-sha256.txt.cose"


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def members_of(bundle: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Section 1."""
    data, directory = b"", b""
    for name in sorted(members, key=str.encode):
        content, raw = members[name], name.encode()
        sized = (zlib.crc32(content), len(content), len(content), len(raw))
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 0x0314, 20, 0x0800, 0, 0, 0x21, *sized, 0, 0, 0, 0, 0x81A40000, len(data)
        )
        directory += raw
        data += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0x0800, 0, 0, 0x21, *sized, 0) + raw + content
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(members), len(members), len(directory), len(data), 0)
    return data + directory + end


def _manifest(members: Mapping[str, bytes]) -> bytes:
    rows = ((name, hashlib.sha256(members[name]).hexdigest()) for name in sorted(members, key=str.encode))
    escaped = ((name.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"), digest) for name, digest in rows)
    return "".join(f"{digest}  {name}\n" for name, digest in escaped).encode()


def _head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes([major << 5 | length])
    return bytes([major << 5 | 24, length]) if length < 256 else bytes([major << 5 | 25]) + length.to_bytes(2, "big")


def _text(text: str) -> bytes:
    return _head(3, len(text)) + text.encode()


def _bytes(value: bytes) -> bytes:
    return _head(2, len(value)) + value


def signature(tags: bytes) -> bytes:
    """Section 2: a COSE_Sign1 over the tag manifest."""
    header = b"\xa3\x01\x27\x03" + _text("application/vnd.tallystick.bag-tagmanifest") + b"\x04" + _bytes(_KID)
    signed = _KEY.sign(b"\x84" + _text("Signature1") + _bytes(header) + b"\x40" + _bytes(tags))
    return b"\xd2\x84" + _bytes(header) + b"\xa0\xf6" + _bytes(signed)


def crate(case: Any, names: list[str]) -> bytes:
    """Section 4."""
    files = sorted(quote(name.removeprefix("data/"), safe="-._~/") for name in names if name != CRATE)
    kinds = {".json": "application/json", ".cose": "application/cose"}
    described = []
    for file in files:
        kind = next((kinds[ending] for ending in kinds if file.endswith(ending)), None)
        known = {} if kind is None or file.startswith("originals/") else {"encodingFormat": kind}
        described.append({"@id": file, "@type": "File", **known})
    metadata = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
    }
    whole = {
        "@id": "./",
        "@type": "Dataset",
        "datePublished": case["exported_at"],
        "description": "Entries of a transparency log with the proofs that a verifier needs offline.",
        "hasPart": [{"@id": file} for file in files],
        "license": {"@id": "#use"},
        "name": f"Evidence about {case['kind']} {case['subject']}",
    }
    use = {
        "@id": "#use",
        "@type": "CreativeWork",
        "name": "Use as evidence",
        "description": "This bundle licenses nothing: rights in the originals stay with their holders.",
    }
    return canonical(
        {"@context": "https://w3id.org/ro/crate/1.2/context", "@graph": [metadata, whole, use, *described]}
    )


def rebuilt(members: Members, *, described: bool = True) -> Members:
    """The members with metadata, manifests and signature that fit them; ``described``: the RO-Crate too."""
    kept = {name: data for name, data in members.items() if name not in (MANIFEST, TAGS, SIGNATURE)}
    if described and CASE in kept:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            kept[CRATE] = crate(json.loads(kept[CASE]), [name for name in kept if name.startswith("data/")])
    payload = {name: data for name, data in kept.items() if name.startswith("data/")}
    oxum = b"Payload-Oxum: %d.%d" % (sum(map(len, payload.values())), len(payload))
    lines = (oxum if line.startswith(b"Payload-Oxum:") else line for line in kept[INFO].split(b"\n"))
    kept[INFO] = b"\n".join(lines)
    kept[MANIFEST] = _manifest(payload)
    kept[TAGS] = _manifest({name: kept[name] for name in (INFO, DECLARATION, MANIFEST)})
    kept[SIGNATURE] = signature(kept[TAGS])
    return kept


def trusting(trust: Path) -> dict[str, Any]:
    """The trust file, naming our exporter too."""
    value: dict[str, Any] = json.loads(trust.read_text())
    value["exporters"].append({"name": "an exporter for tests", "key": KEY})
    return value
