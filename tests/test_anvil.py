"""The node under the chain tests does what its helper says, and never outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.anvil import KEYS, Anvil, RpcError


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    with Anvil("--chain-id", "7331", "--accounts", "2") as running:
        yield running


def send(node: Anvil, value: int = 1, **more: str) -> str:
    one, two = ("0x" + account.hex() for account in node.accounts()[:2])
    return str(node.rpc("eth_sendTransaction", {"from": one, "to": two, "value": hex(value)} | more))


def test_arguments_reach_the_node(node: Anvil) -> None:
    assert int(node.rpc("eth_chainId"), 16) == 7331
    assert len(node.accounts()) == 2


def test_the_known_keys_are_those_of_its_accounts(node: Anvil) -> None:
    from eth_account import Account

    assert bytes.fromhex(Account.from_key(KEYS[0]).address[2:]) == node.accounts()[0]
    assert bytes.fromhex(Account.from_key(KEYS[1]).address[2:]) == node.accounts()[1]


def test_an_error_is_raised_with_its_message(node: Anvil) -> None:
    with pytest.raises(RpcError, match="not found"):
        node.rpc("eth_noSuchThing")


def test_mining_snapshots_and_reverts(node: Anvil) -> None:
    before = node.block_number()
    snapshot = node.snapshot()
    sent = send(node)
    assert node.receipt(sent)["status"] == "0x1"
    node.mine(3, seconds=10)
    assert node.block_number() == before + 4
    node.revert(snapshot)
    assert node.block_number() == before
    assert node.rpc("eth_getTransactionReceipt", sent) is None
    with pytest.raises((RuntimeError, RpcError)):
        node.revert(snapshot)


def test_without_mining_transactions_wait_and_can_be_dropped(node: Anvil) -> None:
    node.set_automine(False)
    try:
        kept, dropped = send(node), send(node)
        node.drop(bytes.fromhex(dropped[2:]))
        assert node.rpc("eth_getTransactionReceipt", kept) is None
        node.mine()
        assert node.receipt(kept)["status"] == "0x1"
        assert node.rpc("eth_getTransactionReceipt", dropped) is None
    finally:
        node.set_automine(True)


def test_a_reorganisation_takes_blocks_away(node: Anvil) -> None:
    sent = send(node)
    at, height = node.receipt(sent)["blockHash"], node.block_number()
    node.reorganise(1)
    assert node.block_number() == height
    assert node.rpc("eth_getBlockByNumber", hex(height), False)["hash"] != at
    assert node.rpc("eth_getTransactionReceipt", sent) is None


def test_state_balance_code_and_storage_can_be_set(node: Anvil) -> None:
    address, position = b"\x77" * 20, bytes(31) + b"\x05"
    node.set_balance(address, 12)
    node.set_code(address, b"\x00\x01")
    node.set_storage(address, position, b"\x09" * 32)
    name = "0x" + address.hex()
    assert int(node.rpc("eth_getBalance", name, "latest"), 16) == 12
    assert node.rpc("eth_getCode", name, "latest") == "0x0001"
    assert node.rpc("eth_getStorageAt", name, "0x5", "latest") == "0x" + "09" * 32


def test_a_chain_with_a_state_file_outlives_a_stop_on_the_same_port(tmp_path: Path) -> None:
    with Anvil("--accounts", "2", state=tmp_path / "state.json") as node:
        port, sent = node.port, send(node)
        node.receipt(sent)
        node.stop()
        with pytest.raises(ConnectionRefusedError):
            node.block_number()
        node.start()
        assert node.port == port
        assert node.block_number() == 1
        assert node.rpc("eth_getTransactionByHash", sent)["blockNumber"] == "0x1"


def test_bad_arguments_are_said_at_once() -> None:
    with pytest.raises(RuntimeError, match="no-such-argument"):
        Anvil("--no-such-argument")


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _wait_until_gone(pid: int) -> bool:
    end = time.monotonic() + 30
    while not _gone(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return _gone(pid)


def test_it_ends_with_a_failing_block() -> None:
    pids = []

    def fail() -> None:
        with Anvil() as node:
            pids.append(node.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _gone(pids[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_it_ends_with_a_killed_test_process() -> None:
    program = "from tests.anvil import Anvil\nimport time\nprint(Anvil().pid, flush=True)\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            pid = int(parent.stdout.readline())
            assert not _gone(pid)
        finally:
            os.kill(parent.pid, signal.SIGKILL)
    assert _wait_until_gone(pid)
