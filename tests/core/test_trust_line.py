"""The line that goes with every anchor: its words are pinned, and nothing unproved is ever told as proved."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tallystick.trust_line import Anchored, fact_wanted, trust_line

ROOT = bytes(range(32))
BLOCK = Anchored("chain", 7, ROOT, time=1_800_000_000, chain_id=1, block=19, block_hash=b"\xaa" * 32)
HASH = "aa" * 32


def test_the_embedded_chain_says_operator_only_in_every_state_and_language() -> None:
    for state in ("prepared", "sent", "mined", "final", "dropped"):
        # Not even a trust file that names its block makes it more.
        line = trust_line(replace(BLOCK, kind="embedded", state=state, vouched=True, independent=True))
        assert line.operator_only
        assert "vouched for by: operator only" in line.text("en")
        assert "担保方：仅日志运营方自身" in line.text("zh")


def test_a_public_chain_without_a_named_block_says_what_to_compare() -> None:
    line = trust_line(BLOCK)
    assert not line.operator_only
    assert line.text("en") == (
        f"the log had size 7 and root {ROOT.hex()} no later than block time 2027-01-15T08:00:00Z, and extends what "
        "was anchored before; vouched for by: nobody yet: the block header is not vouched for; needs: block 19 of "
        f"chain 1 has hash 0x{HASH}: compare it with two explorers or your own node"
    )
    assert f"链 1 的区块 19 的哈希为 0x{HASH}" in line.text("zh")
    assert fact_wanted(1, 19, b"\xaa" * 32) == line.needs


def test_a_named_block_needs_nothing_more() -> None:
    line = trust_line(replace(BLOCK, vouched=True))
    assert line.needs is None
    assert "needs" not in line.text("en")
    assert line.vouched_by.en == "the block hash that the trust file names"


@pytest.mark.parametrize("kind", ["rfc3161", "witness"])
def test_an_authority_or_witness_is_independent_only_where_the_reader_says_so(kind: str) -> None:
    stranger = replace(BLOCK, kind=kind, name="T", chain_id=None, block=None, block_hash=None)  # type: ignore[arg-type]
    assert trust_line(replace(stranger, independent=True)).vouched_by.en.endswith("T, independent of the operator")
    assert "does not call independent" in trust_line(stranger).text("en")
    own = trust_line(replace(stranger, own=True, independent=True))
    assert own.operator_only
    assert own.vouched_by.en == "operator only"
    assert own.needs is not None


def test_what_is_not_final_proves_nothing() -> None:
    for kind, state in itertools.product(
        ("embedded", "chain", "rfc3161", "witness"), ("prepared", "sent", "mined", "dropped")
    ):
        line = trust_line(replace(BLOCK, kind=kind, state=state, vouched=True))  # type: ignore[arg-type]
        assert line.proved.en.startswith("nothing")
        assert line.proved.zh.startswith(("尚无", "无"))
        assert ROOT.hex() not in line.text("en")
        assert line.needs is None


def test_a_time_that_only_a_forger_writes_still_prints() -> None:
    assert "9999-12-31" in trust_line(replace(BLOCK, time=1 << 63)).text("en")
    assert "block time ?" in trust_line(replace(BLOCK, time=None)).text("en")
