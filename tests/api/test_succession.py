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
from tests.api.desk import Desk
from tests.api.house import open_house, problem
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
