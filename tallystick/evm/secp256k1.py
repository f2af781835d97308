"""ECDSA over secp256k1 as Ethereum uses it: 65-byte signatures r ‖ s ‖ v and addresses.

A signature has one accepted form: v is 27 or 28, s is in the lower half of the
order. Recovery (SEC 1 §4.1.6) is written here because ``cryptography`` has none;
it handles public values only, so it need not run in constant time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

_Asked = tuple[bytes, int, int, int]
# Who signs and who reads in one process, as an embedded chain does, ask for the same point several times.
_kept: dict[_Asked, _Affine] = {}
_MOST_KEPT = 64

# The endomorphism of the curve: β³ = 1 modulo P, and a short basis of the lattice in which k1 + k2·λ = 0 modulo N.
_BETA = 0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE
_A1, _B1 = 0x3086D221A7D46BCDE86C90E49284EB15, -0xE4437ED6010E88286F547FA90ABFE4C3
_A2 = 0x114CA50F7A8E2F3F657C1108D9D44CFD8
# Bits of a digit: of a point that is seen once, of the generator, and of points whose multiples are all kept.
_WIDTH, _WIDTH_KEPT, _WINDOW = 5, 7, 4


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
    public = (numbers.x, numbers.y)
    v = 27 + _is_odd(digest, r, s, public)
    _keep((digest, r, s, v), public)
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


def remember(digest: bytes, signature: bytes, public: bytes) -> None:
    """``recover`` need not reckon this ``public`` (65 bytes): who signed recovered it by a library of its own."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    _keep((digest, r, s, signature[64]), (int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")))


def verify_signer(address: bytes, digest: bytes, signature: bytes) -> None:
    """Raise ``VerificationFailed`` unless the key of ``address`` made ``signature`` over ``digest``."""
    found = address_of(recover(digest, signature))
    if found != address:
        raise VerificationFailed(f"the signature was made by {found.hex()}, expected {address.hex()}")


def _recover_point(digest: bytes, r: int, s: int, v: int) -> _Affine:
    found = _kept.get((digest, r, s, v))
    if found is None:
        found = _reckon_point(digest, r, s, v)
        _keep((digest, r, s, v), found)
    return found


def _keep(asked: _Asked, point: _Affine) -> None:
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[asked] = point


def _is_odd(digest: bytes, r: int, s: int, public: _Affine) -> int:
    """1 or 0: whether y is odd of the point whose x is r. OpenSSL does not tell; to verify the signature says it."""
    z, inverse = int.from_bytes(digest, "big"), pow(s, -1, N)
    ((x, y),) = _affine([_add_multiple(_add_multiple(_INFINITY, z * inverse % N, G), r * inverse % N, public)])
    if x != r:
        raise RuntimeError("a signature that was just made does not verify")
    return y & 1


def _reckon_point(digest: bytes, r: int, s: int, v: int) -> _Affine:
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
    return _affine([point])[0]


def _add_multiple(total: _Jacobian, k: int, point: _Affine) -> _Jacobian:
    """total + k·point."""
    for row in _multiples(point):
        digit = k & (1 << _WINDOW) - 1
        if digit:
            total = _add(total, row[digit - 1])
        k >>= _WINDOW
    return total


# Of the generator and of keys that sign.
@lru_cache(maxsize=8)
def _multiples(point: _Affine) -> list[list[_Affine]]:
    """Row i: the multiples of 2^(_WINDOW · i)·point by 1, 2, …, so that any multiple is a sum of one from each row."""
    rows = []
    for _ in range(-(-256 // _WINDOW)):
        row: list[_Jacobian] = [(*point, 1)]
        while len(row) < 1 << _WINDOW:
            row.append(_add(row[-1], point))
        *kept, point = _affine(row)
        rows.append(kept)
    return rows


def _combine(a: int, first: _Affine, b: int, second: _Affine) -> _Jacobian:
    """a·first + b·second: four scalars of half the length in one pass (GLV), each with few digits (wNAF)."""
    summands: dict[int, list[_Affine]] = {}
    for scalar, point, width in ((a, first, _WIDTH_KEPT), (b, second, _WIDTH)):
        for half, table in _halves(scalar, _odd(point, width)):
            for place, digit in _digits(abs(half), width):
                x, y = table[abs(digit) >> 1]
                summands.setdefault(place, []).append((x, P - y if (digit < 0) != (half < 0) else y))
    total = _INFINITY
    for place in reversed(range(max(summands, default=-1) + 1)):
        total = _double(total)
        for summand in summands.get(place, ()):
            total = _add(total, summand)
    return total


# Of the generator, which is the first of the two, at each signature; of the other point but once.
@lru_cache(maxsize=2)
def _odd(point: _Affine, width: int) -> list[_Affine]:
    """The odd multiples of a point that digits name: 1, 3, … ``2 ** (width - 1) - 1``."""
    (twice,) = _affine([_double((*point, 1))])
    found: list[_Jacobian] = [(*point, 1)]
    while len(found) < 1 << width - 2:
        found.append(_add(found[-1], twice))
    return _affine(found)


def _affine(points: Sequence[_Jacobian]) -> list[_Affine]:
    """The points, none of them at infinity, with one inversion for all."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % P)
    inverse, found = pow(products.pop(), -1, P), []
    for x, y, z in reversed(points):
        scale = inverse * products.pop() % P
        square = scale * scale % P
        found.append((x * square % P, y * square * scale % P))
        inverse = inverse * z % P
    return found[::-1]


def _halves(k: int, table: list[_Affine]) -> list[tuple[int, list[_Affine]]]:
    """k·P = k1·P + k2·λP with k1 and k2 of some 128 bits; λ(x, y) = (βx, y)."""
    c1, c2 = (_A1 * k + N // 2) // N, (-_B1 * k + N // 2) // N
    mapped = [(x * _BETA % P, y) for x, y in table]
    return [(k - c1 * _A1 - c2 * _A2, table), (-c1 * _B1 - c2 * _A1, mapped)]


def _digits(k: int, width: int) -> Iterator[tuple[int, int]]:
    """k as a sum of digit · 2^place: digits odd, below ``2 ** (width - 1)`` in magnitude, ``width`` places apart."""
    place = 0
    while k:
        zeros = (k & -k).bit_length() - 1
        place, k = place + zeros, k >> zeros
        digit = k & (1 << width) - 1
        if digit >> width - 1:
            digit -= 1 << width
        yield place, digit
        k -= digit


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    squared = y * y % P
    s = 4 * x * squared % P
    m = 3 * x * x % P
    doubled_x = (m * m - 2 * s) % P
    return doubled_x, (m * (s - doubled_x) - 8 * squared * squared) % P, 2 * y * z % P


def _add(left: _Jacobian, right: _Affine) -> _Jacobian:
    if left[2] == 0:
        return *right, 1
    z2 = left[2] * left[2] % P
    h = right[0] * z2 % P - left[0]
    r = right[1] * left[2] * z2 % P - left[1]
    if h % P == 0:
        return _double(left) if r % P == 0 else _INFINITY
    h2 = h * h % P
    h3 = h * h2 % P
    u = left[0] * h2 % P
    x = (r * r - h3 - 2 * u) % P
    return x, (r * (u - x) - left[1] * h3) % P, left[2] * h % P
