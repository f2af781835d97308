"""Keys of the log are replaced by one command; the service goes on, and what people have stays proved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from anchors.outbox import Outbox
from api.__main__ import main
from api.folders import DataBusy
from api.founding import Misplaced
from api.keyring import ROLES
from api.rotation import RETIRED, NotRotated, rotate
from api.settings import Settings
from ledger.errors import WrongLog
from ledger.folder import Folder
from ledger.upkeep.fsck import fsck
from tallystick.events.log import Role
from tallystick.identifiers import Letter
from tallystick.licence.check import CheckRequest, check_licence
from tallystick.licence.file import read_licence_file
from tallystick.licence.question import parse_question
from tallystick.licence.staple import decode_staple
from tallystick.licence.status_list import FreshnessPolicy
from tallystick.trust import Trust
from tallystick.verify import Report, verify_case
from tests.api.desk import Desk, anchoring
from tests.api.house import House, open_house, problem
from tests.api.test_sharing import address
from tests.golden.conftest import unpack
from tests.postgres import dsn, postgres
from tests.world import START

__all__ = ["dsn", "postgres"]

ROTATING: tuple[Role, ...] = ("log", "log-pq", "registrar", "service", "exporter", "status", "authority")
HOUR = 3600


@contextmanager
def service(folder: Path, clock: int) -> Iterator[House]:
    with open_house(folder, clock) as house:
        yield house


def replaced(folder: Path, role: Role, clock: int) -> int:
    return rotate(Settings(data=folder), role, lambda: clock).position


def proved(bundle: bytes, trust: Trust, at: int) -> Report:
    import io

    return verify_case(io.BytesIO(bundle), trust, at)


def case(desk: Desk, subject: str, data: bytes) -> bytes:
    """An anchored case of an object."""
    with anchoring(desk) as driver:
        driver.anchor()
    return desk.export(desk.studio, "object", subject, originals={"picture.png": data}).content


def desk_of(house: House, before: Desk | None = None) -> Desk:
    """A desk in a service that was started again: the same parties, by the tokens that they have."""
    if before is None:
        return Desk(house, house.party("studio"), house.party("licensee"))
    parties = {name: type(one)(one.who, one.token, house.http) for name, one in vars(before).items() if name in PARTIES}
    return Desk(house, **parties, shades=before.shades)


PARTIES = ("studio", "licensee")


def asked(card: Path, trust: Trust, staple: bytes, house: House) -> str:
    """What a licence check answers under a trust file of the asker's own."""
    at = house.world.now()
    request = CheckRequest(parse_question("play in DE on streaming"), at, FreshnessPolicy(86_400))
    return check_licence(read_licence_file(card, trust, at), trust.logs, request, decode_staple(staple)).answer


def test_everything_goes_on_under_new_keys(tmp_path: Path) -> None:
    with service(tmp_path, START) as house:
        desk = desk_of(house)
        picture, data = desk.picture()
        licence = desk.grant(picture, data)
        card = desk.studio.post(f"/v1/licences/{licence}/card", {})
        assert card.status_code == 201, card.text
        (tmp_path / "card.png").write_bytes(desk.licensee.get(f"/v1/licences/{licence}/card").content)
        old_case, old_trust = case(desk, picture, data), desk.trust
        assert proved(old_case, old_trust, START + HOUR).verdict == "proved"
    for hours, role in enumerate(role for role in ROTATING if role != "exporter"):
        replaced(tmp_path, role, START + HOUR * (1 + hours))
    with service(tmp_path, now := START + 10 * HOUR) as house:
        desk = desk_of(house, desk)
        keys = house.http.get("/v1/keys").json()["keys"]
        assert [one["role"] for one in keys if one["last"] is None] == list(ROLES)
        gone = [one for one in keys if one["last"]]
        assert sorted(one["role"] for one in gone) == sorted(set(ROTATING) - {"exporter"})
        log_keys = [one for one in keys if one["role"] == "log"]
        assert log_keys[0]["first"]["position"] == log_keys[1]["last"]["position"] + 1
        assert log_keys[1]["first"] == {"position": 0, "time": "2026-02-01T00:00:00Z"}
        new_case, new_trust = case(desk, picture, data), desk.trust
        assert (new_trust.file.v, len(new_trust.file.logs[0].replaced or ())) == (4, len(ROTATING) - 1)
        for bundle in (old_case, new_case):
            for trust in (old_trust, new_trust):
                report = proved(bundle, trust, now + HOUR)
                assert report.verdict == "proved", [claim for claim in report.claims if claim.outcome != "proved"]
        staple = desk.staple(licence)
        assert desk.check(tmp_path / "card.png", staple=staple).answer == "valid"
        assert asked(tmp_path / "card.png", old_trust, staple, house) == "cannot_tell", "neither names the new keys"
        picture_later, data_later = desk.picture()
        card_later = desk.grant(picture_later, data_later)
        assert desk.studio.post(f"/v1/licences/{card_later}/card", {}).status_code == 201
        (tmp_path / "later.png").write_bytes(desk.licensee.get(f"/v1/licences/{card_later}/card").content)
        staple = desk.staple(card_later)
        assert desk.check(tmp_path / "later.png", staple=staple).answer == "valid"
        # The card shows the rotations: two keys that the old trust file names signed each.
        assert asked(tmp_path / "later.png", old_trust, staple, house) == "valid"
    replaced(tmp_path, "exporter", now + HOUR)
    with service(tmp_path, now + 2 * HOUR) as house:
        desk = desk_of(house, desk)
        last_case, last_trust = case(desk, picture, data), desk.trust
        assert proved(last_case, last_trust, now + 3 * HOUR).verdict == "proved"
        assert proved(new_case, last_trust, now + 3 * HOUR).verdict == "proved", "both exporters are named"
        assert proved(last_case, new_trust, now + 3 * HOUR).refused_at == 2, "the new one must be"
    assert fsck(Folder(tmp_path / "log")).findings == ()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("begun") / "data"
    with service(folder, START):
        pass
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(begun, tmp_path / "data"))


def starts(folder: Path) -> None:
    with service(folder, START + 2 * HOUR) as house:
        assert house.http.get("/v1/status").status_code == 200


@pytest.mark.parametrize("role", ["log", "service"])
@pytest.mark.parametrize("step", ["before the entry", "after the entry", "before the old key is put away"])
def test_a_rotation_that_was_cut_short_is_finished_by_repeating_it(
    folder: Path, role: Role, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = folder / "keys"

    def cut(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    import api.rotation

    with monkeypatch.context() as patch:
        if step == "before the entry":
            patch.setattr(api.rotation, "rotate_key", cut)
        elif step == "after the entry":
            patch.setattr(api.rotation, "_put_in_place", cut)
        else:
            # The new key has its name; the copy of the old one is not on the disk yet.
            synced = iter([None])
            patch.setattr(api.rotation, "sync_folder", lambda path: next(synced) if path == keys else cut())
        with pytest.raises(KeyboardInterrupt):
            replaced(folder, role, START + HOUR)
    if step == "before the entry":
        starts(folder)
    else:
        with pytest.raises((WrongLog, Misplaced), match="cut short"):
            starts(folder)
    before = (keys / f"{role}.next.pem").read_bytes()
    replaced(folder, role, START + HOUR)
    assert (keys / f"{role}.pem").read_bytes() == before, "the key that was made at first"
    assert len(list((keys / RETIRED).glob(f"{role}-*.pem"))) == 1
    starts(folder)
    assert fsck(Folder(folder / "log")).findings == ()


def test_what_a_client_repeats_keeps_its_place(folder: Path) -> None:
    """The service signs with another key than the first time; what counts is who said what under which id."""
    body = {"target": "", "claim": "ownership"}
    with service(folder, START) as house:
        desk = desk_of(house)
        body["target"], _ = desk.picture()
        subject = house.world.identifier(Letter.DISPUTE)
        first = desk.studio.submit("dispute.open", body, event_id="once", subject=subject)
        assert first.status_code == 201
    for role in ("service", "log", "registrar"):
        replaced(folder, role, START + HOUR)  # type: ignore[arg-type]
    with service(folder, START + 2 * HOUR) as house:
        studio = desk_of(house, desk).studio
        again = studio.submit("dispute.open", body, event_id="once", subject=subject)
        assert (again.status_code, again.json()["position"]) == (200, first.json()["position"])
        for name in ("admitted_at", "statement_id"):
            assert again.json()[name] == first.json()[name]
        other = studio.submit("dispute.open", {**body, "claim": "authorship"}, event_id="once", subject=subject)
        assert problem(other)[:2] == (409, "conflict")
        house.registrar.record("log.freeze", {"reason": "closure"})
        still = studio.submit("dispute.open", body, event_id="once", subject=subject)
        assert (still.status_code, still.json()["position"]) == (200, first.json()["position"]), (
            "also of a log that ended"
        )


def test_not_while_the_service_runs(folder: Path) -> None:
    with service(folder, START + HOUR), pytest.raises(DataBusy):
        replaced(folder, "log", START + HOUR)


def test_a_contract_that_cannot_hand_over_keeps_its_authority(tmp_path: Path) -> None:
    """The kept service began with AnchorRegistry 1; nothing was written when that is said."""
    kept = unpack("1", tmp_path / "data")
    with pytest.raises(NotRotated, match="AnchorRegistry 1, which cannot hand a log over"):
        replaced(kept.data, "authority", kept.at + HOUR)
    assert (kept.data / "keys" / "authority.pem").exists()
    starts(kept.data)


def test_the_contract_follows_to_the_new_authority(tmp_path: Path) -> None:
    with service(tmp_path, START) as house:
        desk = desk_of(house)
        picture, data = desk.picture()
        first_trust = desk.trust
        old = facts(case(desk, picture, data), first_trust)
    replaced(tmp_path, "authority", START + HOUR)
    replaced(tmp_path, "authority", START + 2 * HOUR)
    with service(tmp_path, START + 3 * HOUR) as house:
        desk = desk_of(house, desk)
        bundle = case(desk, picture, data)
        new = facts(bundle, desk.trust)
        # Whoever trusts the first keys follows by the rotations that the bundle shows.
        assert facts(bundle, first_trust) == new
        assert min(one["size"] for one in new) > max(one["size"] for one in old)
        with closing(Outbox(house.services.settings.outbox)) as outbox:
            (target,) = outbox.targets()
            handovers = outbox.handovers(target.id)
        assert [one.done_at is not None for one in handovers] == [True, True]
        assert handovers[0].successor == handovers[1].predecessor
        assert target.spec.authority == handovers[0].predecessor


def facts(bundle: bytes, trust: Trust) -> list[dict[str, Any]]:
    """Of every anchor of a proved case."""
    report = proved(bundle, trust, START + 10 * HOUR)
    assert report.verdict == "proved", [claim for claim in report.claims if claim.outcome != "proved"]
    return list(report.facts["anchors"])


def test_a_log_of_version_1_takes_the_new_rules_first(tmp_path: Path) -> None:
    kept = unpack("1", tmp_path / "data")
    with pytest.raises(NotRotated, match=r"have the registrar record a log\.policy of version 2 first"):
        replaced(kept.data, "log", kept.at + HOUR)
    assert list((kept.data / "keys").glob("*.next.pem")) == []
    with service(kept.data, kept.at + HOUR) as house:
        body = {"rules": "tallystick-admission", "version": 2}
        assert house.registrar.submit("log.policy", body).status_code == 201
        back = house.registrar.submit("log.policy", {**body, "version": 1})
        assert problem(back)[1:] == ("policy-too-old", "body.version")
    replaced(kept.data, "log", kept.at + 2 * HOUR)
    starts(kept.data)


def test_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TALLYSTICK_DATA", str(folder))
    assert main(["rotate", "status"]) == 0
    assert "the status key" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["rotate", "everything"])
    assert "invalid choice: 'everything'" in capsys.readouterr().err


def test_a_log_that_several_services_share(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = address(dsn)
    monkeypatch.setenv("TALLYSTICK_DATA", str(tmp_path))
    monkeypatch.setenv("TALLYSTICK_DATABASE", database)
    with open_house(tmp_path, START, database=database) as house:
        assert house.http.get("/v1/keys").status_code == 200
    for role in ("log", "service"):
        assert main(["rotate", role]) == 0, capsys.readouterr().err
    with open_house(tmp_path, START, database=database) as house:
        keys = house.http.get("/v1/keys").json()["keys"]
        assert [one["role"] for one in keys if one["last"]] == ["log", "service"]
        desk_of(house).picture()
