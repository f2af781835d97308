"""The service never shares a process with libraries that lift Python's guard against deep nesting."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.tree import ROOT

PROBE = """
import sys
before = sys.getrecursionlimit()
import api.app, api.wiring, ledger, credentials, tallystick.client
lifters = [name for name in ("eth", "py_ecc", "web3") if name in sys.modules]
print(sys.getrecursionlimit() - before, lifters)
"""


def test_the_service_keeps_the_recursion_limit() -> None:
    """py_ecc (with web3) and py-evm raise it to 100,000 on import; then 200 KB of brackets in a request body overflow
    the stack of the JSON parser and kill the process. They belong into the worker, which reads nobody's JSON.
    """
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "0 []\n", done.stdout + done.stderr
