"""The embedded chain: one py-evm (Prague) chain on one SQLite file, one block for each transaction.

Block time is the injected clock's time at mining, and at least one second later
than the parent's; it never claims an earlier time than the true one. With ``wait``
given, a block that would run ahead of the clock waits for it, up to ``MAX_WAIT``:
else whoever verifies at once would see an anchor from the future. Without, or
where the clock was set back, blocks run ahead, which is the safe direction for
"existed no later than".

A transaction is acknowledged (``submit`` returns) after the commit that holds its
block, state and seal reached the disk. kill -9 before that leaves the parent as head.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from eth.abc import AccountDatabaseAPI, BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.chains.base import MiningChain
from eth.exceptions import HeaderNotFound, TransactionNotFound, UnrecognizedTransactionType
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from anchors.account import floor_gas
from anchors.embedded.database import ChainDatabase
from anchors.embedded.genesis import FIRST_BASE_FEE, FUNDS, GAS_LIMIT, ChainIdentity, Genesis
from anchors.embedded.machine import FORK
from anchors.errors import ChainMismatch, TransactionRefused
from anchors.keystore import ChainKey
from anchors.ports import Clock
from tallystick.evm.deed import seal_digest

ACCEPTED_TYPES = (None, 1, 2)
"""Legacy, EIP-2930 and EIP-1559 transactions; the others were never tested here."""

MAX_WAIT = 3.0
"""Seconds for which a block waits for the clock at most."""
_STEP = 0.05
_KEPT = 8


class EmbeddedChain:
    """One process owns it; ``create`` begins it once, ``open`` continues it."""

    def __init__(
        self,
        database: ChainDatabase,
        identity: ChainIdentity,
        sealer: ChainKey,
        clock: Clock,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        chain_class = _chain_class(identity.chain_id)
        self.chain_id = identity.chain_id
        self.database = database
        self.clock = clock
        self.wait = wait
        self.sealer = sealer
        self.lock = threading.RLock()
        self.evm: MiningChain = chain_class(database)
        # A client asks for the newest block several times in a row. A hash names what it names for ever.
        self._block = lru_cache(maxsize=_KEPT)(self._read_block)
        self._receipts = lru_cache(maxsize=_KEPT)(self._read_receipts)
        self._state: tuple[bytes, AccountDatabaseAPI] | None = None
        self.genesis_hash: bytes = bytes(self.evm.get_canonical_block_hash(cast(Any, 0)))

    @classmethod
    def create(
        cls,
        path: Path,
        identity: ChainIdentity,
        genesis: Genesis,
        sealer: ChainKey,
        clock: Clock,
        wait: Callable[[float], None] | None = None,
    ) -> EmbeddedChain:
        """Begin a chain at ``path``. A creation that was killed half-way is simply done again.

        Raises ``ChainMismatch`` when a chain is there already, ``ChainLocked`` when another process has it.
        """
        database = ChainDatabase(path)
        with _closing_on_error(database):
            if database.meta("genesis") is not None:
                raise ChainMismatch(f"{path} holds a chain already: open it instead of creating it")
            with database.block():
                chain = _chain_class(identity.chain_id).from_genesis(database, *_genesis_block(genesis, sealer))
                genesis_hash = bytes(chain.get_canonical_head().hash)
                database.put_meta("genesis", genesis_hash)
                database.put_meta("chain-id", str(identity.chain_id).encode())
                digest = seal_digest(identity.chain_id, genesis_hash, genesis_hash)
                database.put_seal(genesis_hash, sealer.sign_digest(digest))
            return cls(database, identity, sealer, clock, wait)

    @classmethod
    def open(
        cls,
        path: Path,
        identity: ChainIdentity,
        sealer: ChainKey,
        clock: Clock,
        wait: Callable[[float], None] | None = None,
    ) -> EmbeddedChain:
        """Continue the chain at ``path``. A wrong path never begins a second chain.

        Raises ``ChainMismatch`` when there is no chain, or it serves another log; ``ChainLocked`` as above.
        """
        if not path.exists():
            raise ChainMismatch(f"there is no embedded chain at {path}: correct the path, or create the chain")
        database = ChainDatabase(path)
        with _closing_on_error(database):
            stored = database.meta("chain-id")
            if stored is None:
                raise ChainMismatch(f"{path} holds no genesis block: its creation was cut off, create it again")
            if int(stored) != identity.chain_id:
                raise ChainMismatch(
                    f"{path} holds chain {int(stored)}, the log {identity.origin!r} has chain {identity.chain_id}: "
                    "this is the chain of another log"
                )
            return cls(database, identity, sealer, clock, wait)

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether a chain was begun at ``path`` (to choose between ``create`` and ``open``).

        Raises ``ChainLocked`` when another process has it.
        """
        if not path.exists():
            return False
        database = ChainDatabase(path)
        try:
            return database.meta("genesis") is not None
        finally:
            database.close()

    def close(self) -> None:
        """Release the database."""
        with self.lock:
            self.database.close()

    # --- reading ------------------------------------------------------------------

    def head(self) -> BlockHeaderAPI:
        """Header of the last block."""
        return self.evm.get_canonical_head()

    def header_by_number(self, number: int) -> BlockHeaderAPI | None:
        """Header of block ``number``, or None."""
        try:
            return self.evm.get_canonical_block_header_by_number(cast(Any, number))
        except HeaderNotFound:
            return None

    def header_by_hash(self, block_hash: bytes) -> BlockHeaderAPI | None:
        """Header of the block with this hash, or None."""
        try:
            return self.evm.get_block_header_by_hash(cast(Any, block_hash))
        except HeaderNotFound:
            return None

    def block(self, header: BlockHeaderAPI) -> BlockAPI:
        """The block with its transactions."""
        return self._block(bytes(header.hash))

    def receipts(self, header: BlockHeaderAPI) -> tuple[ReceiptAPI, ...]:
        """The block's receipts, in order."""
        return self._receipts(bytes(header.hash))

    def accounts(self, header: BlockHeaderAPI) -> AccountDatabaseAPI:
        """Balances, nonces, code and storage after a block, for reading: without a machine to run on it."""
        root = bytes(header.state_root)
        # An anchor reads the same few things of the newest state again and again; what is under a root never changes.
        if self._state is None or self._state[0] != root:
            self._state = root, FORK.get_state_class().get_account_db_class()(self.database, header.state_root)
        return self._state[1]

    def _read_block(self, block_hash: bytes) -> BlockAPI:
        return self.evm.get_block_by_hash(cast(Any, block_hash))

    def _read_receipts(self, block_hash: bytes) -> tuple[ReceiptAPI, ...]:
        header = self.evm.get_block_header_by_hash(cast(Any, block_hash))
        return tuple(self.evm.chaindb.get_receipts(header, FORK.get_receipt_builder()))

    def find_transaction(self, tx_hash: bytes) -> tuple[BlockHeaderAPI, int] | None:
        """Header of the block that holds a transaction and its index there, or None."""
        try:
            number, index = self.evm.get_canonical_transaction_index(cast(Any, tx_hash))
        except TransactionNotFound:
            return None
        return self.evm.get_canonical_block_header_by_number(number), index

    def seal(self, block_hash: bytes) -> bytes:
        """The operator's 65-byte seal of a block. Raises ``ChainMismatch`` for a block that this chain never had."""
        seal = self.database.seal(block_hash)
        if seal is None:
            raise ChainMismatch(f"this chain has no block 0x{block_hash.hex()}")
        return seal

    # --- writing ------------------------------------------------------------------

    def submit(self, raw: bytes) -> bytes:
        """Mine one block that holds this signed transaction; returns its hash once the block is on disk.

        Raises ``TransactionRefused`` (nothing is written) for a transaction that the
        chain does not accept. One that reverts *is* accepted, with receipt status 0.
        """
        with self.lock:
            tx_hash = bytes(keccak(raw))
            if self.find_transaction(tx_hash) is not None:
                raise TransactionRefused("already known", f"transaction 0x{tx_hash.hex()} is mined")
            transaction = self._decode(raw)
            self._check(transaction)
            self._wait_for_clock()
            try:
                self._mine(transaction)
            except ValidationError as error:
                raise TransactionRefused("invalid transaction", str(error)) from error
            return tx_hash

    def _wait_for_clock(self) -> None:
        """Until a block's time may be the clock's, if it is nearly so."""
        earliest = self.head().timestamp + 1
        for _ in range(round(MAX_WAIT / _STEP)):
            if self.wait is None or self.clock() >= earliest:
                return
            self.wait(_STEP)

    def next_header(self, parent: BlockHeaderAPI) -> BlockHeaderAPI:
        """Header of the block that would follow ``parent`` now."""
        return self.evm.create_header_from_parent(
            parent,
            timestamp=max(self.clock(), parent.timestamp + 1),
            gas_limit=parent.gas_limit,
            coinbase=self.sealer.address,
        )

    def _mine(self, transaction: SignedTransactionAPI) -> None:
        self.evm.header = self.next_header(self.head())
        with self.database.block():
            result, _, _ = self.evm.mine_all([transaction])
            block_hash = bytes(result.imported_block.hash)
            digest = seal_digest(self.chain_id, self.genesis_hash, block_hash)
            self.database.put_seal(block_hash, self.sealer.sign_digest(digest))

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        try:
            transaction = FORK.get_transaction_builder().decode(raw)
            transaction.validate()
        except (RLPException, ValidationError, UnrecognizedTransactionType, ValueError, IndexError) as error:
            raise TransactionRefused("rlp: cannot decode transaction", str(error)) from error
        if transaction.type_id not in ACCEPTED_TYPES:
            raise TransactionRefused("transaction type not supported", f"type {transaction.type_id}")
        if transaction.encode() != raw:
            raise TransactionRefused("rlp: cannot decode transaction", "the bytes are not in canonical form")
        if transaction.chain_id != self.chain_id:
            raise TransactionRefused(
                "invalid chain id for signer", f"this is chain {self.chain_id}, not {transaction.chain_id}"
            )
        try:
            _ = transaction.sender
        except BadSignature as error:
            raise TransactionRefused("invalid sender", str(error)) from error
        return transaction

    def _check(self, transaction: SignedTransactionAPI) -> None:
        needed = max(transaction.intrinsic_gas, floor_gas(transaction.data))
        if transaction.gas < needed:
            raise TransactionRefused("intrinsic gas too low", f"gas {transaction.gas}, needs {needed}")
        nonce = self.accounts(self.head()).get_nonce(transaction.sender)
        if transaction.nonce < nonce:
            raise TransactionRefused("nonce too low", f"next nonce is {nonce}, transaction has {transaction.nonce}")
        if transaction.nonce > nonce:
            # There is no pool: a gap would have to wait for a transaction that may never come.
            raise TransactionRefused("nonce too high", f"next nonce is {nonce}, transaction has {transaction.nonce}")


def _chain_class(chain_id: int) -> type[MiningChain]:
    return type("EmbeddedEvm", (MiningChain,), {"vm_configuration": ((0, FORK),), "chain_id": chain_id})


def _genesis_block(genesis: Genesis, sealer: ChainKey) -> tuple[dict[str, Any], dict[Any, Any]]:
    header = {
        "coinbase": sealer.address,
        "difficulty": 0,
        "extra_data": genesis.extra_data,
        "gas_limit": GAS_LIMIT,
        "timestamp": genesis.time,
        "base_fee_per_gas": FIRST_BASE_FEE,
    }
    state = {address: {"balance": FUNDS, "nonce": 0, "code": b"", "storage": {}} for address in genesis.funded}
    return header, state


@contextmanager
def _closing_on_error(database: ChainDatabase) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise
