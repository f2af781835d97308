"""RFC 3161 tokens that travel with an anchor proof: each is over the hash of the anchor's block.

A hash that existed by then shows that the block, its state and the checkpoint in it
did: whoever mined it, and whether or not the chain kept it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm.proof import AnchorProof
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import Authority, TimestampFact, UnknownAuthority, verify_token


@dataclass(frozen=True)
class BlockStamp:
    """A token that holds, by an authority that the reader knows. ``token_sha256``: of its exact bytes."""

    fact: TimestampFact
    token_sha256: bytes


@dataclass(frozen=True)
class BlockStamps:
    """What the tokens of one proof are: those that hold, and why each of the others says nothing to this reader."""

    known: tuple[BlockStamp, ...]
    unknown: tuple[str, ...]


NO_STAMPS = BlockStamps((), ())


def check_tokens(proof: AnchorProof, block_hash: bytes, authorities: Sequence[Authority]) -> BlockStamps:
    """Verify every token of ``proof`` over ``block_hash`` (32 bytes), which the caller computed from the header.

    Raises ``VerificationFailed`` for one that is not sound, or over something else.
    """
    known, unknown = [], []
    for number, text in enumerate(proof.tokens or ()):
        token = from_base64(text)
        try:
            known.append(BlockStamp(verify_token(token, block_hash, authorities), hashlib.sha256(token).digest()))
        except UnknownAuthority as error:
            unknown.append(f"token {number}: {error}")
        except (VerificationFailed, MalformedInput) as error:
            raise VerificationFailed(f"token {number} over the block hash: {error}") from None
    return BlockStamps(tuple(known), tuple(unknown))
