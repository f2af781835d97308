"""The anchors' folder: begun once, continued, and begun again after a kill half-way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from anchors import keystore
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.genesis import ChainIdentity
from anchors.errors import ChainLocked, ChainMismatch
from anchors.folder import EmbeddedAnchors, open_embedded
from anchors.keystore import KeystoreError
from tests.anchors.support import LOG_KEY, ORIGIN, Clock

PASSPHRASE = b"long and random"
IDENTITY = ChainIdentity(ORIGIN, LOG_KEY)


def start(folder: Path, identity: ChainIdentity = IDENTITY, passphrase: bytes = PASSPHRASE) -> EmbeddedAnchors:
    return open_embedded(folder, identity, passphrase, b"first checkpoint", Clock())


def test_a_folder_is_begun_and_continued_with_the_same_chain_and_keys(tmp_path: Path) -> None:
    first = start(tmp_path / "anchors")
    assert first.chain.head().extra_data == hashlib.sha256(b"first checkpoint").digest()
    first.chain.close()
    again = open_embedded(tmp_path / "anchors", IDENTITY, PASSPHRASE, b"not looked at any more", Clock())
    assert again.chain.genesis_hash == first.chain.genesis_hash
    assert (again.gas_key, again.chain.sealer) == (first.gas_key, first.chain.sealer)
    assert again.gas_key != again.chain.sealer
    again.chain.close()


@pytest.mark.parametrize("step", ["first key", "second key", "genesis"])
def test_a_start_that_was_killed_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Killed(BaseException):
        pass

    honest, made = keystore.create, []

    def dying_create(path: Path, passphrase: bytes) -> keystore.ChainKey:
        made.append(path)
        if step == ("first key", "second key")[len(made) - 1]:
            raise Killed
        return honest(path, passphrase)

    def dying_chain(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedChain, "create", dying_chain)
        if step != "genesis":
            patch.setattr(keystore, "create", dying_create)
        with pytest.raises(Killed):
            start(tmp_path)
    started = start(tmp_path)
    assert started.chain.head().block_number == 0
    started.chain.close()
    start(tmp_path).chain.close()


def test_a_lost_key_of_a_chain_that_was_begun_is_not_replaced(tmp_path: Path) -> None:
    start(tmp_path).chain.close()
    (tmp_path / "sealer.json").unlink()
    with pytest.raises(KeystoreError, match=r"no keystore at .*sealer\.json"):
        start(tmp_path)


def test_the_wrong_passphrase_log_or_a_second_owner_is_refused(tmp_path: Path) -> None:
    started = start(tmp_path)
    with pytest.raises(ChainLocked):
        start(tmp_path)
    started.chain.close()
    with pytest.raises(KeystoreError, match="does not open"):
        start(tmp_path, passphrase=b"wrong")
    with pytest.raises(ChainMismatch, match="another log"):
        start(tmp_path, identity=ChainIdentity("other.example/log", LOG_KEY))
    start(tmp_path).chain.close()
