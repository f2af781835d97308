"""Originals in parts and originals of other kinds of case, as the service takes them; and the same bytes for the same
facts.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.case.parting import part_file, part_folder
from tallystick.case.parts import PartsMap
from tallystick.content import CHUNK_BYTES
from tallystick.schema import write
from tests.api.desk import Desk, anchoring, case_of, file_list, registration, told
from tests.api.house import open_house, problem
from tests.architecture.tree import ROOT

FILM = b"".join(bytes([at]) * CHUNK_BYTES for at in range(2)) + b"end"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


@pytest.fixture(scope="module")
def film(desk: Desk) -> str:
    subject = desk.studio.record("object.register", registration(FILM))["subject"]
    desk.publish()
    return str(subject)


def slug(of: str) -> str:
    return of.partition("/")[2]


SHOWN = {"chunks-0-0": FILM[:CHUNK_BYTES], "chunks-2-2": b"end"}
OTHER = part_file([FILM[:CHUNK_BYTES], b"x" * CHUNK_BYTES, b"end"], [0, 2])
MAP: PartsMap = part_file([FILM], [0, 2], "somebody else's scene")


def test_parts_are_put_in_and_proved(desk: Desk, film: str) -> None:
    with anchoring(desk) as worker:
        worker.anchor()
    answer = desk.export(desk.studio, "object", film, originals=SHOWN, parts={film: write(MAP)})
    report = desk.verify(answer.content)
    assert (report.verdict, report.claim("content").outcome) == ("proved", "needs_external_fact")
    (fact,) = report.facts["originals"]
    assert (fact["mode"], fact["parts"]["here"]) == ("parts", [[0, 0], [2, 2]])
    assert case_of(answer.content).index.v == 4
    assert FILM[CHUNK_BYTES : CHUNK_BYTES + 4096] not in answer.content


def test_size_and_time_are_told(desk: Desk, film: str) -> None:
    answer = desk.export(desk.studio, "object", film)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert float(answer.headers["x-tallystick-seconds"]) >= 0
    assert answer.headers["x-tallystick-histories"] == "yes"


@pytest.mark.parametrize(
    ("originals", "parts", "expected"),
    [
        ({**SHOWN, "chunks-2-2": b"END"}, write(MAP), (422, "inconsistent", "parts")),
        ({**SHOWN, "chunks-0-0": FILM[CHUNK_BYTES : 2 * CHUNK_BYTES]}, write(MAP), (422, "inconsistent", "parts")),
        ({**SHOWN, "chunks-0-0": b"short"}, write(MAP), (422, "inconsistent", "parts")),
        ({"chunks-0-0": FILM[:CHUNK_BYTES]}, write(MAP), (422, "malformed", "parts.{film}")),
        ({**SHOWN, "chunks-1-1": b"x"}, write(MAP), (422, "malformed", "parts.{film}")),
        (SHOWN, {**write(MAP), "count": 4}, (422, "malformed", "parts.{film}")),
        (SHOWN, {**write(MAP), "v": 9}, (422, "malformed", None)),
        (SHOWN, write(OTHER), (422, "inconsistent", "parts")),
        (SHOWN, [], (422, "malformed", "parts.{film}")),
        (SHOWN, None, (422, "malformed", "original")),
    ],
    ids=["bytes", "place", "short", "missing", "more", "count", "version", "tree", "list", "no map"],
)
def test_parts_that_are_not_those_registered_are_refused(
    originals: dict[str, bytes], parts: Any, expected: tuple[int, str, str | None], desk: Desk, film: str
) -> None:
    answer = desk.ask(desk.studio, "object", film, originals=originals, parts={} if parts is None else {film: parts})
    status, code, field = problem(answer)
    assert (status, code) == expected[:2]
    assert expected[2] is None or field == expected[2].format(film=film)


def test_a_folder_in_parts_takes_no_file_list_beside_it(desk: Desk) -> None:
    subject, files = desk.folder()
    listed = file_list(files)
    desk.publish()
    parts = {subject: write(part_folder(listed, {"concept.png"}))}
    kept = {name: data for name, data in files.items() if name != "concept.png"}
    answer = desk.export(desk.studio, "object", subject, originals=kept, parts=parts)
    assert set(case_of(answer.content).originals[subject]) == set(kept)
    assert b"concept.png" not in answer.content
    both = desk.ask(desk.studio, "object", subject, originals=kept, parts=parts, lists={subject: write(list(listed))})
    assert problem(both) == (422, "malformed", f"files.{subject}")


def test_maps_of_what_is_no_object_of_the_case(desk: Desk, film: str) -> None:
    other, _ = desk.picture()
    desk.publish()
    answer = desk.ask(desk.studio, "object", film, originals=SHOWN, parts={other: write(MAP)})
    assert problem(answer) == (422, "malformed", f"parts.{other}")
    assert problem(desk.ask(desk.studio, "object", film, parts=[]))[:2] == (422, "malformed")


# --- other kinds -------------------------------------------------------------------------------


def test_a_licence_names_its_object_and_brings_its_bytes(desk: Desk) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data)
    bare = case_of(desk.export(desk.studio, "licence", licence).content)
    assert [(one.object, one.mode) for one in bare.index.originals] == [(object_id, "digests")]
    answer = desk.export(desk.studio, "licence", licence, originals={f"{slug(object_id)}/a.png": data})
    assert [one.mode for one in case_of(answer.content).index.originals] == ["included"]
    for name in ("a.png", f"{slug(object_id)}", f"{slug(object_id)}/", f"{slug(licence)}/a.png"):
        refused = desk.ask(desk.studio, "licence", licence, originals={name: data})
        assert problem(refused)[:2] == (422, "malformed"), name
    wrong = desk.ask(desk.studio, "licence", licence, originals={f"{slug(object_id)}/a.png": b"wrong"})
    assert problem(wrong) == (422, "inconsistent", "original")


def test_the_kind_is_that_of_the_subject(desk: Desk) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data)
    desk.publish()
    for subject, kind in ((object_id, "object"), (licence, "licence")):
        asked = {"request": (None, json.dumps({"subject": subject}))}
        answer = desk.studio.post("/v1/evidence", files=asked)
        assert answer.status_code == 200, answer.text
        assert case_of(answer.content).index.kind == kind
    for subject in (desk.studio.id, "nonsense"):
        refused = desk.studio.post("/v1/evidence", files={"request": (None, json.dumps({"subject": subject}))})
        assert problem(refused) == (422, "malformed", "request.subject")


def test_adverse_entries_are_named_first(desk: Desk) -> None:
    licence, _ = desk.licence()
    told(desk.status(licence, "suspend"))
    case = case_of(desk.export(desk.studio, "licence", licence).content)
    at = next(one.position for one in case.entries if one.statement.event.type == "licence.status")
    assert case.index.adverse == (at,)


# --- the same bytes ----------------------------------------------------------------------------

_AGAIN = """
import hashlib, sys
from pathlib import Path
from tests.api.desk import Desk
from tests.api.house import open_house
with open_house(Path(sys.argv[1])) as house:
    desk = Desk(house, house.registrar, house.registrar)
    for kind, subject in zip(sys.argv[2::2], sys.argv[3::2]):
        print(hashlib.sha256(desk.ask(house.registrar, kind, subject).content).hexdigest())
"""


def test_the_same_facts_give_the_same_bytes_also_in_another_process(tmp_path: Path) -> None:
    """Another hash seed, another time zone, another language, a clock that has gone on."""
    with open_house(tmp_path / "data") as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        object_id, data = desk.picture(title="open to the registrar")
        licence = desk.grant(object_id, data)
        told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
        told(desk.status(licence, "suspend"))
        folder = desk.folder()[0]
        dispute = desk.licensee.record("dispute.open", {"target": licence, "claim": "authority"})["subject"]
        asked = ["object", object_id, "licence", licence, "dispute", dispute, "object", folder]
        first = [desk.export(house.registrar, *pair).content for pair in zip(asked[::2], asked[1::2], strict=True)]
        house.world.clock += 7
        again = [desk.ask(house.registrar, *pair).content for pair in zip(asked[::2], asked[1::2], strict=True)]
    assert [hashlib.sha256(one).hexdigest() for one in first[-1:]] == [hashlib.sha256(again[-1]).hexdigest()]
    settled = [hashlib.sha256(one).hexdigest() for one in again]
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", _AGAIN, str(tmp_path / "data"), *asked],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == settled
