"""Everything at once: cards, originals, certificates, exports, status and submissions share one log and finish."""

from __future__ import annotations

import asyncio
import json

import httpx

from tallystick.schema import write
from tests.api.desk import PNG, Desk, case_of, registration


def test_requests_of_all_kinds_at_the_same_time(desk: Desk) -> None:
    """Each publishes, reads and writes; none waits for ever, and what each made is whole."""
    licences = [desk.licence() for _ in range(3)]
    objects = [desk.picture()[0] for _ in range(3)]
    desk.publish()

    async def ask() -> dict[str, list[httpx.Response]]:
        url, token = desk.house.http.base_url, {"Authorization": f"Bearer {desk.studio.token}"}
        registrar = {"Authorization": f"Bearer {desk.house.registrar.token}"}
        async with httpx.AsyncClient(base_url=url, headers=token, timeout=120) as http:
            waiting = {
                "card": [http.post(f"/v1/licences/{one}/card", json={}) for one, _ in licences],
                "original": [
                    http.post(f"/v1/licences/{one}/original", files={"file": ("x.png", data, PNG)})
                    for one, data in licences
                ],
                "staple": [http.get(f"/v1/licences/{one}/staple") for one, _ in licences * 4],
                "certificate": [
                    http.post(
                        "/v1/certificates",
                        json={"object": one, "number": f"AT-ONCE-{at // 2}", "title": "Lantern"},
                        headers=registrar,
                    )
                    # Each asked for twice: the second waits for the first, and finds its file.
                    for at, one in enumerate(sorted(objects * 2))
                ],
                "evidence": [
                    http.post("/v1/evidence", files={"request": (None, json.dumps({"kind": "object", "subject": one}))})
                    for one in objects * 2
                ],
                "event": [
                    http.post("/v1/events", json={"type": "object.register", "body": _body(at)}) for at in range(12)
                ],
            }
            flat = await asyncio.gather(*(one for many in waiting.values() for one in many))
        answers = iter(flat)
        return {name: [next(answers) for _ in many] for name, many in waiting.items()}

    answers = asyncio.run(ask())
    for name, status in (("card", 201), ("original", 200), ("staple", 200), ("evidence", 200), ("event", 201)):
        assert [one.status_code for one in answers[name]] == [status] * len(answers[name]), name
    assert sorted(one.status_code for one in answers["certificate"]) == [200, 200, 200, 201, 201, 201]
    files = {one.json()["credential"]["sha256"] for one in answers["certificate"]}
    assert len(files) == 3
    for answer in answers["evidence"]:
        case_of(answer.content)


def _body(at: int) -> dict[str, object]:
    found: dict[str, object] = write(registration(b"at once %d" % at))
    return found
