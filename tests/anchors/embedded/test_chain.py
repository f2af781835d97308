"""The embedded chain: bound to its log, block time by the clock, sealed, the same after a restart."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.genesis import CHAIN_ID_MAX, CHAIN_ID_MIN, ChainIdentity, Genesis
from anchors.errors import ChainMismatch, TransactionRefused
from anchors.keystore import ChainKey
from tallystick.errors import VerificationFailed
from tallystick.evm.deed import seal_digest
from tallystick.evm.keccak import keccak256
from tallystick.evm.secp256k1 import verify_signer
from tests.anchors.support import GAS_KEY, LOG_KEY, ORIGIN, SEALER, START, Clock, create_chain, open_chain, sign_fields

SOMEBODY = b"\x22" * 20


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chain(tmp_path: Path, clock: Clock) -> Iterator[EmbeddedChain]:
    opened = create_chain(tmp_path, clock)
    yield opened
    opened.close()


def transfer(chain: EmbeddedChain, nonce: int, key: ChainKey = GAS_KEY, **changes: Any) -> bytes:
    fields = {
        "type": 2,
        "chainId": chain.chain_id,
        "nonce": nonce,
        "to": "0x" + SOMEBODY.hex(),
        "value": 1,
        "gas": 30_000,
        "maxFeePerGas": 2 * 10**9,
        "maxPriorityFeePerGas": 0,
        "data": b"",
        **changes,
    }
    return sign_fields(key, {name: value for name, value in fields.items() if value is not None})


# --- identity ---------------------------------------------------------------------


def test_chain_id_is_the_formula_of_origin_and_log_key() -> None:
    digest = int.from_bytes(hashlib.sha256(ORIGIN.encode() + LOG_KEY).digest(), "big")
    assert ChainIdentity(ORIGIN, LOG_KEY).chain_id == 2**31 + digest % (2**52 - 2**31)


def test_chain_ids_of_a_thousand_logs_are_in_range_and_differ() -> None:
    found = {ChainIdentity(f"log{number}", LOG_KEY).chain_id for number in range(1000)}
    assert len(found) == 1000
    assert all(CHAIN_ID_MIN <= chain_id < CHAIN_ID_MAX for chain_id in found)


def test_genesis_holds_the_digest_of_the_genesis_checkpoint(chain: EmbeddedChain) -> None:
    header = chain.head()
    assert header.block_number == 0
    assert header.extra_data == hashlib.sha256(b"genesis checkpoint").digest()
    assert header.timestamp == START
    assert header.coinbase == SEALER.address


def test_the_same_genesis_gives_the_same_hash_and_another_checkpoint_another(tmp_path: Path, clock: Clock) -> None:
    found = []
    for name, checkpoint in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        genesis = Genesis(checkpoint, START, (GAS_KEY.address,))
        made = EmbeddedChain.create(tmp_path / name, ChainIdentity(ORIGIN, LOG_KEY), genesis, SEALER, clock)
        found.append(made.genesis_hash)
        made.close()
    assert found[0] == found[1] != found[2]


def test_a_chain_is_never_begun_twice_at_one_path(chain: EmbeddedChain, tmp_path: Path, clock: Clock) -> None:
    chain.close()
    with pytest.raises(ChainMismatch, match="open it instead"):
        create_chain(tmp_path, clock)
    open_chain(tmp_path, clock).close()


def test_a_wrong_path_never_begins_a_chain(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ChainMismatch, match="no embedded chain at"):
        open_chain(tmp_path, clock)
    assert list(tmp_path.iterdir()) == []
    assert not EmbeddedChain.exists(tmp_path / "chain.db")


def test_the_chain_of_another_log_is_refused(chain: EmbeddedChain, tmp_path: Path, clock: Clock) -> None:
    chain.close()
    with pytest.raises(ChainMismatch, match="chain of another log"):
        open_chain(tmp_path, clock, origin="other.example/log")


# --- time ---------------------------------------------------------------------------


def test_a_block_has_the_time_of_its_mining_not_of_the_block_before(chain: EmbeddedChain, clock: Clock) -> None:
    clock.now = START + 3600
    chain.submit(transfer(chain, 0))
    assert chain.head().timestamp == START + 3600
    clock.now = START + 9000
    chain.submit(transfer(chain, 1))
    assert chain.head().timestamp == START + 9000


def test_blocks_within_a_second_run_ahead_of_the_clock_never_behind(chain: EmbeddedChain, clock: Clock) -> None:
    for nonce in range(3):
        chain.submit(transfer(chain, nonce))
    assert chain.head().timestamp == START + 3


def test_a_clock_that_went_back_does_not_take_the_chain_back(chain: EmbeddedChain, clock: Clock) -> None:
    clock.now = START - 10_000
    chain.submit(transfer(chain, 0))
    assert chain.head().timestamp == START + 1


# --- a full disk ----------------------------------------------------------------------


def test_a_full_disk_refuses_the_block_whole_and_the_next_one_goes_on(chain: EmbeddedChain) -> None:
    chain.submit(transfer(chain, 0))
    (pages,) = chain.database._sql.execute("PRAGMA page_count").fetchone()
    chain.database._sql.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        _ = [chain.submit(transfer(chain, nonce)) for nonce in range(1, 200)]
    head = chain.head()
    assert 1 <= head.block_number < 199
    assert chain.block(head).transactions[0].nonce == head.block_number - 1
    assert chain.find_transaction(bytes(chain.block(head).transactions[0].hash)) == (head, 0)
    chain.database._sql.execute("PRAGMA max_page_count=1000000")
    chain.submit(transfer(chain, head.block_number))
    assert chain.head().parent_hash == head.hash


# --- seals ----------------------------------------------------------------------------


def test_every_block_is_sealed_over_chain_genesis_and_hash(chain: EmbeddedChain) -> None:
    chain.submit(transfer(chain, 0))
    for number in (0, 1):
        header = chain.header_by_number(number)
        assert header is not None
        message = b"tallystick/embedded-seal/v1\n" + chain.chain_id.to_bytes(8, "big") + chain.genesis_hash
        digest = keccak256(message + header.hash)
        assert digest == seal_digest(chain.chain_id, chain.genesis_hash, bytes(header.hash))
        verify_signer(SEALER.address, digest, chain.seal(bytes(header.hash)))
        with pytest.raises(VerificationFailed):
            verify_signer(GAS_KEY.address, digest, chain.seal(bytes(header.hash)))


def test_a_block_that_never_was_has_no_seal(chain: EmbeddedChain) -> None:
    with pytest.raises(ChainMismatch, match="has no block"):
        chain.seal(b"\x00" * 32)


# --- transactions -----------------------------------------------------------------------


def test_a_restart_continues_the_same_chain(chain: EmbeddedChain, tmp_path: Path, clock: Clock) -> None:
    sent = [chain.submit(transfer(chain, nonce)) for nonce in range(3)]
    head, seal = chain.head(), chain.seal(bytes(chain.head().hash))
    chain.close()
    again = open_chain(tmp_path, clock)
    assert again.head().hash == head.hash
    assert again.seal(bytes(head.hash)) == seal
    again.submit(transfer(again, 3))
    assert again.head().parent_hash == head.hash
    places = [again.find_transaction(tx_hash) for tx_hash in sent]
    assert [place and (place[0].block_number, place[1]) for place in places] == [(1, 0), (2, 0), (3, 0)]
    again.close()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": 1}, "nonce too high"),
        ({"gas": 20_999}, "intrinsic gas too low"),
        # 100 nonzero bytes: 22,600 before EIP-7623, 25,000 since.
        ({"data": b"\x01" * 100, "gas": 24_999}, "intrinsic gas too low"),
        ({"chainId": 1}, "invalid chain id for signer"),
        ({"maxFeePerGas": 1}, "invalid transaction"),
        ({"value": 10**30}, "invalid transaction"),
        ({"gas": 30_000_001, "maxFeePerGas": 10**9}, "invalid transaction"),
    ],
)
def test_a_transaction_that_breaks_a_rule_is_refused_and_writes_nothing(
    chain: EmbeddedChain, changes: dict[str, Any], code: str
) -> None:
    head = chain.head().hash
    with pytest.raises(TransactionRefused) as caught:
        chain.submit(transfer(chain, changes.pop("nonce", 0), **changes))
    assert caught.value.code == code
    assert chain.head().hash == head
    chain.submit(transfer(chain, 0))
    assert chain.head().block_number == 1


def test_the_floor_of_eip_7623_itself_is_enough_and_is_what_is_charged(chain: EmbeddedChain) -> None:
    chain.submit(transfer(chain, 0, data=b"\x01" * 100, gas=25_000))
    (receipt,) = chain.receipts(chain.head())
    assert receipt.gas_used == 25_000


def test_a_transaction_is_mined_once(chain: EmbeddedChain) -> None:
    raw = transfer(chain, 0)
    chain.submit(raw)
    with pytest.raises(TransactionRefused) as known:
        chain.submit(raw)
    assert known.value.code == "already known"
    with pytest.raises(TransactionRefused) as spent:
        chain.submit(transfer(chain, 0, value=2))
    assert spent.value.code == "nonce too low"
    assert chain.head().block_number == 1


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x02", b"\x02\xc0", b"\xc0", b"\x7f\xc0", b"\xff" * 40, b"\x02" * 300])
def test_bytes_that_are_no_transaction_are_refused(chain: EmbeddedChain, raw: bytes) -> None:
    with pytest.raises(TransactionRefused, match="cannot decode transaction"):
        chain.submit(raw)


def test_every_byte_flip_of_a_transaction_is_another_transaction_or_none(chain: EmbeddedChain) -> None:
    raw = transfer(chain, 0)
    for at in range(len(raw)):
        flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        # Another sender is recovered: it has no money. Nothing of it reaches the chain.
        with pytest.raises(TransactionRefused):
            chain.submit(flipped)
    assert chain.head().block_number == 0


def test_legacy_and_access_list_transactions_are_mined(chain: EmbeddedChain) -> None:
    unset = {"type": None, "maxFeePerGas": None, "maxPriorityFeePerGas": None}
    chain.submit(transfer(chain, 0, **unset, gasPrice=2 * 10**9))
    access = [{"address": "0x" + SOMEBODY.hex(), "storageKeys": ["0x" + "01" * 32]}]
    chain.submit(transfer(chain, 1, **{**unset, "type": 1}, gasPrice=2 * 10**9, accessList=access))
    assert chain.head().block_number == 2


def test_a_block_waits_for_the_clock_rather_than_run_ahead_of_it(tmp_path: Path, clock: Clock) -> None:
    """Whoever verifies at once must not see an anchor from the future."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) % 4 == 0:
            clock.now += 1

    genesis = Genesis(checkpoint=b"first checkpoint", time=clock(), funded=(GAS_KEY.address,))
    chain = EmbeddedChain.create(tmp_path / "chain.db", ChainIdentity(ORIGIN, LOG_KEY), genesis, SEALER, clock, wait)
    try:
        for nonce in range(3):
            chain.submit(transfer(chain, nonce))
            assert chain.head().timestamp == clock()
    finally:
        chain.close()
    assert len(waited) == 12


def test_a_clock_that_was_set_back_stops_nothing(tmp_path: Path, clock: Clock) -> None:
    genesis = Genesis(checkpoint=b"first checkpoint", time=clock(), funded=(GAS_KEY.address,))
    waited: list[float] = []
    identity = ChainIdentity(ORIGIN, LOG_KEY)
    chain = EmbeddedChain.create(tmp_path / "chain.db", identity, genesis, SEALER, clock, waited.append)
    try:
        clock.now -= 3600
        chain.submit(transfer(chain, 0))
        assert chain.head().timestamp == START + 1
    finally:
        chain.close()
    assert sum(waited) == pytest.approx(3)
