"""What a service says of an identifier by its map: the client believes what is proved, and no more."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tallystick.base64s import from_base64, to_base64
from tallystick.client.http import Client, ServiceProblem
from tallystick.client.maps import MapAnswer, _stated, ask_map, check_answer
from tallystick.cosignature import cosign_ml_dsa
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events import Event
from tallystick.events.dispute import DisputeOpening
from tallystick.events.log import MapRoot
from tallystick.identifiers import Letter, new_identifier
from tallystick.map.audit import Auditor, MapAudit, sign_audit
from tallystick.merkle import leaf_hash, root_of
from tallystick.note import COSIGNATURE_ML_DSA_44, Note, parse_note, verifier_key
from tallystick.statement import sign_statement
from tallystick.times import format_time
from tallystick.trust import LogTrust, Trust, TrustedAuditor, Witnesses, encode_trust, parse_trust
from tests.api.audited import HAND, Audited, auditing
from tests.world import key_from

NEVER = str(new_identifier(Letter.LICENCE, bytes(10)))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with auditing(tmp_path_factory.mktemp("audited")) as found:
        yield found


@pytest.fixture(scope="module")
def subject(house: Audited) -> str:
    """An object with a dispute, under an audited root."""
    found, _ = house.desk.picture()
    house.desk.studio.record("dispute.open", DisputeOpening(found, "authorship"))
    house.audit()
    house.desk.publish()
    return found


def trusting(house: Audited, **changes: Any) -> Trust:
    trust: Trust = parse_trust(encode_trust(dataclasses.replace(house.trust(), **changes)))
    return trust


def origin_of(house: Audited) -> str:
    origin: str = house.desk.house.services.voices.origin
    return origin


def log_of(house: Audited) -> LogTrust:
    return trusting(house).logs[origin_of(house)]


def asked(house: Audited, text: str, audited: bool = False, trust: Trust | None = None) -> MapAnswer:
    with Client(str(house.desk.house.http.base_url)) as client:
        now = house.desk.house.world.clock
        return ask_map(client, text, trust or trusting(house), origin_of(house), now, audited=audited)


@pytest.mark.parametrize("audited", [False, True])
def test_what_is_there_and_what_is_not(house: Audited, subject: str, audited: bool) -> None:
    found = asked(house, subject, audited)
    assert (found.own and found.own.count, found.named) == (2, None)
    assert found.auditors == (HAND.name,)
    gone = asked(house, NEVER, audited)
    assert (gone.own, gone.named, gone.size) == (None, None, found.size)


def test_who_waits_for_an_entry_is_told_nothing_until_a_root_covers_it(
    house: Audited, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = house.desk
    own, _ = desk.picture()
    at = desk.studio.record("dispute.open", DisputeOpening(own, "ownership"))["position"]
    trust, now, origin = trusting(house), desk.house.world.clock, origin_of(house)
    roots = desk.house.services.maps._roots
    assert roots is not None
    with Client(str(desk.house.http.base_url)) as client:

        def covering(audited: bool) -> MapAnswer:
            return ask_map(client, own, trust, origin, now, audited=audited, covers=at)

        def waits(audited: bool, who: str) -> None:
            with pytest.raises(ServiceProblem, match=f"{who}is of .*not cover the entry at position {at}") as refused:
                covering(audited)
            assert (refused.value.status, refused.value.code, refused.value.field) == (404, "not-found", "covers")

        waits(False, "root ")
        roots.state(at_once=True)
        desk.publish()
        assert covering(False).size > at
        waits(True, "root that an auditor signed ")
        assert house.audit() > at
        found = covering(True)
        assert (found.own and found.own.count, found.auditors) == (2, (HAND.name,))
        # A service that does not know the question answers it all the same.
        fetch = client.fetch
        monkeypatch.setattr(client, "fetch", lambda path: fetch(path.partition("&covers")[0]))
        with pytest.raises(VerificationFailed, match="do not reach position 1000000"):
            ask_map(client, subject, trust, origin, now, covers=1_000_000)


def test_an_auditor_whom_the_reader_does_not_know_says_nothing(house: Audited, subject: str) -> None:
    nobody = trusting(house, auditors=None)
    assert asked(house, subject, trust=nobody).auditors == ()
    other = Auditor(HAND.name, key_from("somebody else").public)
    somebody = trusting(house, auditors=(TrustedAuditor(other.verifier_key),))
    assert asked(house, subject, trust=somebody).auditors == ()


def test_the_origin_is_asked_for_too(house: Audited, subject: str) -> None:
    found = asked(house, house.desk.house.services.voices.origin)
    assert found.own is not None
    assert found.own.count > 1


Change = Callable[[dict[str, Any], dict[str, Any]], Any]


def flip(text: str) -> str:
    data = from_base64(text)
    return to_base64(bytes([data[0] ^ 1]) + data[1:])


def other_count(answer: dict[str, Any], other: dict[str, Any]) -> None:
    answer["own"]["count"] -= 1


def other_chain(answer: dict[str, Any], other: dict[str, Any]) -> None:
    answer["own"]["chain"] = flip(answer["own"]["chain"])


def absent(answer: dict[str, Any], other: dict[str, Any]) -> None:
    """The proof of another text, which is there: by it this one would not be."""
    answer["own"] = other["own"]


def no_map(answer: dict[str, Any], other: dict[str, Any]) -> None:
    answer["own"] = None


def other_entry(answer: dict[str, Any], other: dict[str, Any]) -> None:
    answer["entry"] = flip(answer["entry"])


def other_position(answer: dict[str, Any], other: dict[str, Any]) -> None:
    answer["position"] -= 1


def other_path(answer: dict[str, Any], other: dict[str, Any]) -> None:
    answer["path"][0] = flip(answer["path"][0])


def other_checkpoint(answer: dict[str, Any], other: dict[str, Any]) -> None:
    lines = answer["checkpoint"].split("\n")
    lines[1] = str(int(lines[1]) + 1)
    answer["checkpoint"] = "\n".join(lines)


ATTACKS: dict[str, Change] = {
    "a count less": other_count,
    "another chain": other_chain,
    "absent by the proof of another": absent,
    "as if there were no map": no_map,
    "another entry": other_entry,
    "another position": other_position,
    "another path": other_path,
    "another checkpoint": other_checkpoint,
}


def answer_of(house: Audited, text: str) -> dict[str, Any]:
    found: dict[str, Any] = house.desk.house.http.get(f"/v1/map/{text}").json()
    return found


def checked(
    house: Audited,
    answer: Any,
    text: str,
    paths: Any = lambda old, new: (),
    trust: Trust | None = None,
    at: int | None = None,
) -> MapAnswer:
    now = house.desk.house.world.clock if at is None else at
    return check_answer(answer, text, trust or trusting(house), origin_of(house), now, paths)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(house: Audited, subject: str, name: str) -> None:
    answer, other = answer_of(house, subject), answer_of(house, house.desk.studio.id)
    answer["audits"] = []
    assert checked(house, answer, subject).size == answer["size"]
    ATTACKS[name](answer, other)
    with pytest.raises((VerificationFailed, MalformedInput)):
        checked(house, answer, subject)


def test_another_entry_of_the_log_states_no_root(house: Audited, subject: str) -> None:
    answer = answer_of(house, subject)
    http = house.desk.house.http
    proof = http.get("/v1/proofs/inclusion", params={"position": 3}).json()
    head = http.get("/checkpoint").text
    changed = {"position": 3, "entry": to_base64(http.get("/v1/entries/3").content), "checkpoint": head}
    with pytest.raises(VerificationFailed):
        checked(house, {**answer, **changed, "path": proof["path"], "audits": []}, subject)


@pytest.mark.parametrize(("size", "key"), [(5, "somebody else"), (9, None)], ids=["another key", "more than there was"])
def test_an_entry_that_the_log_did_not_sign_or_could_not_say(house: Audited, size: int, key: str | None) -> None:
    services = house.desk.house.services
    signer = services.keyring.signers["log"] if key is None else key_from(key)
    origin = services.voices.origin
    event = Event("log.map-root", f"map-{size}", origin, house.now, MapRoot(size, "11" * 32))
    with pytest.raises(VerificationFailed):
        _stated(sign_statement(signer, origin, event).entry, 8, log_of(house))
    good = sign_statement(services.keyring.signers["log"], origin, event).entry
    said, time = _stated(good, 9, log_of(house))
    assert (said.size, format_time(time)) == (size, house.now)


def test_a_log_that_is_not_trusted(house: Audited, subject: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with auditing(tmp_path_factory.mktemp("other")) as other, pytest.raises(VerificationFailed):
        checked(house, answer_of(house, subject), subject, trust=trusting(other))


def audit_of(
    house: Audited, answer: dict[str, Any], tree: bytes | None = None, root: bytes | None = None, at: int | None = None
) -> str:
    with house.desk.house.services.log.store.snapshot() as reads:
        leaves = [leaf_hash(one) for one in reads.entries(0, answer["size"])]
    origin = house.desk.house.services.voices.origin
    said = MapAudit(origin, answer["size"], tree or root_of(leaves), root or bytes.fromhex(answer["root"]))
    return sign_audit(said, HAND.name, HAND.signer, house.desk.house.world.clock if at is None else at)


def paths_of(house: Audited) -> Any:
    def found(old: int, new: int) -> list[bytes]:
        told = house.desk.house.http.get("/v1/proofs/consistency", params={"from": old, "to": new}).json()
        return [from_base64(one) for one in told["path"]]

    return found


def test_an_auditor_who_found_another_root_makes_the_log_a_liar(house: Audited, subject: str) -> None:
    answer = answer_of(house, subject)
    answer["audits"] = [audit_of(house, answer)]
    assert checked(house, answer, subject, paths_of(house)).auditors == (HAND.name,)
    answer["audits"] = [audit_of(house, answer, root=bytes(32))]
    with pytest.raises(VerificationFailed, match="the log lies"):
        checked(house, answer, subject, paths_of(house))


def test_an_audit_of_another_history_is_refused(house: Audited, subject: str) -> None:
    answer = answer_of(house, subject)
    answer["audits"] = [audit_of(house, answer, tree=bytes(32))]
    with pytest.raises(VerificationFailed):
        checked(house, answer, subject, paths_of(house))


def test_an_audit_that_was_changed_is_refused(house: Audited, subject: str) -> None:
    answer = answer_of(house, subject)
    lines = audit_of(house, answer).split("\n")
    lines[4] = to_base64(bytes(32))
    answer["audits"] = ["\n".join(lines)]
    with pytest.raises(VerificationFailed):
        checked(house, answer, subject, paths_of(house))


def test_the_log_has_to_be_named_by_the_trust_file(house: Audited, subject: str) -> None:
    with pytest.raises(VerificationFailed, match="is not trusted"):
        check_answer(answer_of(house, subject), subject, trusting(house), "log.example/another", 0, lambda old, new: ())


def dated(house: Audited, subject: str, time: int, at: int, until: int | None = None) -> tuple[str, ...]:
    """Whose word counts, if the auditor dates a new note ``time``, is trusted ``until`` then, and it is ``at``."""
    auditor = TrustedAuditor(HAND.auditor.verifier_key, None if until is None else format_time(until))
    answer = answer_of(house, subject)
    answer["audits"] = [audit_of(house, answer, at=time)]
    found = checked(house, answer, subject, paths_of(house), trusting(house, auditors=(auditor,)), at)
    return found.auditors


def test_an_audit_counts_from_the_entry_on_until_it_is_now(house: Audited, subject: str) -> None:
    stated = _stated(from_base64(answer_of(house, subject)["entry"]), 1 << 40, log_of(house))[1]
    now = stated + 1000
    assert dated(house, subject, now, now) == (HAND.name,)
    assert dated(house, subject, now + 1, now) == ()
    assert dated(house, subject, stated - 300, now) == (HAND.name,)
    assert dated(house, subject, stated - 301, now) == ()


def test_an_audit_of_an_auditor_whom_the_reader_no_longer_trusts(house: Audited, subject: str) -> None:
    now = house.desk.house.world.clock + 1000
    assert dated(house, subject, now, now, until=now) == (HAND.name,)
    assert dated(house, subject, now, now, until=now - 1) == ()


def test_the_witnesses_must_have_seen_the_checkpoint_by_then(house: Audited, subject: str) -> None:
    signer = key_from("a witness", "ml-dsa-44")
    named = verifier_key("witness.example", COSIGNATURE_ML_DSA_44, signer.public.raw)
    trust = trusting(house, witnesses=Witnesses((named,), 1))
    answer = answer_of(house, subject)
    answer["audits"] = []
    with pytest.raises(VerificationFailed, match="cosigned"):
        checked(house, answer, subject, trust=trust)
    now = house.desk.house.world.clock
    text = parse_note(answer["checkpoint"].encode()).text
    line = cosign_ml_dsa(text, "witness.example", signer, now)
    answer["checkpoint"] = Note(text, (*parse_note(answer["checkpoint"].encode()).signatures, line)).encode()
    assert checked(house, answer, subject, trust=trust, at=now).size == answer["size"]
    with pytest.raises(VerificationFailed, match="cosigned"):
        checked(house, answer, subject, trust=trust, at=now - 1)


@pytest.mark.parametrize("answer", [None, [], {}, {"text": 5}], ids=["null", "list", "empty", "number"])
def test_what_is_no_answer(house: Audited, answer: Any) -> None:
    with pytest.raises(MalformedInput):
        checked(house, answer, NEVER)
