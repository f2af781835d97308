"""ECDSA over secp256k1 as Ethereum uses it: 65-byte signatures r ‖ s ‖ v and addresses.

A signature has one accepted form: v is 27 or 28, s is in the lower half of the
order. Recovery (SEC 1 §4.1.6) is written here because ``cryptography`` has none;
it handles public values only, so it need not run in constant time.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm.keccak import keccak256

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
SIGNATURE_BYTES = 65
ADDRESS_BYTES = 20

_Affine = tuple[int, int]
# (X, Y, Z) stands for (X/Z², Y/Z³); Z = 0 is the point at infinity.
_Jacobian = tuple[int, int, int]
_INFINITY: _Jacobian = (0, 1, 0)


def address_of(public: bytes) -> bytes:
    """The 20-byte address of an uncompressed public key (0x04 ‖ x ‖ y, 65 bytes; see ``keys.PublicKey.raw``)."""
    if len(public) != 65 or public[0] != 4:
        raise MalformedInput("an address is derived from 0x04 and 64 bytes of public key")
    return keccak256(public[1:])[12:]


def sign_digest(private: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """r ‖ s ‖ v over a 32-byte digest, deterministic (RFC 6979), with low s."""
    algorithm = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)
    r, s = decode_dss_signature(private.sign(digest, algorithm))
    s = min(s, N - s)
    numbers = private.public_key().public_numbers()
    for v in (27, 28):
        if _recover_point(digest, r, s, v) == (numbers.x, numbers.y):
            return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
    raise AssertionError("a fresh signature recovers to another key")


def recover(digest: bytes, signature: bytes) -> bytes:
    """The uncompressed public key (65 bytes) that made ``signature`` over the 32-byte ``digest``.

    Raises ``VerificationFailed`` for a signature in any but the one accepted form.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise VerificationFailed(f"a secp256k1 signature has {SIGNATURE_BYTES} bytes, found {len(signature)}")
    r, s, v = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    if v not in (27, 28):
        raise VerificationFailed(f"a secp256k1 signature ends in 27 or 28, found {v}")
    if not 0 < r < N or not 0 < s <= N // 2:
        raise VerificationFailed("r or s of a secp256k1 signature is out of range (s must be the lower one)")
    x, y = _recover_point(digest, r, s, v)
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def verify_signer(address: bytes, digest: bytes, signature: bytes) -> None:
    """Raise ``VerificationFailed`` unless the key of ``address`` made ``signature`` over ``digest``."""
    found = address_of(recover(digest, signature))
    if found != address:
        raise VerificationFailed(f"the signature was made by {found.hex()}, expected {address.hex()}")


def _recover_point(digest: bytes, r: int, s: int, v: int) -> _Affine:
    # r + N < P has probability 2^-127 and no v of 27 or 28, so x is r itself.
    square = (pow(r, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        raise VerificationFailed("r of a secp256k1 signature is not a point of the curve")
    if y & 1 != (v - 27):
        y = P - y
    inverse = pow(r, -1, N)
    z = int.from_bytes(digest, "big")
    point = _combine(-z * inverse % N, G, s * inverse % N, (r, y))
    if point[2] == 0:
        raise VerificationFailed("a secp256k1 signature recovers to no key")
    scale = pow(point[2], -1, P)
    return point[0] * scale**2 % P, point[1] * scale**3 % P


def _combine(a: int, first: _Affine, b: int, second: _Affine) -> _Jacobian:
    """a·first + b·second, both scalars in one pass."""
    one, two = (*first, 1), (*second, 1)
    table = (_INFINITY, one, two, _add(one, two))
    total = _INFINITY
    for bit in reversed(range(256)):
        total = _double(total)
        total = _add(total, table[(a >> bit & 1) | (b >> bit & 1) << 1])
    return total


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    squared = y * y % P
    s = 4 * x * squared % P
    m = 3 * x * x % P
    doubled_x = (m * m - 2 * s) % P
    return doubled_x, (m * (s - doubled_x) - 8 * squared * squared) % P, 2 * y * z % P


def _add(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    if left[2] == 0:
        return right
    if right[2] == 0:
        return left
    z1, z2 = left[2] * left[2] % P, right[2] * right[2] % P
    u1, u2 = left[0] * z2 % P, right[0] * z1 % P
    s1, s2 = left[1] * right[2] * z2 % P, right[1] * left[2] * z1 % P
    if u1 == u2:
        return _double(left) if s1 == s2 else _INFINITY
    h, r = u2 - u1, s2 - s1
    h2 = h * h % P
    h3 = h * h2 % P
    x = (r * r - h3 - 2 * u1 * h2) % P
    return x, (r * (u1 * h2 - x) - s1 * h3) % P, left[2] * right[2] * h % P
