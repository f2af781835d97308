"""Signing files with C2PA: the manifest, the callback signer, the asset or its sidecar.

The private key stays behind a callable, so it may live in an HSM. What was written is read back with the core's own
reader before it takes its place: a file that would not verify never appears at the destination.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

import tallystick
from credentials.ca import Identity
from credentials.errors import SigningFailed
from tallystick import canonical
from tallystick.c2pa.containers import EMBEDDED, locate, media_type_of
from tallystick.c2pa.reading import opened, read, strict_context
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE, MAX_PAYLOAD, require_bound
from tallystick.errors import MalformedInput, VerificationFailed

if TYPE_CHECKING:
    import c2pa

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED_ALGORITHMIC_MEDIA = _SOURCE_TYPES + "trainedAlgorithmicMedia"
"""Made by a generative model."""
COMPOSITE_WITH_TRAINED_MEDIA = _SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
"""Made by people with parts made by a generative model."""
DIGITAL_CREATION = _SOURCE_TYPES + "digitalCreation"
"""Made by people or programs without a generative model."""

PLAIN = "application/octet-stream"
"""Any bytes, as far as we know their format."""

Relationship = Literal["parentOf", "componentOf", "inputTo"]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """An asset that goes into the signed one. `identifier` and `sha256` (hex) name it; `path` brings its credential."""

    title: str
    media_type: str
    identifier: str
    sha256: str
    relationship: Relationship = "componentOf"
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is to be said in one manifest. `assertions` are JSON objects by label, each with its version inside."""

    title: str
    assertions: Mapping[str, Mapping[str, Any]]
    when: datetime
    source_type: str | None = None
    """IPTC digital source type; None for an existing file about whose making nothing is said."""
    published: bool = False
    ingredients: Sequence[Ingredient] = ()


@dataclass(frozen=True, slots=True)
class Signed:
    """Where the result is. Not `embedded`: `path` is a sidecar manifest store, and the asset is unchanged."""

    path: Path
    media_type: str
    embedded: bool
    manifest: str


class ClaimSigner:
    """A certificate chain (PEM, leaf first, without the root) and the callable that signs with the leaf's key.

    `sign` gets the bytes to sign and returns the ES256 signature r || s (64 bytes). One instance may be shared by
    threads; each process builds its native part once, also after a fork.
    """

    def __init__(self, chain_pem: bytes, sign: Callable[[bytes], bytes]) -> None:
        self._chain = chain_pem.decode("ascii")
        self._sign = sign
        self._failure = threading.local()
        self._native: tuple[int, c2pa.Signer] | None = None
        self._building = threading.Lock()

    @classmethod
    def from_identity(cls, identity: Identity) -> ClaimSigner:
        """A signer whose key is in memory."""

        def sign(message: bytes) -> bytes:
            r, s = decode_dss_signature(identity.key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)

        return cls(identity.signing_chain_pem, sign)

    def _callback(self, message: bytes) -> bytes:
        """c2pa-python only logs what a callback raises; so it is kept for `take_failure`, and no signature returned."""
        try:
            signature = self._sign(message)
        except Exception as error:
            self._failure.error = error
            return b""
        if len(signature) != 64:
            self._failure.error = SigningFailed(f"the signer returned {len(signature)} bytes, ES256 has 64")
            return b""
        return signature

    def take_failure(self) -> Exception | None:
        """What the callback raised in this thread since the last call."""
        error: Exception | None = getattr(self._failure, "error", None)
        self._failure.error = None
        return error

    def native(self) -> c2pa.Signer:
        """The c2pa signer of this process. Raises SigningFailed on a chain that c2pa does not take."""
        # Loaded when a file is signed, not when the service starts.
        import c2pa

        with self._building:
            if self._native is None or self._native[0] != os.getpid():
                try:
                    signer = c2pa.Signer.from_callback(self._callback, c2pa.C2paSigningAlg.ES256, self._chain)
                except c2pa.C2paError as error:
                    raise SigningFailed(f"c2pa does not take the certificate chain: {error}") from error
                self._native = (os.getpid(), signer)
            return self._native[1]


def sign_asset(
    signer: ClaimSigner, source: Path | bytes, out: Path, manifest: Manifest, media_type: str | None = None
) -> Signed:
    """Sign a file into `out`: a signed copy, or a sidecar manifest store where the format cannot carry one.

    An existing credential of `source` is kept as its parent. The media type follows the name of a path; bytes need
    it said. Raises SigningFailed or MalformedInput, and then leaves nothing at `out`.
    """
    if media_type is None:
        media_type = media_type_of(source.name) if isinstance(source, Path) else PLAIN
    embedded = media_type in EMBEDDED
    expected = _payloads(manifest.assertions)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    part = Path(name)
    try:
        with opened(source) as (stream, size), os.fdopen(handle, "w+b") as target:
            signed_before = embedded and locate(stream, size, media_type).store is not None
            parent = signed_before or manifest.source_type is None
            store = _build(signer, stream, target, manifest, media_type, parent)
            if not embedded:
                target.seek(0)
                target.truncate()
                target.write(store)
            target.flush()
            os.fsync(target.fileno())
        label = _read_back(part if embedded else source, media_type, None if embedded else store, expected)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return Signed(out, media_type, embedded, label)


def _build(
    signer: ClaimSigner, stream: BinaryIO, target: BinaryIO, manifest: Manifest, media_type: str, parent: bool
) -> bytes:
    """Run c2pa's builder; returns the manifest store. `parent`: the file itself is the parent of what is signed."""
    import c2pa

    native = signer.native()
    signer.take_failure()
    known = media_type if media_type in EMBEDDED else PLAIN
    try:
        builder = c2pa.Builder(_definition(manifest, media_type, parent), context=strict_context())
        if media_type not in EMBEDDED:
            builder.set_no_embed()
        if parent:
            stream.seek(0)
            builder.add_ingredient(
                {"title": manifest.title, "relationship": "parentOf", "label": "parent"}, known, stream
            )
        for number, ingredient in enumerate(manifest.ingredients):
            _add_component(builder, ingredient, number)
        stream.seek(0)
        return bytes(builder.sign(native, known, stream, target))
    except c2pa.C2paError as error:
        cause = signer.take_failure()
        raise SigningFailed(f"the file was not signed: {cause or error}") from (cause or error)


def _add_component(builder: c2pa.Builder, ingredient: Ingredient, number: int) -> None:
    known = ingredient.media_type if ingredient.path and ingredient.media_type in EMBEDDED else PLAIN
    described = {
        "title": ingredient.title,
        "format": ingredient.media_type,
        "relationship": ingredient.relationship,
        "instance_id": ingredient.identifier,
        "description": f"sha256:{ingredient.sha256}",
        "label": f"ingredient-{number}",
    }
    with ingredient.path.open("rb") if ingredient.path else io.BytesIO() as source:
        builder.add_ingredient(described, known, source)


def _definition(manifest: Manifest, media_type: str, parent: bool) -> dict[str, Any]:
    assertions: list[dict[str, Any]] = [
        {"label": "c2pa.actions.v2", "created": True, "data": {"actions": _actions(manifest, parent)}}
    ]
    for label, payload in _payloads(manifest.assertions).items():
        assertions.append({"label": label, "kind": "Json", "created": True, "data": json.loads(payload)})
    return {
        "claim_generator_info": [{"name": "tallystick", "version": tallystick.__version__}],
        "title": manifest.title,
        "format": media_type,
        "assertions": assertions,
    }


def _actions(manifest: Manifest, parent: bool) -> list[dict[str, Any]]:
    """The first action says how the asset came to be; only then may others follow (C2PA specification, 18.15)."""
    when = manifest.when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first: dict[str, Any] = {"action": "c2pa.created", "when": when}
    if parent:
        first = {"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": ["parent"]}}
    if manifest.source_type is not None:
        first["digitalSourceType"] = manifest.source_type
    actions = [first]
    placed = [f"ingredient-{n}" for n, i in enumerate(manifest.ingredients) if i.relationship == "componentOf"]
    if placed:
        actions.append({"action": "c2pa.placed", "when": when, "parameters": {"ingredientIds": placed}})
    if manifest.published:
        actions.append({"action": "c2pa.published", "when": when})
    return actions


def _payloads(assertions: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """The bytes that each assertion must have in the file."""
    unknown = set(assertions) - {LICENCE, CERTIFICATE}
    if unknown:
        raise SigningFailed(f"assertions {sorted(unknown)} are not known; no verifier would accept them")
    found = {label: canonical.encode(payload) for label, payload in assertions.items()}
    for label, data in found.items():
        if len(data) > MAX_PAYLOAD:
            raise SigningFailed(f"{label} has {len(data)} bytes, the limit is {MAX_PAYLOAD}")
    return found


def _read_back(source: Path | bytes, media_type: str, sidecar: bytes | None, expected: Mapping[str, bytes]) -> str:
    """Label of the manifest that was written, after it verified and holds `expected` byte for byte."""
    try:
        reading = read(source, media_type, sidecar)
        require_bound(reading)
    except (MalformedInput, VerificationFailed) as error:
        raise SigningFailed(f"what was signed does not verify: {error}") from error
    for label, data in expected.items():
        found = [assertion for assertion in reading.manifest.assertions if assertion.label == label]
        if len(found) != 1 or found[0].content != data or not found[0].created:
            raise SigningFailed(f"{label} was not written as given")
    return reading.manifest.label
