"""What of the operator's folder goes into a bundle: words about those who signed in it, and none about others."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from api.services import revocation_folder
from api.services.revocation_folder import Taken, read_word, take
from fixtures.keys import private_key
from tallystick.brought import Brought
from tallystick.case import RevocationMaterial
from tallystick.case.model import MAX_REVOCATION, MAX_REVOCATION_BYTES
from tallystick.errors import MalformedInput
from tallystick.trust import Trust
from tests.c2pa_corpus.case import bare
from tests.c2pa_corpus.forge import Part, actions, licence
from tests.c2pa_corpus.people import AUTHORITY, der, person
from tests.core.c2pa import kit as c2pa_kit
from tests.core.verify.kit import Kit, build_kit
from tests.core.verify.test_credentials import Desk, desk
from tests.core.verify.test_revoked_signers import enclosing, naming_a_place
from tests.core.verify.test_timestamps import of_sizes, stamp
from tests.core.verify.test_words_beside import TRUSTED
from tests.core.verify.words_kit import (
    DAY,
    LOGGED,
    PLACE,
    STRANGER,
    TOWER,
    TOWER_HALL,
    TOWER_ROOT,
    TOWER_WITH_A_PLACE,
    Reason,
    answered,
    card_people,
    holder,
    listing,
    stamped,
)
from tests.evidence_corpus import documents

SIGNER, ISSUER, ROOT = card_people()


def keep(folder: Path, **files: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def of_card(made: Desk, folder: Path, trust: Trust | None = None) -> Taken:
    card = folder.parent / "card.png"
    card.write_bytes(made.card)
    return take(folder, trust or made.trust(tsa_roots=TRUSTED), made.case(), [(card, "image/png")])


def taken(*lists: bytes, answers: tuple[bytes, ...] = ()) -> RevocationMaterial:
    return RevocationMaterial(list(lists), list(answers))


def test_of_a_card_its_signer_and_his_authority_are_asked_about(tmp_path: Path) -> None:
    mine, above, told = listing(ISSUER), listing(ROOT), answered(SIGNER, ISSUER)
    folder = keep(
        tmp_path / "kept", a=mine, b=above, c=told, d=listing(TOWER_HALL), e=listing(ISSUER, key=STRANGER.key)
    )
    found = of_card(desk(tmp_path / "desk"), folder)
    assert found == Taken(taken(mine, above, answers=(told,)), ())


def test_of_a_card_the_clock_in_it_is_asked_about_too(tmp_path: Path) -> None:
    stolen = listing(TOWER_HALL, (TOWER, LOGGED + DAY, Reason.key_compromise))
    folder = keep(tmp_path / "kept", a=stolen)
    made = desk(tmp_path / "desk", finish=lambda card: stamped(card, LOGGED - timedelta(hours=2)))
    assert of_card(made, folder).material == taken(stolen)
    assert of_card(desk(tmp_path / "bare"), folder).material == taken()


def test_the_newest_and_whatever_says_revoked(tmp_path: Path) -> None:
    old, new = (listing(ISSUER, at=LOGGED - days * DAY) for days in (9, 1))
    folder = keep(tmp_path / "kept", a=old, b=new)
    made = desk(tmp_path / "desk")
    assert of_card(made, folder).material == taken(new)
    held = (SIGNER, LOGGED - 5 * DAY, Reason.certificate_hold)
    first, second = (listing(ISSUER, held, at=LOGGED - days * DAY) for days in (4, 3))
    keep(folder, c=first, d=second)
    assert of_card(made, folder).material == taken(new, second), "a hold that was lifted"


def test_lists_in_pem_are_taken_as_der(tmp_path: Path) -> None:
    data = listing(ISSUER)
    pem = x509.load_der_x509_crl(data).public_bytes(Encoding.PEM)
    assert of_card(desk(tmp_path / "desk"), keep(tmp_path / "kept", a=pem)).material == taken(data)


def test_what_cannot_be_read_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = listing(ISSUER)
    bad = {
        "cut": data[:-1],
        "behind": data + b"\0",
        "empty": b"",
        "text": b"hello",
        "certificate": der(SIGNER.certificate),
        "pem": b"-----BEGIN X509 CRL-----\nA\n-----END X509 CRL-----\n",
        "long": b"\x30\x83\x10\x00\x00" + bytes(MAX_REVOCATION_BYTES),
    }
    folder = keep(tmp_path / "kept", good=data, **bad)
    (folder / "folder").mkdir()
    with caplog.at_level(logging.WARNING):
        assert of_card(desk(tmp_path / "desk"), folder).material == taken(data)
    assert sorted(Path(record.args[0]).name for record in caplog.records if record.args) == sorted(bad)  # type: ignore[index, arg-type]
    for one in bad.values():
        with pytest.raises(MalformedInput):
            read_word(one)


def test_a_folder_that_is_not_there_is_no_reason_to_export_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert of_card(desk(tmp_path / "desk"), tmp_path / "nowhere").material == taken()
    assert "cannot be read" in caplog.text


def test_no_more_than_a_bundle_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What says *revoked* comes first."""
    monkeypatch.setattr(revocation_folder, "MAX_REVOCATION", 2)
    revoked = listing(ISSUER, (SIGNER, LOGGED, None), at=LOGGED - 30 * DAY)
    newest = listing(ISSUER, at=LOGGED + DAY)
    folder = keep(tmp_path / "kept", a=revoked, b=newest, c=listing(ROOT), d=answered(SIGNER, ISSUER))
    assert of_card(desk(tmp_path / "desk"), folder).material == taken(revoked, newest)
    assert MAX_REVOCATION == 64


def test_where_to_ask_is_told_of_whom_nothing_is_here(tmp_path: Path) -> None:
    signer = naming_a_place()

    def resigned(card: bytes, **more: Any) -> bytes:
        return c2pa_kit.resign(card, signer.chain[:-1], signer.key, **more)

    made = desk(tmp_path / "desk", finish=resigned)
    folder = keep(tmp_path / "kept")
    assert of_card(made, folder).unanswered == ("http://ocsp.example",)
    told = {"rVals": {"ocspVals": [answered(signer, ISSUER)]}}
    with_answer = desk(tmp_path / "enclosing", finish=lambda card: resigned(card, unprotected=told))
    assert of_card(with_answer, folder).unanswered == ()
    keep(folder, a=listing(ISSUER))
    assert of_card(made, folder).unanswered == ()


def test_of_a_document_its_signer_and_its_clock(tmp_path: Path) -> None:
    made = documents.recorded(tmp_path / "document")
    draft = documents.Draft(made.scene, "", ())
    told = documents.listed(draft, draft.at + DAY)
    file = tmp_path / "certificate.pdf"
    file.write_bytes(made.file)
    folder = keep(tmp_path / "kept", a=told, b=listing(ISSUER))
    log = replace(made.scene.first, replaced=())
    trust = made.scene.trust(v=4, pdf_roots=documents.roots(), tsa_roots=(documents.clock(),), logs=(log,))
    found = take(folder, trust, made.case(), [(file, "application/pdf")])
    assert found.material == taken(told)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return build_kit(tmp_path_factory.mktemp("kit"))


def test_of_a_timestamp_everybody_on_its_path(kit: Kit, tmp_path: Path) -> None:
    shown = (der(TOWER_WITH_A_PLACE.certificate), der(TOWER_HALL.certificate))
    case = of_sizes(kit, stamp(kit.log.note(), holder(TOWER_WITH_A_PLACE), certificates=shown))
    folder, trust = keep(tmp_path / "kept"), kit.trust(tsa_roots=TRUSTED)
    assert take(folder, trust, case, []).unanswered == (PLACE,)
    mine, above = listing(TOWER_HALL), listing(TOWER_ROOT)
    keep(folder, a=mine, b=above, c=listing(ISSUER))
    found = take(folder, trust, case, [])
    assert found == Taken(taken(mine, above), ())
    report = kit.scene.judge(replace(case, revocation=found.material), trust)
    assert (report.verdict, report.claim("timestamp").outcome) == ("proved", "proved")
    assert [len(one["says"]) for one in report.facts["revocation"]] == [1, 1]


def test_files_that_cannot_be_read_bring_nothing(tmp_path: Path) -> None:
    made = desk(tmp_path / "desk", finish=enclosing(None))
    folder = keep(tmp_path / "kept", a=listing(ISSUER))
    for name, media_type in (("x.png", "image/png"), ("x.pdf", "application/pdf"), ("x.bin", "application/zip")):
        file = tmp_path / name
        file.write_bytes(b"no such file")
        assert take(folder, made.trust(), made.case(), [(file, media_type)]).material == taken(), name


@pytest.mark.parametrize("odd", [{}, {"signature": 5}, {"signature": b""}])
def test_an_identity_that_cannot_be_read_stops_no_export(tmp_path: Path, odd: dict[str, Any]) -> None:
    """Another party's file may be as it likes: who exports a case that holds it must get his bundle."""
    value = {"signer_payload": {"sig_type": "cawg.x509.cose"}, **odd}
    file = tmp_path / "card.png"
    file.write_bytes(bare(parts=(actions(), licence(), Part("cawg.identity", cbor2.dumps(value)))))
    made = desk(tmp_path / "desk")
    assert take(keep(tmp_path / "kept"), made.trust(), made.case(), [(file, "image/png")]) == Taken(taken(), ())


def test_thousands_of_certificates_of_one_name_cost_little(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a file brings is held against each other; what the case's own timestamps ask for is there all the same."""
    key = private_key("many of one name", "es256")
    many = [der(person("hall of the clock tower", STRANGER, AUTHORITY, key=key).certificate) for _ in range(3)]
    many = [*many, *(der(person(f"a {number}", STRANGER, key=key).certificate) for number in range(300))]
    tried = []
    monkeypatch.setattr(revocation_folder, "MAX_PEOPLE", 200)
    monkeypatch.setattr(revocation_folder, "MAX_TRIED", 250)
    monkeypatch.setattr(revocation_folder, "brought_by_file", lambda *_: Brought(tuple(many)))
    issued = revocation_folder._issued
    monkeypatch.setattr(revocation_folder, "_issued", lambda *pair: (tried.append(pair), issued(*pair))[1])
    shown = (der(TOWER.certificate), der(TOWER_HALL.certificate))
    case = of_sizes(kit, stamp(kit.log.note(), holder(TOWER), certificates=shown))
    word, folder = listing(TOWER_HALL), keep(tmp_path / "kept")
    keep(folder, a=word)
    assert take(folder, kit.trust(tsa_roots=TRUSTED), case, [(tmp_path / "x.png", "image/png")]).material == taken(word)
    assert 100 < len(tried) <= 250
