"""The web3 provider: what a client of any node expects, with bytes that hash to what is stated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3RPCError

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.provider import EmbeddedProvider
from anchors.wire import header_rlp, receipt_bytes, transaction_bytes
from tallystick.evm.header import decode_header
from tallystick.evm.keccak import keccak256
from tests.anchors.support import ARTEFACT, GAS_KEY, Clock, MemoryLog, create_chain, sign_fields

ACCOUNT = Web3.to_checksum_address(GAS_KEY.address)
LOG = MemoryLog()
LOG.grow(8)


class Node:
    """A chain with the contract on it and one anchor, as a client sees it."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
        self.w3 = Web3(EmbeddedProvider(chain))
        self.deployed = self.send(None, ARTEFACT.bytecode)
        self.contract = self.w3.eth.contract(address=self.deployed["contractAddress"], abi=ARTEFACT.abi)
        self.anchored = self.send(self.contract.address, self.relay(0, 3))

    def send(self, to: str | None, data: bytes) -> Any:
        fields = {
            "type": 2,
            "chainId": self.chain.chain_id,
            "nonce": self.w3.eth.get_transaction_count(ACCOUNT),
            "to": to or b"",
            "gas": 3_000_000,
            "value": 0,
            "maxFeePerGas": 2 * 10**9,
            "maxPriorityFeePerGas": 7,
            "data": data,
        }
        return self.w3.eth.get_transaction_receipt(self.w3.eth.send_raw_transaction(sign_fields(GAS_KEY, fields)))

    def relay(self, old: int, new: int, root: bytes | None = None) -> bytes:
        checkpoint = LOG.checkpoint(new)
        proof = [LOG.checkpoint(old).root] if old and old & (old - 1) == 0 else []
        proof += LOG.consistency(old, new) if old else []
        identity = LOG.identity
        arguments = [Web3.to_checksum_address(identity.authority), identity.origin_hash, old, new]
        arguments += [root or checkpoint.root, proof, LOG.sign(checkpoint)]
        return bytes.fromhex(self.contract.encode_abi("relay", arguments)[2:])

    def rpc(self, method: str, *params: Any) -> Any:
        return self.w3.provider.make_request(method, list(params))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    chain = create_chain(tmp_path_factory.mktemp("node"), Clock())
    yield Node(chain)
    chain.close()


def test_the_chain_says_who_it_is(node: Node) -> None:
    assert node.w3.eth.chain_id == node.chain.chain_id
    assert node.w3.net.version == str(node.chain.chain_id)
    assert node.w3.client_version.startswith("tallystick-embedded/")
    assert node.w3.is_connected()


def test_an_unknown_method_is_32601(node: Node) -> None:
    for method in ("eth_sendTransaction", "evm_mine", "debug_traceTransaction", "eth_accounts"):
        assert node.rpc(method)["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBlockByNumber", ["nonsense", False]),
        ("eth_getBlockByNumber", []),
        ("eth_getBalance", ["0x12", "latest"]),
        ("eth_getBalance", ["0x" + "11" * 20, "0xffffff"]),
        ("eth_getBlockByHash", ["0x12", False]),
        ("eth_getLogs", [{"blockHash": "0x" + "00" * 32}]),
        ("eth_getLogs", [{"blockHash": "0x" + "00" * 32, "fromBlock": "0x0"}]),
        ("eth_getLogs", [{"topics": [None] * 5}]),
        ("eth_feeHistory", ["0x0", "latest", []]),
        ("eth_sendRawTransaction", ["xyz"]),
    ],
)
def test_wrong_parameters_are_32602(node: Node, method: str, params: list[Any]) -> None:
    assert node.rpc(method, *params)["error"]["code"] == -32602


def test_every_header_transaction_and_receipt_encodes_to_its_hash(node: Node) -> None:
    for number in range(node.w3.eth.block_number + 1):
        block = node.w3.eth.get_block(number, full_transactions=True)
        header = decode_header(header_rlp(block))
        assert (header.hash, header.number, header.time) == (bytes(block["hash"]), number, block["timestamp"])
        for transaction in block["transactions"]:
            assert keccak256(transaction_bytes(transaction)) == bytes(transaction["hash"])
            found = node.chain.find_transaction(bytes(transaction["hash"]))
            assert found is not None
            stored = node.chain.receipts(found[0])[found[1]]
            assert receipt_bytes(node.w3.eth.get_transaction_receipt(transaction["hash"])) == stored.encode()


def test_a_block_is_the_same_by_number_hash_and_tag(node: Node) -> None:
    latest = node.w3.eth.get_block("latest")
    assert latest == node.w3.eth.get_block(latest["number"]) == node.w3.eth.get_block(latest["hash"])
    assert latest == node.w3.eth.get_block("finalized") == node.w3.eth.get_block("safe")
    assert node.w3.eth.get_block("earliest")["number"] == 0
    with pytest.raises(BlockNotFound):
        node.w3.eth.get_block(10**6)
    with pytest.raises(BlockNotFound):
        node.w3.eth.get_block("0x" + "11" * 32)


def test_the_bloom_has_256_bytes(node: Node) -> None:
    assert {len(node.w3.eth.get_block(number)["logsBloom"]) for number in range(3)} == {256}


def test_an_unknown_transaction_is_not_found(node: Node) -> None:
    with pytest.raises(TransactionNotFound):
        node.w3.eth.get_transaction("0x" + "11" * 32)
    with pytest.raises(TransactionNotFound):
        node.w3.eth.get_transaction_receipt("0x" + "11" * 32)


def test_code_storage_and_balance_are_of_the_block_asked_for(node: Node) -> None:
    address = node.contract.address
    assert keccak256(bytes(node.w3.eth.get_code(address))) == ARTEFACT.code_hash
    assert node.w3.eth.get_code(address, 0) == b""
    assert node.w3.eth.get_balance(ACCOUNT, 0) == 10**24 > node.w3.eth.get_balance(ACCOUNT)
    assert node.w3.eth.get_transaction_count(ACCOUNT, 1) == 1


def test_what_was_read_of_one_block_is_not_shown_of_another(node: Node) -> None:
    newest = node.chain.head().block_number
    read = [[node.w3.eth.get_transaction_count(ACCOUNT, number) for number in range(newest + 1)] for _ in range(2)]
    backwards = [node.w3.eth.get_transaction_count(ACCOUNT, number) for number in reversed(range(newest + 1))]
    assert read == [list(range(newest + 1))] * 2
    assert backwards == read[0][::-1]
    node.send(ACCOUNT, b"")
    assert node.w3.eth.get_transaction_count(ACCOUNT) == newest + 1
    assert node.w3.eth.get_transaction_count(ACCOUNT, newest) == newest


def test_the_state_proof_agrees_with_storage_and_says_nothing_of_an_empty_slot(node: Node) -> None:
    slot = int.from_bytes(node.contract.functions.slot(LOG.identity.log_id).call(), "big")
    proof = node.rpc("eth_getProof", node.contract.address, ["0x00"], "latest")["result"]
    assert proof["storageProof"][0]["value"] == "0x0"
    assert proof["codeHash"] == "0x" + ARTEFACT.code_hash.hex()
    assert slot != 0


def test_a_revert_reaches_the_client_with_reason_and_data(node: Node) -> None:
    forged = node.relay(3, 5, root=b"\x66" * 32)
    answer = node.rpc("eth_call", {"from": ACCOUNT, "to": node.contract.address, "data": "0x" + forged.hex()})
    assert answer["error"]["code"] == 3
    assert answer["error"]["data"].startswith("0x08c379a0")
    with pytest.raises(ContractLogicError, match=r"execution reverted: .+"):
        node.w3.eth.call({"from": ACCOUNT, "to": node.contract.address, "data": forged})
    with pytest.raises(ContractLogicError, match=r"execution reverted: .+"):
        node.w3.eth.estimate_gas({"from": ACCOUNT, "to": node.contract.address, "data": forged})


def test_a_call_changes_nothing(node: Node) -> None:
    before = node.w3.eth.get_block("latest")
    message: Any = {"from": ACCOUNT, "to": node.contract.address, "data": node.relay(3, 5)}
    node.w3.eth.call(message)
    assert node.w3.eth.get_block("latest") == before


def test_an_estimate_is_enough_and_never_below_the_floor(node: Node) -> None:
    message: Any = {"from": ACCOUNT, "to": node.contract.address, "data": node.relay(3, 5)}
    needed = node.w3.eth.estimate_gas(message)
    node.w3.eth.call({**message, "gas": needed})
    # web3 fills no gas in here; one unit less must fail.
    with pytest.raises((ContractLogicError, Web3RPCError)):
        node.w3.eth.call({**message, "gas": needed - needed // 8})
    thousand = {"from": ACCOUNT, "to": "0x" + "22" * 20, "data": b"\x01" * 1000}
    assert node.w3.eth.estimate_gas(thousand) == 61_000  # type: ignore[arg-type]


def test_logs_are_found_by_address_topic_and_block(node: Node) -> None:
    topic = node.anchored["logs"][0]["topics"][0]
    (log,) = node.w3.eth.get_logs({"fromBlock": 0, "address": node.contract.address, "topics": [topic]})
    assert log["data"] == node.anchored["logs"][0]["data"]
    assert node.w3.eth.get_logs({"blockHash": node.anchored["blockHash"]}) == [log]
    assert node.w3.eth.get_logs({"fromBlock": 0, "topics": [None, ["0x" + "11" * 32, log["topics"][1]]]}) == [log]
    assert node.w3.eth.get_logs({"fromBlock": 0, "topics": ["0x" + "11" * 32]}) == []
    assert node.w3.eth.get_logs({"fromBlock": 0, "address": ACCOUNT}) == []
    assert node.w3.eth.get_logs({"fromBlock": 0, "toBlock": 1}) == []
    assert node.w3.eth.get_logs({"fromBlock": 0, "topics": [None, None, None]}) == []


def test_fees_are_those_of_the_next_block(node: Node) -> None:
    history = node.w3.eth.fee_history(2, "latest", [10, 90])
    assert history["baseFeePerGas"][-1] == node.w3.eth.gas_price
    assert history["baseFeePerGas"][-2] == node.w3.eth.get_block("latest")["baseFeePerGas"]
    assert (len(history["gasUsedRatio"]), history["reward"]) == (2, [[0, 0], [0, 0]])
    assert node.w3.eth.max_priority_fee == 0


def test_a_refused_transaction_is_an_rpc_error_in_the_words_of_geth(node: Node) -> None:
    mined = node.w3.eth.get_block("latest", full_transactions=True)["transactions"][0]
    again = node.rpc("eth_sendRawTransaction", "0x" + transaction_bytes(mined).hex())
    assert again["error"]["code"] == -32000
    assert again["error"]["message"].startswith("already known")


def test_a_bug_in_the_node_is_an_answer_and_is_logged(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(node.chain, "find_transaction", broken)
    answer = node.rpc("eth_getTransactionByHash", "0x" + "11" * 32)
    assert answer["error"] == {"code": -32603, "message": "eth_getTransactionByHash: oops"}
    assert "ZeroDivisionError" in caplog.text
