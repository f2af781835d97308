"""The committed artefact is what the committed source compiles to, and the core knows it by its code hash."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from contracts.build import CONTRACTS, HERE, KEPT, artefact_path, compile_artefact, render, sources
from tallystick.evm import conviction, eip712, registry, secp256k1
from tallystick.evm.keccak import keccak256
from tests.contracts.chain import ARTEFACT, COURT, V1, Evm

ALL = {"AnchorRegistry 2": ARTEFACT, "ForkCourt 1": COURT, "AnchorRegistry 1": V1}


@pytest.mark.parametrize("source", CONTRACTS, ids=lambda source: source.stem)
def test_the_source_compiles_to_the_committed_artefact(source: Path) -> None:
    assert render(compile_artefact(source)) == artefact_path(source).read_text(encoding="utf-8")


def test_the_folder_of_the_sources_does_not_matter(tmp_path: Path) -> None:
    for source in HERE.glob("*.vy"):
        shutil.copy(source, tmp_path)
    assert compile_artefact(tmp_path / "AnchorRegistry.vy") == ARTEFACT


@pytest.mark.parametrize("source", KEPT, ids=lambda source: source.stem)
def test_a_kept_contract_still_compiles_to_the_published_bytes(source: Path) -> None:
    compiled = compile_artefact(source)
    (digest,) = compiled.pop("sources").values()
    assert compiled | {"source_sha256": digest} == V1
    assert V1["code_hash"] == "0xd08e163da7d1cb7bc57de52644dda44b6225cfce5c7f32b125578c0e936dab5a"


def test_the_artefact_names_every_source(tmp_path: Path) -> None:
    for artefact, source in zip((ARTEFACT, COURT), CONTRACTS, strict=True):
        assert set(artefact["sources"]) == {source.name, "checkpoint.vy", "rfc6962.vy"}
        assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sources(source)} == artefact[
            "sources"
        ]


@pytest.mark.parametrize("source", [*CONTRACTS, *KEPT], ids=lambda source: f"{source.parent.name}-{source.stem}")
def test_the_settings_are_those_that_the_source_names(source: Path) -> None:
    pragmas = dict(re.findall(r"^# pragma ([a-z-]+) (\S+)$", source.read_text(encoding="utf-8"), re.MULTILINE))
    artefact = compile_artefact(source)
    settings = artefact["settings"]
    assert pragmas == {
        "version": artefact["compiler"].removeprefix("vyper ").partition("+")[0],
        "evm-version": settings["evm_version"],
        "optimize": settings["optimize"],
    }
    assert settings["experimental_codegen"] is False


@pytest.mark.parametrize("name", ALL)
def test_deployment_leaves_the_runtime_code_of_the_artefact(name: str) -> None:
    artefact = ALL[name]
    code = Evm(artefact=artefact).code
    assert code.hex() == artefact["runtime"].removeprefix("0x")
    assert keccak256(code).hex() == artefact["code_hash"].removeprefix("0x")


def test_the_core_knows_the_artefacts() -> None:
    known: dict[str, Any] = registry.KNOWN_REGISTRIES | conviction.KNOWN_COURTS
    assert {entry.name for entry in known.values()} == set(ALL)
    for name, artefact in ALL.items():
        entry = known[artefact["code_hash"].removeprefix("0x")]
        mapping = artefact["storage_layout"]["conviction" if "Court" in name else "slot"]
        assert (entry.name, entry.mapping_slot) == (name, mapping["slot"])
    assert [entry.name for entry in registry.KNOWN_REGISTRIES.values() if entry.rotates] == ["AnchorRegistry 2"]


def test_the_constants_in_the_source_are_the_computed_ones() -> None:
    source = (HERE / "checkpoint.vy").read_text(encoding="utf-8")
    assert f"DOMAIN_SEPARATOR: constant(bytes32) = 0x{eip712.DOMAIN_SEPARATOR.hex()}\n" in source
    assert f"HALF_ORDER: constant(uint256) = {secp256k1.N // 2}\n" in source


@pytest.mark.parametrize("name", ALL)
def test_a_chain_without_the_sha256_precompile_is_refused(name: str) -> None:
    """Deployment asks the precompile for a known answer; here its address is moved to one where nothing answers."""
    artefact = ALL[name]
    init = bytes.fromhex(artefact["bytecode"][2:])
    # PUSH1 2, GAS, STATICCALL: the only call of the constructor.
    call = bytes.fromhex("60025afa")
    assert init.count(call, 0, len(init) - len(artefact["runtime"]) // 2) == 1
    evm = Evm()
    assert evm.transact(b"", init.replace(call, bytes.fromhex("60995afa"), 1)).reason == "no sha256 precompile"
