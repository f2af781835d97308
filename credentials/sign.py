"""Signing files with C2PA: the manifest, the callback signer, the asset or its sidecar.

The private key stays behind a callable, so it may live in an HSM. What was written is read back with the core's own
reader before it takes its place: a file that would not verify never appears at the destination.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import tallystick
from credentials.composed import COMPOSED, LARGE, Hands, Told, require_as_composed, write_composed
from credentials.errors import SigningFailed
from credentials.manifests import Actor, Stamper, finished
from credentials.riff import RIFF, unhashed_lengths
from credentials.scaffold import PLAIN, Progress, building, counted, write_scaffold
from credentials.signer import ClaimSigner
from credentials.together import each
from tallystick import canonical
from tallystick.c2pa.containers import EMBEDDED, locate, media_type_of
from tallystick.c2pa.place import FIXED, embed
from tallystick.c2pa.reading import opened, read
from tallystick.c2pa.training import TRAINING, training_mining
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE, MAX_PAYLOAD, require_bound
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.clauses import AiUse

if TYPE_CHECKING:
    import c2pa

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED_ALGORITHMIC_MEDIA = _SOURCE_TYPES + "trainedAlgorithmicMedia"
"""Made by a generative model."""
COMPOSITE_WITH_TRAINED_MEDIA = _SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
"""Made by people with parts made by a generative model."""
DIGITAL_CREATION = _SOURCE_TYPES + "digitalCreation"
"""Made by people or programs without a generative model."""

_PAYLOAD_ROOM, _STAMP_ROOM = 4 * 1024, 8 * 1024
_PNG = "image/png"
ROOM_BYTES = 64 * 1024
"""Enough for some receipts, each with its anchors and timestamps."""

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
    """What is to be said in one manifest.

    `assertions` are JSON objects by label, each with its version inside, or the canonical bytes of one.
    """

    title: str
    assertions: Mapping[str, Mapping[str, Any] | bytes]
    when: datetime
    source_type: str | None = None
    """IPTC digital source type; None for an existing file about whose making nothing is said."""
    published: bool = False
    ingredients: Sequence[Ingredient] = ()
    training: AiUse | None = None
    """What the licence says of machines, as CAWG has it (cawg.training-mining); None where it is withheld."""
    identities: Sequence[Actor] = ()
    stamper: Stamper | None = None
    room: int = ROOM_BYTES
    """Bytes left for update manifests in MP4 and PDF files; the others grow."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Where the result is. Not `embedded`: `path` is a sidecar manifest store, and the asset is unchanged."""

    path: Path
    media_type: str
    embedded: bool
    manifest: str


def sign_asset(
    signer: ClaimSigner,
    source: Path | bytes,
    out: Path,
    manifest: Manifest,
    media_type: str | None = None,
    progress: Progress | None = None,
) -> Signed:
    """Sign a file into `out`: a signed copy, or a sidecar manifest store where the format cannot carry one.

    An existing credential of `source` is kept as its parent. The media type follows the name of a path; bytes need
    it said. On disk when this returns.

    Raises SigningFailed or MalformedInput, and then leaves nothing at `out`.
    """
    if media_type is None:
        media_type = media_type_of(source.name) if isinstance(source, Path) else PLAIN
    embedded = media_type in EMBEDDED
    expected = _payloads(manifest)
    _require_valid(signer, manifest)
    with appearing(out) as (part, target):
        with opened(source) as (stream, size):
            signed_before = embedded and locate(stream, size, media_type).store is not None
            parent = signed_before or manifest.source_type is None
            composed = not signed_before and _is_composed(manifest, media_type)
            if composed:
                hands = Hands(signer, manifest.identities, manifest.stamper)
                told = _told(manifest, media_type, parent, expected)
                write_composed(counted(stream, progress), size, media_type, told, hands, target)
            else:
                definition = _definition(manifest, media_type, parent)
                with building(definition, _room(signer, manifest, media_type)) as builder:
                    _add_ingredients(builder, stream, manifest, media_type, parent)
                    scaffold = write_scaffold(builder, media_type, stream, target, progress)
                _settle(target, scaffold, signer, manifest, media_type)
        target.flush()
        os.fsync(target.fileno())
        sidecar = None if embedded else part.read_bytes()
        in_pieces = composed and size > LARGE
        label = _read_back(part if embedded else source, media_type, sidecar, expected, in_pieces)
    return Signed(out, media_type, embedded, label)


def signed_pictures(signer: ClaimSigner, made: Sequence[tuple[bytes, Manifest]]) -> list[bytes | TallystickError]:
    """As `sign_asset`, of PNG files that were just made and bring no credential; nothing is written anywhere.

    Of each the signed file, after it was read back, or why there is none (SigningFailed, MalformedInput).
    """
    return each(_read_back_picture, each(lambda one: _composed_picture(signer, *one), made))


def _composed_picture(signer: ClaimSigner, picture: bytes, manifest: Manifest) -> tuple[bytes, Mapping[str, bytes]]:
    """The signed file, and the assertions that it must have."""
    expected = _payloads(manifest)
    _require_valid(signer, manifest)
    if not _is_composed(manifest, _PNG) or locate(io.BytesIO(picture), len(picture), _PNG).store is not None:
        raise SigningFailed("a credential comes with the picture, or with what is in it: sign it as a file")
    hands = Hands(signer, manifest.identities, manifest.stamper)
    told = _told(manifest, _PNG, manifest.source_type is None, expected)
    made = io.BytesIO()
    write_composed(io.BytesIO(picture), len(picture), _PNG, told, hands, made)
    return made.getvalue(), expected


def _read_back_picture(made: tuple[bytes, Mapping[str, bytes]]) -> bytes:
    data, expected = made
    _read_back(data, _PNG, None, expected, in_pieces=False)
    return data


def _require_valid(signer: ClaimSigner, manifest: Manifest) -> None:
    for one in (signer, *(actor.signer for actor in manifest.identities)):
        one.require_valid(manifest.when)


def _settle(target: BinaryIO, scaffold: bytes, signer: ClaimSigner, manifest: Manifest, media_type: str) -> None:
    """Write the manifest that counts over the scaffold: as long as that, or, where there is room, followed by it."""
    actors, stamper = manifest.identities, manifest.stamper
    target.seek(0)
    if media_type not in EMBEDDED:
        target.truncate()
        target.write(finished(scaffold, signer, actors, stamper))
        return
    size = os.fstat(target.fileno()).st_size
    held = locate(target, size, media_type)
    length = len(scaffold) - (manifest.room if media_type in FIXED else 0)
    length += length & 1 if media_type in RIFF else 0  # instead of the pad byte of a chunk, which would be hashed
    changed = unhashed_lengths(target, scaffold, held) if media_type in RIFF else {}
    store = finished(scaffold, signer, actors, stamper, changed, length)
    target.seek(held.span[0])
    before = target.read(held.span[1] - held.span[0])
    target.seek(held.span[0])
    target.write(embed(before, held, media_type, store))


def _room(signer: ClaimSigner, manifest: Manifest, media_type: str) -> int:
    """Bytes for what the scaffold lacks: its own signature is small, and it has neither identity nor update."""
    if media_type not in EMBEDDED:
        return 0
    room = signer.size + sum(actor.signer.size + _PAYLOAD_ROOM for actor in manifest.identities)
    room += _STAMP_ROOM if manifest.stamper else 0
    return room + (manifest.room if media_type in FIXED else 0)


@contextmanager
def appearing(out: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file in the making, which takes its place at the end of the block; where the block fails, nothing appears."""
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "w+b") as target:
            yield part, target
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _add_ingredients(
    builder: c2pa.Builder, stream: BinaryIO, manifest: Manifest, media_type: str, parent: bool
) -> None:
    """`parent`: the file itself is the parent of what is signed."""
    if parent:
        stream.seek(0)
        described = {"title": manifest.title, "relationship": "parentOf", "label": "parent"}
        builder.add_ingredient(described, media_type if media_type in EMBEDDED else PLAIN, stream)
    for number, ingredient in enumerate(manifest.ingredients):
        _add_component(builder, ingredient, number)


def _add_component(builder: c2pa.Builder, ingredient: Ingredient, number: int) -> None:
    known = ingredient.media_type if ingredient.path and ingredient.media_type in EMBEDDED else PLAIN
    described = {
        "title": ingredient.title,
        "format": ingredient.media_type,
        "relationship": ingredient.relationship,
        "instance_id": ingredient.identifier,
        "description": _described(ingredient),
        "label": f"ingredient-{number}",
    }
    with ingredient.path.open("rb") if ingredient.path else io.BytesIO() as source:
        builder.add_ingredient(described, known, source)


def _definition(manifest: Manifest, media_type: str, parent: bool) -> dict[str, Any]:
    assertions: list[dict[str, Any]] = [
        {"label": "c2pa.actions.v2", "created": True, "data": {"actions": _actions(manifest, parent)}}
    ]
    if manifest.training is not None:
        assertions.append({"label": TRAINING, "created": True, "data": training_mining(manifest.training)})
    for label, payload in _payloads(manifest).items():
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


def _described(ingredient: Ingredient) -> str:
    return f"sha256:{ingredient.sha256}"


def _is_composed(manifest: Manifest, media_type: str) -> bool:
    """Whether the manifest is made without c2pa-python: nothing comes with a credential of its own."""
    return (media_type in COMPOSED or media_type not in EMBEDDED) and not any(one.path for one in manifest.ingredients)


def _told(manifest: Manifest, media_type: str, parent: bool, payloads: Mapping[str, bytes]) -> Told:
    """As `_definition`, for a manifest that is made without c2pa-python."""
    ingredients: dict[str, dict[str, Any]] = {}
    if parent:
        known = media_type if media_type in EMBEDDED else PLAIN
        ingredients["parent"] = {"relationship": "parentOf", "dc:title": manifest.title, "dc:format": known}
    for number, one in enumerate(manifest.ingredients):
        ingredients[f"ingredient-{number}"] = {
            "relationship": one.relationship,
            "dc:title": one.title,
            "dc:format": one.media_type,
            "instanceID": one.identifier,
            "description": _described(one),
        }
    training = {} if manifest.training is None else {TRAINING: training_mining(manifest.training)}
    return Told(manifest.title, _actions(manifest, parent), ingredients, training, payloads)


def _payloads(manifest: Manifest) -> dict[str, bytes]:
    """The bytes that each assertion must have in the file."""
    assertions = manifest.assertions
    unknown = set(assertions) - {LICENCE, CERTIFICATE}
    if unknown:
        raise SigningFailed(f"assertions {sorted(unknown)} are not known; no verifier would accept them")
    found = {label: one if isinstance(one, bytes) else canonical.encode(one) for label, one in assertions.items()}
    for label, data in found.items():
        if len(data) > MAX_PAYLOAD:
            raise SigningFailed(f"{label} has {len(data)} bytes, the limit is {MAX_PAYLOAD}")
    return found


def _read_back(
    source: Path | bytes, media_type: str, sidecar: bytes | None, expected: Mapping[str, bytes], in_pieces: bool
) -> str:
    """Label of the manifest that was written, after it verified and holds `expected` byte for byte."""
    try:
        if in_pieces:
            with opened(source) as (stream, size):
                manifest = require_as_composed(stream, size, media_type, sidecar)
        else:
            reading = read(source, media_type, sidecar)
            require_bound(reading)
            manifest = reading.manifest
    except (MalformedInput, VerificationFailed) as error:
        raise SigningFailed(f"what was signed does not verify: {error}") from error
    for label, data in expected.items():
        found = [assertion for assertion in manifest.assertions if assertion.label == label]
        if len(found) != 1 or found[0].content != data or not found[0].created:
            raise SigningFailed(f"{label} was not written as given")
    return manifest.label
