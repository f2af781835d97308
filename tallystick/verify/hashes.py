"""What the steps will hash by Keccak-256, as far as the case tells beforehand: reckoned side by side (decision 0055).

Nothing is judged here, and nothing rests on these lists: each step asks for the digest of the bytes that it judges, and
has it reckoned where the lists lack it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial

from tallystick.case import Case
from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput
from tallystick.evm import anchor as evm
from tallystick.evm import eip712
from tallystick.evm.keccak import reckoned_together
from tallystick.tree_head import origin_hash


def reckoned_beforehand(case: Case) -> AbstractContextManager[None]:
    """Within, the digests that signatures of checkpoints and anchors need are at hand."""
    return reckoned_together(partial(_first, case), partial(_next, case))


def _first(case: Case) -> Iterator[bytes]:
    yield from _checkpoints(case)
    for anchor in case.anchors:
        yield from evm.hashed(anchor.proof)


def _next(case: Case) -> Iterator[bytes]:
    yield from map(eip712.signed_words, _checkpoints(case))
    for anchor in case.anchors:
        yield from evm.hashed_next(anchor.proof)


def _checkpoints(case: Case) -> Iterator[bytes]:
    """What the log's authority signs of the case's checkpoint, and of those that are anchored."""
    for anchor in case.anchors:
        told = anchor.proof.checkpoint
        yield eip712.checkpoint_words(bytes.fromhex(told.origin_hash), told.size, bytes.fromhex(told.root))
    with suppress(MalformedInput):
        head = parse_body(case.checkpoint.partition(b"\n\n")[0].decode(errors="replace") + "\n")
        yield eip712.checkpoint_words(origin_hash(head.origin), head.size, head.root)
