"""QR codes, made fast: of texts of one length, segno makes one, and the others differ from it by their bits alone.

A code is linear (ISO/IEC 18004): where version, level and mask are the same, two codes differ where the bits of their
messages differ, error correction included. So the first code of a length gives the frame, and a message is laid over.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import chain, zip_longest
from operator import itemgetter, xor
from typing import Any, NamedTuple

from segno import consts, encoder

_MASK = 4
"""Always the same: to try all eight takes longer than to draw a card, and readers read them all."""
_BYTES, _MODE_BITS = 0b0100, 4
_FREE = 2
"""What segno says of a module that nothing is in yet."""
_LONG = 10
"""The version from which on a length takes two bytes."""
_DIGITS = bytes.maketrans(b"01", b"\0\1")


class _Block(NamedTuple):
    """Blocks of a message: how many, with how many bytes of data, and of correction each."""

    number: int
    data: int
    correction: int


class _Frame(NamedTuple):
    """All codes of a length: modules of one that says nothing, what lays bits out over them, the blocks.

    `lay`: from the bits of a message and a zero, which stands where there is none, to one for each module.
    """

    size: int
    modules: bytes
    lay: Callable[[bytes], tuple[int, ...]]
    blocks: tuple[_Block, ...]
    length_bits: int


def qr_modules(text: str) -> tuple[int, bytes]:
    """Modules of a side, and each as 0 or 1, row by row, without a border; level M or better.

    Raises segno.DataOverflowError (a ValueError) where the text is too long.
    """
    # What stands in capitals and digits alone is packed closer, and not in bytes.
    if not text.isascii() or text == text.upper():
        code = _made(text)
        return len(code.matrix), bytes(chain.from_iterable(code.matrix))
    frame = _frame(len(text))
    return frame.size, _laid_over(frame, text.encode())


def _laid_over(frame: _Frame, message: bytes) -> bytes:
    """The modules of a code, or, of a code and its own message, those that say nothing."""
    bits = bytes(frame.lay(_bits(message, frame) + b"\0"))
    return (int.from_bytes(frame.modules) ^ int.from_bytes(bits)).to_bytes(len(bits))


def _made(text: str) -> encoder.Code:
    return encoder.encode(text, error="m", mask=_MASK, micro=False)


@functools.lru_cache(maxsize=64)
def _frame(length: int) -> _Frame:
    sample = "x" * length
    code = _made(sample)
    size, version = len(code.matrix), code.version
    known: Any = consts.ECC[version]
    blocks = [_Block(one.num_blocks, one.num_data, one.num_total - one.num_data) for one in known[code.error]]
    count = 8 * sum(one.number * (one.data + one.correction) for one in blocks)
    frame = _Frame(
        size,
        bytes(chain.from_iterable(code.matrix)),
        itemgetter(*_numbers(size, version, count)),
        tuple(blocks),
        16 if version >= _LONG else 8,
    )
    return frame._replace(modules=_laid_over(frame, sample.encode()))


def _numbers(size: int, version: int, count: int) -> list[int]:
    """Which bit of a message each module is, `count` where none: segno lays out their numbers instead of them."""
    matrix = encoder.make_matrix(size, size)
    encoder.add_finder_patterns(matrix, size, size)
    encoder.add_alignment_patterns(matrix, size, size)
    rows: list[list[int]] = [list(row) for row in matrix]
    first = 1 << 8
    free = sum(row.count(_FREE) for row in rows)
    encoder.add_codewords(rows, range(first, first + free), version)
    return [value - first if 0 <= value - first < count else count for value in chain.from_iterable(rows)]


def _bits(data: bytes, frame: _Frame) -> bytes:
    """The bits that are laid out: data and correction, interleaved."""
    capacity = sum(one.number * one.data for one in frame.blocks)
    head = (_BYTES << frame.length_bits | len(data)).to_bytes(3)[-((_MODE_BITS + frame.length_bits + 7) // 8) :]
    bits = int.from_bytes(head) << 8 * len(data) | int.from_bytes(data)
    used = _MODE_BITS + frame.length_bits + 8 * len(data)
    # The terminator, four zeros, ends a byte; what is left is filled by turns.
    words = bytearray((bits << 4).to_bytes((used + 4) // 8))
    words += bytes([0xEC, 0x11]) * ((capacity - len(words) + 1) // 2)
    datas, corrections, at = [], [], 0
    for block in frame.blocks:
        for _ in range(block.number):
            datas.append(bytes(words[at : at + block.data]))
            corrections.append(_correction(datas[-1], block.correction))
            at += block.data
    joined = bytes(
        one for many in (datas, corrections) for one in chain.from_iterable(zip_longest(*many)) if one is not None
    )
    return format(int.from_bytes(joined), f"0{8 * len(joined)}b").encode().translate(_DIGITS)


def _correction(data: bytes, count: int) -> bytes:
    table, keep, rest = _products(count), (1 << 8 * count) - 1, 0
    for byte in data:
        rest = (rest << 8 & keep) ^ table[xor(byte, rest >> 8 * (count - 1))]
    return rest.to_bytes(count)


@functools.lru_cache(maxsize=8)
def _products(count: int) -> tuple[int, ...]:
    """Each byte times the generator polynomial with `count` words of correction, without its first coefficient."""
    exp, log, generator = consts.GALIOS_EXP, consts.GALIOS_LOG, consts.GEN_POLY[count]
    made = [bytes(exp[log[byte] + one] for one in generator) for byte in range(1, 256)]
    return (0, *map(int.from_bytes, made))
