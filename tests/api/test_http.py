"""Every answer: problems as RFC 9457, limits, headers, and documents that need no Internet."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin

import pytest

from api.app import MAX_BODY_BYTES
from api.routes.page import WORDS, choose
from tests.api.house import House, Party, problem
from tests.api.test_submission import picture


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v2/events", "/docs/nothing"])
def test_an_unknown_path_is_a_problem(house: House, path: str) -> None:
    assert problem(house.http.get(path)) == (404, "not-found", None)


def test_a_wrong_method_is_a_problem_that_names_the_right_one(house: House) -> None:
    answer = house.http.delete("/v1/status")
    assert problem(answer) == (405, "method-not-allowed", None)
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer ts_wrong"}, {"Authorization": "Basic dTpw"}, {"Authorization": "Bearer"}]
)
def test_without_a_good_token(house: House, headers: dict[str, str]) -> None:
    event = {"type": "object.register", "body": picture()}
    answer = house.http.post("/v1/events", json=event, headers=headers)
    assert problem(answer) == (401, "unauthenticated", None)
    assert answer.headers["www-authenticate"] == 'Bearer realm="tallystick"'


def test_a_wrong_token_is_refused_even_where_none_is_needed(house: House) -> None:
    answer = house.http.get("/v1/events", headers={"Authorization": "Bearer ts_wrong"})
    assert problem(answer) == (401, "unauthenticated", None)


def test_a_revoked_token_opens_nothing(house: House, studio: Party) -> None:
    issued = house.registrar.post("/v1/tokens", {"party": studio.id, "scopes": ["submit"]}).json()
    bearer = {"Authorization": f"Bearer {issued['token']}"}
    assert house.http.get("/v1/events", headers=bearer).status_code == 200
    registrar = {"Authorization": f"Bearer {house.registrar.token}"}
    assert house.http.delete(f"/v1/tokens/{issued['id']}", headers=registrar).status_code == 204
    assert problem(house.http.get("/v1/events", headers=bearer)) == (401, "unauthenticated", None)
    assert problem(house.http.delete(f"/v1/tokens/{issued['id']}", headers=registrar)) == (404, "not-found", "id")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"party": "10.5555/P-0000-0000-0000-0000-2", "scopes": []}, (404, "not-found", "party")),
        ({"party": "log", "scopes": []}, (404, "not-found", "party")),
        ({"scopes": []}, (422, "malformed", "party")),
    ],
)
def test_tokens_are_for_registered_parties(house: House, body: object, expected: tuple[int, str, str]) -> None:
    assert problem(house.registrar.post("/v1/tokens", body)) == expected


def test_an_unknown_scope_is_refused(house: House, studio: Party) -> None:
    answer = house.registrar.post("/v1/tokens", {"party": studio.id, "scopes": ["everything"]})
    assert problem(answer) == (422, "malformed", "scopes")


def test_a_token_is_kept_as_its_digest_alone(house: House) -> None:
    stored = b"".join(path.read_bytes() for path in house.services.settings.data.glob("accounts.db*"))
    assert house.registrar.token.encode() not in stored


@pytest.mark.parametrize("declared", [True, False], ids=["with a length", "in chunks"])
def test_a_body_that_is_too_large_is_a_problem(house: House, studio: Party, declared: bool) -> None:
    body = b'{"type":"' + b"a" * MAX_BODY_BYTES + b'"}'
    headers = {"Authorization": f"Bearer {studio.token}", "Content-Type": "application/json"}
    content = body if declared else (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    answer = house.http.post("/v1/events", content=content, headers=headers)
    assert problem(answer) == (413, "too-large", None)


def test_a_batch_may_be_larger_than_an_event(studio: Party) -> None:
    event = {"type": "object.register", "body": picture(), "private": {"note": "x" * 5000}}
    batch = {"events": [event] * 500}
    assert len(json.dumps(batch)) > MAX_BODY_BYTES
    results = studio.post("/v1/events/batch", batch).json()["results"]
    assert [one["duplicate"] for one in results] == [False] * 500


def test_a_private_value_is_at_most_a_mebibyte(studio: Party) -> None:
    event = {"type": "object.register", "body": picture(), "private": {"note": "x" * 800_000}}
    assert problem(studio.post("/v1/events", event)) == (422, "malformed", "private.note")


def test_an_internal_error_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(house.services.status, "status", fail)
    answer = house.http.get("/v1/status")
    assert problem(answer) == (500, "internal", None)
    assert "swordfish" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_other_content_types_are_refused(house: House, studio: Party) -> None:
    headers = {"Authorization": f"Bearer {studio.token}", "Content-Type": "text/plain"}
    answer = house.http.post("/v1/events", content=b"{}", headers=headers)
    assert problem(answer) == (422, "malformed", "body")
    assert answer.json()["hint"] == "send JSON, and say so: Content-Type: application/json"


@pytest.mark.parametrize("path", ["/", "/v1/status", "/checkpoint", "/nothing", "/docs", "/openapi.json"])
def test_every_answer_bears_security_headers(house: House, path: str) -> None:
    headers = house.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "cache-control" in headers
    assert "server" not in headers


# --- documents -------------------------------------------------------------------


def test_the_documentation_needs_no_other_host(house: House) -> None:
    page = house.http.get("/docs")
    assert page.status_code == 200
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
    assert len(links) >= 3
    for link in links:
        assert urljoin("http://here/", link).startswith("http://here/"), link
        assert house.http.get(link).status_code == 200, link
    assert "://" not in page.text


def test_the_interface_describes_every_route_and_its_problems(house: House) -> None:
    document = house.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in ("/v1/events", "/v1/statements/batch", "/v1/proofs/inclusion", "/v1/anchors/{id}/proof", "/checkpoint"):
        assert path in document["paths"], path
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    for reference in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document)):
        found = document
        for part in reference.split("/"):
            found = found[part]
    problems = document["paths"]["/v1/events"]["post"]["responses"]["4XX"]["content"]
    assert "code" in problems["application/problem+json"]["schema"]["properties"]
    assert document["paths"]["/v1/events"]["post"]["security"]


# --- the status page --------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh;q=0.5", "zh"),
        ("de", "en"),
    ],
)
def test_the_page_speaks_the_readers_language(header: str, language: str) -> None:
    assert choose(header) == language


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_the_status_without_scripts(house: House, studio: Party, language: str) -> None:
    studio.record("object.register", picture())
    page = house.http.get("/", params={"lang": language})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}">' in page.text
    status = house.http.get("/v1/status").json()
    assert WORDS[language]["completeness"] in page.text  # type: ignore[index]
    assert f"<dd>{status['size']}</dd>" in page.text
    assert house.world.origin in page.text
    assert "<script" not in page.text
    assert "://" not in page.text


def test_both_languages_have_every_word() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for name, word in WORDS["en"].items():
        assert sorted(re.findall(r"{(\w+)}", word)) == sorted(re.findall(r"{(\w+)}", WORDS["zh"][name]))
