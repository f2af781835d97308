"""The committed artefact is what the committed source compiles to, and the core knows it by its code hash."""

from __future__ import annotations

import re
from pathlib import Path

from contracts.build import ARTEFACT as ARTEFACT_FILE
from contracts.build import SOURCE, compile_artefact, render
from tallystick.evm import eip712, registry, secp256k1
from tallystick.evm.keccak import keccak256
from tests.contracts.chain import ARTEFACT, Evm


def test_the_source_compiles_to_the_committed_artefact() -> None:
    assert render(compile_artefact()) == ARTEFACT_FILE.read_text(encoding="utf-8")


def test_the_settings_are_those_that_the_source_names() -> None:
    pragmas = dict(re.findall(r"^# pragma ([a-z-]+) (\S+)$", SOURCE.read_text(encoding="utf-8"), re.MULTILINE))
    settings = ARTEFACT["settings"]
    assert pragmas == {
        "version": ARTEFACT["compiler"].removeprefix("vyper ").partition("+")[0],
        "evm-version": settings["evm_version"],
        "optimize": settings["optimize"],
    }
    assert settings["experimental_codegen"] is False


def test_deployment_leaves_the_runtime_code_of_the_artefact(evm: Evm) -> None:
    assert evm.code.hex() == ARTEFACT["runtime"].removeprefix("0x")
    assert keccak256(evm.code).hex() == ARTEFACT["code_hash"].removeprefix("0x")


def test_the_core_knows_the_artefact() -> None:
    known = registry.KNOWN_REGISTRIES[ARTEFACT["code_hash"].removeprefix("0x")]
    assert known.mapping_slot == ARTEFACT["storage_layout"]["slot"]["slot"]


def test_the_constants_in_the_source_are_the_computed_ones() -> None:
    source = SOURCE.read_text(encoding="utf-8")
    assert f"DOMAIN_SEPARATOR: constant(bytes32) = 0x{eip712.DOMAIN_SEPARATOR.hex()}\n" in source
    assert f"HALF_ORDER: constant(uint256) = {secp256k1.N // 2}\n" in source


def test_a_chain_without_the_sha256_precompile_is_refused() -> None:
    """Deployment asks the precompile for a known answer; here its address is moved to one where nothing answers."""
    init = bytes.fromhex(ARTEFACT["bytecode"][2:])
    # PUSH1 2, GAS, STATICCALL: the only call of the constructor.
    call = bytes.fromhex("60025afa")
    assert init.count(call, 0, len(init) - len(ARTEFACT["runtime"]) // 2) == 1
    evm = Evm()
    assert evm.transact(b"", init.replace(call, bytes.fromhex("60995afa"), 1)).reason == "no sha256 precompile"


def test_the_solidity_interface_has_the_same_functions_and_event() -> None:
    text = Path(SOURCE).with_name("IAnchorRegistry.sol").read_text(encoding="utf-8")
    code = re.sub(r"\s+", " ", re.sub(r"//.*", "", text))
    declared = {
        f"{kind} {name}({','.join(parameter.split()[0] for parameter in parameters.split(','))})"
        for kind, name, parameters in re.findall(r"(function|event) (\w+)\(([^)]*)\)", code)
    }
    compiled = {
        f"{item['type']} {item['name']}({','.join(argument['type'] for argument in item['inputs'])})"
        for item in ARTEFACT["abi"]
        if item["type"] in ("function", "event")
    }
    assert declared == compiled
