"""A service whose log has ended still answers, and says so; a new one succeeds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.founding import PREDECESSOR, Misplaced
from api.settings import read_settings
from ledger.errors import BadSource
from ledger.folder import Folder
from ledger.succession import NotEnded
from ledger.upkeep.fsck import fsck
from tallystick.events.licence import LicenceStatus
from tests.api.desk import Desk, told
from tests.api.house import open_house, problem
from tests.api.test_scitt import concise, register
from tests.world import START

OLD, NEW = "log.example/old", "log.example/new"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose log has ended, and its trust file beside it."""
    folder = tmp_path_factory.mktemp("old")
    with open_house(folder / "data", origin=OLD) as house:
        (folder / "trust.json").write_bytes(house.http.get("/v1/trust").content)
        (folder / "goes-on.json").write_bytes(house.http.get("/checkpoint").content)
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        picture, _ = desk.picture()
        body = {"reason": "successor", "successor": NEW}
        assert problem(desk.studio.submit("log.freeze", body))[:2] == (403, "not-entitled")
        told = house.registrar.submit("log.freeze", body)
        assert told.status_code == 201, told.text
        desk.publish()
        last = house.http.get("/checkpoint").content
        refused = desk.studio.submit("dispute.open", {"target": picture, "claim": "ownership"})
        assert problem(refused)[:2] == (409, "log-frozen")
        status = house.http.get("/v1/status").json()
        assert status["ended"] == {"position": told.json()["position"], "reason": "successor", "successor": NEW}
        assert (status["predecessor"], status["size"]) == (None, told.json()["position"] + 2)
        for language, word in (("en", "nothing enters this log any more"), ("zh", "本日志不再接受条目")):
            page = house.http.get(f"/?lang={language}").text
            assert word in page
            assert NEW in page
        assert house.http.get(f"/v1/subjects/{picture}").status_code == 200
        assert desk.export(desk.studio, "object", picture).status_code == 200
        assert house.http.get("/checkpoint").content == last
    return folder


def test_a_successor_says_whom_it_succeeds(old: Path, tmp_path: Path) -> None:
    given = {"origin": NEW, "predecessor": str(old / "data" / "log"), "predecessor_trust": old / "trust.json"}
    for _ in range(2):
        with open_house(tmp_path, START + 60, **given) as house:
            status = house.http.get("/v1/status").json()
            assert (status["predecessor"], status["ended"]) == (OLD, None)
            assert OLD in house.http.get("/").text
            body = house.http.get("/v1/events/2").json()["body"]
            kept = (tmp_path / "keys" / PREDECESSOR).read_text()
            assert kept.splitlines()[:2] == [OLD, str(body["size"])]
        given = {"origin": NEW}  # the second start needs them no more
    assert fsck(Folder(tmp_path / "log")).findings == ()


@pytest.mark.parametrize("what", ["no trust file", "another origin", "another log", "a log that goes on"])
def test_what_is_no_predecessor_of_this_log(old: Path, tmp_path: Path, what: str) -> None:
    given = {"origin": NEW, "predecessor": str(old / "data" / "log"), "predecessor_trust": old / "trust.json"}
    expected: type[Exception] = NotEnded
    if what == "no trust file":
        given, expected = {**given, "predecessor_trust": None}, Misplaced
    elif what == "another origin":
        given["origin"] = "log.example/thief"
    else:
        with open_house(tmp_path / "other", origin="log.example/other") as house:
            trust = tmp_path / "other.json"
            trust.write_bytes(house.http.get("/v1/trust").content)
        if what == "another log":
            given, expected = {**given, "predecessor_trust": trust}, BadSource
        else:
            given |= {"predecessor": str(tmp_path / "other" / "log"), "predecessor_trust": trust}
    with pytest.raises(expected), open_house(tmp_path / "new", START + 60, **given):
        pass
    assert not Folder(tmp_path / "new" / "log").database.exists(), "nothing was begun"


def test_the_settings() -> None:
    settings = read_settings(
        {"TALLYSTICK_PREDECESSOR": "https://log.example/", "TALLYSTICK_PREDECESSOR_TRUST": "t.json"}
    )
    assert (settings.predecessor, settings.predecessor_trust) == ("https://log.example/", Path("t.json"))


def test_a_stranger_says_nothing_again_in_the_successor(tmp_path: Path) -> None:
    """Every entry of the old log is public: it would choose a grant of them, and leave out that it was revoked."""
    with open_house(tmp_path / "old", origin=OLD) as house:
        desk, world = Desk(house, house.party("studio"), house.party("licensee")), house.world
        made = world.object(desk.studio.who)
        grant = world.licence(made.event.subject)
        grant = world.say(desk.studio.who, "licence.grant", grant.event.subject, grant.event.body, world.terms("-"))
        ended = LicenceStatus("revoke", "breach", world.now())
        said = [made, grant, world.say(desk.studio.who, "licence.status", grant.event.subject, ended)]
        places = [int(told(desk.studio.state(one))["position"]) for one in said]
        public = [house.http.get(f"/v1/entries/{at}").content for at in places]
    with open_house(tmp_path / "new", START + 86_400, origin=NEW) as house:
        studio, rival = house.party("studio"), house.party("studio")
        assert studio.who.id == desk.studio.id
        for headers in ({}, {"Authorization": f"Bearer {rival.token}"}):
            for entry in public:
                answer = register(house.http, entry, **headers)
                assert concise(answer) == (400, "Rejected", "forbidden")
        assert house.http.get(f"/v1/subjects/{made.event.subject}").status_code == 404
        # What it says here is taken from whoever brings it, and what it brings itself in whatever way.
        # (A world draws the same names each time: past those that the old one drew.)
        here = register(house.http, [house.world.object(studio.who) for _ in range(9)][-1].entry)
        assert here.status_code == 201
        assert register(house.http, public[0], Authorization=f"Bearer {studio.token}").status_code == 201
        again = register(house.http, public[0])
        assert (again.status_code, again.headers["location"] != here.headers["location"]) == (201, True)
        assert studio.state(grant).status_code == 201


def test_a_clock_that_is_a_little_late_is_no_other_log(tmp_path: Path) -> None:
    with open_house(tmp_path, START) as house:
        studio = house.party("studio")
        for behind, status in ((300, 201), (301, 400)):
            house.world.clock = START - behind
            said = house.world.object(studio.who)
            house.world.clock = START
            assert register(house.http, said.entry).status_code == status
