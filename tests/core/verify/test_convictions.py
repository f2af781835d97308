"""A log that is convicted of a fork proves nothing by its word; an accusation that does not hold changes nothing."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.checkpoint import Checkpoint
from tallystick.evm.chains import NamedBlock, TrustedChain
from tallystick.evm.conviction_proof import encode
from tallystick.fork import accuse, decode
from tallystick.merkle import prove_consistency, root_of
from tallystick.report.as_html import html_report
from tallystick.report.as_text import text_report
from tallystick.tree_head import sign_checkpoint
from tallystick.trust import TrustFile, encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tallystick.verify.accusation import decode as decode_any
from tests.conviction_corpus.scene import FINALIZED, Bench, call
from tests.core.verify.kit import AT, Kit
from tests.world import World

WHEN = "2026-02-02T00:00:00Z"
FALLS = {
    "statement-signature",
    "inclusion",
    "checkpoint-signature",
    "entitlement",
    "disclosure",
    "content",
    "traceability",
    "anchor",
}


def forged(kit: Kit, size: int, world: World | None = None) -> bytes:
    """Another tree of the size, signed by the log's own keys."""
    world = world or kit.world
    head = Checkpoint(kit.world.origin, size, bytes([size % 256]) * 32)
    return sign_checkpoint(head, world.signers, world.clock).encode()


def accused(kit: Kit, *evidence: bytes) -> Report:
    return verify_case(io.BytesIO(kit.bundle()), kit.trust(), AT, [decode(one) for one in evidence])


@pytest.mark.parametrize("size", [3, 1000])
def test_nothing_rests_on_the_word_of_a_convicted_log(kit: Kit, size: int) -> None:
    """Also of sizes far from the case's: it is the signer who is no longer believed."""
    two = accuse(forged(kit, size), _resigned(kit, size))
    report = accused(kit, two)
    assert report.verdict == "not_proved"
    assert report.refused_at == 5
    assert report.claim("checkpoint-signature").outcome == "contradicted"
    assert {claim.id for claim in report.claims if claim.outcome != "proved"} >= FALLS
    assert "forked" in text_report(report, "en")
    assert "分叉" in text_report(report, "zh")
    (fork,) = report.facts["forks"]
    assert (fork["kind"], fork["first"]["size"]) == ("roots", size)


def _resigned(kit: Kit, size: int) -> bytes:
    head = Checkpoint(kit.world.origin, size, b"\xee" * 32)
    return sign_checkpoint(head, kit.world.signers, kit.world.clock).encode()


def test_a_fork_of_the_very_checkpoint_of_the_case(kit: Kit) -> None:
    report = accused(kit, accuse(kit.honest.checkpoint, forged(kit, kit.log.size)))
    assert report.claim("checkpoint-signature").outcome == "contradicted"


def test_a_history_convicts(kit: Kit) -> None:
    """The log's own growth proves what it had at size 5; it signed another root for that size."""
    old, new = 5, kit.log.size
    proof = prove_consistency(kit.log, old, new)
    report = accused(kit, accuse(forged(kit, old), kit.honest.checkpoint, history=proof))
    assert report.claim("checkpoint-signature").outcome == "contradicted"
    assert report.facts["forks"][0]["root_of_second_at_first_size"] == root_of(kit.log.leaves(old)).hex()


def test_one_conviction_among_accusations_is_enough(kit: Kit) -> None:
    honest = accuse(kit.honest.checkpoint, kit.honest.checkpoint)
    guilty = accuse(kit.honest.checkpoint, forged(kit, kit.log.size))
    for order in ((honest, guilty), (guilty, honest)):
        assert accused(kit, *order).claim("checkpoint-signature").outcome == "contradicted"


def test_an_accusation_that_does_not_hold_changes_no_outcome(kit: Kit) -> None:
    before = kit.verify(kit.bundle())
    stranger = World("a stranger", kit.world.origin)
    for evidence in (
        accuse(kit.honest.checkpoint, kit.honest.checkpoint),
        accuse(kit.honest.checkpoint, forged(kit, kit.log.size, stranger)),
        accuse(kit.anchored.checkpoint, kit.honest.checkpoint),
    ):
        report = accused(kit, evidence)
        assert (report.verdict, report.refused_at) == (before.verdict, before.refused_at)
        assert [(one.id, one.outcome) for one in report.claims] == [(one.id, one.outcome) for one in before.claims]
        assert "it does not show it" in text_report(report, "en")
        assert "forks" not in report.facts


# --- convictions on a chain ------------------------------------------------------------------


def conviction(kit: Kit, *, named: bool = True, evidence: bytes | None = None) -> tuple[bytes, TrustFile]:
    """The kit's log, convicted by a court on a chain that nobody seals; the trust file names the block, or does not."""
    first, second = (forged(kit, 9), _resigned(kit, 9))
    bench = Bench()
    found = decode(accuse(first, second))
    mined = bench.mine(call(bench.contract, found, kit.world.signers))
    proof = bench.pack(mined, found, finality=FINALIZED, by=kit.world.signers)
    if evidence is not None:
        proof = replace(proof, evidence=decode(evidence))
    header = mined.block.header
    blocks = (NamedBlock(header.block_number, header.hash.hex()),)
    chain = TrustedChain(proof.court.chain_id, proof.court.genesis, "named-blocks", blocks)
    trust = kit.scene.trust_file()
    return encode(proof), replace(
        trust, v=3, logs=(replace(kit.scene.first, replaced=()),), evm_chains=(chain,)
    ) if named else trust


def convicted(kit: Kit, data: bytes, trust: TrustFile, at: int = AT) -> Report:
    return verify_case(io.BytesIO(kit.bundle()), parse_trust(encode_trust(trust)), at, [decode_any(data)])


@pytest.mark.parametrize(
    ("named", "outcome", "en", "zh"),
    [
        (True, "proved", "stands convicted in ForkCourt 1 on chain", "起在 ForkCourt 1 中被判定分叉"),
        (False, "needs_external_fact", "the fork itself is proved without that", "分叉本身无须此项即已证明"),
    ],
)
def test_a_conviction_is_told_and_its_evidence_decides(kit: Kit, named: bool, outcome: str, en: str, zh: str) -> None:
    data, trust = conviction(kit, named=named)
    report = convicted(kit, data, trust)
    assert (report.verdict, report.refused_at) == ("not_proved", 5)
    assert report.claim("checkpoint-signature").outcome == "contradicted"
    (fork,) = report.facts["forks"]
    told = fork["conviction"]
    assert (told["outcome"], told["court"], told["authority"]) == (
        outcome,
        "ForkCourt 1",
        kit.world.signers.keys.authority_address.hex(),
    )
    assert told["vouched_by"] == ("named-block" if named else "nobody")
    assert en in text_report(report, "en")
    assert zh in text_report(report, "zh")
    assert zh in html_report(report, "zh")
    # No other claim falls, or stands, than by the evidence alone.
    alone = verify_case(
        io.BytesIO(kit.bundle()),
        parse_trust(encode_trust(trust)),
        AT,
        [decode_any(data).evidence],  # type: ignore[union-attr]
    )
    assert [(one.id, one.outcome, one.rests_on) for one in report.claims] == [
        (one.id, one.outcome, one.rests_on) for one in alone.claims
    ]


def test_a_conviction_whose_evidence_does_not_hold_changes_no_outcome(kit: Kit) -> None:
    """Whatever stands on the chain."""
    before = kit.verify(kit.bundle())
    data, trust = conviction(kit, evidence=accuse(kit.honest.checkpoint, kit.honest.checkpoint))
    report = convicted(kit, data, trust)
    assert (report.verdict, report.refused_at) == (before.verdict, before.refused_at)
    assert [(one.id, one.outcome) for one in report.claims] == [(one.id, one.outcome) for one in before.claims]
    assert "forks" not in report.facts
    assert "it does not show it" in text_report(report, "en")


def test_a_fork_is_proved_where_its_conviction_is_not(kit: Kit) -> None:
    """The file shows another fork than the one that the court judged: the log forked all the same."""
    data, trust = conviction(kit, evidence=accuse(forged(kit, 8), _resigned(kit, 8)))
    report = convicted(kit, data, trust)
    assert report.claim("checkpoint-signature").outcome == "contradicted"
    assert report.facts["forks"][0]["conviction"] == {"outcome": "contradicted"}
    assert "was not shown to stand convicted on a chain: step 5" in text_report(report, "en")


def test_a_conviction_of_the_future_is_told_as_such(kit: Kit) -> None:
    data, trust = conviction(kit)
    report = convicted(kit, data, trust, at=1_700_000_000)
    assert report.facts["forks"][0]["conviction"]["outcome"] == "not_proved"
    assert "after the time of verification" in text_report(report, "en")


# --- the commands ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, kit: Kit) -> Path:
    (tmp_path / "case.zip").write_bytes(kit.bundle())
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    (tmp_path / "fork.json").write_bytes(accuse(kit.honest.checkpoint, forged(kit, kit.log.size)))
    (tmp_path / "none.json").write_bytes(accuse(kit.honest.checkpoint, kit.honest.checkpoint))
    elsewhere = World("elsewhere", "log.example/elsewhere")
    notes = [
        sign_checkpoint(Checkpoint(elsewhere.origin, 3, root * 32), elsewhere.signers, elsewhere.clock).encode()
        for root in (b"\x01", b"\x02")
    ]
    (tmp_path / "elsewhere.json").write_bytes(accuse(*notes))
    data, trust = conviction(kit)
    (tmp_path / "conviction.json").write_bytes(data)
    (tmp_path / "naming.json").write_bytes(encode_trust(trust))
    (tmp_path / "malformed.json").write_bytes(b"{}")
    (tmp_path / "later.json").write_bytes(b'{"v":2}')
    return tmp_path


def verify(folder: Path, *more: str) -> int:
    trust = ["--trust", str(folder / "trust.json")]
    return main(["verify", str(folder / "case.zip"), *trust, "--at", WHEN, *more])


def test_verify_takes_convictions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder) == 0
    assert verify(folder, "--convictions", str(folder / "none.json")) == 0
    capsys.readouterr()
    assert verify(folder, "--convictions", str(folder / "none.json"), str(folder / "fork.json"), "--json") == 1
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["refused_at"], len(value["facts"]["forks"])) == ("not_proved", 5, 1)
    assert verify(folder, "--convictions", str(folder / "conviction.json"), str(folder / "fork.json"), "--json") == 1
    first, second = json.loads(capsys.readouterr().out)["facts"]["forks"]
    assert first["conviction"]["outcome"] == "needs_external_fact"
    assert "conviction" not in second


def test_a_malformed_conviction_is_malformed_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder, "--convictions", str(folder / "malformed.json")) == 2
    assert "fork evidence" in capsys.readouterr().err
    assert verify(folder, "--convictions", str(folder / "later.json")) == 1
    assert verify(folder, "--convictions", str(folder / "missing.json")) == 2


def judge(folder: Path, name: str, *more: str) -> int:
    return main(["verify-fork", str(folder / name), "--trust", str(folder / "trust.json"), *more])


def test_verify_fork_proves_it(folder: Path, kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(folder, "fork.json") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"PROVED: log {kit.world.origin} forked\n")
    assert "Ed25519, ML-DSA-44, EIP-712" in out
    assert judge(folder, "fork.json", "--lang", "zh") == 0
    assert capsys.readouterr().out.startswith(f"已证明：日志 {kit.world.origin} 分叉\n")
    assert judge(folder, "fork.json", "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["kind"], value["log"]) == ("proved", "roots", kit.world.origin)


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("none.json", 1, "same size and root"),
        ("elsewhere.json", 1, "the trust file names"),
        ("later.json", 1, "version"),
        ("malformed.json", 2, "malformed"),
        ("missing.json", 2, "cannot be opened"),
    ],
)
def test_verify_fork_refuses(
    folder: Path, name: str, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(folder, name) == status
    assert said in capsys.readouterr().err
    assert judge(folder, name, "--json") == status
    assert json.loads(capsys.readouterr().out)["verdict"] == ("malformed" if status == 2 else "not_proved")
