"""A real Ethereum node under test: Foundry's anvil, on a port of its own, dead when its test is over.

Three things end the process: ``stop`` (which the ``with`` block calls whatever the test did), the death of the
test process (on Linux the kernel kills it then), and ``kill``, by which a test takes the node away. It writes to a
file, so that nothing waits for its output.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tools.outsiders import anvil

START_SECONDS = 60.0
"""On a busy machine it takes a second or two; a node that says nothing for so long has failed."""
ANSWER_SECONDS = 60.0

MNEMONIC = "test test test test test test test test test test test junk"
"""Anvil's own default: its accounts are rich, and known to the whole world."""
KEYS = (
    bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    bytes.fromhex("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
)
"""Private keys of the first accounts."""

# PR_SET_PDEATHSIG = 1, SIGKILL = 9. A program of its own, since preexec_fn is not safe where threads run.
_DIE_WITH_PARENT = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class RpcError(Exception):
    """The node answered with an error. ``code`` is JSON-RPC's, ``data`` what came with it (a revert's hex)."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.code, self.data = error.get("code"), error.get("data")


class Anvil:
    """One node. ``Anvil("--chain-id", "5", "--no-mining")``: the arguments are those of its command line.

    It starts at once, and as a context manager it ends with the block. ``state``: a file in which it keeps its
    chain over ``stop`` and ``start`` (``kill`` loses what it had not dumped; see ``--state-interval``).
    """

    def __init__(self, *arguments: str, state: Path | None = None) -> None:
        self._arguments = [*arguments, *(("--state", str(state)) if state else ())]
        self._process: subprocess.Popen[bytes] | None = None
        self._ids = itertools.count(1)
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it answers JSON-RPC; the same after a restart."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """For a test that stops it with SIGSTOP: a node that takes connections and never answers."""
        assert self._process is not None, "the node does not run"
        return self._process.pid

    # --- the process ---------------------------------------------------------------------

    def start(self) -> None:
        """Start it, again on the port that it had before. Returns when it listens."""
        assert self._process is None, "the node runs already"
        command = [sys.executable, "-c", _DIE_WITH_PARENT, str(os.getpid()), str(anvil())]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *self._arguments]
        with tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            try:
                self.port = self._listening(said)
            except BaseException:
                self.kill()
                raise

    def _listening(self, said: Any) -> int:
        process = self._process
        assert process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            ended = process.poll() is not None
            said.seek(0)
            text = said.read().decode(errors="replace")
            found = re.search(r"Listening on 127\.0\.0\.1:(\d+)", text)
            if found:
                return int(found[1])
            if ended:
                raise RuntimeError(f"anvil ended with {process.returncode}:\n{text[-2000:]}")
            time.sleep(0.02)
        raise RuntimeError(f"anvil did not listen within {START_SECONDS:.0f} s:\n{text[-2000:]}")

    def stop(self) -> None:
        """End it politely, so that it writes its state; after ten seconds by force. Harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self.kill()

    def kill(self) -> None:
        """SIGKILL: the node is gone, with what it had not written. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(30)

    def __enter__(self) -> Anvil:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- JSON-RPC ------------------------------------------------------------------------

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one call. Raises ``RpcError``, or ``OSError`` when nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            connection.request("POST", "/", json.dumps(request), {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def receipt(self, tx_hash: str, seconds: float = 30.0) -> dict[str, Any]:
        """The receipt, waited for: also a node that mines at once answers before it has mined."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", tx_hash)
            if found is not None:
                return found
            time.sleep(0.01)
        raise RuntimeError(f"no receipt of {tx_hash} within {seconds:.0f} s")

    def accounts(self) -> list[bytes]:
        """Addresses that the node signs for and that have money."""
        return [bytes.fromhex(address[2:]) for address in self.rpc("eth_accounts")]

    def block_number(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    def snapshot(self) -> str:
        """A name for the present state, for ``revert``, which uses it up."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Back to ``snapshot``: the blocks since then never were."""
        if self.rpc("evm_revert", snapshot) is not True:
            raise RuntimeError(f"anvil has no snapshot {snapshot}")

    def mine(self, blocks: int = 1, seconds: int | None = None) -> None:
        """Mine so many blocks, ``seconds`` apart (None: as the node's clock goes)."""
        self.rpc("anvil_mine", hex(blocks), *(() if seconds is None else (hex(seconds),)))

    def set_automine(self, on: bool) -> None:
        """Whether each transaction gets a block at once."""
        self.rpc("evm_setAutomine", on)

    def set_interval(self, seconds: int) -> None:
        """A block every so many seconds; 0: none by the clock."""
        self.rpc("evm_setIntervalMining", seconds)

    def reorganise(self, depth: int, transactions: list[tuple[dict[str, Any] | str, int]] | None = None) -> None:
        """Replace the newest ``depth`` blocks by others, which hold only ``transactions`` (each with its block)."""
        self.rpc("anvil_reorg", depth, transactions or [])

    def drop(self, tx_hash: bytes) -> None:
        """Take a waiting transaction out of the pool."""
        self.rpc("anvil_dropTransaction", "0x" + tx_hash.hex())

    def set_balance(self, address: bytes, wei: int) -> None:
        self.rpc("anvil_setBalance", "0x" + address.hex(), hex(wei))

    def set_base_fee(self, wei: int) -> None:
        """Base fee of the next block, for stuck transactions."""
        self.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))

    def set_code(self, address: bytes, code: bytes) -> None:
        self.rpc("anvil_setCode", "0x" + address.hex(), "0x" + code.hex())

    def set_storage(self, address: bytes, position: bytes, value: bytes) -> None:
        self.rpc("anvil_setStorageAt", "0x" + address.hex(), "0x" + position.hex(), "0x" + value.hex())
