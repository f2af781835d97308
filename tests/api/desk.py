"""What the tests of issuing share: pictures, licences of them, an anchor worker, and the offline verifier."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from anchors.outbox import Outbox
from anchors.outbox_rows import Request
from anchors.worker import AnchorWorker
from api.worker import open_worker
from tallystick import canonical
from tallystick.bundle import read_bundle
from tallystick.case import Case, read_case
from tallystick.content import FileEntry, entry_of, file_content, folder_content
from tallystick.events.objects import Basis, ObjectRegistration
from tallystick.licence.check import CheckRequest, LicenceCheck, check_licence
from tallystick.licence.file import read_licence_file
from tallystick.licence.question import parse_question
from tallystick.licence.staple import decode_staple
from tallystick.licence.status_list import FreshnessPolicy
from tallystick.schema import write
from tallystick.statement import Statement
from tallystick.trust import Trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.api.house import House, Party

PNG = "image/png"
PATIENCE = 60.0
LISTED = {"concept.png": 11, "prop/body.bin": 12, "纹理/灯.png": 13}
"""Files of a small folder: what ``picture_bytes`` makes of the number."""


@cache
def picture_bytes(shade: int = 1) -> bytes:
    """A small PNG; another shade, other bytes."""
    out = io.BytesIO()
    Image.new("RGB", (24, 16), (shade % 256, shade // 256, 99)).save(out, "PNG")
    return out.getvalue()


def file_list(files: Mapping[str, bytes]) -> tuple[FileEntry, ...]:
    """The file list of a folder."""
    return tuple(entry_of(path, file_content([files[path]])) for path in sorted(files, key=str.encode))


def folder_files() -> dict[str, bytes]:
    """A small folder."""
    return {path: picture_bytes(shade) for path, shade in LISTED.items()}


def registration(data: bytes | Mapping[str, bytes], **more: Any) -> ObjectRegistration:
    """An authored object: a picture, or a folder."""
    single = isinstance(data, bytes)
    content = file_content([data]) if isinstance(data, bytes) else folder_content(file_list(data))
    body = {"kind": "image" if single else "composite", "origin": "authored", "basis": (Basis("declared", "own-work"),)}
    if single:
        body["media_type"] = PNG
    return ObjectRegistration(content=write(content), **{**body, **more})


def content_root(data: bytes | Mapping[str, bytes]) -> str:
    """What the term ``asset`` names."""
    return file_content([data]).sha256 if isinstance(data, bytes) else folder_content(file_list(data)).root


def told(answer: httpx.Response, status: int = 201) -> dict[str, Any]:
    """The JSON of an answer that must be given."""
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


@dataclass
class Desk:
    """A house with a studio that licenses its pictures, and a licensee."""

    house: House
    studio: Party
    licensee: Party
    shades: Iterator[int] = field(default_factory=lambda: iter(range(100, 60_000)))

    def picture(self, title: str | None = None, who: Party | None = None) -> tuple[str, bytes]:
        """A new picture, registered."""
        data = picture_bytes(next(self.shades))
        private = {} if title is None else {"title": title}
        body = write(registration(data))
        return str((who or self.studio).record("object.register", body, private=private)["subject"]), data

    def folder(self) -> tuple[str, dict[str, bytes]]:
        """A new folder, registered."""
        files = folder_files()
        return str(self.studio.record("object.register", registration(files))["subject"]), files

    def terms(self, object_id: str, data: bytes | Mapping[str, bytes], **changes: Any) -> dict[str, Any]:
        """What a licence of the object says: play and display in three countries, on streaming."""
        terms = self.house.world.terms(object_id)
        kid = self.licensee.who.signer.public.kid.hex()
        terms["licensee"] = {"party": self.licensee.id, "holder_kid": kid}
        terms["asset"] = {"object": object_id, "sha256": content_root(data)}
        terms["payment"]["shares"] = [{"party": self.studio.id, "basis_points": 10_000}]
        return {**terms, **changes}

    def grant(self, object_id: str, data: bytes | Mapping[str, bytes], **more: Any) -> str:
        """A licence for the licensee."""
        request = {"object": object_id, "terms": self.terms(object_id, data), "holder": self.licensee.id, **more}
        return str(told(self.studio.post("/v1/licences", request))["licence"])

    def licence(self) -> tuple[str, bytes]:
        """A licence of a new picture, and the picture."""
        object_id, data = self.picture()
        return self.grant(object_id, data), data

    def said(self, party: Party, statement: Statement) -> int:
        """Submit what a party signed itself; its position."""
        opened = self.house.world.disclosures.get(statement.statement_id, ())
        return int(told(party.state(statement, *opened))["position"])

    def status(self, licence: str, action: str, grounds: str = "breach", who: Party | None = None) -> httpx.Response:
        """Change the status of a licence."""
        return (who or self.studio).post(f"/v1/licences/{licence}/status", {"action": action, "grounds": grounds})

    def publish(self) -> int:
        """Publish; the size."""
        return int(told(self.house.registrar.post("/v1/checkpoints"), 200)["size"])

    @property
    def trust(self) -> Trust:
        """What the service's trust file says."""
        return parse_trust(self.house.http.get("/v1/trust").content)

    def check(
        self, file: Path, question: str = "play in DE on streaming", staple: bytes | None = None, at: str | None = None
    ) -> LicenceCheck:
        """The offline check of a licence file."""
        at = at or self.house.world.now()
        request = CheckRequest(parse_question(question), at, FreshnessPolicy(86_400))
        status = None if staple is None else decode_staple(staple)
        return check_licence(read_licence_file(file, self.trust, at), self.trust.logs, request, status)

    def staple(self, licence: str) -> bytes:
        """The status of a licence, as published now."""
        self.publish()
        answer = self.house.http.get(f"/v1/licences/{licence}/staple")
        assert answer.status_code == 200, answer.text
        return answer.content

    # --- evidence ---------------------------------------------------------------

    def ask(
        self,
        party: Party,
        kind: str,
        subject: str,
        disclose: Any = "all",
        originals: Mapping[str, bytes] | None = None,
        lists: Any = None,
        credentials: tuple[bytes, ...] = (),
        parts: Any = None,
        **asked: Any,
    ) -> httpx.Response:
        """POST /v1/evidence; ``asked``: more members of the request."""
        form = {"request": json.dumps({"kind": kind, "subject": subject, "disclose": disclose, **asked})}
        if lists is not None:
            form["files"] = json.dumps(lists)
        if parts is not None:
            form["parts"] = json.dumps(parts)
        files = [("original", (name, data)) for name, data in (originals or {}).items()]
        files += [("credential", ("signed", data)) for data in credentials]
        if not files:
            files = [("request", (None, form.pop("request")))]  # type: ignore[list-item]
        return party.post("/v1/evidence", data=form, files=files)

    def export(self, party: Party, kind: str, subject: str, **more: Any) -> httpx.Response:
        """Publish and export; it must be given."""
        self.publish()
        answer = self.ask(party, kind, subject, **more)
        assert answer.status_code == 200, answer.text
        return answer

    def verify(self, bundle: bytes) -> Report:
        """What a stranger finds, who trusts the log's trust file."""
        return verify_case(io.BytesIO(bundle), self.trust, self.house.world.clock + 3600)


def case_of(bundle: bytes) -> Case:
    """What stands in a bundle, unverified."""
    return read_case(read_bundle(io.BytesIO(bundle)))


def member_names(bundle: bytes) -> list[str]:
    """Names of the files in it."""
    return zipfile.ZipFile(io.BytesIO(bundle)).namelist()


def disclosed_values(bundle: bytes) -> bytes:
    """Every disclosed value, as one text to search in."""
    values = [one.value for many in case_of(bundle).disclosures.values() for one in many]
    return canonical.encode(values)


@contextmanager
def anchoring(desk: Desk) -> Iterator[AnchorDriver]:
    """The real worker with its embedded chain, run by the test."""
    services = desk.house.services
    with open_worker(services.settings, services.clock) as worker:
        yield AnchorDriver(desk, worker)


@dataclass
class AnchorDriver:
    """Anchors when the test says so."""

    desk: Desk
    worker: AnchorWorker

    def anchor(self) -> int:
        """Publish and anchor what is published; the size that the contract holds now."""
        size = self.desk.publish()
        told(self.desk.house.registrar.post("/v1/anchors", {"reason": "test"}), 202)
        return self.settle(size)

    def settle(self, size: int | None = None) -> int:
        """Do what was asked for, until the contract holds ``size``, or all that is wanted; the size that it holds."""
        until, anchors = time.monotonic() + PATIENCE, self.desk.house.services.desk
        wanted = size or max((one.size for one in self.requests()), default=0)
        while anchors.anchored_size() < wanted:
            assert time.monotonic() < until, "the anchor did not become final"
            if self.worker.run_once().progress in ("idle", "waiting for its name"):
                time.sleep(0.02)
        return anchors.anchored_size()

    def requests(self) -> list[Request]:
        """What is asked for and not anchored yet, of whichever target."""
        with closing(Outbox(self.desk.house.services.settings.outbox)) as outbox:
            # Before there is a target, whatever was asked for.
            targets = [target.id for target in outbox.targets()] or [0]
            return list({one.id: one for target in targets for one in outbox.pending(target)}.values())
