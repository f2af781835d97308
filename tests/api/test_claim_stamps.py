"""The service's timestamps on claim signatures: files that outlive their signer, and files that are issued without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anchors.timestamps.folder import create_folder, open_authority
from anchors.timestamps.server import AuthorityServer
from api.services.claim_stamps import AHEAD, ClaimStamps, asking
from tallystick import c2pa
from tallystick.base64s import to_base64
from tallystick.c2pa import C2paVerdict, CredentialRefused
from tallystick.errors import TallystickError
from tallystick.times import format_time
from tallystick.trust import TimeAuthority, Trust
from tests.anchors.timestamps.conftest import serving
from tests.api.desk import PNG, Desk, told
from tests.api.house import open_house
from tests.api.test_file_receipts import update_of
from tests.api.test_licence_files import card_of, original_of
from tests.api.test_orders import cards_of, done, grants, ordered
from tests.core.c2pa.test_stamps import ROOT, TSA
from tests.core.timestamp.forge import Recipe, token
from tests.world import START

AFTER = datetime(2034, 1, 1, tzinfo=UTC)


@dataclass
class Town:
    """A service that asks its operator's own authority over HTTP."""

    desk: Desk
    folder: Path

    @property
    def issuer(self) -> Any:
        return self.desk.house.services.licence_files._issuer

    @property
    def expired(self) -> datetime:
        """A year after the claim signer's certificate has run out."""
        return self.issuer.signer.chain[0].not_valid_after_utc + timedelta(days=365)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("authorities")
    create_folder(folder / "own", "the studio's", None, datetime.fromtimestamp(START - 60, UTC))
    with ExitStack() as stack:
        own = stack.enter_context(open_authority(folder / "own", None, lambda: START * 1_000_000))
        url = stack.enter_context(serving(AuthorityServer(("127.0.0.1", 0), own, b"")))
        (folder / "authorities.toml").write_text(f'[own]\nurl = "{url}"\nroots = "own/root.pem"\n')
        place = tmp_path_factory.mktemp("house")
        house = stack.enter_context(open_house(place, timestamps=folder / "authorities.toml"))
        yield Town(Desk(house, house.party("studio"), house.party("licensee")), folder)


def judged(data: bytes, trust: Trust, at: datetime, media_type: str = PNG, sidecar: bytes | None = None) -> C2paVerdict:
    """As a stranger with that trust file does."""
    roots, others = c2pa.roots_of(trust)
    return c2pa.judge(c2pa.read(data, media_type, sidecar), roots, at, others)


def code(data: bytes, trust: Trust, at: datetime) -> str:
    with pytest.raises(CredentialRefused) as refused:
        judged(data, trust, at)
    return refused.value.code


def without(trust: Trust) -> Trust:
    return believing(trust)


def believing(trust: Trust, *authorities: TimeAuthority) -> Trust:
    """The same trust file with other authorities in it."""
    return replace(trust, file=replace(trust.file, tsa_roots=authorities))


def card(town: Town) -> tuple[bytes, dict[str, Any]]:
    licence, _ = town.desk.licence()
    answer = told(town.desk.studio.post(f"/v1/licences/{licence}/card", {}))
    return town.desk.studio.get(f"/v1/licences/{licence}/card").content, answer["dated"]


def test_a_card_outlives_its_signer(town: Town) -> None:
    data, dated = card(town)
    assert dated == {"authority": "own", "time": format_time(START), "missing": None}
    trust = town.desk.trust
    [manifest] = judged(data, trust, town.expired).manifests
    assert manifest.proven is not None
    # Its latest time: the authority is accurate to a second.
    assert (int(manifest.proven.time.timestamp()), manifest.proven.authority) == (START + 1, "own")
    assert code(data, without(trust), town.expired) == "signer.expired"


def test_the_operators_own_authority_is_never_independent(town: Town) -> None:
    """Whatever a trust file says of it: its tokens bear the mark of an operator's own."""
    data, _ = card(town)
    trust = town.desk.trust
    flattered = believing(trust, *(replace(one, independent=True) for one in trust.file.tsa_roots))
    verdict = judged(data, flattered, town.expired)
    assert [one.proven and one.proven.independent for one in verdict.manifests] == [False]
    assert any("not independent of the operator" in one for one in verdict.problems)


def test_an_original_is_dated_too(town: Town) -> None:
    licence, data = town.desk.licence()
    answer = original_of(town.desk, licence, data, PNG)
    assert answer.headers["x-tallystick-dated"].endswith("Z own")
    assert judged(answer.content, town.desk.trust, town.expired).manifests[0].proven is not None
    sidecar = original_of(town.desk, town.desk.grant(*(found := town.desk.picture())), found[1], "model/vnd.usd")
    verdict = judged(found[1], town.desk.trust, town.expired, "model/vnd.usd", sidecar.content)
    assert verdict.manifests[0].proven is not None


def test_where_nobody_answers_a_file_is_issued_and_dated_later(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = town.desk.house.services.clock, list[bytes]()

    def silence(message: bytes) -> tuple[bytes, int]:
        asked.append(message)
        raise TallystickError("no answer: it is night")

    with monkeypatch.context() as night:
        night.setattr(town.issuer, "stamps", ClaimStamps([("own", silence)], clock))
        data, dated = card(town)
        assert (dated["authority"], dated["missing"]) == (None, "own: no answer: it is night")
        again, dated = card(town)
        assert dated["missing"] == "own did not answer lately: no answer: it is night"
        assert len(asked) == 1, "it is left in peace for a while"
        undated = update_of(town.desk, again)
        assert undated.headers["x-tallystick-dated"].startswith("none: own did not answer lately")
    trust, now = town.desk.trust, datetime.fromtimestamp(START, UTC)
    for file in (data, again, undated.content):
        assert judged(file, trust, now).manifests[-1].proven is None
        assert code(file, trust, town.expired) == "signer.expired"
    # In the morning: of what was never updated, and of what was.
    for file in (data, undated.content):
        later = update_of(town.desk, file)
        assert later.headers["x-tallystick-dated"].endswith("Z own")
        assert all(one.proven is not None for one in judged(later.content, trust, town.expired).manifests)
        assert code(later.content, without(trust), town.expired) == "signer.expired"


def test_a_card_of_an_order_is_dated_when_somebody_asks(town: Town) -> None:
    """An order asks no authority, a thousand cards a thousand times: a receipt dates those for which it is needed."""
    ordered(town.desk, "undated", grants(town.desk, 2))
    done(town.desk.studio, "undated")
    first, second = cards_of(town.desk.studio, "undated").values()
    trust = town.desk.trust
    later = update_of(town.desk, first)
    assert later.headers["x-tallystick-dated"].endswith("Z own")
    for undated in (first, second):
        assert judged(undated, trust, datetime.fromtimestamp(START, UTC)).manifests[-1].proven is None
        assert code(undated, trust, town.expired) == "signer.expired"
    dated = judged(later.content, trust, town.expired)
    assert [one.proven and one.proven.authority for one in dated.manifests] == ["own", "own"]


OBSERVATORY = TimeAuthority("observatory", to_base64(ROOT.der), True)


@pytest.mark.parametrize(
    ("change", "trusted"),
    [
        ({"message": b"another signature"}, OBSERVATORY),
        ({"gen_time": AFTER}, OBSERVATORY),
        ({}, None),
    ],
    ids=["over another signature", "after expiry", "by an untrusted authority"],
)
def test_a_stamp_that_proves_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], trusted: TimeAuthority | None
) -> None:
    """Of an authority that the service let pass: the reader does not."""

    def stamps(**changed: Any) -> ClaimStamps:
        def ask(message: bytes) -> tuple[bytes, int]:
            facts = {"signer": TSA, "message": message, "gen_time": datetime.fromtimestamp(START, UTC), **changed}
            return token(Recipe(**facts)), START * 1_000_000

        return ClaimStamps([("observatory", ask)], town.desk.house.services.clock)

    files = []
    for changed in (change, {}):
        with monkeypatch.context() as patched:
            patched.setattr(town.issuer, "stamps", stamps(**changed))
            files.append(card(town)[0])
    wrong, good = files
    later = town.expired.replace(year=2040)
    assert town.expired < AFTER < TSA.certificate.not_valid_after_utc
    authorities = () if trusted is None else (trusted,)
    assert code(wrong, believing(town.desk.trust, *authorities), later) == "signer.expired"
    verdict = judged(good, believing(town.desk.trust, OBSERVATORY), later)
    assert [one.proven and one.proven.independent for one in verdict.manifests] == [True]


def test_an_authority_ahead_of_our_clock_is_waited_for_or_left_out() -> None:
    """A bundle judges a file as of its entry: a token of a second later would be of the future there."""
    now = START

    def ahead(seconds: int) -> ClaimStamps:
        return ClaimStamps([("fast", lambda message: (b"token", (START + seconds) * 1_000_000))], lambda: now)

    stamp = ahead(AHEAD).begin()
    assert (stamp(b"x"), stamp.dated.authority) == (b"token", "fast")
    far = ahead(AHEAD + 1).begin()
    assert (far(b"x"), far.dated.missing) == (None, f"fast: its clock is more than {AHEAD} s ahead of ours")


async def _waited(stamp: Any) -> None:
    await stamp.passed()


def test_a_file_is_logged_when_its_token_is_of_the_past() -> None:
    import asyncio

    ticks = iter(range(1000))
    stamps = ClaimStamps([("fast", lambda message: (b"token", 2 * 1_000_000 + 1))], lambda: next(ticks))
    stamp = stamps.begin()
    assert stamp(b"x") == b"token"
    asyncio.run(_waited(stamp))
    assert next(ticks) == 4, "asked until it said three"


def test_nobody_is_named() -> None:
    stamp = asking((), lambda: START).begin()
    assert stamp(b"x") is None
    assert stamp.dated.missing == "no timestamp authority is named here (TALLYSTICK_TIMESTAMPS)"


def test_a_service_without_authorities_says_so(desk: Desk) -> None:
    licence, _ = desk.licence()
    issued = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    assert issued["dated"]["missing"] == "no timestamp authority is named here (TALLYSTICK_TIMESTAMPS)"
    assert c2pa.read(card_of(desk, licence), PNG).manifest.signature.stamps == ()
