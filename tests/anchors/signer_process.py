"""A small web3signer for tests: a process of its own that alone has the key. Some of its manners are bad.

Run as ``python -m tests.anchors.signer_process MANNER SECRET_HEX OTHER_HEX``; it prints its port. The honest answers
are made by eth-account, which shares no code with what checks them.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import Signature
from eth_utils import keccak

MANNERS = {
    "honest": {},
    "dearer": {"maxFeePerGas": 10**12},
    "another nonce": {"nonce": 99},
    "another chain": {"chainId": 1},
    "another receiver": {"to": "0x" + "99" * 20},
    "with money": {"value": 1},
    "other data": {"data": "0x1234"},
    "less gas": {"gas": 21_000},
    "an access list": {"accessList": [{"address": "0x" + "99" * 20, "storageKeys": []}]},
}
"""What a signer of this kind changes."""


def raw(manner: str, account: LocalAccount, fields: dict[str, Any]) -> str:
    wanted = {name: int(value, 16) if name not in ("to", "data", "from") else value for name, value in fields.items()}
    del wanted["from"]
    wanted |= MANNERS.get(manner, {})
    if "to" in wanted:
        wanted["to"] = bytes.fromhex(wanted["to"][2:])
    return "0x" + bytes(account.sign_transaction(wanted).raw_transaction).hex()


def answer(manner: str, account: LocalAccount, path: str, request: dict[str, Any]) -> tuple[int, bytes]:
    if manner == "silent":
        time.sleep(30)
    if path.startswith("/api/v1/eth1/sign/"):
        public = account._key_obj.public_key
        if path.removeprefix("/api/v1/eth1/sign/") != public.to_hex():
            return 404, b"Public Key not found"
        data = bytes.fromhex(request["data"][2:])
        if manner == "other data":
            data += b"\x00"
        signature: Signature = account._key_obj.sign_msg_hash(keccak(data))
        text = signature.to_bytes()[:64] + bytes([signature.v + 27])
        return 200, ("0x" + (text[:64] if manner == "cut" else text).hex()).encode()
    if manner == "refuses":
        error = {"code": -32000, "message": "Authentication needed: unlock the key"}
        return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()
    result: Any = {"garbage": "0x02c0", "nothing": "0x"}.get(manner) or raw(manner, account, request["params"][0])
    if manner == "as an object":
        result = {"raw": result, "tx": {}}
    return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()


def main() -> None:
    manner, secret, other = sys.argv[1:]
    account: LocalAccount = Account.from_key(other if manner == "another key" else secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = answer(manner, account, self.path, request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
