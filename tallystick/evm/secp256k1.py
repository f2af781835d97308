"""ECDSA over secp256k1 as Ethereum uses it: 65-byte signatures r ‖ s ‖ v and addresses.

A signature has one accepted form: v is 27 or 28, s is in the lower half of the
order. Recovery (SEC 1 §4.1.6) is written here because ``cryptography`` has none;
it handles public values only, so it need not run in constant time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

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

# The endomorphism of the curve: β³ = 1 modulo P, and a short basis of the lattice in which k1 + k2·λ = 0 modulo N.
_BETA = 0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE
_A1, _B1 = 0x3086D221A7D46BCDE86C90E49284EB15, -0xE4437ED6010E88286F547FA90ABFE4C3
_A2 = 0x114CA50F7A8E2F3F657C1108D9D44CFD8
_WIDTH = 5


# Of the same few keys again and again.
@lru_cache(maxsize=64)
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
    # The key recovers under one of the two, so that looking at one of them says which.
    v = 27 if _recover_point(digest, r, s, 27) == (numbers.x, numbers.y) else 28
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])


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


# Who signs and who reads in one process, as an embedded chain does, ask for the same point several times.
@lru_cache(maxsize=64)
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
    """a·first + b·second: four scalars of half the length in one pass (GLV), each with few digits (wNAF)."""
    summands: dict[int, list[_Jacobian]] = {}
    for scalar, point in ((a, first), (b, second)):
        for half, table in _halves(scalar, _odd(point)):
            for place, digit in _digits(abs(half)):
                x, y, z = table[abs(digit) >> 1]
                summands.setdefault(place, []).append((x, P - y if (digit < 0) != (half < 0) else y, z))
    total = _INFINITY
    for place in reversed(range(max(summands, default=-1) + 1)):
        total = _double(total)
        for summand in summands.get(place, ()):
            total = _add(total, summand)
    return total


# Of the generator at each signature, of a point of it but once.
@lru_cache(maxsize=2)
def _odd(point: _Affine) -> list[_Jacobian]:
    """The odd multiples of a point that digits name: 1, 3, … ``2 ** (_WIDTH - 1) - 1``."""
    found: list[_Jacobian] = [(*point, 1)]
    twice = _double(found[0])
    while len(found) < 1 << _WIDTH - 2:
        found.append(_add(found[-1], twice))
    return found


def _halves(k: int, table: list[_Jacobian]) -> list[tuple[int, list[_Jacobian]]]:
    """k·P = k1·P + k2·λP with k1 and k2 of some 128 bits; λ(x, y) = (βx, y)."""
    c1, c2 = (_A1 * k + N // 2) // N, (-_B1 * k + N // 2) // N
    mapped = [(x * _BETA % P, y, z) for x, y, z in table]
    return [(k - c1 * _A1 - c2 * _A2, table), (-c1 * _B1 - c2 * _A1, mapped)]


def _digits(k: int) -> Iterator[tuple[int, int]]:
    """k as a sum of digit · 2^place: digits odd, below ``2 ** (_WIDTH - 1)`` in magnitude, ``_WIDTH`` places apart."""
    place = 0
    while k:
        zeros = (k & -k).bit_length() - 1
        place, k = place + zeros, k >> zeros
        digit = k & (1 << _WIDTH) - 1
        if digit >> _WIDTH - 1:
            digit -= 1 << _WIDTH
        yield place, digit
        k -= digit


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
