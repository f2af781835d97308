"""Compile the contracts into their committed artefacts: ``python contracts/build.py``.

An artefact carries everything a client needs (ABI, bytecode, code hash) and
everything that reproduces it (digests of the sources, compiler, settings). A test
calls ``compile_artefact`` and compares the result with the committed file.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import vyper
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.utils import keccak256

HERE = Path(__file__).parent
CONTRACTS = (HERE / "AnchorRegistry.vy", HERE / "ForkCourt.vy")
KEPT = (HERE / "v1" / "AnchorRegistry.vy",)
"""Published before. Logs that began with them go on with them, so source and artefact stay as they are."""
# Repeated from the sources' pragmas, which the compiler obeys; a contradiction is a compile error.
EVM_VERSION = "london"
OPTIMIZE = "gas"


def compile_artefact(source: Path) -> dict[str, Any]:
    """Compile one contract; the same sources and compiler give the same dictionary on every machine."""
    bundle = FilesystemInputBundle([source.parent])
    output = compile_from_file_input(
        bundle.load_file(source.name),
        input_bundle=bundle,
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
    )
    runtime = output["bytecode_runtime"]
    return {
        "contract": source.stem,
        "compiler": f"vyper {vyper.__version__}+commit.{vyper.__commit__}",
        "settings": {"evm_version": EVM_VERSION, "optimize": OPTIMIZE, "experimental_codegen": False},
        "sources": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sources(source)},
        "abi": output["abi"],
        "storage_layout": output["layout"]["storage_layout"],
        "bytecode": output["bytecode"],
        "runtime": runtime,
        "code_hash": "0x" + keccak256(bytes.fromhex(runtime[2:])).hex(),
    }


def sources(contract: Path) -> list[Path]:
    """The file and the modules that it imports, by name."""
    found, waiting = {contract}, [contract]
    while waiting:
        for name in re.findall(r"^import (\w+)$", waiting.pop().read_text(encoding="utf-8"), re.MULTILINE):
            module = contract.with_name(f"{name}.vy")
            if module not in found:
                found.add(module)
                waiting.append(module)
    return sorted(found)


def artefact_path(source: Path) -> Path:
    """Where the artefact of a contract is committed."""
    return source.with_suffix(".json")


def render(artefact: dict[str, Any]) -> str:
    """The exact text of the committed file."""
    return json.dumps(artefact, indent=1) + "\n"


if __name__ == "__main__":
    for contract in CONTRACTS:
        artefact_path(contract).write_text(render(compile_artefact(contract)), encoding="utf-8")
        print(f"wrote {artefact_path(contract).name}")
