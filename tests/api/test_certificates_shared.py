"""Certificates of a log in PostgreSQL: the registrar's numbers, and names that a database's text cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.desk import Desk, told
from tests.api.house import open_house, problem
from tests.api.test_certificate_life import TEMPLATE, ask
from tests.api.test_sharing import address
from tests.postgres import Server as Postgres
from tests.postgres import postgres

__all__ = ["postgres"]


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as found:
        yield address(found)


@pytest.fixture(scope="module")
def shared(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("shared") / "data"
    with open_house(folder, database=database, certificate_numbers=TEMPLATE) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


def post(desk: Desk, asked: dict[str, Any]) -> Any:
    return desk.house.registrar.post("/v1/certificates", asked)


def test_the_scheme_on_postgresql_gives_each_its_number_without_a_gap(shared: Desk) -> None:
    asked = [ask(shared) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        answers = [one.result(timeout=120) for one in [pool.submit(post, shared, one) for one in (*asked, *asked)]]
    assert {one.status_code for one in answers} <= {200, 201}
    numbers = [one.json()["number"] for one in answers]
    assert sorted(int(one[-8:]) for one in set(numbers)) == [1, 2, 3, 4, 5]
    assert numbers[:5] == numbers[5:], "the same request is the same certificate"


def test_a_number_that_another_service_took_is_passed_on(shared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and recording; in PostgreSQL the refusal is the sequencer's, in its transaction."""
    service, rival, category = shared.house.services.certificates, ask(shared), "F"
    look, taken = service._number_for, list[str]()

    def slow(party: str, asked: Any) -> Any:
        found = look(party, asked)
        if not taken:
            taken.append(found[0])
            body = {"object": rival["object"], "number": found[0]}
            shared.house.registrar.record("certificate.issue", body, private={"title": "of another"})
        return found

    monkeypatch.setattr(service, "_number_for", slow)
    given = told(post(shared, ask(shared, category=category)))
    assert (taken[0][-10:], given["number"][-10:]) == ("F-00000001", "F-00000002")


def test_the_sequence_is_found_again_by_who_counted_nothing(shared: Desk) -> None:
    """No counter stands beside the log: a service that begins anew finds the next number in the database."""
    asked = ask(shared, category="R")
    first = told(post(shared, asked))["number"]
    service = shared.house.services.certificates
    assert service._numbering is not None
    service._numbering._known.clear()
    assert told(post(shared, asked), 200)["number"] == first
    assert told(post(shared, ask(shared, category="R")))["number"][-1] == str(int(first[-1]) + 1)


@pytest.mark.parametrize("name", ["%00", "2026%00F", "10.5555%2FR-0000-0000-0000-0000-1%00"])
def test_a_name_that_no_database_holds_was_never_issued(shared: Desk, name: str) -> None:
    """PostgreSQL has no NUL in a text, and its driver refuses one in a way of its own."""
    answer = shared.house.http.get(f"/v1/certificates/{name}/standing")
    assert problem(answer) == (404, "not-found", "certificate")
    assert shared.house.http.get(f"/certificates/{name}").status_code == 404
