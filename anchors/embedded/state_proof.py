"""``eth_getProof`` (EIP-1186) over the embedded chain's state trie."""

from __future__ import annotations

from typing import Any, cast

import rlp
from eth.abc import BlockHeaderAPI
from eth.rlp.accounts import Account
from eth_hash.auto import keccak
from trie.hexary import HexaryTrie

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.views import Json, address, data, quantity

_NO_ACCOUNT = Account()


def account_proof(chain: EmbeddedChain, header: BlockHeaderAPI, account: bytes, keys: list[int]) -> Json:
    """Merkle proofs of an account and of its storage slots ``keys``, as of ``header``."""
    state, found = _lookup(chain, bytes(header.state_root), account)
    stored = rlp.decode(found, Account) if found else _NO_ACCOUNT
    return {
        "address": address(account),
        "accountProof": state,
        "balance": quantity(stored.balance),
        "codeHash": data(stored.code_hash),
        "nonce": quantity(stored.nonce),
        "storageHash": data(stored.storage_root),
        "storageProof": [_slot_proof(chain, bytes(stored.storage_root), key) for key in keys],
    }


def _slot_proof(chain: EmbeddedChain, storage_root: bytes, key: int) -> Json:
    proof, found = _lookup(chain, storage_root, key.to_bytes(32, "big"))
    value = int.from_bytes(cast(bytes, rlp.decode(found)), "big") if found else 0
    return {"key": quantity(key), "value": quantity(value), "proof": proof}


def _lookup(chain: EmbeddedChain, root: bytes, key: bytes) -> tuple[list[str], bytes]:
    """Encoded nodes on the path to keccak(key), root first, and the value there (empty: nothing)."""
    trie = HexaryTrie(cast(Any, chain.database), cast(Any, root))
    hashed = bytes(keccak(key))
    encoded = [rlp.encode(node) for node in trie.get_proof(hashed)]
    # A node shorter than a hash stands inside its parent and is not listed.
    nodes = [data(node) for at, node in enumerate(encoded) if at == 0 or len(node) >= 32]
    return nodes, bytes(trie[hashed])
