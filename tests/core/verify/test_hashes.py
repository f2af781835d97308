"""What is hashed beforehand (decision 0055): it saves work, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.case import Case
from tallystick.evm import keccak
from tallystick.verify import hashes
from tests.core.verify.kit import Kit


@pytest.fixture(scope="module")
def bundle(kit: Kit) -> bytes:
    return kit.bundle()


def test_a_case_is_hashed_in_two_rounds(kit: Kit, bundle: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five blocks of the longest message, and one of what holds digests: no step has anything else to reckon."""
    once, abreast = keccak._permute, list[int]()
    first = kit.verify(bundle)
    monkeypatch.setattr(keccak, "_permute", lambda state, ones: abreast.append(ones.bit_count()) or once(state, ones))
    assert kit.verify(bundle) == first
    assert first.verdict == "proved"
    assert len(abreast) == 6


def test_lists_that_lack_everything_change_nothing(kit: Kit, bundle: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kit.verify(bundle)

    def strange(case: Case) -> Iterator[bytes]:
        yield b"nobody asks for this"

    monkeypatch.setattr(hashes, "_first", strange)
    monkeypatch.setattr(hashes, "_next", strange)
    assert kit.verify(bundle) == first
    assert first.verdict == "proved"
