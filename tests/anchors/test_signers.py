"""Signers that keep their key: a separate process as web3signer speaks, and devices that sign 32 bytes."""

from __future__ import annotations

import gc
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from eth_account import Account

from anchors.errors import ChainUnreachable, SignerFailed
from anchors.keystore import ChainKey
from anchors.signers.base import CheckedSigner, DeviceSigner, TransactionSigner
from anchors.signers.remote import JsonRpcSigner, RestSigner
from anchors.signers.transaction import UnsignedTransaction, check_signed, read_signed
from tallystick.evm.secp256k1 import N, address_of
from tests.anchors.other_chain import Outside, check, deployed
from tests.anvil import KEYS, Anvil

SECRET, OTHER = KEYS[0], KEYS[1]
ADDRESS = ChainKey.from_secret(SECRET).address
PUBLIC = Account.from_key(SECRET)._key_obj.public_key.to_hex()
CALL = UnsignedTransaction(31_337, 7, 10**9, 3 * 10**9, 90_000, b"\x11" * 20, b"\x01\x02")
CREATION = UnsignedTransaction(31_337, 0, 0, 10**9, 3_000_000, b"", b"\x60\x00" * 40)


@contextmanager
def process(manner: str) -> Iterator[str]:
    """The address of a signer process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.anchors.signer_process", manner, SECRET.hex(), OTHER.hex()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as running:
        try:
            assert running.stdout is not None
            said, _, _ = select.select([running.stdout], [], [], 60)
            assert said, "the signer did not start within a minute"
            yield f"http://127.0.0.1:{running.stdout.readline().strip()}"
        finally:
            running.kill()


@pytest.fixture(scope="module")
def honest() -> Iterator[str]:
    with process("honest") as url:
        yield url


def remote(url: str, api: str, seconds: float = 20.0) -> TransactionSigner:
    if api == "rest":
        return CheckedSigner(RestSigner(url, ADDRESS, PUBLIC, seconds))
    return CheckedSigner(JsonRpcSigner(url, ADDRESS, seconds))


@pytest.mark.parametrize("api", ["json-rpc", "rest"])
@pytest.mark.parametrize("unsigned", [CALL, CREATION], ids=["call", "creation"])
def test_both_interfaces_give_what_a_local_key_gives(honest: str, api: str, unsigned: UnsignedTransaction) -> None:
    raw = remote(honest, api).sign_transaction(unsigned)
    assert raw == ChainKey.from_secret(SECRET).sign_transaction(unsigned)
    check_signed(raw, unsigned, ADDRESS)


def test_a_signer_that_answers_with_an_object_is_understood() -> None:
    with process("as an object") as url:
        check_signed(remote(url, "json-rpc").sign_transaction(CALL), CALL, ADDRESS)


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("dearer", "changed the transaction's max_fee"),
        ("another nonce", "changed the transaction's nonce"),
        ("another chain", "changed the transaction's chain_id"),
        ("another receiver", "changed the transaction's to"),
        ("other data", "changed the transaction's data"),
        ("less gas", "changed the transaction's gas"),
        ("with money", "without value"),
        ("an access list", "without value and access list"),
        ("another key", "signs as 0x70997970c51812dc3a010c7d01b50e0d17dc79c8, configured is 0xf39fd6e5"),
        ("refuses", "refuses: Authentication needed"),
        ("garbage", "no EIP-1559 transaction"),
        ("nothing", "no EIP-1559 transaction"),
    ],
)
def test_what_was_not_asked_for_is_not_sent(manner: str, said: str) -> None:
    with process(manner) as url, pytest.raises(SignerFailed, match=said):
        remote(url, "json-rpc").sign_transaction(CALL)


@pytest.mark.parametrize("manner", ["other data", "cut"])
def test_a_signature_over_something_else_is_refused(manner: str) -> None:
    with process(manner) as url, pytest.raises((SignerFailed, ChainUnreachable), match=r"signs as|has 64 bytes"):
        remote(url, "rest").sign_transaction(CALL)


def test_a_key_that_the_signer_does_not_have(honest: str) -> None:
    signer = CheckedSigner(RestSigner(honest, ADDRESS, "0x" + "11" * 64, 20))
    with pytest.raises(ChainUnreachable, match="HTTP status 404"):
        signer.sign_transaction(CALL)


@pytest.mark.parametrize("api", ["json-rpc", "rest"])
def test_a_signer_that_is_silent_or_gone_is_asked_again_later(api: str) -> None:
    with process("silent") as url, pytest.raises(ChainUnreachable, match="did not answer in 1 seconds"):
        remote(url, api, 1).sign_transaction(CALL)
    with pytest.raises(ChainUnreachable, match="does not answer"):
        remote(url, api, 1).sign_transaction(CALL)


def keys_in_memory() -> list[ChainKey]:
    return [one for one in gc.get_objects() if isinstance(one, ChainKey) and one.address == ADDRESS]


def test_anchored_with_a_key_that_the_worker_never_sees(tmp_path: Path, honest: str) -> None:
    # Tests that ran before in this process may have left theirs; held here, so that no identity is given twice.
    earlier = keys_in_memory()
    with Anvil() as node:
        outside = Outside.start(tmp_path, node.url, signer=remote(honest, "json-rpc"))
        deployed(outside, node)
        outside.until_final(node)
        check(outside, [5])
        assert [one for one in keys_in_memory() if all(one is not other for other in earlier)] == []
        outside.stop()


def test_a_wrong_signer_stops_nothing_but_its_own_chain_and_is_said(tmp_path: Path) -> None:
    with Anvil() as node, process("another key") as url:
        outside = Outside.start(tmp_path, node.url, signer=remote(url, "json-rpc"))
        with pytest.raises(SignerFailed, match="configured is"):
            outside.worker.deploy()
        assert outside.outbox.attempts(outside.target.id, None) == []
        assert node.block_number() == 0
        outside.stop()


# --- devices ----------------------------------------------------------------------------------


class Device:
    """As a KMS signs: DER, with s high every other time. ``bend`` changes what it returns."""

    def __init__(self, secret: bytes, bend: str = "") -> None:
        self.key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256K1())
        self.bend, self.calls = bend, 0

    def sign_digest(self, digest: bytes) -> bytes:
        self.calls += 1
        if self.bend == "another digest":
            digest = bytes(32)
        signature = self.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        r, s = decode_dss_signature(signature)
        if self.bend == "raw":
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if self.bend == "zero":
            return encode_dss_signature(0, s)
        if self.bend == "large":
            return encode_dss_signature(r + (1 << 256), s)
        return encode_dss_signature(r, N - min(s, N - s) if self.calls % 2 else min(s, N - s))


def test_a_device_that_signs_32_bytes_is_a_signer(tmp_path: Path) -> None:
    device = Device(SECRET)
    signer = CheckedSigner(DeviceSigner(ADDRESS, device))
    for nonce in range(8):
        unsigned = UnsignedTransaction(1, nonce, 1, 2, 21_000, b"\x11" * 20, b"")
        raw = signer.sign_transaction(unsigned)
        found, signature = read_signed(raw)
        assert found == unsigned
        assert int.from_bytes(signature[32:64], "big") <= N // 2
        assert bytes.fromhex(Account.recover_transaction(raw)[2:]) == ADDRESS
    assert device.calls == 8


@pytest.mark.parametrize("bend", ["another digest", "raw", "zero", "large"])
def test_a_device_that_signs_something_else_is_refused(bend: str) -> None:
    with pytest.raises(SignerFailed):
        DeviceSigner(ADDRESS, Device(SECRET, bend)).sign_transaction(CALL)


def test_a_device_with_another_key_is_refused() -> None:
    point = Device(OTHER).key.public_key().public_numbers()
    other = address_of(b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))
    with pytest.raises(SignerFailed, match="configured is 0xf39fd6e5"):
        DeviceSigner(ADDRESS, Device(OTHER)).sign_transaction(CALL)
    check_signed(DeviceSigner(other, Device(OTHER)).sign_transaction(CALL), CALL, other)
