"""A small real chain (py-evm) with the registry on it, and a packer of anchor proofs that is not the product's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import rlp as oracle_rlp
from cryptography.hazmat.primitives.asymmetric import ec
from eth.chains.base import MiningChain
from eth.consensus.noproof import NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.vm.forks.paris import ParisVM
from eth.vm.forks.shanghai import ShanghaiVM
from eth_account import Account
from trie import HexaryTrie

from tallystick import merkle
from tallystick.events.log import AnchorTarget
from tallystick.evm import deed, eip712, registry, rlp, secp256k1
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import AnchoredCheckpoint, AnchorProof, Block, Finality, Inclusion, State, operator_seal, pack
from tests.contracts.chain import ARTEFACT, CHAIN_ID, DEPLOYER, FORKS, calldata
from tests.contracts.trees import RealTree, step, wire

MACHINES = {**FORKS, "paris": ParisVM, "shanghai": ShanghaiVM}
KINDS = {"london": 3, "paris": 3, "shanghai": 3, "cancun": 4, "prague": 5}
"""Fork -> how many types of transactions it knows, from 0 on."""
TREE = RealTree(100)
ORIGIN_HASH = hashlib.sha256(b"log.example/test").digest()
AUTHORITY_KEY = ec.derive_private_key(0xA11CE, ec.SECP256K1())
SUCCESSOR_KEY = ec.derive_private_key(0x50CCE5, ec.SECP256K1())
SEALER_KEY = ec.derive_private_key(0x5EA1, ec.SECP256K1())
STRANGER = b"\x77" * 20
GAS = 3_000_000


def address(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return secp256k1.address_of(b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))


AUTHORITY, SUCCESSOR, SEALER = address(AUTHORITY_KEY), address(SUCCESSOR_KEY), address(SEALER_KEY)
LOG_ID = registry.log_id(AUTHORITY, ORIGIN_HASH)


@dataclass(frozen=True)
class Mined:
    """A block with the transactions that were sent in it."""

    block: Any
    receipts: tuple[Any, ...]


class Blocks:
    """Block 1 deploys the registry; ``mine`` adds one more."""

    def __init__(self, fork: str, artefact: dict[str, Any] = ARTEFACT) -> None:
        self.artefact = artefact
        machine = MACHINES[fork].configure(consensus_class=NoProofConsensus)
        funds = {"balance": 10**24, "nonce": 0, "code": b"", "storage": {}}
        genesis = {"difficulty": 1 if fork == "london" else 0, "gas_limit": 30_000_000, "timestamp": 1_700_000_000}
        self.chain = MiningChain.configure(
            __name__="TestChain", vm_configuration=((0, machine),), chain_id=CHAIN_ID
        ).from_genesis(AtomicDB(), genesis, {DEPLOYER.public_key.to_canonical_address(): funds})
        self._nonce = 0
        self.contract, _ = self.deploy(bytes.fromhex(artefact["bytecode"][2:]))

    def deploy(self, creation: bytes) -> tuple[bytes, Mined]:
        """Address of the contract that this code makes, and the block, which holds nothing else."""
        nonce = self._nonce.to_bytes((self._nonce.bit_length() + 7) // 8, "big")
        mined = self.mine([(b"", creation)])
        assert mined.receipts[0].state_root == b"\x01"
        return keccak256(rlp.encode([DEPLOYER.public_key.to_canonical_address(), nonce]))[12:], mined

    def mine(self, calls: list[tuple[bytes, bytes]], kind: int = 0) -> Mined:
        """Send (to, data) pairs in one block. ``kind``: transaction type."""
        signed = [self._sign(to, data, kind) for to, data in calls]
        number = self.chain.header.block_number
        result, receipts, _ = self.chain.mine_all(signed, timestamp=1_700_000_000 + 60 * number)
        return Mined(result.imported_block, receipts)

    def relay(
        self, old_size: int, new_size: int, tree: RealTree = TREE, key: ec.EllipticCurvePrivateKey = AUTHORITY_KEY
    ) -> tuple[bytes, bytes]:
        """(to, data) of a relayed anchor; ``key``: of the authority in force."""
        old_root, new_root, proof = step(tree, old_size, new_size)
        signature = secp256k1.sign_digest(key, eip712.checkpoint_digest(ORIGIN_HASH, new_size, new_root))
        sent = wire(old_size, old_root, proof)
        return self.contract, calldata("relay", AUTHORITY, ORIGIN_HASH, old_size, new_size, new_root, sent, signature)

    def rotate(self, size: int) -> tuple[bytes, bytes]:
        """(to, data) that hands the log over to ``SUCCESSOR`` at the size last anchored."""
        root = merkle.root_at(TREE, size)
        digest = eip712.rotation_digest(LOG_ID, size, root, SUCCESSOR)
        signed = [secp256k1.sign_digest(key, digest) for key in (AUTHORITY_KEY, SUCCESSOR_KEY)]
        return self.contract, calldata("rotate", LOG_ID, size, root, SUCCESSOR, *signed)

    def target(self, sealed: bool = True) -> AnchorTarget:
        """As the operator's own chain, or as one that nobody here seals."""
        return AnchorTarget(
            kind="evm",
            chain_id=CHAIN_ID,
            genesis=self.genesis.hex(),
            contract=self.contract.hex(),
            code_hash=self.artefact["code_hash"].removeprefix("0x"),
            log_id=LOG_ID.hex(),
            hash="keccak256",
            vouched_by="operator" if sealed else "chain",
            sealer=SEALER.hex() if sealed else None,
        )

    def pack(
        self,
        mined: Mined,
        index: int,
        size: int,
        log_index: int = 0,
        finality: Finality | None = None,
        authority: bytes = AUTHORITY,
    ) -> AnchorProof:
        """``finality``: of a chain that nobody here seals. ``authority``: the one in force."""
        target = self.target(sealed=finality is None)
        root = merkle.root_at(TREE, size)
        first = None if authority == AUTHORITY else AUTHORITY.hex()
        slot = registry.storage_key(registry.KNOWN_REGISTRIES[target.code_hash], LOG_ID)
        return pack(
            target,
            AnchoredCheckpoint(ORIGIN_HASH.hex(), size, root.hex(), authority.hex(), first),
            self.block(mined, finality),
            self.inclusion(mined, index, log_index),
            self.state(mined.block.header.state_root, slot),
        )

    @property
    def genesis(self) -> bytes:
        return bytes(self.chain.get_canonical_block_header_by_number(0).hash)

    def block(self, mined: Mined, finality: Finality | None = None) -> Block:
        """Sealed, or with the finality of a chain that nobody here seals."""
        header = mined.block.header
        digest = deed.seal_digest(CHAIN_ID, self.genesis, header.hash)
        return Block(oracle_rlp.encode(header), finality or operator_seal(secp256k1.sign_digest(SEALER_KEY, digest)))

    @staticmethod
    def inclusion(mined: Mined, index: int, log_index: int = 0) -> Inclusion:
        """A transaction of the block and its receipt."""
        header = mined.block.header
        transactions = [transaction.encode() for transaction in mined.block.transactions]
        receipts = [receipt.encode() for receipt in mined.receipts]
        key = rlp.encode_int(index)
        return Inclusion(
            index,
            transactions[index],
            indexed_proof(transactions, key, header.transaction_root),
            receipts[index],
            indexed_proof(receipts, key, header.receipt_root),
            log_index,
        )

    def state(self, state_root: bytes, slot: bytes, contract: bytes | None = None) -> State:
        """``slot``: storage position in the contract, or in another one."""
        database = self.chain.chaindb.db
        accounts = HexaryTrie(database, state_root)
        key = keccak256(contract or self.contract)
        storage = HexaryTrie(database, oracle_rlp.decode(accounts[key])[2])
        return State(proof_nodes(accounts, key), proof_nodes(storage, keccak256(slot)))

    def _sign(self, to: bytes, data: bytes, kind: int) -> Any:
        fields: dict[str, Any] = {"nonce": self._nonce, "gas": GAS, "to": to, "value": 0, "data": data}
        fields["chainId"] = CHAIN_ID
        self._nonce += 1
        fields |= {"gasPrice": 2 * 10**9} if kind < 2 else {"maxPriorityFeePerGas": 10**9, "maxFeePerGas": 3 * 10**9}
        if kind > 0:
            fields |= {"type": kind, "accessList": []}
        if kind == 3:
            fields |= {"maxFeePerBlobGas": 10**9, "blobVersionedHashes": ["0x01" + "ab" * 31]}
        if kind == 4:
            delegation = {"chainId": CHAIN_ID, "address": "0x" + STRANGER.hex(), "nonce": 0}
            fields["authorizationList"] = [Account.sign_authorization(delegation, b"\x22" * 32)]
        raw = bytes(Account.sign_transaction(fields, DEPLOYER.to_bytes()).raw_transaction)
        return self.chain.get_vm().get_transaction_builder().decode(raw)


def proof_nodes(trie: HexaryTrie, key: bytes) -> list[bytes]:
    return [oracle_rlp.encode(node) for node in trie.get_proof(key)]


def indexed_proof(values: list[bytes], key: bytes, root: bytes) -> list[bytes]:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode_int(index)] = value
    assert trie.root_hash == root
    return proof_nodes(trie, key)
