"""RFC 3161 tokens that travel with an anchor proof: each is over the hash of the anchor's block.

A hash that existed by then shows that the block, its state and the checkpoint in it
did: whoever mined it, and whether or not the chain kept it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm.proof import AnchorProof
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import Authority, RevokedAuthority, TimestampFact, UnknownAuthority, verify_token

if TYPE_CHECKING:
    from tallystick.revocation import Words


@dataclass(frozen=True)
class BlockStamp:
    """A token that holds, by an authority that the reader knows. ``token_sha256``: of its exact bytes."""

    fact: TimestampFact
    token_sha256: bytes


@dataclass(frozen=True)
class BlockStamps:
    """What the tokens of one proof are: those that hold, and why each of the others says nothing to this reader:
    its authority is unknown, or was revoked.
    """

    known: tuple[BlockStamp, ...]
    unknown: tuple[str, ...]
    revoked: tuple[str, ...] = ()


NO_STAMPS = BlockStamps((), ())


def check_tokens(
    proof: AnchorProof, block_hash: bytes, authorities: Sequence[Authority], words: Words | None = None
) -> BlockStamps:
    """Verify every token of ``proof`` over ``block_hash`` (32 bytes), which the caller computed from the header.

    ``words``: what is known of the revocation of authorities.

    Raises ``VerificationFailed`` for one that is not sound, or over something else.
    """
    known: list[BlockStamp] = []
    unknown: list[str] = []
    revoked: list[str] = []
    for number, text in enumerate(proof.tokens or ()):
        token = from_base64(text)
        try:
            fact = verify_token(token, block_hash, authorities, words)
            known.append(BlockStamp(fact, hashlib.sha256(token).digest()))
        except RevokedAuthority as error:
            revoked.append(f"token {number}: {error}")
        except UnknownAuthority as error:
            unknown.append(f"token {number}: {error}")
        except (VerificationFailed, MalformedInput) as error:
            raise VerificationFailed(f"token {number} over the block hash: {error}") from None
    return BlockStamps(tuple(known), tuple(unknown), tuple(revoked))
