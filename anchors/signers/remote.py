"""web3signer: a program of ConsenSys that signs with keys from files, vaults, clouds or HSMs, and speaks HTTP.

Two of its interfaces are spoken here. ``eth_signTransaction`` (JSON-RPC) takes the fields and returns the signed
transaction; ``POST /api/v1/eth1/sign/{identifier}`` (REST) takes the bytes to be signed, hashes them with keccak-256
and returns r ‖ s ‖ v; the identifier is the public key. Other signers speak the first one too. The addresses of
clients that may ask are the signer's to limit.
"""

from __future__ import annotations

import json
from typing import Any

from anchors import answers
from anchors.client import EvmClient
from anchors.errors import BadAnswer, CallReverted, NodeRefused, SignerFailed
from anchors.node import HttpEndpoint, HttpNode
from anchors.signers.transaction import UnsignedTransaction
from tallystick.evm.secp256k1 import SIGNATURE_BYTES

SECONDS = 20.0
"""For an answer; a device may ask a person, who is then asked again."""


class JsonRpcSigner:
    """A ``TransactionSigner`` that asks ``eth_signTransaction``. What it returns is for ``CheckedSigner`` to check."""

    def __init__(self, url: str, address: bytes, seconds: float = SECONDS) -> None:
        self._node = HttpNode(url, seconds)
        self._client = EvmClient(self._node)
        self.address = address

    def sign_transaction(self, unsigned: UnsignedTransaction) -> bytes:
        """See ``TransactionSigner``."""
        fields: dict[str, Any] = {
            "type": "0x2",
            "chainId": hex(unsigned.chain_id),
            "from": "0x" + self.address.hex(),
            "nonce": hex(unsigned.nonce),
            "gas": hex(unsigned.gas),
            "maxFeePerGas": hex(unsigned.max_fee),
            "maxPriorityFeePerGas": hex(unsigned.max_tip),
            "value": "0x0",
            "data": "0x" + unsigned.data.hex(),
        }
        if unsigned.to:
            fields["to"] = "0x" + unsigned.to.hex()
        try:
            answer = self._client.ask("eth_signTransaction", fields)
        except (NodeRefused, CallReverted) as error:
            raise SignerFailed(f"the signer at {self._node.name} refuses: {error}") from None
        # go-ethereum's own signer answers with an object that holds the bytes.
        return answers.data(answer.get("raw") if isinstance(answer, dict) else answer, "a signed transaction")


class RestSigner:
    """A ``TransactionSigner`` that asks web3signer's REST interface. ``identifier``: 0x and the public key in hex."""

    def __init__(self, url: str, address: bytes, identifier: str, seconds: float = SECONDS) -> None:
        self._endpoint = HttpEndpoint(url, seconds)
        self._path = f"/api/v1/eth1/sign/{identifier}"
        self.address = address

    def sign_transaction(self, unsigned: UnsignedTransaction) -> bytes:
        """See ``TransactionSigner``."""
        body = self._endpoint.post({"data": "0x" + unsigned.payload().hex()}, self._path)
        text = body.decode("ascii", "replace").strip()
        if text.startswith('"'):
            try:
                text = str(json.loads(text))
            except ValueError:
                raise BadAnswer(f"the signer at {self._endpoint.name} answered with broken JSON") from None
        signature = answers.data(text, "a signature", SIGNATURE_BYTES)
        # v as web3signer gives it is 27 or 28; others count from 0.
        v = signature[64] if signature[64] >= 27 else signature[64] + 27
        return unsigned.signed(signature[:64] + bytes([v if v in (27, 28) else 29]))
