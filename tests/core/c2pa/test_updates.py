"""Update manifests as c2pa-python writes them: walked down to the manifest that binds the bytes, each one judged."""

from __future__ import annotations

import functools
import io
from typing import Any

import pytest

from tallystick.c2pa import CredentialRefused, judge, read
from tallystick.c2pa.jumbf import UPDATE_MANIFEST, parse_store
from tallystick.c2pa.reading import strict_context
from tests.core.c2pa.kit import AT, PAYLOAD, native_signer, raw, replaced, resign, short_lived, signed, store_of, world

RECEIPT = {"leaf": 7, "v": 1}


@functools.cache
def updated(label: str = "org.tallystick.receipt", times: int = 1) -> bytes:
    """The usual picture with update manifests that c2pa-python made."""
    import c2pa

    png = signed()
    for number in range(times):
        definition: dict[str, Any] = {
            "claim_generator_info": [{"name": "test", "version": "1"}],
            "assertions": [{"label": label, "kind": "Json", "created": True, "data": {"leaf": 7 + number, "v": 1}}],
        }
        builder = c2pa.Builder(definition, context=strict_context())
        builder.set_intent(c2pa.C2paBuilderIntent.UPDATE)
        out = io.BytesIO()
        builder.sign(native_signer(), "image/png", io.BytesIO(png), out)
        png = out.getvalue()
    return png


def code(png: bytes) -> str:
    with pytest.raises(CredentialRefused) as caught:
        judge(read(png, "image/png"), world().roots, AT)
    return caught.value.code


def test_what_was_added_and_what_was_signed_stand_apart() -> None:
    reading = read(updated(), "image/png")
    verdict = judge(reading, world().roots, AT)
    assert [(one.update, one.signer) for one in verdict.manifests] == [
        (True, "CN=Test signer,O=Registrar"),
        (False, "CN=Test signer,O=Registrar"),
    ]
    assert verdict.manifest == reading.manifest.label == verdict.manifests[1].label
    assert (verdict.receipt, verdict.licence, verdict.title) == (RECEIPT, PAYLOAD, "Teapot")
    assert [action.name for action in verdict.actions] == ["c2pa.created", "c2pa.placed", "c2pa.published"]
    assert verdict.problems == ()
    before = read(signed(), "image/png").manifest
    assert verdict.manifests[1].sha256 == before.digest.hex(), "what is updated stays as it was, byte for byte"


def test_the_newest_receipt_counts() -> None:
    verdict = judge(read(updated(times=3), "image/png"), world().roots, AT)
    assert [one.update for one in verdict.manifests] == [True, True, True, False]
    assert verdict.receipt == {"leaf": 9, "v": 1}


def test_changed_bytes_below_an_update_are_refused() -> None:
    png = updated()
    picture = png.index(b"IDAT") + 12
    assert code(png[:picture] + b"\xff\xff" + png[picture + 2 :]) == "assertion.dataHash.mismatch"


@pytest.mark.parametrize("label", ["org.tallystick.licence", "org.tallystick.certificate", "org.tallystick.news"])
def test_an_update_brings_a_receipt_and_no_licence(label: str) -> None:
    """Else whoever may update could license."""
    assert code(updated(label)) == "assertion.unknown"


def test_what_is_updated_must_be_as_it_was_signed() -> None:
    png = updated()
    store = store_of(png)
    boxes = parse_store(store)
    ((_, licence),) = boxes.children[0].child("c2pa.assertions").child("org.tallystick.licence").contents
    other = store.replace(licence, licence.replace(b"DE", b"FR"))
    assert other != store
    assert code(replaced(png, other)) == "ingredient.manifest.mismatch"
    described = boxes.body[: int.from_bytes(boxes.body[:4])]
    alone = raw(boxes, described + raw(boxes.children[1]))
    assert code(replaced(png, alone)) == "ingredient.manifest.missing"


def test_the_signer_of_what_is_updated_is_judged_too() -> None:
    """A stranger's picture does not become the registrar's by an update that he signed."""
    old = short_lived(world().issuing, AT.replace(year=2024), 10)
    foreign = resign(signed(), old.chain[:-1], old.key)
    import c2pa

    builder = c2pa.Builder({"claim_generator_info": [{"name": "t", "version": "1"}]}, context=strict_context())
    builder.set_intent(c2pa.C2paBuilderIntent.UPDATE)
    out = io.BytesIO()
    builder.sign(native_signer(), "image/png", io.BytesIO(foreign), out)
    reading = read(out.getvalue(), "image/png")
    assert [manifest.update for manifest in reading.manifests] == [True, False]
    with pytest.raises(CredentialRefused) as caught:
        judge(reading, world().roots, AT)
    assert caught.value.code == "signer.expired"


def test_a_manifest_is_no_update_because_it_says_so() -> None:
    """A standard manifest relabelled: it holds what no update may."""
    png = signed()
    store = store_of(png)
    assert code(replaced(png, store.replace(b"c2ma", b"c2um"))) == "manifest.update.invalid"
    assert store.count(b"c2ma") == 1
    assert UPDATE_MANIFEST[:4] == b"c2um"
