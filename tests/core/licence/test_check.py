"""The offline check: the main job's story, every stage failing on its own, every forgery of grant and status."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.commitments import disclose
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.licence import StatusPointer
from tallystick.identifiers import Letter, new_identifier
from tallystick.keys import LocalSigner
from tallystick.licence.check import (
    CheckRequest,
    LicenceAnswer,
    LicenceCheck,
    Outcome,
    Stage,
    StatusAsOf,
    check_licence,
)
from tallystick.licence.credential import LicenceCredential, decode_credential, encode_credential
from tallystick.licence.grant import LogTrust, prove_grant
from tallystick.licence.question import parse_question
from tallystick.licence.staple import StatusStaple, decode_staple, encode_staple, prove_status
from tallystick.licence.status_list import FreshnessPolicy, Status, StatusFromFuture, StatusRefused
from tallystick.times import UnixSeconds, format_time, parse_time
from tests.world import World, key_from

from .paper import DAY, Paper, file_facts

VALID, NOT_VALID, CANNOT_TELL = LicenceAnswer.VALID, LicenceAnswer.NOT_VALID, LicenceAnswer.CANNOT_TELL
ASKED = "play in DE on streaming"


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def check(
    paper: Paper,
    staple: StatusStaple | None,
    *,
    later: int = 0,
    ask: str = ASKED,
    credential: LicenceCredential | None = None,
    max_age: int = 7 * DAY,
    **more: Any,
) -> LicenceCheck:
    request = CheckRequest(
        parse_question(ask), format_time(paper.world.clock + later), FreshnessPolicy(max_age), more.get("holder_kid")
    )
    facts = file_facts(credential or paper.credential(), **more.get("failed", {}))
    return check_licence(facts, more.get("trust", paper.trust), request, staple)


def outcomes(found: LicenceCheck, stage: Stage) -> set[Outcome]:
    return {reason.outcome for reason in found.reasons if reason.stage is stage}


# --- the story of the main job --------------------------------------------------


def test_valid_with_the_deciding_clause(paper: Paper) -> None:
    found = check(paper, paper.staple())
    assert found.answer is VALID
    assert (found.deciding.stage, found.deciding.term) == (Stage.QUESTION, "use")
    assert found.deciding.clause is not None
    assert found.deciding.clause.en == "display, play"
    assert found.status_as_of == StatusAsOf(format_time(paper.world.clock), len(paper.log))
    assert found.as_of == format_time(paper.world.clock)
    assert [stage for stage in Stage if outcomes(found, stage)] == list(Stage)
    assert Outcome.FAILED not in {reason.outcome for reason in found.reasons}


def test_the_stages_are_reported_in_their_order(paper: Paper) -> None:
    order = [list(Stage).index(reason.stage) for reason in check(paper, paper.staple()).reasons]
    assert order == sorted(order)


def test_revoked_with_the_new_status_and_unknown_without() -> None:
    paper = Paper()
    credential, old = paper.credential(), paper.staple()
    paper.world.clock += 2 * DAY
    paper.change("revoke")
    new = paper.staple(Status.INVALID)
    with_new = check(paper, new, credential=credential)
    assert (with_new.answer, with_new.deciding.stage) == (NOT_VALID, Stage.STATUS)
    assert "revoked as of 2026-02-03T00:00:00Z, log size 12" in with_new.deciding.text.en
    assert "已撤销" in with_new.deciding.text.zh
    with_old = check(paper, old, credential=credential, max_age=DAY)
    assert (with_old.answer, with_old.deciding.stage) == (CANNOT_TELL, Stage.STATUS)
    assert "get a new one" in with_old.deciding.text.en
    without = check(paper, None, credential=credential)
    assert (without.answer, without.deciding.stage) == (CANNOT_TELL, Stage.STATUS)


@pytest.mark.parametrize("status", list(Status))
def test_never_valid_on_a_stale_status(paper: Paper, status: Status) -> None:
    found = check(paper, paper.staple(status), later=7 * DAY)
    assert (found.answer, found.deciding.stage) == (CANNOT_TELL, Stage.STATUS)
    assert found.deciding.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "word"), [(Status.INVALID, "revoked"), (Status.SUSPENDED, "suspended"), (Status.EXPIRED, "expired")]
)
def test_every_other_status_is_not_valid(paper: Paper, status: Status, word: str) -> None:
    found = check(paper, paper.staple(status))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.STATUS)
    assert found.deciding.text.en.startswith(word)


def test_a_file_that_shows_its_own_revocation_is_not_valid() -> None:
    paper = Paper()
    paper.change("revoke")
    found = check(paper, paper.staple(), credential=paper.credential(size=len(paper.log)))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.STATUS)
    assert "the log entries in the file themselves say: revoked" in found.deciding.text.en


# --- dates, holder, question ------------------------------------------------------


def test_the_terms_decide(paper: Paper) -> None:
    found = check(paper, paper.staple(), ask="play in US on streaming")
    assert (found.answer, found.deciding.stage, found.deciding.term) == (NOT_VALID, Stage.QUESTION, "territory")
    assert found.deciding.clause is not None
    assert found.deciding.clause.en == "AT, CH, DE"


def test_a_prohibition_decides_even_without_a_status(paper: Paper) -> None:
    assert check(paper, None, ask="play in US on streaming").answer is NOT_VALID


def test_a_withheld_price_does_not_matter_and_a_withheld_territory_does(paper: Paper) -> None:
    assert check(paper, paper.staple(), credential=paper.credential("payment", "licensee")).answer is VALID
    found = check(paper, paper.staple(), credential=paper.credential("territory"))
    assert (found.answer, found.deciding.term) == (CANNOT_TELL, "territory")
    nothing = check(paper, paper.staple(), credential=paper.credential(*paper.licence.event.commitments))
    assert (nothing.answer, nothing.deciding.stage, nothing.deciding.term) == (CANNOT_TELL, Stage.DATES, "window")


def test_the_window_is_a_matter_of_dates() -> None:
    paper = Paper({"window": {"start": "2026-01-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"}})
    staple = paper.staple()
    assert check(paper, staple, later=DAY - 1).answer is VALID
    found = check(paper, staple, later=DAY)
    assert (found.answer, found.deciding.stage, found.deciding.term) == (NOT_VALID, Stage.DATES, "window")


def test_an_instant_before_the_grant_was_logged_is_refused(paper: Paper) -> None:
    found = check(paper, None, later=-1)
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.DATES)
    assert "after 2026-01-31T23:59:59Z" in found.deciding.text.en


def test_the_holder_key(paper: Paper) -> None:
    right, wrong = paper.world.licensee.signer.public.kid.hex(), paper.world.studio.signer.public.kid.hex()
    unshown = check(paper, paper.staple())
    assert (unshown.answer, outcomes(unshown, Stage.HOLDER)) == (VALID, {Outcome.CONDITION})
    shown = check(paper, paper.staple(), holder_kid=right)
    assert (shown.answer, outcomes(shown, Stage.HOLDER)) == (VALID, {Outcome.MET})
    stolen = check(paper, paper.staple(), holder_kid=wrong)
    assert (stolen.answer, stolen.deciding.stage) == (NOT_VALID, Stage.HOLDER)
    hidden = check(paper, paper.staple(), holder_kid=right, credential=paper.credential("licensee"))
    assert (hidden.answer, hidden.deciding.stage) == (CANNOT_TELL, Stage.HOLDER)


@pytest.mark.parametrize("stage", ["issuer", "signature"])
def test_what_c2pa_refuses_is_not_valid(paper: Paper, stage: str) -> None:
    found = check(paper, paper.staple(), failed={stage: "refused"})
    assert (found.answer, found.deciding.stage.value) == (NOT_VALID, stage)


def test_without_a_credential_nothing_further_is_judged(paper: Paper) -> None:
    request = CheckRequest(parse_question(ASKED), paper.world.now(), FreshnessPolicy())
    found = check_licence(file_facts(None, signature="refused"), paper.trust, request, paper.staple())
    assert (found.answer, found.licence, found.status_as_of) == (NOT_VALID, None, None)
    assert [reason.stage for reason in found.reasons] == list(Stage)
    assert {reason.outcome for reason in found.reasons[2:]} == {Outcome.UNKNOWN}
    assert check_licence(file_facts(None), paper.trust, request, paper.staple()).answer is CANNOT_TELL


# --- forged status ------------------------------------------------------------------


def forged(paper: Paper, **changes: Any) -> StatusStaple:
    return dataclasses.replace(paper.staple(), **changes)


def stranger() -> Paper:
    """Another log under other keys, complete and consistent, of the same origin and names."""
    other = World(name="another world")
    return Paper(world=other)


FORGED_STATUS: dict[str, Any] = {
    "signed by another key": lambda paper: paper.staple(signer=key_from("thief")),
    "signed by the log's checkpoint key": lambda paper: paper.staple(signer=paper.world.roles["log"]),
    "signed by the service": lambda paper: paper.staple(signer=paper.world.roles["service"]),
    "another list": lambda paper: paper.staple(uri="https://log.example/status/2"),
    "a list too short for the index": lambda paper: paper.staple(count=3, packed=b"\x11"),
    "an index in the padding": lambda paper: paper.staple(count=2, packed=b"\x01"),
    "from the future": lambda paper: paper.staple(issued_at=paper.world.clock + 1, expires_at=paper.world.clock + DAY),
    "issued before the status key was valid": lambda paper: paper.staple(issued_at=parse_time("2025-12-31T23:59:59Z")),
    "computed from another tree": lambda paper: paper.staple(
        checkpoint=dataclasses.replace(paper.checkpoint(), root=bytes(32))
    ),
    "computed from another size": lambda paper: paper.staple(checkpoint=paper.checkpoint(5)),
    "checkpoint of another size": lambda paper: forged(paper, checkpoint=paper.note(8)),
    "checkpoint of another log": lambda paper: forged(paper, checkpoint=stranger().note()),
    "checkpoint from before the grant": lambda paper: dataclasses.replace(
        paper.staple(checkpoint=paper.checkpoint(5)), checkpoint=paper.note(5), proof=()
    ),
    "proof of another entry": lambda paper: forged(paper, proof=paper.proof(paper.grant - 1)),
    "proof without its last hash": lambda paper: forged(paper, proof=paper.proof(paper.grant)[:-1]),
    "no proof": lambda paper: forged(paper, proof=()),
    "another log's staple": lambda paper: stranger().staple(),
}


@pytest.mark.parametrize("name", FORGED_STATUS)
def test_a_status_that_proves_nothing_leaves_the_answer_open(paper: Paper, name: str) -> None:
    staple = FORGED_STATUS[name](paper)
    with pytest.raises(VerificationFailed):
        prove_status(
            staple,
            prove_grant(paper.credential(), paper.trust),
            paper.trust,
            UnixSeconds(paper.world.clock),
            FreshnessPolicy(),
        )
    found = check(paper, staple)
    assert (found.answer, found.deciding.stage) == (CANNOT_TELL, Stage.STATUS)
    assert found.deciding.text.en.startswith("the status that was given proves nothing: ")
    assert found.status_as_of is None


def test_the_reason_of_a_future_list_is_its_own(paper: Paper) -> None:
    staple, grant = FORGED_STATUS["from the future"](paper), prove_grant(paper.credential(), paper.trust)
    with pytest.raises(StatusFromFuture):
        prove_status(staple, grant, paper.trust, UnixSeconds(paper.world.clock), FreshnessPolicy())


def test_a_malformed_token_is_malformed_input(paper: Paper) -> None:
    with pytest.raises(MalformedInput):
        check(paper, forged(paper, list=to_base64(b"\xd2")))


# --- forged grants --------------------------------------------------------------------


def without_entry(paper: Paper, index: int) -> LicenceCredential:
    credential = paper.credential()
    return dataclasses.replace(credential, entries=tuple(shown for shown in credential.entries if shown.index != index))


def with_entry(paper: Paper, index: int, **changes: Any) -> LicenceCredential:
    credential = paper.credential()
    entries = tuple(
        dataclasses.replace(shown, **changes) if shown.index == index else shown for shown in credential.entries
    )
    return dataclasses.replace(credential, entries=entries)


def with_disclosures(paper: Paper, *texts: str) -> LicenceCredential:
    return dataclasses.replace(paper.credential(), disclosures={str(paper.grant): texts})


def opened(paper: Paper, name: str) -> str:
    return next(each.text for each in paper.world.disclosures[paper.licence.statement_id] if each.name == name)


FORGED_GRANT: dict[str, tuple[Any, str]] = {
    "another log": (lambda paper: stranger().credential(), "no trusted key signed the note"),
    "key set not shown": (lambda paper: without_entry(paper, 0), "entry 0, the log's key set, is not shown"),
    "policy not shown": (lambda paper: without_entry(paper, 1), "no registration policy is in force"),
    "licensor not shown": (lambda paper: without_entry(paper, 3), "is not a registered party"),
    "object not shown": (lambda paper: without_entry(paper, 7), "is not a registered object"),
    "batch entry not shown": (lambda paper: without_entry(paper, 9), "no batch entry shown covers position 8"),
    "grant under another index": (
        lambda paper: dataclasses.replace(paper.credential(), grant=7, disclosures={}),
        "entry 7 is object.register",
    ),
    "another licence": (
        lambda paper: dataclasses.replace(paper.credential(), licence="10.5555/L-DNJ6-JRK5-DSJQ-8C1G-8"),
        "expected licence.grant of",
    ),
    "another status index": (
        lambda paper: dataclasses.replace(paper.credential(), status=StatusPointer("https://log.example/status/1", 1)),
        "the grant has its status at",
    ),
    "an entry changed": (
        lambda paper: with_entry(paper, 7, entry=to_base64(paper.world.object().entry)),
        "leads to root",
    ),
    "a proof cut short": (
        lambda paper: with_entry(paper, 8, proof=paper.credential().entries[8].proof[:-1]),
        "has 2 hashes, found 1",
    ),
    "a checkpoint of another size": (
        lambda paper: dataclasses.replace(paper.credential(), checkpoint=paper.note(9)),
        "hashes, found|is outside a tree|leads to root",
    ),
    "a term of another value": (
        lambda paper: with_disclosures(
            paper, disclose("territory", {"include": ["WW"], "exclude": []}, bytes(16)).text
        ),
        "the disclosure of 'territory' has SHA-256",
    ),
    "a term that was not granted": (
        lambda paper: with_disclosures(paper, disclose("count", {"limit": 1, "unit": "play"}, bytes(16)).text),
        "commits to no value named 'count'",
    ),
    "a term twice": (
        lambda paper: with_disclosures(paper, opened(paper, "territory"), opened(paper, "territory")),
        "'territory' is disclosed twice",
    ),
    "a disclosure under another entry": (
        lambda paper: dataclasses.replace(paper.credential(), disclosures={"0": (opened(paper, "use"),)}),
        "commits to no value named 'use'",
    ),
}


@pytest.mark.parametrize("name", FORGED_GRANT)
def test_a_grant_that_the_log_does_not_prove_is_not_valid(paper: Paper, name: str) -> None:
    make, message = FORGED_GRANT[name]
    credential = make(paper)
    with pytest.raises(VerificationFailed, match=message):
        prove_grant(credential, paper.trust)
    found = check(paper, paper.staple(), credential=credential)
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.INCLUSION)


def test_a_log_that_names_its_own_registrar_is_not_believed(paper: Paper) -> None:
    other = LogTrust(paper.trust.keys, key_from("another registrar").public)
    with pytest.raises(VerificationFailed, match="the trust file names"):
        prove_grant(paper.credential(), other)


def test_another_log_of_the_same_registrar_is_refused() -> None:
    """The registrar's other key set, in a tree that this log's keys signed."""
    paper = Paper(world=World(origin="log.example/other"))
    paper.world.origin, paper.world.signers = "log.example/little", World().signers
    with pytest.raises(VerificationFailed, match=r"the key set is of log 'log\.example/other'"):
        prove_grant(paper.credential(), paper.trust)


def test_a_status_event_of_the_licence_is_no_grant() -> None:
    paper = Paper()
    paper.change("suspend")
    credential = dataclasses.replace(paper.credential(size=len(paper.log)), grant=len(paper.log) - 2, disclosures={})
    with pytest.raises(VerificationFailed, match=r"is licence\.status of .* expected licence\.grant"):
        prove_grant(credential, paper.trust)


def test_an_asset_that_contradicts_the_leaf_is_refused() -> None:
    another = new_identifier(Letter.OBJECT, b"another000")
    paper = Paper({"asset": {"object": another, "sha256": "00" * 32}})
    with pytest.raises(VerificationFailed, match=f"its term asset names {another}"):
        prove_grant(paper.credential(), paper.trust)


def test_a_licensee_that_contradicts_the_leaf_is_refused() -> None:
    world = World()
    paper = Paper({"holder": world.tester.id}, world)
    with pytest.raises(VerificationFailed, match=f"names holder {world.tester.id}, its term licensee"):
        prove_grant(paper.credential(), paper.trust)
    assert prove_grant(paper.credential("licensee"), paper.trust).disclosed.withheld == {"licensee"}


def test_a_grant_by_someone_else_than_the_holder_is_refused() -> None:
    """The outsider signs a licence of the studio's object into a real tree: replay refuses it."""
    paper = Paper()
    world, licence = paper.world, paper.licence
    paper.append([world.register(world.outsider, "studio")])
    terms = world.terms(licence.event.body.object)
    forged_grant = world.say(world.outsider, "licence.grant", licence.event.subject, licence.event.body, terms)
    paper.append([forged_grant])
    index = paper.log.index(forged_grant)
    credential = dataclasses.replace(paper.credential(size=len(paper.log)), grant=index, disclosures={})
    with pytest.raises(VerificationFailed, match="is held by"):
        prove_grant(credential, paper.trust)


def test_the_proved_grant_says_who_and_how(paper: Paper) -> None:
    grant = prove_grant(paper.credential("payment"), paper.trust)
    assert (grant.licensor, grant.recorded_by_service, grant.standing) == (paper.world.studio.id, False, "valid")
    assert grant.disclosed.withheld == {"payment"}
    assert grant.position == 8
    assert grant.admitted_at == paper.world.clock


# --- formats --------------------------------------------------------------------------


def test_the_credential_round_trips_within_its_limit(paper: Paper) -> None:
    credential = paper.credential()
    value = encode_credential(credential)
    assert decode_credential(value) == credential
    assert len(canonical.encode(value)) < 40_000


def test_the_staple_round_trips(paper: Paper) -> None:
    staple = paper.staple()
    assert decode_staple(encode_staple(staple)) == staple


def changed(paper: Paper, **changes: Any) -> dict[str, Any]:
    value = {**encode_credential(paper.credential()), **changes}
    return {name: each for name, each in value.items() if each is not None}


BAD_CREDENTIAL: dict[str, tuple[Any, str]] = {
    "another version": (lambda paper: changed(paper, v=2), r"licence\.v: expected one of 1"),
    "an unknown field": (lambda paper: changed(paper, price="1"), r"licence\.price: unknown field"),
    "no status": (lambda paper: changed(paper, status=None), r"licence\.status: missing"),
    "entries out of order": (
        lambda paper: changed(paper, entries=encode_credential(paper.credential())["entries"][::-1]),
        r"licence\.entries: expected entries in order",
    ),
    "an entry twice": (
        lambda paper: changed(paper, entries=[encode_credential(paper.credential())["entries"][8]] * 2),
        r"licence\.entries: expected entries in order",
    ),
    "grant not shown": (lambda paper: changed(paper, grant=99), r"licence\.grant: entry 99 is not among"),
    "disclosures of an entry not shown": (
        lambda paper: changed(paper, disclosures={"99": ["e30"]}),
        r"licence\.disclosures\.99: no entry",
    ),
    "an index with a zero before it": (
        lambda paper: changed(paper, disclosures={"08": ["e30"]}),
        r"licence\.disclosures\.08: no entry",
    ),
    "an empty list of disclosures": (
        lambda paper: changed(paper, disclosures={"8": []}),
        r"licence\.disclosures\.8: expected 1 to 32 items",
    ),
    "base64 that is not canonical": (
        lambda paper: changed(paper, entries=[{"index": 8, "entry": "QR==", "proof": []}]),
        "is not canonical base64",
    ),
    "more than the limit": (lambda paper: changed(paper, checkpoint="x" * 65_536), "at most 65536 are read"),
    "a list": (lambda paper: [], "licence: expected an object"),
}


@pytest.mark.parametrize("name", BAD_CREDENTIAL)
def test_a_malformed_credential_is_refused(paper: Paper, name: str) -> None:
    make, message = BAD_CREDENTIAL[name]
    with pytest.raises(MalformedInput, match=message):
        decode_credential(make(paper))


def test_a_malformed_staple_is_refused(paper: Paper) -> None:
    data = encode_staple(paper.staple())
    value = canonical.decode(data, len(data))
    for bad, message in (
        (data + b" ", "not in canonical form"),
        (canonical.encode({**value, "v": 2}), r"status\.v: expected one of 1"),
        (canonical.encode({**value, "at": 1}), r"status\.at: unknown field"),
        (canonical.encode({**value, "proof": ["QUJD"] * 65}), r"status\.proof: expected 0 to 64 items"),
        (bytes(600_001), "at most 600000 are read"),
        (b"", "not JSON"),
    ):
        with pytest.raises(MalformedInput, match=message):
            decode_staple(bad)


def test_no_byte_of_a_staple_can_be_flipped(paper: Paper) -> None:
    """A changed staple is malformed or proves nothing; never does a changed one read *valid*."""
    data = bytearray(encode_staple(paper.staple(Status.INVALID)))
    grant = prove_grant(paper.credential(), paper.trust)
    for position in range(0, len(data), 3):
        bad = bytearray(data)
        bad[position] ^= 1
        with pytest.raises((MalformedInput, VerificationFailed)):
            prove_status(
                decode_staple(bytes(bad)), grant, paper.trust, UnixSeconds(paper.world.clock), FreshnessPolicy()
            )


def test_another_key_of_the_log_is_no_status_key(paper: Paper) -> None:
    for role, signer in paper.world.roles.items():
        if role in ("status", "authority"):
            continue
        with pytest.raises(StatusRefused, match="the trusted status key is"):
            prove_status(
                paper.staple(signer=LocalSigner(signer.private)),
                prove_grant(paper.credential(), paper.trust),
                paper.trust,
                UnixSeconds(paper.world.clock),
                FreshnessPolicy(),
            )
