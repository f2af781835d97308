"""7. A licence and a certificate; the licensee checks the licence offline; it is revoked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demo.offline import Offline
from demo.stage import ShownWrong, Stage, now
from tallystick.content import FileContent
from tallystick.events.licence import LicenceGrant, LicenceStatus, StatusPointer
from tallystick.identifiers import Letter
from tallystick.schema import write

_SIGNABLE = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_ANSWERS = {0: "valid", 1: "not valid", 3: "cannot tell"}


@dataclass(frozen=True)
class Licence:
    """What the licensee takes home. ``originals``: signed, where the asset has a file that can carry a licence.

    ``revoked_at``: position of its revocation, once there is one.
    """

    identifier: str
    card: Path
    originals: tuple[Path, ...]
    revoked_at: int = -1


def issue(stage: Stage) -> Licence:
    """The studio signs the grant itself; card, signed original and certificate come from the service."""
    stage.screen.chapter(
        "7",
        "A licence and a registration certificate",
        "The studio grants a licence; the registrar certifies the registration. The licensee, with a file in hand and "
        "no network, asks what the licence allows.",
    )
    (stage.out / "trust.json").write_bytes(stage.registrar.fetch("/v1/trust"))
    studio, licence = stage.speakers["studio"], stage.new(Letter.LICENCE)
    pointer = studio.client.reserve_status()
    body = LicenceGrant(
        stage.ids["prop"], (stage.ids["prop"],), StatusPointer(**pointer), stage.speakers["licensee"].party
    )
    answer, _ = studio.say("licence.grant", licence, body, _terms(stage))
    stage.screen.good(f"{licence} granted at position {answer['position']}, signed by the studio, each term committed")
    studio.client.issue_card(licence)
    home = stage.out / "licensee"
    card = home / "licence.png"
    card.write_bytes(studio.client.fetch(f"/v1/licences/{licence}/card"))
    stage.screen.good(f"licence card, C2PA-signed: {card}")
    stage.record("licence", card, "in force: valid for streaming in DE, not for cinemas in the US; revoked: not valid")
    originals = _sign_original(stage, licence, home)
    _certificate(stage)
    return Licence(licence, card, originals)


def check(stage: Stage, offline: Offline, licence: Licence) -> Licence:
    """As the licensee, offline: permitted, not permitted, revoked, unknown. The licence, revoked."""
    staple = stage.out / "licensee" / "status.json"
    _take_staple(stage, licence, staple)
    _ask(stage, offline, licence, "play in DE on streaming", 0, staple)
    _ask(stage, offline, licence, "play in US on theatrical", 1, staple)
    body = LicenceStatus("revoke", "breach", now())
    answer, _ = stage.speakers["studio"].say("licence.status", licence.identifier, body)
    stage.registrar.publish()
    _take_staple(stage, licence, staple)
    stage.screen.tell("The studio revokes the licence.")
    _ask(stage, offline, licence, "play in DE on streaming", 1, staple)
    _ask(stage, offline, licence, "play in DE on streaming", 3, None)
    return replace(licence, revoked_at=answer["position"])


def _ask(stage: Stage, offline: Offline, licence: Licence, question: str, expected: int, staple: Path | None) -> None:
    arguments = ["license", "check", str(licence.card.resolve()), "--trust", str((stage.out / "trust.json").resolve())]
    arguments += ["--at", now(), "--for", question]
    if staple is not None:
        arguments += ["--status", str(staple.resolve())]
    done = offline.run(*arguments, cwd=stage.out)
    lines = done.stdout.splitlines()
    if done.returncode != expected:
        raise ShownWrong(
            f"license check said {_ANSWERS.get(done.returncode, done.returncode)}, expected {_ANSWERS[expected]}:\n"
            f"{done.stdout}{done.stderr}"
        )
    status = "with its status" if staple else "without a status"
    stage.screen.good(f'"{question}", {status}: {_ANSWERS[expected]}', lines[1])


def _take_staple(stage: Stage, licence: Licence, staple: Path) -> None:
    staple.write_bytes(stage.registrar.fetch(f"/v1/licences/{licence.identifier}/staple"))


def _terms(stage: Stage) -> dict[str, object]:
    content = stage.asset.content
    licensee, studio = stage.speakers["licensee"], stage.speakers["studio"]
    root = content.sha256 if isinstance(content, FileContent) else content.root
    return {
        "licensee": {"party": licensee.party, "holder_kid": licensee.signer.public.kid.hex()},
        "asset": {"object": stage.ids["prop"], "sha256": root},
        "use": {"include": ["display", "play"], "exclude": []},
        "exclusivity": "non-exclusive",
        "territory": {"include": ["AT", "CH", "CN", "DE"], "exclude": []},
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2036-01-01T00:00:00Z"},
        "media": {"include": ["streaming"], "exclude": []},
        "sublicensing": {"allowed": False, "max_depth": 0},
        "ai_use": {
            "data_mining": "prohibited",
            "inference": "prohibited",
            "generative_training": "prohibited",
            "other_training": "prohibited",
        },
        "payment": {
            "amount": "4800000",
            "currency": "CNY",
            "shares": [{"party": studio.party, "basis_points": 10_000}],
        },
    }


def _sign_original(stage: Stage, licence: str, home: Path) -> tuple[Path, ...]:
    chosen = next(((entry, path) for entry, path in stage.asset.files if path.suffix.lower() in _SIGNABLE), None)
    if chosen is None:
        stage.screen.tell("No picture in the asset: no file of it can carry the licence; the card does.")
        return ()
    entry, path = chosen
    files = {} if isinstance(stage.asset.content, FileContent) else {"files": _file_list(stage)}
    signed = stage.speakers["studio"].client.sign_original(licence, path, _SIGNABLE[path.suffix.lower()], **files)
    place = home / f"licensed-{path.name}"
    place.write_bytes(signed)
    stage.screen.good(f"signed original of {entry.path}: {place}")
    stage.record("signed original", place, "the file itself carries its licence, and breaks with any change")
    return (place,)


def _certificate(stage: Stage) -> None:
    studio = stage.speakers["studio"].party
    answer = stage.registrar.issue_certificate(
        {
            "object": stage.ids["prop"],
            "number": "DEMO-2026-000001",
            "title": stage.asset_path.name,
            "authority": "Demo Registrar 演示登记机构",
            "authors": ["Lantern Pictures 灯笼影业"],
            "holders": [{"name": "Lantern Pictures 灯笼影业", "party": studio, "share": "100 %"}],
        }
    )
    certificate = answer["certificate"]
    place = stage.out / "certificate.pdf"
    place.write_bytes(stage.registrar.fetch(f"/v1/certificates/{certificate}/file"))
    stage.screen.good(f"registration certificate {certificate}, zh/en, signed (PAdES): {place}")
    stage.record("certificate", place, "what the registrar certifies, signed; what it does not prove stands in it")


def _file_list(stage: Stage) -> str:
    entries: Sequence[object] = stage.asset.entries
    return json.dumps(write(list(entries)))
