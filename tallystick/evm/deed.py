"""What a contract did in a block, as a proof file shows it offline: steps 3 to 6, for anchors and convictions alike.

3. The header: its hash carries the seal of the chain's sealer, where there is one; and it is no other than
   the block that the reader names, where he names one of its number.
4. The transaction stands in the block, on that chain.
5. Its receipt stands in the block, succeeded, and holds the contract's event.
6. In the block's state the contract has the published code, and its slot holds what the event tells.

Steps 1 and 2, which contract and about whom, are the caller's: ``anchor``, ``convicted``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm import rlp
from tallystick.evm.chains import Place, TrustedChain, Voucher, voucher
from tallystick.evm.header import Header, decode_header
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import Finality, ReceiptProof, TransactionProof
from tallystick.evm.secp256k1 import verify_signer
from tallystick.evm.transaction import Log, Transaction, decode_receipt, decode_transaction
from tallystick.evm.trie import TrieProofFailed, prove_value
from tallystick.lazy_dataclass import dataclass

_SEAL_CONTEXT = b"tallystick/embedded-seal/v1\n"


class Contract(Place, Protocol):
    """A contract on a chain; its address and code hash are hex, without 0x."""

    @property
    def contract(self) -> str:
        """20 bytes."""
        ...

    @property
    def code_hash(self) -> str:
        """Keccak-256 of its runtime code, 32 bytes."""
        ...


class Shown(Protocol):
    """The members of a proof file that steps 3 to 6 read."""

    @property
    def header(self) -> str: ...
    @property
    def transaction(self) -> TransactionProof: ...
    @property
    def receipt(self) -> ReceiptProof: ...
    @property
    def log_index(self) -> int: ...
    @property
    def account_proof(self) -> tuple[str, ...]: ...
    @property
    def storage_proof(self) -> tuple[str, ...]: ...
    @property
    def finality(self) -> Finality: ...


@dataclass(frozen=True)
class Deed:
    """What must have happened. ``event``: what the contract emitted, ``says``: that in words; ``key``: storage position
    (32 bytes) of the slot that holds ``held`` (32 bytes) since, ``holds``: that in words.
    """

    event: Log
    says: str
    key: bytes
    held: bytes
    holds: str


def seal_digest(chain_id: int, genesis: bytes, block_hash: bytes) -> bytes:
    """What the operator of an embedded chain signs for each block that carries an anchor: 32 bytes."""
    return keccak256(_seal_words(chain_id, genesis, block_hash))


def _seal_words(chain_id: int, genesis: bytes, block_hash: bytes) -> bytes:
    return _SEAL_CONTEXT + chain_id.to_bytes(8, "big") + genesis + block_hash


def hashed(shown: Shown, contract: Contract) -> list[bytes]:
    """What these steps hash of a proof file (see ``keccak.reckoned_together``)."""
    trees = (shown.transaction.proof, shown.receipt.proof, shown.account_proof, shown.storage_proof)
    texts = (shown.header, shown.transaction.raw, *chain.from_iterable(trees))
    return [bytes.fromhex(contract.contract), *map(from_base64, texts)]


def hashed_next(shown: Shown, place: Place, key: bytes) -> list[bytes]:
    """And what they hash of its digests; ``key``: of the slot."""
    return [key, _seal_words(place.chain_id, bytes.fromhex(place.genesis), keccak256(from_base64(shown.header)))]


def check_header(shown: Shown, place: Place, chains: Sequence[TrustedChain]) -> tuple[Header, Voucher]:
    """Step 3. Raises ``VerificationFailed``, ``MalformedInput``; so do all of these."""
    header = decode_header(from_base64(shown.header))
    finality = shown.finality
    if (finality.signature is not None) != (place.sealer is not None):
        raise VerificationFailed(
            f"step 3: finality is of the kind {finality.kind}, and the target names "
            f"{'a sealer, whose seal is wanted' if place.sealer else 'no sealer'}"
        )
    if place.sealer is not None:
        _check_seal(place, header, finality.signature or "")
    try:
        return header, voucher(header, place, chains)
    except VerificationFailed as error:
        raise VerificationFailed(f"step 3: {error}") from None


def _check_seal(place: Place, header: Header, signature: str) -> None:
    digest = seal_digest(place.chain_id, bytes.fromhex(place.genesis), header.hash)
    try:
        verify_signer(bytes.fromhex(place.sealer or ""), digest, bytes.fromhex(signature))
    except VerificationFailed as error:
        raise VerificationFailed(
            f"step 3: block {header.hash.hex()} does not carry its sealer's seal: {error}"
        ) from None


def check_transaction(shown: Shown, place: Place, header: Header) -> Transaction:
    """Step 4, without whom the transaction goes to."""
    raw = from_base64(shown.transaction.raw)
    key = rlp.encode_int(shown.transaction.index)
    if _prove("step 4: transaction", header.transactions_root, key, shown.transaction.proof) != raw:
        raise VerificationFailed("step 4: another transaction stands at this index of the block")
    transaction = decode_transaction(raw)
    if transaction.chain_id != place.chain_id:
        raise VerificationFailed(
            f"step 4: the transaction is for chain {transaction.chain_id}, the target is chain {place.chain_id}"
        )
    return transaction


def check_event(shown: Shown, header: Header, kind: int, deed: Deed) -> None:
    """Step 5. ``kind``: type of the transaction."""
    raw = from_base64(shown.receipt.raw)
    key = rlp.encode_int(shown.transaction.index)
    if _prove("step 5: receipt", header.receipts_root, key, shown.receipt.proof) != raw:
        raise VerificationFailed("step 5: another receipt stands at this index of the block")
    receipt = decode_receipt(raw)
    if receipt.kind != kind:
        raise VerificationFailed(f"step 5: the receipt is of type {receipt.kind}, the transaction of type {kind}")
    if not receipt.succeeded:
        raise VerificationFailed("step 5: the transaction failed")
    if shown.log_index >= len(receipt.logs):
        raise VerificationFailed(f"step 5: the receipt has {len(receipt.logs)} events, none at {shown.log_index}")
    if receipt.logs[shown.log_index] != deed.event:
        raise VerificationFailed(f"step 5: the event at this place is not {deed.says}")


def check_state(shown: Shown, header: Header, contract: Contract, deed: Deed) -> None:
    """Step 6."""
    place = keccak256(bytes.fromhex(contract.contract))
    account = rlp.as_list(
        rlp.decode(_prove("step 6: account", header.state_root, place, shown.account_proof)), "an account"
    )
    if len(account) != 4:
        raise MalformedInput(f"an account has 4 fields, found {len(account)}")
    code_hash = rlp.as_bytes(account[3], "an account's code hash", 32).hex()
    if code_hash != contract.code_hash:
        raise VerificationFailed(f"step 6: the contract's code is {code_hash}, the target's {contract.code_hash}")
    storage_root = rlp.as_bytes(account[2], "an account's storage root", 32)
    slot = _prove("step 6: slot", storage_root, keccak256(deed.key), shown.storage_proof)
    held = rlp.as_int(rlp.decode(slot), "a storage value")
    if f"{held:064x}" != deed.held.hex():
        raise VerificationFailed(f"step 6: the slot holds {held:064x}, {deed.holds} is {deed.held.hex()}")


def _prove(what: str, root: bytes, key: bytes, nodes: Sequence[str]) -> bytes:
    """The value at ``key`` of a trie; ``what`` names step and part in the error."""
    try:
        return prove_value(root, key, [from_base64(node) for node in nodes])
    except TrieProofFailed as error:
        raise VerificationFailed(f"{what}: {error}") from None
