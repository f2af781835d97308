"""Keccak-256 with the original padding (0x01), as Ethereum uses it; NIST's SHA3-256 pads with 0x06.

Neither hashlib nor cryptography has it. The round is written out because a loop
over lanes takes three times as long, and a proof needs some seventy permutations.
"""

from __future__ import annotations

import struct

MASK = 0xFFFFFFFFFFFFFFFF
RATE = 136
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
_State = tuple[int, ...]


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of ``data``: 32 bytes."""
    padding = bytearray(RATE - len(data) % RATE)
    padding[0] = 0x01
    padding[-1] |= 0x80
    padded = data + padding
    state: _State = (0,) * 25
    for block in _BLOCK.iter_unpack(padded):
        state = _permute(tuple(lane ^ word for lane, word in zip(state, block, strict=False)) + state[17:])
    return _DIGEST.pack(*state[:4])


def _permute(state: _State) -> _State:
    """Keccak-f[1600]: 24 rounds of theta, rho with pi, chi and iota over 25 lanes of 64 bits."""
    (
        a00,
        a01,
        a02,
        a03,
        a04,
        a05,
        a06,
        a07,
        a08,
        a09,
        a10,
        a11,
        a12,
        a13,
        a14,
        a15,
        a16,
        a17,
        a18,
        a19,
        a20,
        a21,
        a22,
        a23,
        a24,
    ) = state
    for constant in _ROUND_CONSTANTS:
        c0 = a00 ^ a05 ^ a10 ^ a15 ^ a20
        c1 = a01 ^ a06 ^ a11 ^ a16 ^ a21
        c2 = a02 ^ a07 ^ a12 ^ a17 ^ a22
        c3 = a03 ^ a08 ^ a13 ^ a18 ^ a23
        c4 = a04 ^ a09 ^ a14 ^ a19 ^ a24
        d0 = c4 ^ ((c1 << 1 | c1 >> 63) & MASK)
        d1 = c0 ^ ((c2 << 1 | c2 >> 63) & MASK)
        d2 = c1 ^ ((c3 << 1 | c3 >> 63) & MASK)
        d3 = c2 ^ ((c4 << 1 | c4 >> 63) & MASK)
        d4 = c3 ^ ((c0 << 1 | c0 >> 63) & MASK)
        b00 = a00 ^ d0
        t = a05 ^ d0
        b16 = (t << 36 | t >> 28) & MASK
        t = a10 ^ d0
        b07 = (t << 3 | t >> 61) & MASK
        t = a15 ^ d0
        b23 = (t << 41 | t >> 23) & MASK
        t = a20 ^ d0
        b14 = (t << 18 | t >> 46) & MASK
        t = a01 ^ d1
        b10 = (t << 1 | t >> 63) & MASK
        t = a06 ^ d1
        b01 = (t << 44 | t >> 20) & MASK
        t = a11 ^ d1
        b17 = (t << 10 | t >> 54) & MASK
        t = a16 ^ d1
        b08 = (t << 45 | t >> 19) & MASK
        t = a21 ^ d1
        b24 = (t << 2 | t >> 62) & MASK
        t = a02 ^ d2
        b20 = (t << 62 | t >> 2) & MASK
        t = a07 ^ d2
        b11 = (t << 6 | t >> 58) & MASK
        t = a12 ^ d2
        b02 = (t << 43 | t >> 21) & MASK
        t = a17 ^ d2
        b18 = (t << 15 | t >> 49) & MASK
        t = a22 ^ d2
        b09 = (t << 61 | t >> 3) & MASK
        t = a03 ^ d3
        b05 = (t << 28 | t >> 36) & MASK
        t = a08 ^ d3
        b21 = (t << 55 | t >> 9) & MASK
        t = a13 ^ d3
        b12 = (t << 25 | t >> 39) & MASK
        t = a18 ^ d3
        b03 = (t << 21 | t >> 43) & MASK
        t = a23 ^ d3
        b19 = (t << 56 | t >> 8) & MASK
        t = a04 ^ d4
        b15 = (t << 27 | t >> 37) & MASK
        t = a09 ^ d4
        b06 = (t << 20 | t >> 44) & MASK
        t = a14 ^ d4
        b22 = (t << 39 | t >> 25) & MASK
        t = a19 ^ d4
        b13 = (t << 8 | t >> 56) & MASK
        t = a24 ^ d4
        b04 = (t << 14 | t >> 50) & MASK
        a00 = b00 ^ (b02 & (b01 ^ MASK)) ^ constant
        a01 = b01 ^ (b03 & (b02 ^ MASK))
        a02 = b02 ^ (b04 & (b03 ^ MASK))
        a03 = b03 ^ (b00 & (b04 ^ MASK))
        a04 = b04 ^ (b01 & (b00 ^ MASK))
        a05 = b05 ^ (b07 & (b06 ^ MASK))
        a06 = b06 ^ (b08 & (b07 ^ MASK))
        a07 = b07 ^ (b09 & (b08 ^ MASK))
        a08 = b08 ^ (b05 & (b09 ^ MASK))
        a09 = b09 ^ (b06 & (b05 ^ MASK))
        a10 = b10 ^ (b12 & (b11 ^ MASK))
        a11 = b11 ^ (b13 & (b12 ^ MASK))
        a12 = b12 ^ (b14 & (b13 ^ MASK))
        a13 = b13 ^ (b10 & (b14 ^ MASK))
        a14 = b14 ^ (b11 & (b10 ^ MASK))
        a15 = b15 ^ (b17 & (b16 ^ MASK))
        a16 = b16 ^ (b18 & (b17 ^ MASK))
        a17 = b17 ^ (b19 & (b18 ^ MASK))
        a18 = b18 ^ (b15 & (b19 ^ MASK))
        a19 = b19 ^ (b16 & (b15 ^ MASK))
        a20 = b20 ^ (b22 & (b21 ^ MASK))
        a21 = b21 ^ (b23 & (b22 ^ MASK))
        a22 = b22 ^ (b24 & (b23 ^ MASK))
        a23 = b23 ^ (b20 & (b24 ^ MASK))
        a24 = b24 ^ (b21 & (b20 ^ MASK))
    return (
        a00,
        a01,
        a02,
        a03,
        a04,
        a05,
        a06,
        a07,
        a08,
        a09,
        a10,
        a11,
        a12,
        a13,
        a14,
        a15,
        a16,
        a17,
        a18,
        a19,
        a20,
        a21,
        a22,
        a23,
        a24,
    )
