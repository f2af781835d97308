"""Keys: thumbprints against RFC 9679, signatures against outside vectors, and keys that are none."""

from __future__ import annotations

import hashlib

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519

from tallystick.base64s import from_base64url
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import RAW_BYTES, SIGNATURE_BYTES, VALID_KEY, Algorithm, KeyText, LocalSigner, PublicKey, public_of
from tallystick.schema import FieldError, read, write
from tests.world import key_from

ALGS: list[Algorithm] = ["ed25519", "es256", "ml-dsa-44", "es256k"]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_the_thumbprint_of_rfc_9679() -> None:
    """§5: the key of the example, without its kid."""
    x = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
    y = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
    key = PublicKey("es256", bytes.fromhex("04" + x + y))
    assert key.kid.hex() == "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


def test_thumbprints_are_over_the_required_members_in_byte_order() -> None:
    ed, ml, k1 = (key_from("k", alg).public for alg in ("ed25519", "ml-dsa-44", "es256k"))
    assert ed.kid == hashlib.sha256(bytes.fromhex("a3010120062158 20".replace(" ", "")) + ed.raw).digest()
    assert ml.kid == hashlib.sha256(bytes.fromhex("a3010703382f20590520") + ml.raw).digest()
    text = bytes.fromhex("a401022008215820") + k1.raw[1:33] + bytes.fromhex("225820") + k1.raw[33:]
    assert k1.kid == hashlib.sha256(text).digest()
    for key in (ed, ml, k1):
        assert cbor2.loads(cbor2.dumps(key.cose_key(), canonical=True)) == key.cose_key()


def test_the_first_ed25519_vector_of_rfc_8032() -> None:
    key = PublicKey("ed25519", bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    key.verify(b"", bytes.fromhex(signature))
    with pytest.raises(VerificationFailed):
        key.verify(b"\0", bytes.fromhex(signature))


def test_the_es256_signature_of_rfc_7515() -> None:
    """Appendix A.3: r ‖ s over the signing input."""
    x, y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    key = PublicKey("es256", b"\x04" + from_base64url(x) + from_base64url(y))
    message = (
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
        b"Ijp0cnVlfQ"
    )
    signature = from_base64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    key.verify(message, signature)
    with pytest.raises(VerificationFailed):
        key.verify(message[:-1], signature)


@pytest.mark.parametrize("alg", ALGS)
def test_sign_and_verify(alg: Algorithm) -> None:
    signer, other = key_from("one", alg), key_from("two", alg)
    signature = signer.sign(b"message")
    assert (len(signature), len(signer.public.raw)) == (SIGNATURE_BYTES[alg], RAW_BYTES[alg])
    signer.public.verify(b"message", signature)
    attacks = {
        "another message": (signer.public, b"messagf", signature),
        "no message": (signer.public, b"", signature),
        "another key": (other.public, b"message", signature),
        "cut short": (signer.public, b"message", signature[:-1]),
        "one byte more": (signer.public, b"message", signature + b"\0"),
        "nothing": (signer.public, b"message", b""),
        "zeros": (signer.public, b"message", bytes(len(signature))),
        "ones": (signer.public, b"message", b"\xff" * len(signature)),
        "halves swapped": (signer.public, b"message", signature[32:64] + signature[:32] + signature[64:]),
    }
    for public, message, bad in attacks.values():
        with pytest.raises(VerificationFailed):
            public.verify(message, bad)


@pytest.mark.parametrize("alg", ALGS)
def test_every_byte_of_a_signature_counts(alg: Algorithm) -> None:
    signer = key_from("one", alg)
    signature = signer.sign(b"message")
    for at in range(0, len(signature), 1 if len(signature) == 64 else 97):
        bad = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        with pytest.raises(VerificationFailed):
            signer.public.verify(b"message", bad)


def test_a_der_signature_is_not_the_fixed_form() -> None:
    signer = key_from("one", "es256")
    der = signer.private.sign(b"message", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(VerificationFailed, match="has 64 bytes"):
        signer.public.verify(b"message", der)


def test_the_other_s_of_an_es256_signature_verifies_too() -> None:
    """Known property of ECDSA; so identity is taken from what is signed, never from the signature."""
    signer = key_from("one", "es256")
    signature = signer.sign(b"message")
    flipped = (P256_ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert flipped != signature[32:]
    signer.public.verify(b"message", signature[:32] + flipped)
    with pytest.raises(VerificationFailed):
        signer.public.verify(b"messagf", signature[:32] + flipped)


def test_an_ed25519_signature_has_one_form() -> None:
    """S + L is the same scalar, and refused."""
    signer = key_from("one")
    signature = signer.sign(b"message")
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(VerificationFailed):
        signer.public.verify(b"message", signature[:32] + s.to_bytes(32, "little"))


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]
NOT_REDUCED = [(2**255 - 19 + more).to_bytes(32, "little").hex() for more in (0, 1, 2, 3, 18)]


@pytest.mark.parametrize("sign", [0, 128])
@pytest.mark.parametrize("raw", SMALL_ORDER + NOT_REDUCED)
def test_keys_under_which_anyone_can_sign_are_refused(raw: str, sign: int) -> None:
    key = bytes.fromhex(raw)
    key = key[:31] + bytes([key[31] | sign])
    with pytest.raises(MalformedInput, match="not an ed25519 public key"):
        PublicKey("ed25519", key)


def test_the_library_alone_would_accept_a_signature_that_nobody_made() -> None:
    """Why the test above exists: with the identity as key, R = identity and S = 0 sign everything."""
    identity = bytes.fromhex(SMALL_ORDER[0])
    for message in (b"I owe you", b"a million"):
        ed25519.Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), message)
    with pytest.raises(InvalidSignature):
        ed25519.Ed25519PublicKey.from_public_bytes(identity).verify(identity + b"\1" + bytes(31), b"I owe you")


@pytest.mark.parametrize("alg", ALGS)
def test_keys_of_another_length_are_malformed(alg: Algorithm) -> None:
    raw = key_from("one", alg).public.raw
    for bad in (b"", raw[:-1], raw + b"\0"):
        with pytest.raises(MalformedInput, match="bytes, found"):
            PublicKey(alg, bad)


@pytest.mark.parametrize("alg", ["es256", "es256k"])
def test_points_off_the_curve_and_other_encodings_are_malformed(alg: Algorithm) -> None:
    raw = key_from("one", alg).public.raw
    off = raw[:-1] + bytes([raw[-1] ^ 1])
    hybrid = bytes([6 | raw[-1] & 1]) + raw[1:]
    for bad in (off, hybrid, bytes(65), b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"\x02" + raw[1:]):
        with pytest.raises(MalformedInput, match=f"not an {alg} public key"):
            PublicKey(alg, bad)
    other: Algorithm = "es256k" if alg == "es256" else "es256"
    with pytest.raises(MalformedInput):
        PublicKey(other, raw)


@pytest.mark.parametrize("alg", ALGS)
def test_json_form(alg: Algorithm) -> None:
    key = key_from("one", alg).public
    assert PublicKey.from_text(read(KeyText, write(key.to_text()))) == key
    VALID_KEY.check(key.to_text())


def test_json_forms_that_are_no_keys() -> None:
    text = write(key_from("one").public.to_text())
    for change in ({"alg": "rsa"}, {"public": text["public"][:-1]}, {"public": "A" * 2000}, {"extra": 1}):
        with pytest.raises(FieldError):
            read(KeyText, {**text, **change})
    with pytest.raises(MalformedInput):
        VALID_KEY.check(KeyText("es256", text["public"]))


def test_kinds_of_key_that_the_log_does_not_use() -> None:
    others = [
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 1024),
        dsa.generate_private_key(1024),
        object(),
    ]
    for private in others:
        with pytest.raises(MalformedInput, match="is not a key that the log uses"):
            public_of(private)


@pytest.mark.parametrize("alg", ALGS)
def test_generated_keys_differ(alg: Algorithm) -> None:
    one, other = LocalSigner.generate(alg), LocalSigner.generate(alg)
    assert one.public.alg == alg
    assert one.public.kid != other.public.kid
    one.public.verify(b"m", one.sign(b"m"))
