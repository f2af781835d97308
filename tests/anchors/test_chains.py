"""The file of chains: everything in it is known, whole and in range, or nothing begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anchors import keystore
from anchors.account import GWEI
from anchors.chains import BadChains, read_chains
from anchors.connect import connect, lock_turn
from anchors.errors import TurnTaken
from anchors.finality import FinalityRule
from anchors.signers.base import CheckedSigner

WHOLE = """
[sepolia]
url = "https://user:pass@rpc.example/key?x=1"
chain-id = 11155111
finality = "finalized"
keystore = "sepolia.json"

[besu]
url = "http://127.0.0.1:8545"
chain-id = 1337
finality = "immediate"
signer = "http://127.0.0.1:9000"
address = "0x1111111111111111111111111111111111111111"
contract = "0x2222222222222222222222222222222222222222"
court = "0x3333333333333333333333333333333333333333"
genesis = "0x{}"
fee-cap-gwei = 7
tip-cap-gwei = 3
stuck-seconds = 9
timeout-seconds = 4
poll-seconds = 2

[deep]
url = "http://[::1]:1"
chain-id = 5
finality = 12
signer = "http://127.0.0.1:9000"
signer-api = "eth1-sign"
signer-key = "0x{}"
address = "0x1111111111111111111111111111111111111111"
""".format("cd" * 32, "ab" * 64)


def write(folder: Path, text: str) -> Path:
    path = folder / "chains.toml"
    path.write_text(text)
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    sepolia, besu, deep = read_chains(write(tmp_path, WHOLE))
    assert (sepolia.name, sepolia.chain_id, sepolia.finality) == ("sepolia", 11155111, FinalityRule("finalized"))
    assert (sepolia.keystore, sepolia.signer, sepolia.contract) == (tmp_path / "sepolia.json", None, None)
    assert (sepolia.limits.fee_cap, sepolia.stuck_seconds, sepolia.timeout_seconds) == (500 * GWEI, 180, 20)
    assert (besu.limits.fee_cap, besu.limits.tip_cap, besu.stuck_seconds) == (7 * GWEI, 3 * GWEI, 9)
    assert (besu.timeout_seconds, besu.poll_seconds, besu.contract) == (4, 2, b"\x22" * 20)
    assert (besu.court, besu.genesis) == (b"\x33" * 20, b"\xcd" * 32)
    assert (sepolia.court, sepolia.genesis) == (None, None)
    assert (besu.finality.kind, besu.address, besu.signer_api) == ("immediate", b"\x11" * 20, "eth_signTransaction")
    assert (deep.finality, deep.signer_api) == (FinalityRule("depth", 12), "eth1-sign")
    assert read_chains(write(tmp_path, "")) == ()


BASE = {
    "url": '"http://h"',
    "chain-id": "1",
    "finality": '"finalized"',
    "keystore": '"k.json"',
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": None}, "url: this is needed"),
        ({"url": '"ftp://h"'}, "begins with http"),
        ({"url": '"http://"'}, "names a host"),
        ({"url": '"http://h:99999"'}, "url: "),
        ({"url": "5"}, "expected text"),
        ({"chain-id": None}, "chain-id: expected a whole number"),
        ({"chain-id": "0"}, "chain-id"),
        ({"chain-id": "true"}, "chain-id"),
        ({"chain-id": '"1"'}, "chain-id"),
        ({"finality": None}, "finality: expected"),
        ({"finality": "0"}, "finality"),
        ({"finality": "-3"}, "finality"),
        ({"finality": "true"}, "finality"),
        ({"finality": '"soon"'}, "finality"),
        ({"keystore": None}, "who pays"),
        ({"signer": '"http://s"', "address": '"0x' + "11" * 20 + '"'}, "who pays"),
        ({"keystore": None, "signer": '"http://s"'}, "address: expected 0x"),
        ({"keystore": None, "signer": '"s"', "address": '"0x' + "11" * 20 + '"'}, "signer: "),
        ({"address": '"0x' + "11" * 20 + '"'}, "a keystore has its own"),
        ({"signer-api": '"personal_sign"'}, "signer-api"),
        ({"signer-api": '"eth1-sign"'}, "signer-key"),
        ({"signer-key": '"0x' + "11" * 64 + '"'}, "signer-key"),
        ({"contract": '"0x11"'}, "contract: expected 0x and 40"),
        ({"court": '"0x11"'}, "court: expected 0x and 40"),
        ({"genesis": '"0x' + "11" * 20 + '"'}, "genesis: expected 0x and 64"),
        ({"contract": '"' + "11" * 20 + '"'}, "contract"),
        ({"fee-cap-gwei": "0"}, "fee-cap-gwei"),
        ({"poll-seconds": "0.5"}, "poll-seconds"),
        ({"timeout-seconds": "601"}, "timeout-seconds"),
        ({"finalty": '"finalized"'}, "there is no such member"),
    ],
)
def test_what_is_missing_unknown_or_out_of_range_is_named(
    tmp_path: Path, change: dict[str, str | None], said: str
) -> None:
    members = {name: value for name, value in {**BASE, **change}.items() if value is not None}
    text = "[one]\n" + "".join(f"{name} = {value}\n" for name, value in members.items())
    with pytest.raises(BadChains) as caught:
        read_chains(write(tmp_path, text))
    assert said in str(caught.value)
    assert "[one]" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[embedded]\n", "other than 'embedded'"),
        ("[Sepolia]\n", "small letters"),
        ('["../up"]\n', "small letters"),
        ("one = 1\n", "expected a table"),
        ("[one\n", "no TOML"),
        ("[one]\n[one]\n", "no TOML"),
    ],
)
def test_names_and_form(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadChains, match=r"chains\.toml") as caught:
        read_chains(write(tmp_path, text))
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadChains, match="TALLYSTICK_CHAINS"):
        read_chains(tmp_path / "none.toml")


def test_who_signs_is_what_the_file_says(tmp_path: Path) -> None:
    sepolia, besu, _ = read_chains(write(tmp_path, WHOLE))
    made = keystore.create(tmp_path / "sepolia.json", b"passphrase")
    assert connect(sepolia, b"passphrase", tmp_path).signer.address == made.address
    other = connect(besu, b"passphrase", tmp_path)
    assert isinstance(other.signer, CheckedSigner)
    assert (other.signer.address, other.contract, other.ours, other.vouched_by) == (
        b"\x11" * 20,
        b"\x22" * 20,
        False,
        "chain",
    )
    with pytest.raises(keystore.KeystoreError):
        connect(sepolia, b"wrong", tmp_path)


def test_a_turn_is_one_process_s_and_ends_with_it(tmp_path: Path) -> None:
    turn = lock_turn(tmp_path / "one.lock")
    with turn(), pytest.raises(TurnTaken, match="another process is at work with one"), turn():
        pytest.fail("two turns at once")
    script = (
        "import os, signal, sys; from pathlib import Path; from anchors.connect import lock_turn\n"
        "with lock_turn(Path(sys.argv[1]))(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "one.lock")], check=False, timeout=120)
    assert killed.returncode == -9
    with turn():
        assert (tmp_path / "one.lock").exists()


def test_the_service_reads_it_without_loading_a_chain() -> None:
    script = "import sys; import anchors.chains; print([m for m in ('web3', 'eth', 'eth_account') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[]"
