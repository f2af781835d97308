"""Cards made to be believed: signed by who may sign them, logged, and bundled by an exporter whom the reader trusts.

Both verifiers judge the same bytes. The second one proves nothing that the first refuses; what its closed profile does
not name it leaves open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tallystick import c2pa, canonical
from tallystick.base64s import to_base64
from tallystick.c2pa.chain import CLAIM_SIGNING
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE
from tallystick.case import CaseMaterial, case_members
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.licence.credential import encode_credential
from tallystick.schema import write
from tallystick.times import format_time
from tallystick.trust import parse_trust
from tests.c2pa_corpus.forge import CREATED, Recipe, actions, bare, licence
from tests.c2pa_corpus.people import ISSUING, ROOT, SIGNER, Person, constraints, der, person, purposes, usage
from tests.core.c2pa import kit as c2pa_kit
from tests.core.verify.kit import AT, Scene
from tests.core.verify.test_credentials import Desk, credential_of, issue
from tests.core.verify.test_licence_cards import INVENTED, transferred
from tests.evidence_corpus.good import registered
from tests.verifier_js.both import ROOT as TREE
from tests.verifier_js.both import Second, Trial, compare, first, outcomes
from tests.world import World

Said = dict[str, Any]
PROVED, REFUSED, OPEN = "proved", "contradicted", "needs_external_fact"


# --- in a bundle ---------------------------------------------------------------------------------------


def same(said: Said) -> Said:
    return said


def plain(value: dict[str, Any]) -> None:
    """The binding as our registrars write it."""
    value["name"] = "jumbf manifest"
    value.setdefault("pad", b"")


@dataclass(frozen=True)
class Attack:
    """What the card says of the log, how it is made, the root of the trust file, and what the second verifier says."""

    outcome: str
    say: Callable[[Said], Said] = same
    made: Said = field(default_factory=dict)
    root: bytes = der(ROOT.certificate)
    parts: tuple[Any, ...] = (actions(),)
    more: tuple[Any, ...] = ()


def elsewhere(said: Said) -> Said:
    """The same entry at an index that the bundle lacks."""
    return {**said["entries"][0], "index": said["entries"][0]["index"] + 100_000}


def of_purpose(arc: str) -> Person:
    oids = (CLAIM_SIGNING, x509.ObjectIdentifier(arc))
    return person(f"of {arc}", ISSUING, (constraints(False), usage("digital_signature"), purposes(*oids)))


ATTACKS: dict[str, Attack] = {
    **{f"it invents {name}": Attack(REFUSED, say) for name, say in INVENTED.items()},
    "nothing wrong": Attack(PROVED),
    "entries in another order": Attack(
        REFUSED, lambda said: {**said, "entries": [elsewhere(said), *said["entries"]]}
    ),
    "an entry twice": Attack(REFUSED, lambda said: {**said, "entries": said["entries"] * 2}),
    "a grant that is not shown": Attack(REFUSED, lambda said: {**said, "grant": 99}),
    "a disclosure of no entry": Attack(REFUSED, lambda said: {**said, "disclosures": {"99": ["WyJ4Il0"]}}),
    "an empty disclosure": Attack(REFUSED, lambda said: {**said, "disclosures": {str(said["grant"]): [""]}}),
    "a signer who is in the list himself": Attack(REFUSED, made={"chain": SIGNER.shown[:1]}, root=SIGNER.shown[0]),
    "a signer of another C2PA purpose": Attack(REFUSED, made={"signer": of_purpose("1.3.6.1.4.1.62558.1.1")}),
    "a label with a slash": Attack(OPEN, made={"label": "urn:c2pa:0/1"}),
    "a generator without a name": Attack(
        OPEN, made={"edit_claim": lambda claim: claim.update({"claim_generator_info": {"name": ""}})}
    ),
    "a source of no type": Attack(PROVED, parts=(actions({**CREATED, "digitalSourceType": ""}),)),
    "a licence and a certificate": Attack(OPEN, more=(licence(b'{"v":1}', label=CERTIFICATE),)),
}  # fmt: skip
JUDGED_BY_THE_FIRST_ALONE = {"a licence and a certificate"}


def made(folder: Path, attack: Attack) -> Trial:
    """A desk as in the first verifier's tests, its card by the forger's hand."""
    folder.mkdir()
    world = World("desk", "log.example/desk", rules=3)
    scene = Scene(folder / "scene", world)
    source = world.object()
    granted = world.licence(source.event.subject)
    scene.log.add(*world.parties(), source, granted)
    subject = granted.event.subject
    said = encode_credential(credential_of(scene, subject, scene.log.find("licence.grant")))
    shown = licence(canonical.encode(attack.say(said)), label=LICENCE)
    card = bare(replace(Recipe(edit_hash=plain, parts=(*attack.parts, shown, *attack.more)), **attack.made))
    desk = Desk(scene, subject, issue(scene, subject, card), card)
    scene.anchor()
    return kept(folder, desk, attack.root)


def kept(folder: Path, desk: Desk, root: bytes, case: CaseMaterial | None = None) -> Trial:
    bundle, trust = folder / "case.zip", folder / "trust.json"
    bundle.write_bytes(desk.scene.bundle(case_members(case or desk.case())))
    trust.write_bytes(canonical.encode(write(desk.scene.trust_file(c2pa_roots=(to_base64(root),)))))
    return Trial(folder.name, bundle, trust, format_time(AT))


def test_cards_made_to_be_believed(second: Second, tmp_path: Path) -> None:
    trials = {name: made(tmp_path / name, attack) for name, attack in ATTACKS.items()}
    found = dict(zip(trials, second.judge(trials.values()), strict=True))
    expected = {name: first(trial) for name, trial in trials.items()}
    told = {name: outcomes(report)["credential"][1] for name, report in found.items()}
    assert told == {name: attack.outcome for name, attack in ATTACKS.items()}
    known = {name: outcomes(report)["credential"][1] for name, report in expected.items()}
    proved = {name for name, outcome in known.items() if outcome == PROVED}
    assert proved == {name for name, outcome in told.items() if outcome == PROVED} | JUDGED_BY_THE_FIRST_ALONE
    for name in ("nothing wrong", "a source of no type"):
        assert found[name]["facts"]["credentials"] == expected[name]["facts"]["credentials"], name
    assert expected["a source of no type"]["facts"]["credentials"][0]["digital_source_type"] is None


def test_the_status_of_a_licence_that_was_transferred(second: Second, tmp_path: Path) -> None:
    root = der(c2pa_kit.world().root.certificate)
    trials, honest = [], []
    for before in (True, False):
        for old in (True, False):
            folder = tmp_path / f"{before} {old}"
            trials.append(kept(folder, transferred(folder, before, old), root))
            honest.append(before == old)
    assert compare(second, trials) == len(trials)
    told = [outcomes(report)["credential"][1] for report in second.judge(trials)]
    assert told == [PROVED if one else REFUSED for one in honest]


def test_cards_of_a_log_that_the_reader_does_not_know(second: Second, tmp_path: Path) -> None:
    """Nothing rests on such a log: neither proved nor false."""
    other = Scene(tmp_path / "other", World("other", "log.example/other", rules=3))
    trials = [made(tmp_path / "licence", ATTACKS["nothing wrong"])]
    registry = registered(tmp_path / "certificate")
    files = {registry.position: ("certificate.png", registry.card)}
    case = replace(registry.scene.material(registry.licence), credentials=files)
    trials.append(kept(tmp_path / "certificate", registry, der(c2pa_kit.world().root.certificate), case))
    for one in trials:
        trust = json.loads(one.trust.read_bytes())
        one.trust.write_bytes(canonical.encode({**trust, "logs": [write(other.first)]}))
    assert compare(second, trials) == len(trials)
    assert {outcomes(first(one))["credential"][1] for one in trials} == {"not_proved"}


# --- a picture alone -----------------------------------------------------------------------------------


def tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2)
    return bytes([tag]) + head + body


def value_of(data: bytes) -> bytes:
    """Of a SEQUENCE."""
    return data[2:] if data[1] < 128 else data[3:] if data[1] == 0x81 else data[4:]


def reissued(who: Person, issuer: Person, edit: Callable[[bytes], bytes]) -> bytes:
    """A certificate whose signed part was changed before the issuer signed it."""
    signed = tlv(0x30, edit(value_of(who.certificate.tbs_certificate_bytes)))
    algorithm = tlv(0x30, bytes.fromhex("06032b6570"))
    return tlv(0x30, signed + algorithm + tlv(3, b"\0" + issuer.key.sign(signed)))


def with_serial(number: bytes) -> Callable[[bytes], bytes]:
    """Behind the version, which has five bytes."""
    return lambda part: part[:5] + tlv(2, number) + part[7 + part[6] :]


TIME = rb"(?:\x17\x0d[0-9]{12}Z|\x18\x0f[0-9]{14}Z)"


def with_times(*places: int) -> Callable[[bytes], bytes]:
    """The validity of these of its two times."""

    def edit(part: bytes) -> bytes:
        found = re.search(rb"\x30[\x1e-\x22](" + TIME + rb")(" + TIME + rb")", part)
        assert found is not None
        times = b"".join((found[1], found[2])[place] for place in places)
        return part[: found.start()] + tlv(0x30, times) + part[found.end() :]

    return edit


def signer_with(edit: Callable[[bytes], bytes]) -> Said:
    return {"chain": (reissued(SIGNER, ISSUING, edit), *SIGNER.shown[1:])}


TIMELESS = reissued(ROOT, ROOT, with_times())
PICTURES: dict[str, tuple[str, Said, bytes | None]] = {
    "nothing wrong": (PROVED, {}, None),
    "a signer who is in the list himself": (REFUSED, {"chain": SIGNER.shown[:1]}, SIGNER.shown[0]),
    **{
        f"a signer of purpose {arc}": (REFUSED, {"signer": of_purpose(f"1.3.6.1.4.1.62558.{arc}")}, None)
        for arc in ("1.1", "3.1", "2", "2.2", "9")
    },
    **{
        f"the label urn:c2pa:{label}": (OPEN, {"label": f"urn:c2pa:{label}"}, None)
        for label in ("x", "", "a b", "0/1", "é", "00000000-0000-4000-8000-000000000001:acme:2_1",
                      "0000000A-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001\n")
    },
    "a serial number below zero": (OPEN, signer_with(with_serial(b"\x81")), None),
    "a serial number of zero": (OPEN, signer_with(with_serial(b"\0")), None),
    "a serial number of 21 bytes": (OPEN, signer_with(with_serial(b"\x7f" * 21)), None),
    "the same with 20 bytes": (PROVED, signer_with(with_serial(b"\x7f" * 20)), None),
    "a signer at no time": (OPEN, signer_with(with_times()), None),
    "a signer without an end": (OPEN, signer_with(with_times(0)), None),
    "a signer of three times": (OPEN, signer_with(with_times(0, 1, 1)), None),
    "a root at no time": (REFUSED, {}, TIMELESS),
}  # fmt: skip


def refused_by_the_first(picture: bytes, trust: bytes, at: str) -> bool:
    try:
        roots, others = c2pa.roots_of(parse_trust(trust))
        c2pa.judge(c2pa.read(picture, "image/png"), roots, datetime.fromisoformat(at).astimezone(UTC), others)
    except (VerificationFailed, MalformedInput):
        return True
    return False


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_pictures_made_to_be_believed(second: Second, tmp_path: Path) -> None:
    given, at = json.loads((TREE / "fixtures" / "c2pa" / "trust.json").read_text()), "2025-07-01T00:00:00Z"
    trials = []
    for number, (name, (_, changes, root)) in enumerate(PICTURES.items()):
        picture, trust = tmp_path / f"{number}.png", tmp_path / f"{number}.json"
        picture.write_bytes(bare(replace(Recipe(edit_hash=plain), **changes)))
        trust.write_text(json.dumps(given if root is None else {**given, "c2pa_roots": [to_base64(root)]}))
        trials.append(Trial(name, picture, trust, at, kind="picture"))
    found = {one.name: said["outcome"] for one, said in zip(trials, second.judge(trials), strict=True)}
    assert found == {name: outcome for name, (outcome, _, _) in PICTURES.items()}
    for one in trials:
        refused = refused_by_the_first(one.path.read_bytes(), one.trust.read_bytes(), at)
        assert not (refused and found[one.name] == PROVED), one.name
        assert refused or found[one.name] != REFUSED, one.name
