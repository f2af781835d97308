"""`tallystick verify-anchor`: exit status, both languages, JSON, a target that a log names, no network."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.base64s import from_base64, to_base64
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import decode, encode, with_tokens
from tallystick.merkle import prove_inclusion
from tallystick.note import parse_note
from tallystick.tlog_proof import TlogProof
from tallystick.trust import encode_trust
from tests.core.timestamp.forge import Recipe, token
from tests.core.verify.kit import AT, Kit
from tests.core.verify.test_other_chains import as_other_chain, block, trust
from tests.core.verify.test_timestamps import KNOWN, TSA, at

CORPUS = Path(__file__).parents[3] / "fixtures" / "anchors"
WHEN = "2026-12-01T00:00:00Z"


def run(proof: Path, trust_file: Path, *more: str) -> int:
    return main(["verify-anchor", str(proof), "--trust", str(trust_file), "--at", WHEN, *more])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_proved_in_both_languages_says_operator_only(capsys: pytest.CaptureFixture[str]) -> None:
    proof = CORPUS / "good" / "sealed-prague.json"
    assert run(proof, CORPUS / "trust.json") == 0
    text = said(capsys)
    assert text.startswith("PROVED: the contract held this checkpoint of the log\n")
    assert "vouched for by: operator only" in text
    assert "log: log.example/test" in text
    assert "AnchorRegistry 2" in text
    assert run(proof, CORPUS / "trust.json", "--lang", "zh") == 0
    text = said(capsys)
    assert text.startswith("已证明：")
    assert "担保方：仅日志运营方自身" in text


def test_an_external_fact_is_named_and_is_no_proof(capsys: pytest.CaptureFixture[str]) -> None:
    proof = CORPUS / "bad" / "replayed-on-a-fork-with-the-same-chain-id.json"
    block_hash = keccak256(from_base64(decode(proof.read_bytes()).header)).hex()
    assert run(proof, CORPUS / "trust.json") == 1
    text = said(capsys)
    assert text.startswith("NEEDS AN EXTERNAL FACT: ")
    assert (
        f"block 3 of chain 7331000001 has hash 0x{block_hash}: compare it with two explorers or your own node" in text
    )
    assert run(proof, CORPUS / "trust.json", "--lang", "zh") == 1
    text = said(capsys)
    assert text.startswith("尚需外部事实：")
    assert f"0x{block_hash}" in text
    assert run(proof, CORPUS / "trust.json", "--json") == 1
    told = json.loads(said(capsys))
    assert (told["verdict"], told["outcome"]) == ("not_proved", "needs_external_fact")
    assert (told["fact"]["vouched_by"], told["fact"]["block_hash"]) == ("nobody", block_hash)
    assert "two explorers" in told["fact"]["trust_line"]["en"]


def test_contradicted_malformed_and_later(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trust_file = CORPUS / "trust.json"
    assert run(CORPUS / "bad" / "slot-of-another-size.json", trust_file) == 1
    assert said(capsys).startswith("CONTRADICTED: the proof does not hold: step 6")
    assert run(CORPUS / "bad" / "no-json.json", trust_file) == 2
    assert "malformed" in capsys.readouterr().err
    assert run(tmp_path / "none", trust_file) == 2
    assert run(trust_file, CORPUS / "good" / "sealed-prague.json") == 2
    capsys.readouterr()
    given = ["verify-anchor", str(CORPUS / "good" / "sealed-prague.json"), "--trust", str(trust_file)]
    assert main([*given, "--at", "2023-01-01T00:00:00Z"]) == 1
    assert "after the time of verification" in said(capsys)
    assert run(CORPUS / "bad" / "version-3.json", trust_file, "--json") == 1
    assert json.loads(said(capsys))["verdict"] == "not_proved"


# --- a target that the log names -------------------------------------------------------------


def files(kit: Kit, folder: Path, position: int | None = None) -> list[str]:
    """The entry that names the kit's target with its proof in the log, as arguments."""
    position = kit.log.find("log.anchor-target") if position is None else position
    note = parse_note(kit.log.note())
    path = tuple(prove_inclusion(kit.log, position, kit.log.size))
    (folder / "entry").write_bytes(kit.log.statements[position].entry)
    (folder / "entry.tlog-proof").write_bytes(TlogProof(position, path, note).encode())
    (folder / "proof.json").write_bytes(kit.anchored.proof)
    (folder / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    return ["--entry", str(folder / "entry"), "--entry-proof", str(folder / "entry.tlog-proof")]


def test_a_target_that_a_trusted_log_names(kit: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = files(kit, tmp_path)
    assert run(tmp_path / "proof.json", tmp_path / "trust.json") == 1
    assert "is a target neither of the trust file" in said(capsys)
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named) == 0
    assert f"log: {kit.world.origin}" in said(capsys)
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named[:2]) == 2
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named[2:]) == 2


def test_an_entry_that_names_no_target_or_is_not_in_the_log(
    kit: Kit, other: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    position = kit.log.find("log.policy")
    named = files(kit, tmp_path, position)
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named) == 1
    assert "names no anchor target" in capsys.readouterr().err
    named = files(kit, tmp_path)
    (tmp_path / "entry").write_bytes(kit.log.statements[position].entry)
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named) == 1
    # Another log's entry, in its own log, which the trust file does not name.
    named = files(other, tmp_path)
    (tmp_path / "proof.json").write_bytes(kit.anchored.proof)
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named) == 1
    # A log that is trusted, and names another contract.
    (tmp_path / "trust.json").write_bytes(encode_trust(other.scene.trust_file()))
    assert run(tmp_path / "proof.json", tmp_path / "trust.json", *named) == 1


def test_tokens_are_shown_and_a_false_one_contradicts(
    kit: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, proof = as_other_chain(kit)
    known = trust(kit, target, block(kit), **KNOWN)
    (tmp_path / "trust.json").write_bytes(encode_trust(known.file))
    message = bytes.fromhex(block(kit).hash)
    for over, status in ((message, 0), (bytes(32), 1)):
        made = token(Recipe(TSA, message=over, gen_time=at(AT - 3600)))
        (tmp_path / "proof.json").write_bytes(encode(with_tokens(proof, [made])))
        assert run(tmp_path / "proof.json", tmp_path / "trust.json", "--json") == status
        told = json.loads(said(capsys))
        assert [one["authority"] for one in told["timestamps"]] == (["the observatory"] if status == 0 else [])
    strange = trust(kit, target, block(kit))
    (tmp_path / "trust.json").write_bytes(encode_trust(strange.file))
    (tmp_path / "proof.json").write_bytes(encode(replace(proof, tokens=(to_base64(made),))))
    assert run(tmp_path / "proof.json", tmp_path / "trust.json") == 1


def test_it_loads_little() -> None:
    """No chain library, no network and no server: what `verify` loads, and its words."""
    code = (
        "import sys; from tallystick.__main__ import main; "
        f"status = main(['verify-anchor', {str(CORPUS / 'good' / 'sealed-prague.json')!r}, "
        f"'--trust', {str(CORPUS / 'trust.json')!r}, '--at', {WHEN!r}]); "
        "heavy = {'web3', 'eth', 'eth_account', 'trie', 'rlp', 'requests', 'httpx', 'socket', 'ssl', 'asn1crypto', "
        "'rfc3161_client', 'c2pa', 'pydantic', 'anchors', 'ledger', 'api'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr); sys.exit(status or bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
