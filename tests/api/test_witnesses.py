"""A log and its witnesses, in processes of their own: quorum, absence, return, forks, and what a stranger verifies."""

from __future__ import annotations

import dataclasses
import http.client
import io
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.services.witnesses import NOBODY, read_policy
from api.settings import Settings, read_settings
from api.wiring import open_services
from ledger.errors import HistoryLost
from tallystick.certificate_check import check_certificate_card, check_certificate_file
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import parse_witness
from tallystick.errors import MalformedInput
from tallystick.merkle import leaf_hash
from tallystick.note import COSIGNATURE_ED25519, parse_note, verifier_key, verify_note
from tallystick.tlog_proof import parse_proof, verify_proof, verify_proof_by_policy
from tallystick.tree_head import sign_checkpoint
from tallystick.trust import Trust, Witnesses, encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tallystick.witness_policy import parse_policy
from tallystick.witnessing import AddCheckpoint
from tests.api.desk import Desk, anchoring, told
from tests.api.house import problem
from tests.api.test_certificate_cards import card
from tests.api.test_certificates import issue, request
from tests.api.test_submission import picture
from tests.api.witnesses import Town, WitnessProcess, command, policy_text, served, town, witnesses_of
from tests.ledger.grove import Tree
from tests.ledger.test_witness import VOICE
from tests.world import World, key_from


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town"), count=3, quorum=2) as made:
        yield made


@pytest.fixture(scope="module")
def desk(here: Town) -> Desk:
    return Desk(here.house, here.house.party("studio"), here.house.party("licensee"))


def trusting(desk: Desk, quorum: int) -> Trust:
    """The log's trust file, with another quorum."""
    file = desk.trust.file
    return parse_trust(encode_trust(dataclasses.replace(file, witnesses=Witnesses(file.witnesses.keys, quorum))))


def judged(desk: Desk, bundle: bytes, quorum: int) -> Report:
    return verify_case(io.BytesIO(bundle), trusting(desk, quorum), desk.house.world.clock + 3600)


def outcome(report: Report, claim: str) -> str:
    return {one.id: str(one.outcome) for one in report.claims}[claim]


# --- all is well -------------------------------------------------------------------------


def test_all_cosign_and_a_stranger_verifies_each(here: Town, desk: Desk) -> None:
    desk.picture()
    here.published()
    here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})
    note = parse_note(here.house.http.get("/checkpoint").content)
    keys = [parse_witness(one.keys[at > 0]) for at, one in enumerate(here.witnesses)]
    assert {one.name for one in verify_note(note, keys)} == {"w1.example", "w2.example", "w3.example"}
    assert here.fares() == (3, True, dict.fromkeys(("w1", "w2", "w3"), "cosigned"))
    page = here.house.http.get("/").text
    assert "3 cosigned, 2 must: quorum met" in page
    assert "w3: cosigned" in page
    assert "已联署 3 个，须有 2 个：达到法定数" in here.house.http.get("/?lang=zh").text


def test_the_trust_file_names_them(here: Town, desk: Desk) -> None:
    keys = tuple(one.keys[at > 0] for at, one in enumerate(here.witnesses))
    assert desk.trust.file.witnesses == Witnesses(keys, 2)


def test_what_the_log_publishes_is_what_the_witnesses_show(here: Town, desk: Desk) -> None:
    desk.picture()
    here.published()
    here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})
    text = parse_note(here.house.http.get("/checkpoint").content).text
    for one in here.witnesses:
        assert text.splitlines()[1] in command("status", one.folder)


def test_a_proof_file_of_a_witnessed_entry(here: Town, desk: Desk) -> None:
    position = int(desk.studio.record("object.register", picture(b"proved"))["position"])
    here.published()
    here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})
    answer = here.house.http.get(f"/v1/proofs/tlog?position={position}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{position}.tlog-proof"'
    assert answer.headers["access-control-allow-origin"] == "*"
    proof = parse_proof(answer.content)
    assert (proof.index, proof.extra) == (position, None)
    entry = here.house.http.get(f"/v1/entries/{position}").content
    at = here.house.world.clock + 60
    for quorum in (0, 2, 3):
        assert len(verify_proof(proof, entry, trusting(desk, quorum), at).witnesses) == (3 if quorum else 0)
    log = here.house.http.get("/vkeys").text.splitlines()[0]
    policy = parse_policy(f"log {log}\n{policy_text(here.witnesses, 3)}".encode())
    assert verify_proof_by_policy(proof, leaf_hash(entry), policy, at).witnesses == ("w1", "w2", "w3")
    assert here.house.http.get("/v1/proofs/tlog?position=100000").status_code == 404


# --- one is away -------------------------------------------------------------------------


def test_a_bundle_below_and_at_its_quorum(here: Town, desk: Desk) -> None:
    """k of n met; then one away: 2 of 3 still holds, 3 of 3 does not; it comes back, and its line is added."""
    with anchoring(desk) as worker:
        object_id, data = desk.picture()
        worker.anchor()
        # An export states a root of the map where there is a newer one, and waits for two of the three.
        desk.export(desk.studio, "object", object_id, originals={"a.png": data})
        here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})
        whole = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
        for quorum in (0, 1, 2, 3):
            report = judged(desk, whole, quorum)
            assert report.verdict == "proved", report
        here.witnesses[2].stop()
        other, data = desk.picture()
        worker.anchor()
        assert here.cosigners() == {"w1", "w2"}
        answer = desk.export(desk.studio, "object", other, originals={"a.png": data})
        assert answer.headers["x-tallystick-witnessed"] == "yes"
        few = answer.content
        assert judged(desk, few, 2).verdict == "proved"
        report = judged(desk, few, 3)
        assert (report.verdict, report.refused_at) == ("not_proved", 5)
        assert outcome(report, "checkpoint-signature") == "not_proved"
    assert here.fares() == (2, True, {"w1": "cosigned", "w2": "cosigned", "w3": "-"})
    here.witnesses[2].start()
    here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})
    assert here.fares()[0] == 3


def test_below_quorum_is_published_and_said(here: Town, desk: Desk) -> None:
    for one in here.witnesses[1:]:
        one.stop(signal.SIGKILL)
    desk.picture()
    size, names = here.published()
    assert names == {"w1"}
    assert here.fares() == (1, False, {"w1": "cosigned", "w2": "-", "w3": "-"})
    assert "1 cosigned, 2 must: <strong>BELOW QUORUM</strong>" in here.house.http.get("/").text
    assert "<strong>未达法定数</strong>" in here.house.http.get("/?lang=zh").text
    licence, _ = desk.licence()
    answer = desk.export(desk.studio, "licence", licence)
    assert answer.headers["x-tallystick-witnessed"] == "no"
    # A card stands under its checkpoint for good: none is made that nobody would believe.
    status, code, _ = problem(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    assert (status, code) == (503, "unavailable")
    # Nobody who failed is waited for: the log goes on.
    began = time.monotonic()
    desk.picture()
    assert here.published()[0] > size
    assert time.monotonic() - began < 15
    for one in here.witnesses[1:]:
        one.start()
    here.until(lambda: here.fares() == (3, True, dict.fromkeys(("w1", "w2", "w3"), "cosigned")))
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    assert desk.export(desk.studio, "licence", licence).headers["x-tallystick-witnessed"] == "yes"


def test_no_certificate_is_made_below_quorum(here: Town, desk: Desk) -> None:
    """PDF and card stand under their checkpoint for good, and a reader with the log's trust file demands witnesses."""
    registrar = here.house.registrar
    here.tick()
    earlier, asked = issue(desk, "2026-W-1")["certificate"], request(desk, "2026-W-2")
    for one in here.witnesses[1:]:
        one.stop(signal.SIGKILL)
    desk.picture()
    assert here.published()[1] == {"w1"}
    for answer in (registrar.post(f"/v1/certificates/{earlier}/card"), registrar.post("/v1/certificates", asked)):
        assert problem(answer)[:2] == (503, "unavailable")
    for one in here.witnesses[1:]:
        one.start()
    here.until(lambda: here.fares() == (3, True, dict.fromkeys(("w1", "w2", "w3"), "cosigned")))
    # The certificate was logged; its PDF is made now.
    certificate = told(registrar.post("/v1/certificates", asked), 200)["certificate"]
    picture, _ = card(desk, certificate)
    document = registrar.get(f"/v1/certificates/{certificate}/file").content
    trust, at = desk.trust, here.house.world.clock + 3600
    assert trust.logs[here.house.world.origin].quorum == 2
    assert check_certificate_file(document, trust, at).certificate == certificate
    assert check_certificate_card(picture, trust, at).certificate == certificate


def test_late_cosignatures_outlive_a_restart_of_the_service(tmp_path: Path) -> None:
    with town(tmp_path, 2, 1) as made:
        made.published()
        made.until(lambda: made.cosigners() == {"w1", "w2"})
        before = made.house.http.get("/checkpoint").content
        settings = made.house.services.settings
    # The witnesses are gone now: what they signed stays.
    with open_services(settings) as services:
        services.log.publish_now()
        assert services.proofs.note() == before


# --- forks -------------------------------------------------------------------------------


def offer(one: WitnessProcess, request: AddCheckpoint) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=60)) as client:
        client.request("POST", "/add-checkpoint", request.encode())
        answer = client.getresponse()
        return answer.status, answer.read()


def fork(here: Town, size: int, root: bytes, old: int, proof: tuple[bytes, ...] = ()) -> AddCheckpoint:
    """What a thief of the log's keys, or its operator, would offer."""
    services = here.house.services
    signers = services.keyring.log_signers(services.settings.origin)
    text = sign_checkpoint(Checkpoint(signers.origin, size, root), signers, here.house.world.clock)
    return AddCheckpoint(old, proof, parse_note(text.encode()))


def test_a_fork_is_not_cosigned_and_is_kept(here: Town, desk: Desk) -> None:
    desk.picture()
    size, _ = here.published()
    here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})
    one = here.witnesses[1]
    assert offer(one, fork(here, size, bytes(32), size))[0] == 409
    assert offer(one, fork(here, size + 1, bytes(32), size, (bytes(32),)))[0] == 422
    assert offer(one, fork(here, size, bytes(32), 0)) == (409, b"%d\n" % size)
    with pytest.raises(AssertionError, match=r"FORK: tallystick.local/log signed two trees"):
        command("status", one.folder)
    # The honest log goes on.
    desk.picture()
    here.published()
    here.until(lambda: here.cosigners() == {"w1", "w2", "w3"})


def test_a_witness_that_is_ahead_raises_the_alarm(tmp_path: Path) -> None:
    """It cosigned a tree that this log never signed: stolen keys, or a lost history. Somebody must look."""
    with town(tmp_path, 3, 2) as made:
        size, _ = made.published()
        made.until(lambda: made.cosigners() == {"w1", "w2", "w3"})
        ahead = extended(made, size)
        assert offer(made.witnesses[2], ahead)[0] == 200
        made.house.party("studio")
        _, names = made.published()
        assert names == {"w1", "w2"}
        made.until(lambda: made.fares()[2]["w3"] == "alarm")
        assert made.fares() == (2, True, {"w1": "cosigned", "w2": "cosigned", "w3": "alarm"})
        assert "w3: ALARM: contradicts this log" in made.house.http.get("/").text
        # It shows our own signature: nothing is recorded nor signed any more, and everybody is told.
        made.until(lambda: made.house.http.get("/v1/status").json()["halted"] is not None)
        status = made.house.http.get("/v1/status").json()
        assert "a witness cosigned a checkpoint of" in status["halted"]
        assert status["publishing"] is False
        assert "HALTED" in made.house.http.get("/").text
        before = status["size"]
        for path, body in (("/v1/events", {"type": "object.register", "body": picture()}), ("/v1/checkpoints", None)):
            answer = made.house.registrar.post(path, body)
            assert problem(answer)[:2] == (503, "halted")
        assert made.house.http.get("/v1/status").json()["size"] == before
        # What is published stands.
        assert made.house.http.get("/checkpoint").status_code == 200


def extended(here: Town, size: int) -> AddCheckpoint:
    """A tree that extends the published one by entries that nobody admitted, signed with the log's keys."""
    published = here.house.services.log.published
    forged = [b"forged %d" % at for at in range(50)]
    tree = Tree(World(), [*published.entries(range(size), size), *forged])
    new = len(tree.entries)
    return fork(here, new, tree.head(new).root, size, tree.proof(size, new))


def test_a_data_folder_that_was_restored_whole_is_refused(tmp_path: Path) -> None:
    """With its checkpoint store, so that the service alone could not see it; a witness remembers."""
    with witnesses_of(tmp_path, 2, 1) as (witnesses, settings):
        with served(witnesses, settings) as made:
            made.published()
        shutil.copytree(settings.data, tmp_path / "old")
        with served(witnesses, settings) as made:
            made.house.party("studio")
            size, _ = made.published()
            made.until(lambda: made.cosigners() == {"w1", "w2"})
        settings.data.rename(tmp_path / "newest")
        (tmp_path / "old").rename(settings.data)
        refused = pytest.raises(HistoryLost, match=f"a witness cosigned a checkpoint of {size} leaves")
        with refused, open_services(settings):
            pass
        settings.data.rename(tmp_path / "old")
        (tmp_path / "newest").rename(settings.data)
        with served(witnesses, settings) as made:
            assert made.published()[0] == size


# --- the policy file ---------------------------------------------------------------------

KEYS = World().signers.keys
KEY = VOICE.verifier_keys()
ONE = f"witness a {KEY[0]} https://a.example\n"
TWO = ONE + f"witness b {KEY[1]} https://a.example\n"


def many(count: int) -> str:
    """So many witnesses, of which one must cosign."""
    keys = [verifier_key("w.example", COSIGNATURE_ED25519, key_from(f"w{at}").public.raw) for at in range(count)]
    lines = [f"witness w{at} {key} https://w{at}.example" for at, key in enumerate(keys)]
    return "\n".join([*lines, f"group g any {' '.join(f'w{at}' for at in range(count))}", "quorum g", ""])


def test_as_many_witnesses_as_every_reader_reads(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    path.write_text(many(13))
    assert len(read_policy(path, KEYS).witnesses) == 13


def test_without_witnesses() -> None:
    assert read_policy(None, KEYS) == NOBODY
    assert NOBODY.threshold() == 0


def test_a_policy_that_verifiers_use_too(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    path.write_text(f"log {KEYS.verifier_keys()[1]}\n{ONE}quorum a\n")
    assert read_policy(path, KEYS).threshold() == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ONE, "no quorum line"),
        (TWO + "quorum a\n", "not so many of all"),
        (TWO + "group g 2 a b\nquorum g\n", "would count twice"),
        (many(14), "names 14 witnesses"),
        (f"log {World('other').signers.keys.verifier_keys()[0]}\n{ONE}quorum a\n", "no key of log.example/little"),
    ],
)
def test_policies_that_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "policy"
    path.write_text(text)
    with pytest.raises(MalformedInput, match=rf"TALLYSTICK_WITNESSES: .*{problem}"):
        read_policy(path, KEYS)


def test_a_service_does_not_start_without_its_policy(tmp_path: Path) -> None:
    settings = read_settings(
        {"TALLYSTICK_DATA": str(tmp_path / "data"), "TALLYSTICK_WITNESSES": str(tmp_path / "gone")}
    )
    with pytest.raises(MalformedInput, match=r"TALLYSTICK_WITNESSES: .*gone"), open_services(settings):
        pass


def test_a_witness_must_have_an_address_and_be_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    path.write_text(f"witness a {KEY[0]}\nquorum a\n")
    with pytest.raises(MalformedInput, match="has no address"), open_services(Settings(tmp_path / "d", witnesses=path)):
        pass
