"""Compile AnchorRegistry.vy into its committed artefact: ``python contracts/build.py``.

The artefact carries everything a client needs (ABI, bytecode, code hash) and
everything that reproduces it (source digest, compiler, settings). A test calls
``compile_artefact`` and compares the result with the committed file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import vyper
from vyper.compiler import compile_code
from vyper.utils import keccak256

HERE = Path(__file__).parent
SOURCE = HERE / "AnchorRegistry.vy"
ARTEFACT = HERE / "AnchorRegistry.json"
# Repeated from the source's pragmas, which the compiler obeys; a contradiction is a compile error.
EVM_VERSION = "london"
OPTIMIZE = "gas"


def compile_artefact() -> dict[str, Any]:
    """Compile the source; the same source and compiler give the same dictionary on every machine."""
    source = SOURCE.read_text(encoding="utf-8")
    output = compile_code(source, output_formats=["abi", "bytecode", "bytecode_runtime", "layout"])
    runtime = output["bytecode_runtime"]
    return {
        "contract": SOURCE.stem,
        "compiler": f"vyper {vyper.__version__}+commit.{vyper.__commit__}",
        "settings": {"evm_version": EVM_VERSION, "optimize": OPTIMIZE, "experimental_codegen": False},
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        "abi": output["abi"],
        "storage_layout": output["layout"]["storage_layout"],
        "bytecode": output["bytecode"],
        "runtime": runtime,
        "code_hash": "0x" + keccak256(bytes.fromhex(runtime[2:])).hex(),
    }


def render(artefact: dict[str, Any]) -> str:
    """The exact text of the committed file."""
    return json.dumps(artefact, indent=1) + "\n"


if __name__ == "__main__":
    ARTEFACT.write_text(render(compile_artefact()), encoding="utf-8")
    print(f"wrote {ARTEFACT.name}")
