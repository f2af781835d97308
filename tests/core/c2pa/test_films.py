"""Films of three boxes made by hand: what their hash leaves out, and where else bytes can hide beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from tallystick.c2pa import C2paVerdict, CredentialRefused, SignerRoots, judge, read
from tallystick.c2pa.containers import BMFF_C2PA
from tests.c2pa_corpus.forge import Part, Recipe, manifest, store
from tests.c2pa_corpus.people import ROOT

MP4 = "video/mp4"
AT = datetime(2025, 7, 1, tzinfo=UTC)
LEFT_OUT: list[dict[str, Any]] = [
    {"xpath": "/uuid", "data": [{"offset": 8, "value": BMFF_C2PA}]},
    *({"xpath": xpath, "data": None} for xpath in ("/ftyp", "/free", "/mfra")),
]


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4) + kind + body


FTYP = box(b"ftyp", b"isom\0\0\0\0isom")
MOOV = box(b"moov", box(b"free", b"stco: absolute"))
MDAT = box(b"mdat", b"GENUINE-FRAMES!!")


def film(kept: bytes, more: bytes = b"") -> bytes:
    """A film with its store in it. `more`: boxes before the frames."""
    room = BMFF_C2PA + bytes(4) + b"manifest\0" + bytes(8) + kept
    return FTYP + box(b"uuid", room) + MOOV + more + MDAT


def kept_for(label: str, layout: Callable[[bytes], bytes]) -> bytes:
    """A store whose BMFF hash fits the file that `layout` makes of it."""

    def made(digest: bytes) -> bytes:
        exclusions = [
            {"length": None, "subset": None, "version": None, "flags": None, "exact": None, **one} for one in LEFT_OUT
        ]
        value = {"exclusions": exclusions, "alg": "sha256", "name": "film", "hash": digest}
        return store(manifest(Recipe(more_hashes=(Part(label, cbor2.dumps(value)),), bound=False), None))

    data, hashed = layout(made(bytes(32))), hashlib.sha256()
    for one in (MOOV, MDAT):
        # Since version 2 each box is hashed with its place in the file (C2PA 18.7.3).
        hashed.update(b"" if label == "c2pa.hash.bmff" else data.index(one).to_bytes(8))
        hashed.update(one)
    return made(hashed.digest())


def judged(data: bytes, sidecar: bytes | None = None) -> C2paVerdict:
    return judge(read(data, MP4, sidecar), SignerRoots((ROOT.certificate,)), AT)


@pytest.mark.parametrize("label", ["c2pa.hash.bmff.v2", "c2pa.hash.bmff.v3"])
def test_a_film_is_bound_with_the_places_of_its_boxes(label: str) -> None:
    kept = kept_for(label, film)
    assert judged(film(kept)).problems == ()
    with pytest.raises(CredentialRefused, match=r"assertion\.bmffHash\.mismatch"):
        judged(film(kept, box(b"free", b"FORGED-FRAMES!!!")))


def test_a_hash_without_places_binds_no_film() -> None:
    """Version 1: free space before the frames moves them, and what the index points to is then something else."""
    kept = kept_for("c2pa.hash.bmff", film)
    forged = film(kept, box(b"free", b"FORGED-FRAMES!!!"))
    at = film(kept).index(b"GENUINE-FRAMES!!")
    assert forged[at : at + 16] == b"FORGED-FRAMES!!!"
    for data in (film(kept), forged):
        with pytest.raises(CredentialRefused, match=r"claim\.hardBindings\.missing.*c2pa\.hash\.bmff"):
            judged(data)


@pytest.mark.parametrize("at", [8, 16], ids=["major brand", "compatible brand"])
@pytest.mark.parametrize("beside", [False, True], ids=["in the film", "beside it"])
def test_a_film_that_calls_itself_something_else_is_told(at: int, beside: bool) -> None:
    """No hash covers the first box, which says how the film is to be read: anybody may write `heic` there."""

    def layout(kept: bytes) -> bytes:
        return FTYP + MOOV + MDAT if beside else film(kept)

    kept = kept_for("c2pa.hash.bmff.v3", layout)
    sidecar, data = (kept, FTYP + MOOV + MDAT) if beside else (None, film(kept))
    assert judged(data, sidecar).problems == ()
    changed = data[:at] + b"heic" + data[at + 4 :]
    told = "the film says that it is 'heic' in its first box, which no hash covers: anybody may have written that"
    assert judged(changed, sidecar).problems == (told,)


def test_what_hides_in_a_film_beside_its_sidecar_is_told() -> None:
    kept = kept_for("c2pa.hash.bmff.v3", lambda _: FTYP + MOOV + MDAT)
    plain, hidden = FTYP + MOOV + MDAT, box(b"free", b"HIDDEN-BYTES")
    assert judged(plain, kept).problems == ()
    told = f"{len(hidden)} bytes stand in boxes that no hash covers: anybody may put them there"
    assert judged(plain + hidden, kept).problems == (told,)
