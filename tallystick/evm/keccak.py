"""Keccak-256 with the original padding (0x01), as Ethereum uses it; NIST's SHA3-256 pads with 0x06.

Neither hashlib nor cryptography has it. The round is written out because a loop
over lanes takes three times as long, and a proof needs some thirty permutations.

Several messages are hashed side by side: a lane is one integer that holds the lanes of all of them, 128 bits apart,
and the same operations permute all states at once. To Python an integer of a thousand bits is hardly slower than one
of sixty-four. What rotation moves out of a field stays within the 64 bits above it, which the mask takes away.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import lshift, xor

RATE = 136
_WORD = 0xFFFFFFFFFFFFFFFF
_APART = 128
# Messages in one integer; to put together and take apart ever longer ones would cost more than it saves.
_ABREAST = 32
_ROUND_CONSTANTS = (
    0x0000000000000001,
    0x0000000000008082,
    0x800000000000808A,
    0x8000000080008000,
    0x000000000000808B,
    0x0000000080000001,
    0x8000000080008081,
    0x8000000000008009,
    0x000000000000008A,
    0x0000000000000088,
    0x0000000080008009,
    0x000000008000000A,
    0x000000008000808B,
    0x800000000000008B,
    0x8000000000008089,
    0x8000000000008003,
    0x8000000000008002,
    0x8000000000000080,
    0x000000000000800A,
    0x800000008000000A,
    0x8000000080008081,
    0x8000000000008080,
    0x0000000080000001,
    0x8000000080008008,
)
_BLOCK = struct.Struct("<17Q")
_DIGEST = struct.Struct("<4Q")
_State = Sequence[int]
_ZEROS: _State = (0,) * 25


_lent: ContextVar[Callable[[bytes], bytes] | None] = ContextVar("keccak256", default=None)


@contextmanager
def reckoned_by(other: Callable[[bytes], bytes]) -> Iterator[None]:
    """Within, ``other`` is asked for every digest: for whoever makes proofs and has a library in C at hand."""
    before = _lent.set(other)
    try:
        yield
    finally:
        _lent.reset(before)


class _Reckoned:
    """Digests by message; any other is reckoned when somebody asks for it."""

    def __init__(self) -> None:
        self.known: dict[bytes, bytes] = {}

    def __call__(self, data: bytes) -> bytes:
        return self.known.get(data) or keccak256_many([data])[0]


@contextmanager
def reckoned_together(*rounds: Callable[[], Iterable[bytes]]) -> Iterator[None]:
    """Within, ``keccak256`` has the digests of the messages of these ``rounds`` at hand: each round was reckoned side
    by side, when those before it were at hand, so that its messages may hold their digests.
    """
    lent = _lent.get()
    if lent is not None and not isinstance(lent, _Reckoned):
        yield
        return
    reckoned = lent or _Reckoned()
    with reckoned_by(reckoned):
        for messages in rounds:
            new = list({message for message in messages() if message not in reckoned.known})
            reckoned.known.update(zip(new, keccak256_many(new), strict=True))
        yield


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of ``data``: 32 bytes."""
    lent = _lent.get()
    return keccak256_many([data])[0] if lent is None else lent(data)


def keccak256_many(messages: Sequence[bytes]) -> list[bytes]:
    """Keccak-256 of each of ``messages``, in hardly more time than the longest of a dozen takes alone."""
    digests = [b""] * len(messages)
    order = sorted(range(len(messages)), key=lambda at: len(messages[at]), reverse=True)
    for first in range(0, len(order), _ABREAST):
        some = order[first : first + _ABREAST]
        for at, digest in zip(some, _abreast([_padded(messages[at]) for at in some]), strict=True):
            digests[at] = digest
    return digests


def _abreast(padded: list[bytes]) -> list[bytes]:
    """Of padded messages, the longest first: those that are not yet at their end are always the lowest fields."""
    digests, left, state = [b""] * len(padded), len(padded), _ZEROS
    for start in range(0, len(padded[0]), RATE):
        while len(padded[left - 1]) == start:
            left -= 1
        places = range(0, _APART * left, _APART)
        words = [_BLOCK.unpack_from(data, start) for data in padded[:left]]
        read = [sum(map(lshift, lane, places)) for lane in zip(*words, strict=True)]
        state = _permute([*map(xor, state, read), *state[RATE // 8 :]], sum(1 << place for place in places))
        for at, place in enumerate(places):
            if len(padded[at]) == start + RATE:
                digests[at] = _DIGEST.pack(*(lane >> place & _WORD for lane in state[:4]))
    return digests


def _padded(data: bytes) -> bytes:
    padding = bytearray(RATE - len(data) % RATE)
    padding[0] = 0x01
    padding[-1] |= 0x80
    return data + padding


def _permute(state: _State, ones: int) -> _State:
    """Keccak-f[1600]: 24 rounds of theta, rho with pi, chi and iota; a to e are the rows of the 5 × 5 lanes.

    ``ones``: 1 in each field that is permuted; what other fields hold is dropped.
    """
    M = ones * _WORD
    state = [lane & M for lane in state]
    a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4, d0, d1, d2, d3, d4, e0, e1, e2, e3, e4 = state
    for constant in _ROUND_CONSTANTS:
        x0, x1, x2 = a0 ^ b0 ^ c0 ^ d0 ^ e0, a1 ^ b1 ^ c1 ^ d1 ^ e1, a2 ^ b2 ^ c2 ^ d2 ^ e2
        x3, x4 = a3 ^ b3 ^ c3 ^ d3 ^ e3, a4 ^ b4 ^ c4 ^ d4 ^ e4
        y0, y1, y2 = x4 ^ (x1 << 1 | x1 >> 63) & M, x0 ^ (x2 << 1 | x2 >> 63) & M, x1 ^ (x3 << 1 | x3 >> 63) & M
        y3, y4 = x2 ^ (x4 << 1 | x4 >> 63) & M, x3 ^ (x0 << 1 | x0 >> 63) & M
        a0, a1, a2, a3, a4 = a0 ^ y0, a1 ^ y1, a2 ^ y2, a3 ^ y3, a4 ^ y4
        b0, b1, b2, b3, b4 = b0 ^ y0, b1 ^ y1, b2 ^ y2, b3 ^ y3, b4 ^ y4
        c0, c1, c2, c3, c4 = c0 ^ y0, c1 ^ y1, c2 ^ y2, c3 ^ y3, c4 ^ y4
        d0, d1, d2, d3, d4 = d0 ^ y0, d1 ^ y1, d2 ^ y2, d3 ^ y3, d4 ^ y4
        e0, e1, e2, e3, e4 = e0 ^ y0, e1 ^ y1, e2 ^ y2, e3 ^ y3, e4 ^ y4
        p0, p1, p2 = a0, (b1 << 44 | b1 >> 20) & M, (c2 << 43 | c2 >> 21) & M
        p3, p4 = (d3 << 21 | d3 >> 43) & M, (e4 << 14 | e4 >> 50) & M
        q0, q1, q2 = (a3 << 28 | a3 >> 36) & M, (b4 << 20 | b4 >> 44) & M, (c0 << 3 | c0 >> 61) & M
        q3, q4 = (d1 << 45 | d1 >> 19) & M, (e2 << 61 | e2 >> 3) & M
        r0, r1, r2 = (a1 << 1 | a1 >> 63) & M, (b2 << 6 | b2 >> 58) & M, (c3 << 25 | c3 >> 39) & M
        r3, r4 = (d4 << 8 | d4 >> 56) & M, (e0 << 18 | e0 >> 46) & M
        s0, s1, s2 = (a4 << 27 | a4 >> 37) & M, (b0 << 36 | b0 >> 28) & M, (c1 << 10 | c1 >> 54) & M
        s3, s4 = (d2 << 15 | d2 >> 49) & M, (e3 << 56 | e3 >> 8) & M
        t0, t1, t2 = (a2 << 62 | a2 >> 2) & M, (b3 << 55 | b3 >> 9) & M, (c4 << 39 | c4 >> 25) & M
        t3, t4 = (d0 << 41 | d0 >> 23) & M, (e1 << 2 | e1 >> 62) & M
        a0, a1, a2 = p0 ^ p2 & (p1 ^ M), p1 ^ p3 & (p2 ^ M), p2 ^ p4 & (p3 ^ M)
        a3, a4 = p3 ^ p0 & (p4 ^ M), p4 ^ p1 & (p0 ^ M)
        b0, b1, b2 = q0 ^ q2 & (q1 ^ M), q1 ^ q3 & (q2 ^ M), q2 ^ q4 & (q3 ^ M)
        b3, b4 = q3 ^ q0 & (q4 ^ M), q4 ^ q1 & (q0 ^ M)
        c0, c1, c2 = r0 ^ r2 & (r1 ^ M), r1 ^ r3 & (r2 ^ M), r2 ^ r4 & (r3 ^ M)
        c3, c4 = r3 ^ r0 & (r4 ^ M), r4 ^ r1 & (r0 ^ M)
        d0, d1, d2 = s0 ^ s2 & (s1 ^ M), s1 ^ s3 & (s2 ^ M), s2 ^ s4 & (s3 ^ M)
        d3, d4 = s3 ^ s0 & (s4 ^ M), s4 ^ s1 & (s0 ^ M)
        e0, e1, e2 = t0 ^ t2 & (t1 ^ M), t1 ^ t3 & (t2 ^ M), t2 ^ t4 & (t3 ^ M)
        e3, e4 = t3 ^ t0 & (t4 ^ M), t4 ^ t1 & (t0 ^ M)
        a0 ^= constant * ones
    return a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4, d0, d1, d2, d3, d4, e0, e1, e2, e3, e4
