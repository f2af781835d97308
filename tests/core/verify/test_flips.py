"""Every byte of the bundle flipped as it is; bytes of members flipped and signed again by the real exporter."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.verify.kit import Kit
from tests.core.verify.mutate import Members, flipped
from tests.core.verify.test_attacks import honest

SLICES = 8
SAMPLE = 25


@pytest.mark.parametrize("part", range(SLICES))
def test_every_byte_of_the_bundle(part: int, kit: Kit) -> None:
    """As it is: steps 1 and 2 refuse each flip, and say so."""
    bundle, trust = kit.bundle(), kit.trust()
    draw = random.Random(part)
    for at in range(part, len(bundle), SLICES):
        report = kit.verify(flipped(bundle, at, draw.randrange(1, 256)), trust)
        assert report.refused_at in (1, 2), at
        assert report.verdict != "proved", at
        assert "proved" not in {claim.outcome for claim in report.claims}, at


def expect_refused(kit: Kit, members: Members, name: str, at: int, mask: int) -> None:
    changed = {**members, name: flipped(members[name], at, mask)}
    report = kit.verify(kit.bundle(changed))
    assert report.verdict != "proved", (name, at, mask)
    assert report.refused_at is not None, (name, at, mask)


def spots(members: Members, draw: random.Random, per_member: int) -> Iterator[tuple[str, int, int]]:
    for name, data in members.items():
        for at in sorted(draw.sample(range(len(data)), min(per_member, len(data)))):
            yield name, at, draw.randrange(1, 256)


@pytest.mark.parametrize("part", range(SLICES))
def test_a_sample_of_each_member_signed_again(part: int, kit: Kit) -> None:
    members = honest(kit)
    for name, at, mask in list(spots(members, random.Random(7), SAMPLE))[part::SLICES]:
        expect_refused(kit, members, name, at, mask)


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(64))
def test_every_byte_of_each_member_signed_again(part: int, kit: Kit) -> None:
    members = honest(kit)
    for name, at, mask in list(spots(members, random.Random(8), 1 << 30))[part::64]:
        expect_refused(kit, members, name, at, mask)


@settings(max_examples=150)
@given(data=st.data())
def test_splices_signed_again_are_never_proved_and_never_crash(data: st.DataObject, kit: Kit) -> None:
    """Bytes cut out, put in, or taken from another member; the exporter signs whatever comes of it."""
    members = honest(kit)
    name = data.draw(st.sampled_from(sorted(members)))
    donor = members[data.draw(st.sampled_from(sorted(members)))]
    old = members[name]
    start = data.draw(st.integers(0, len(old)))
    end = data.draw(st.integers(start, min(len(old), start + 200)))
    taken = data.draw(st.integers(0, len(donor)))
    put = data.draw(st.one_of(st.binary(max_size=40), st.just(donor[taken : taken + 64])))
    new = old[:start] + put + old[end:]
    report = kit.verify(kit.bundle({**members, name: new}))
    assert (report.verdict == "proved") == (new == old)
