"""Update manifests: the log's receipt is signed into a file that the log already knows.

An update says nothing of the picture: it names the manifest before it and brings the receipt. Nothing else of the file
changes, so taking the update out again gives the file whose digest the log has (`tallystick.c2pa.place`). It may be
repeated, with a later anchor or another timestamp; each update names the one before.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import cbor2

import tallystick
from credentials.errors import SigningFailed
from credentials.jumbf import CBOR, JSON, UPDATE, box, digest, superbox
from credentials.manifests import Stamper, joined, signed_manifest, whole
from credentials.riff import RIFF
from credentials.sign import Signed, appearing
from credentials.signer import ClaimSigner
from tallystick import canonical
from tallystick.c2pa.claim import ActiveManifest
from tallystick.c2pa.jumbf import SuperBox, parse_store
from tallystick.c2pa.place import rewritten
from tallystick.c2pa.reading import C2paReading, opened, read
from tallystick.c2pa.signature import TIME_STAMP
from tallystick.c2pa.stamps import OVER_SIGNATURE
from tallystick.c2pa.updates import later_stamps
from tallystick.c2pa.verdict import MAX_PAYLOAD, RECEIPT, require_bound
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass

_INGREDIENT = "c2pa.ingredient.v3"


@dataclass(frozen=True, slots=True)
class Update:
    """What an update brings. `receipt`: the JSON of the assertion. `when`: the signer must be valid then.

    stamper: asked for a timestamp of the update, and one for each manifest below it that has none over its signature.
    """

    receipt: Mapping[str, Any]
    when: datetime
    stamper: Stamper | None = None


def add_receipt(
    signer: ClaimSigner, source: Path, out: Path, update: Update, media_type: str, sidecar: bytes | None = None
) -> Signed:
    """Write `source` (or its `sidecar`) with one more update manifest to `out`.

    Raises SigningFailed where it has no room left or does not verify, MalformedInput or CredentialRefused where it did
    not before. Nothing is left at `out` then.
    """
    signer.require_valid(update.when)
    reading = read(source, media_type, sidecar)
    require_bound(reading)
    payload = canonical.encode(update.receipt)
    if len(payload) > MAX_PAYLOAD:
        raise SigningFailed(f"{RECEIPT} has {len(payload)} bytes, the limit is {MAX_PAYLOAD}")
    store = _extended(reading, signer, payload, update.stamper)
    with appearing(out) as (part, target):
        if reading.embedded:
            with opened(source) as (stream, size):
                try:
                    for piece in rewritten(stream, size, media_type, reading.container, store):
                        target.write(piece)
                except MalformedInput as error:
                    raise SigningFailed(f"the update does not fit: {error}") from None
        else:
            target.write(store)
        target.flush()
        os.fsync(target.fileno())
        label = _read_back(part if reading.embedded else source, reading, store, payload)
    return Signed(out, media_type, reading.embedded, label)


def _extended(reading: C2paReading, signer: ClaimSigner, payload: bytes, stamper: Stamper | None) -> bytes:
    """The store with an update of its last manifest. In RIFF its length is even: a pad byte would be hashed."""
    manifests = parse_store(reading.container.store or b"").children
    boxes = {
        _INGREDIENT: superbox(CBOR, _INGREDIENT, box(CBOR, cbor2.dumps(_parent(manifests[-1])))),
        RECEIPT: superbox(JSON, RECEIPT, box(JSON, payload)),
    }
    if tokens := _missing_stamps(reading.manifests, stamper):
        boxes[TIME_STAMP] = superbox(CBOR, TIME_STAMP, box(CBOR, cbor2.dumps(tokens)))
    label = f"urn:c2pa:{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}"
    claim = {
        "instanceID": f"xmp:iid:{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}",
        "claim_generator_info": {"name": "tallystick", "version": tallystick.__version__},
        "alg": "sha256",
    }
    earlier = [whole(one) for one in manifests]
    around = len(joined(earlier))
    even = (lambda least: least + ((around + least) & 1)) if reading.media_type in RIFF else None
    return joined([*earlier, signed_manifest(UPDATE, label, claim, boxes, signer, stamper, even)])


def _missing_stamps(manifests: Sequence[ActiveManifest], stamper: Stamper | None) -> dict[str, bytes]:
    """C2PA section 18.17: by label, a token over the signature of each manifest that none dates yet."""
    if stamper is None:
        return {}
    later = later_stamps(manifests)
    bare = [one for one in manifests if not any(stamp.form in OVER_SIGNATURE for stamp in one.signature.stamps)]
    tokens = {one.label: stamper(one.signature.value) for one in bare if one.label not in later}
    return {label: token for label, token in tokens.items() if token is not None}


def _parent(manifest: SuperBox) -> dict[str, Any]:
    """C2PA section 10.4: the manifest that is updated, and its signature, by their hashes."""
    url = f"self#jumbf=/c2pa/{manifest.label}"
    return {
        "relationship": "parentOf",
        "validationResults": {"activeManifest": {"success": [], "informational": [], "failure": []}},
        "activeManifest": {"url": url, "alg": "sha256", "hash": digest(whole(manifest))},
        "claimSignature": {
            "url": f"{url}/c2pa.signature",
            "alg": "sha256",
            "hash": digest(whole(manifest.child("c2pa.signature"))),
        },
    }


def _read_back(source: Path, before: C2paReading, store: bytes, payload: bytes) -> str:
    """Label of the update, after the file verified with it and holds the receipt byte for byte."""
    try:
        reading = read(source, before.media_type, None if before.embedded else store)
        require_bound(reading)
    except (MalformedInput, VerificationFailed) as error:
        raise SigningFailed(f"the updated file does not verify: {error}") from error
    found = [one for one in reading.manifests[0].assertions if one.label == RECEIPT]
    if len(found) != 1 or found[0].content != payload or reading.manifest != before.manifest:
        raise SigningFailed("the receipt was not written as given")
    return reading.manifests[0].label
