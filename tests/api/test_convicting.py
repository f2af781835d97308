"""`python -m api chain convict`: from evidence to a proof that a stranger verifies; what it says, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.__main__ import main
from tallystick.__main__ import main as tallystick
from tallystick.evm.conviction_proof import decode
from tallystick.evm.deed import check_header
from tallystick.fork import encode
from tests.anvil import Anvil
from tests.conviction_corpus.scene import evidence, honest
from tests.fixtures.test_convictions import CORPUS


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Anvil]:
    """A chain that the file of chains names, with a key that has money there."""
    with Anvil() as running:
        chains = tmp_path / "chains.toml"
        chains.write_text(
            f'[outside]\nurl = "{running.url}"\nchain-id = 31337\nfinality = "immediate"\nkeystore = "key.json"\n'
            "poll-seconds = 1\n"
        )
        for name, value in {"DATA": tmp_path / "data", "CHAINS": chains, "PASSPHRASE": "correct horse"}.items():
            monkeypatch.setenv(f"TALLYSTICK_{name}", str(value))
        yield running


def convict(folder: Path, evidence_file: Path) -> int:
    given = [str(evidence_file), "--trust", str(CORPUS / "trust.json"), "--out", str(folder / "conviction.json")]
    return main(["chain", "convict", "outside", *given])


def test_from_evidence_to_a_proof(tmp_path: Path, node: Anvil, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fork.json").write_bytes(encode(evidence("roots")))
    assert main(["chain", "key", "outside"]) == 0
    address = bytes.fromhex(capsys.readouterr().out.split(":")[0].removeprefix("0x"))
    node.set_balance(address, 10**18)
    assert convict(tmp_path, tmp_path / "fork.json") == 0
    said = capsys.readouterr().out
    assert "log.example/test forked" in said
    assert "it costs at most" in said
    assert "convicted on outside; it took" in said
    proof, trust = tmp_path / "conviction.json", tmp_path / "trust.json"
    assert tallystick(["verify-conviction", str(proof), "--trust", str(CORPUS / "trust.json")]) == 1
    assert "NEEDS AN EXTERNAL FACT" in capsys.readouterr().out
    shown = decode(proof.read_bytes())
    header, _ = check_header(shown, shown.court, ())
    value = json.loads((CORPUS / "trust.json").read_text())
    block = {"number": header.number, "hash": header.hash.hex()}
    value["evm_chains"] = [
        {"chain_id": 31337, "genesis": shown.court.genesis, "headers": "named-blocks", "blocks": [block]}
    ]
    trust.write_text(json.dumps(value))
    assert tallystick(["verify-conviction", str(proof), "--trust", str(trust), "--lang", "zh"]) == 0
    assert "被判定分叉" in capsys.readouterr().out
    # A file that is there is never written over; asked for another, the same bytes come, for nothing.
    height = node.block_number()
    assert convict(tmp_path, tmp_path / "fork.json") == 1
    assert "is there already" in capsys.readouterr().err
    first = proof.rename(tmp_path / "first.json").read_bytes()
    assert convict(tmp_path, tmp_path / "fork.json") == 0
    assert proof.read_bytes() == first
    assert node.block_number() == height


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (encode(honest()), "the checkpoints are consistent"),
        (encode(evidence("roots", lines=(0,))), "authority did not sign both"),
        (b"{}", "v: missing"),
        (None, "No such file"),
    ],
    ids=["honest", "not by the authority", "malformed", "missing"],
)
def test_what_does_not_hold_asks_no_node(
    tmp_path: Path, node: Anvil, file: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if file is not None:
        (tmp_path / "fork.json").write_bytes(file)
    node.kill()
    assert convict(tmp_path, tmp_path / "fork.json") == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "conviction.json").exists()
