"""A small certificate world and tiny signed files, and the means to forge them.

c2pa-python refuses to sign with a certificate that is not valid today by its own clock. So signers here live long,
and what it would never sign (expired, foreign, self-made chains) is made by `resign`, which writes a new COSE
signature into a file that it did sign.
"""

from __future__ import annotations

import functools
import io
import tempfile
import wave
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from credentials.ca import Identity, issue_authority, issue_signer, new_root
from credentials.sign import (
    TRAINED_ALGORITHMIC_MEDIA,
    Ingredient,
    Manifest,
    sign_asset,
)
from credentials.signer import ClaimSigner
from tallystick.c2pa import SignerRoots
from tallystick.c2pa.chain import CLAIM_SIGNING
from tallystick.c2pa.containers import locate
from tallystick.c2pa.jumbf import SuperBox, parse_store
from tallystick.c2pa.verdict import LICENCE

BORN = datetime(2025, 1, 1, tzinfo=UTC)
SIGNED = datetime(2025, 6, 1, tzinfo=UTC)
AT = datetime(2025, 7, 1, tzinfo=UTC)
LONG = 100 * 365
PAYLOAD: dict[str, Any] = {"entry": "AAAA", "terms": {"territory": ["DE"], "title": "玉壶"}, "v": 1}


@dataclass(frozen=True)
class World:
    """One authority and one signer under it."""

    root: Identity
    issuing: Identity
    signer: Identity

    @property
    def roots(self) -> SignerRoots:
        return SignerRoots.from_pem(self.root.root_pem)


def make_world() -> World:
    root = new_root("Registrar", "Test root", BORN, LONG)
    issuing = issue_authority(root, "Test issuing authority", BORN, LONG)
    return World(root, issuing, issue_signer(issuing, "Test signer", BORN, LONG))


@functools.cache
def world() -> World:
    return make_world()


@functools.cache
def claim_signer() -> ClaimSigner:
    return world().signer.claim_signer()


@functools.cache
def native_signer() -> Any:
    """c2pa-python's own signer in the usual world, for what it writes by itself."""
    import c2pa

    pem = world().signer.signing_chain_pem.decode()
    return c2pa.Signer.from_callback(lambda message: es256(world().signer.key, message), c2pa.C2paSigningAlg.ES256, pem)


def plain(media_type: str) -> bytes:
    """A tiny file without a credential."""
    return _PLAIN[media_type]()


def _picture(form: str) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        Image.linear_gradient("L").resize((16, 16)).convert("RGB").save(out, form)
        return out.getvalue()

    return make


def _wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(200)))
    return out.getvalue()


def _mp4() -> bytes:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        for shade in (0, 90, 180):
            frame = av.VideoFrame.from_image(Image.new("RGB", (16, 16), (shade, shade, shade)))
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return out.getvalue()


def _pdf() -> bytes:
    out = io.BytesIO()
    page = Canvas(out, invariant=1)
    page.drawString(72, 720, "tally")
    page.save()
    return out.getvalue()


def _svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>\n'


_PLAIN: Mapping[str, Callable[[], bytes]] = {
    "image/png": _picture("PNG"),
    "image/jpeg": _picture("JPEG"),
    "image/webp": _picture("WEBP"),
    "audio/wav": _wav,
    "video/mp4": _mp4,
    "application/pdf": _pdf,
    "image/svg+xml": _svg,
    "image/tiff": _picture("TIFF"),
}


def manifest(**changes: Any) -> Manifest:
    facts: dict[str, Any] = {
        "title": "Teapot",
        "assertions": {LICENCE: PAYLOAD},
        "when": SIGNED,
        "source_type": TRAINED_ALGORITHMIC_MEDIA,
        "published": True,
        "ingredients": (Ingredient("Teapot.usd", "model/vnd.usd", "10.5555/A-0001", "ab" * 32),),
    }
    return Manifest(**(facts | changes))


def signed_by(signer: ClaimSigner, source: bytes, media_type: str, said: Manifest) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return sign_asset(signer, source, Path(folder) / "out", said, media_type).path.read_bytes()


@functools.cache
def signed(media_type: str = "image/png") -> bytes:
    """A tiny file of the kind, signed in the usual world with the usual manifest."""
    return signed_by(claim_signer(), plain(media_type), media_type, manifest())


def es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def resign(
    png: bytes,
    chain: tuple[x509.Certificate | bytes, ...],
    key: ec.EllipticCurvePrivateKey,
    edits: Mapping[str, Callable[[bytes], bytes]] | None = None,
    unprotected: Mapping[str, Any] | None = None,
) -> bytes:
    """`png` with its assertions edited (same length), the claim's hashes made to fit, and a new claim signature."""
    store = store_of(png)
    for label, edit in (edits or {}).items():
        store = _edited(store, label, edit)
    active = parse_store(store).children[-1]
    claim = active.child("c2pa.claim.v2").content(b"cbor")
    old = active.child("c2pa.signature").content(b"cbor")
    protected = cbor2.dumps({1: -7, 33: [c if isinstance(c, bytes) else der(c) for c in chain]})
    signature = es256(key, cbor2.dumps(["Signature1", protected, b"", claim]))
    room = len(old) - len(_cose(protected, dict(unprotected or {}), b"", signature))
    new = _cose(protected, dict(unprotected or {}), bytes(room), signature)
    new = _cose(protected, dict(unprotected or {}), bytes(room - (len(new) - len(old))), signature)
    return replaced(png, _swap(store, old, new))


def relabelled(png: bytes, old: str, new: str, identity: Identity) -> bytes:
    """`png` with one assertion's label changed (same length) in box and claim, hashes and signature made to fit."""
    store = store_of(png)
    before = parse_store(store).children[-1].child("c2pa.assertions").child(old)
    store = store.replace(old.encode(), new.encode())
    after = parse_store(store).children[-1].child("c2pa.assertions").child(new)
    store = _swap(store, before.digest("sha256"), after.digest("sha256"))
    return resign(replaced(png, store), identity.chain[:-1], identity.key)


def store_of(png: bytes) -> bytes:
    """The manifest store of a PNG file."""
    found = locate(io.BytesIO(png), len(png), "image/png")
    assert found.store is not None
    return found.store


def _cose(protected: bytes, unprotected: dict[str, Any], pad: bytes, signature: bytes) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected | {"pad": pad}, None, signature]))


def _edited(store: bytes, label: str, edit: Callable[[bytes], bytes]) -> bytes:
    box = parse_store(store).children[-1].child("c2pa.assertions").child(label)
    changed = _swap(store, box.contents[0][1], edit(box.contents[0][1]))
    after = parse_store(changed).children[-1].child("c2pa.assertions").child(label)
    return _swap(changed, box.digest("sha256"), after.digest("sha256"))


def _swap(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    assert len(old) == len(new)
    return data.replace(old, new)


def replaced(png: bytes, store: bytes) -> bytes:
    """`png` with another manifest store in the place of its own."""
    found = locate(io.BytesIO(png), len(png), "image/png")
    return png[: found.span[0]] + chunk(b"caBX", store) + png[found.span[1] :]


def chunk(kind: bytes, data: bytes) -> bytes:
    """One PNG chunk."""
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def short_lived(parent: Identity, start: datetime, days: int) -> Identity:
    """A signer that lives when a test wants it to."""
    return issue_signer(parent, "Short-lived signer", start, days)


def named(parent: Identity, name: str, key: Any) -> bytes:
    """PEM of a claim signer's chain for a public key made elsewhere."""
    usage = x509.KeyUsage(**{flag: flag == "digital_signature" for flag in FLAGS})
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name)]))
        .issuer_name(parent.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BORN)
        .not_valid_after(BORN + timedelta(days=LONG))
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(usage, True)
        .add_extension(x509.ExtendedKeyUsage([CLAIM_SIGNING]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key()), False)
        .sign(parent.key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + parent.signing_chain_pem


FLAGS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def custom(
    parent: Identity,
    purposes: tuple[str, ...] = (CLAIM_SIGNING.dotted_string,),
    usage: tuple[str, ...] = ("digital_signature",),
    ca: bool = False,
    self_signed: bool = False,
    *,
    without: tuple[type[x509.ExtensionType], ...] = (),
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    curve: ec.EllipticCurve | None = None,
    digest: hashes.HashAlgorithm | None = None,
    serial: int | None = None,
) -> Identity:
    """A certificate under `parent` that breaks the profile where the test says so."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Registrar"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "Custom"),
        ]
    )
    issuer, issuer_key = (subject, key) if self_signed else (parent.certificate.subject, parent.key)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca, None), True),
        (x509.KeyUsage(**{flag: flag in usage for flag in FLAGS}), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
    ]
    if purposes:
        extensions.append((x509.ExtendedKeyUsage([x509.ObjectIdentifier(p) for p in purposes]), False))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(BORN)
        .not_valid_after(BORN + timedelta(days=LONG))
    )
    for extension, critical in (*(e for e in extensions if not isinstance(e[0], without)), *extra):
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer_key, digest or hashes.SHA256())
    return Identity((certificate,) if self_signed else (certificate, *parent.chain), key)


def raw(superbox: SuperBox, body: bytes | None = None) -> bytes:
    """The bytes of a superbox, with another body where one is given."""
    content = superbox.body if body is None else body
    return (len(content) + 8).to_bytes(4) + b"jumb" + content


def rebuilt(store: bytes, path: tuple[str, ...], change: Callable[[bytes], bytes]) -> bytes:
    """`store` with the body of the superbox at `path` (below the active manifest) changed, and all lengths right."""
    top = parse_store(store)
    boxes = [top, top.children[-1]]
    for label in path:
        boxes.append(boxes[-1].child(label))
    new = raw(boxes[-1], change(boxes[-1].body))
    for outer, inner in zip(boxes[-2::-1], boxes[:0:-1], strict=True):
        new = raw(outer, _swap_any(outer.body, raw(inner), new))
    return new


def _swap_any(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)
