"""Whose word a block header is: what the reader's trust file says of a chain.

A header proves itself to nobody. On a chain that the log's operator seals, the
seal makes it the operator's word. On any other chain, the reader names the hash
of the block, which he compared with explorers or a node; until he does, an anchor
needs that fact from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, TypeAlias

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm.header import Header
from tallystick.schema import COUNT, HEX32, items, record

Voucher: TypeAlias = Literal["operator", "named-block", "nobody"]


class Place(Protocol):
    """A chain: its id, its genesis hash, and the address of the operator who seals its blocks, if one does (hex)."""

    @property
    def chain_id(self) -> int: ...
    @property
    def genesis(self) -> str: ...
    @property
    def sealer(self) -> str | None: ...


@record
class NamedBlock:
    """A block that the reader compared by another channel."""

    number: Annotated[int, COUNT]
    hash: Annotated[str, HEX32]


@record
class TrustedChain:
    """What is believed of a chain's headers.

    ``operator-seal``: the seal of the target's operator (what holds without an entry, too).
    ``named-blocks``: only these blocks. ``none``: no header, not even a sealed one.
    """

    chain_id: Annotated[int, COUNT]
    genesis: Annotated[str, HEX32]
    headers: Literal["operator-seal", "named-blocks", "none"]
    blocks: Annotated[tuple[NamedBlock, ...], items(256)]


def check_chains(chains: Sequence[TrustedChain]) -> None:
    """Raise ``MalformedInput`` unless each chain, and in it each block, stands once, and blocks where they count."""
    if len({(one.chain_id, one.genesis) for one in chains}) != len(chains):
        raise MalformedInput("the trust file names a chain twice")
    for one in chains:
        if bool(one.blocks) != (one.headers == "named-blocks"):
            raise MalformedInput(f"chain {one.chain_id}: blocks are named exactly where headers is named-blocks")
        if len({block.number for block in one.blocks}) != len(one.blocks):
            raise MalformedInput(f"chain {one.chain_id}: a block is named twice")


def voucher(header: Header, place: Place, chains: Sequence[TrustedChain]) -> Voucher:
    """Who vouches for a header, its seal (if the chain has a trusted sealer) being verified.

    Raises ``VerificationFailed`` when the reader names another block of this number.
    """
    found = (one for one in chains if (one.chain_id, one.genesis) == (place.chain_id, place.genesis))
    chain = next(found, None)
    if chain is None or chain.headers == "operator-seal":
        return "nobody" if place.sealer is None else "operator"
    named = next((one.hash for one in chain.blocks if one.number == header.number), None)
    if named is None:
        return "nobody"
    if named != header.hash.hex():
        raise VerificationFailed(
            f"block {header.number} of chain {place.chain_id} has hash {header.hash.hex()} here, "
            f"the trust file names {named}"
        )
    return "named-block"
