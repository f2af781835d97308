"""The offline check of a token: the licensee's story, and every way of showing what is not one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter
from tallystick.licence.check import LicenceAnswer, LicenceCheck, Outcome, Stage
from tallystick.licence.evidence import LicenceEvidence, SignedList, decode_evidence, decode_status, encode_evidence
from tallystick.licence.seen import NOTHING_SEEN, SeenLists, decode_seen, encode_seen
from tallystick.licence.staple import StatusStaple, encode_staple
from tallystick.licence.status_list import Status
from tallystick.schema import write
from tallystick.times import format_time
from tallystick.token.binding import Expected, bind
from tallystick.token.jose import write_jwk
from tallystick.token.sdjwt import SdJwt
from tests.core.licence.paper import DAY, URI, Paper, check
from tests.core.licence.purse import EXPECTED, check_token, evidence, trust_for
from tests.core.token.kit import AUDIENCE, NONCE, Pocket, issuer_for, resigned
from tests.world import World, key_from

VALID, NOT_VALID, CANNOT_TELL = LicenceAnswer.VALID, LicenceAnswer.NOT_VALID, LicenceAnswer.CANNOT_TELL
NEEDED = ("use", "territory", "window", "media")
"""The terms that ``play in DE on streaming`` touches."""


@pytest.fixture(scope="module")
def pocket() -> Pocket:
    return Pocket()


@pytest.fixture(scope="module")
def elsewhere() -> Pocket:
    """Another log, honest and trusted as well: other keys, another name, another issuer."""
    return Pocket(Paper(world=World(name="another world", origin="log.example/another")))


def decided(found: LicenceCheck) -> tuple[LicenceAnswer, Stage, str]:
    return found.answer, found.deciding.stage, found.deciding.text.en


def reason(found: LicenceCheck, stage: Stage) -> tuple[Outcome, str]:
    one = next(each for each in found.reasons if each.stage is stage)
    return one.outcome, one.text.en


# --- the licensee's story -------------------------------------------------------------


def test_territory_and_window_without_the_price(pocket: Pocket) -> None:
    found = check_token(pocket, pocket.present(*NEEDED), evidence(pocket.paper))
    assert (found.answer, found.licence) == (VALID, pocket.paper.licence.event.subject)
    assert (found.deciding.stage, found.deciding.term) == (Stage.QUESTION, "use")
    assert [stage for stage in Stage if any(one.stage is stage for one in found.reasons)] == list(Stage)
    assert Outcome.FAILED not in {one.outcome for one in found.reasons}
    assert Outcome.UNKNOWN not in {one.outcome for one in found.reasons}
    outcome, words = reason(found, Stage.HOLDER)
    assert outcome is Outcome.MET
    assert "its issuer's word" in words, "the licensee is withheld"
    assert found.status_as_of is not None


def test_with_the_licensee_shown_the_key_is_the_logs_word(pocket: Pocket) -> None:
    found = check_token(pocket, pocket.present(*NEEDED, "licensee"), evidence(pocket.paper))
    assert found.answer is VALID
    assert reason(found, Stage.HOLDER) == (Outcome.MET, "the presenter holds the key that the token is bound to")


def test_the_answer_of_a_token_is_that_of_the_file(pocket: Pocket) -> None:
    """The same terms and the same status: what differs is who signed it and who holds it."""
    paper = pocket.paper
    for ask in (
        "play in DE on streaming",
        "play in US on streaming",
        "advertise in DE on streaming",
        "ai-inference in DE",
    ):
        token, file = (
            check_token(pocket, pocket.present(), evidence(paper), ask=ask),
            check(paper, paper.staple(), ask=ask),
        )
        assert (token.answer, token.deciding) == (file.answer, file.deciding)
        later = [one for one in token.reasons if one.stage in (Stage.QUESTION, Stage.STATUS, Stage.INCLUSION)]
        assert later == [one for one in file.reasons if one.stage in (Stage.QUESTION, Stage.STATUS, Stage.INCLUSION)]


def test_a_file_with_the_evidence_of_a_token() -> None:
    """One staple serves both; the file is then judged as of the later tree."""
    paper = Paper()
    credential = paper.credential()
    assert check(paper, evidence(paper), credential=credential).answer is VALID
    paper.change("suspend")
    found = check(paper, evidence(paper, Status.SUSPENDED), credential=credential)
    assert decided(found) == (NOT_VALID, Stage.STATUS, "the log entries in the file themselves say: suspended")
    other = replace(evidence(paper), licence=paper.world.identifier(Letter.LICENCE))
    assert decided(check(paper, other, credential=credential))[:2] == (CANNOT_TELL, Stage.STATUS)


# --- stages 1 and 2: issuer and signature --------------------------------------------------


def test_an_issuer_of_another_root(pocket: Pocket) -> None:
    found = check_token(pocket, pocket.present(), evidence(pocket.paper), trust=trust_for(pocket, roots=()))
    assert decided(found)[:2] == (NOT_VALID, Stage.ISSUER)
    assert "issuer.untrusted" in found.deciding.text.en
    other = issuer_for(pocket.paper.world.origin, "another")
    found = check_token(pocket, pocket.present(), evidence(pocket.paper), trust=trust_for(pocket, roots=(other.root,)))
    assert "issuer.untrusted" in found.deciding.text.en


def test_the_issuer_of_another_log(pocket: Pocket, elsewhere: Pocket) -> None:
    """Trusted for its own log, it issues a token of ours."""
    jwt = resigned(
        pocket.token.jwt,
        elsewhere.issuer.signer,
        {},
        {"x5c": [to_base64(one) for one in elsewhere.issuer.chain]},
    )
    token = bind(replace(pocket.token, jwt=jwt), pocket.holder, AUDIENCE, NONCE, pocket.paper.world.clock)
    found = check_token(pocket, token, evidence(pocket.paper), trust=trust_for(pocket, elsewhere))
    assert decided(found)[:2] == (NOT_VALID, Stage.ISSUER)
    assert "issuer.name" in found.deciding.text.en


def test_a_key_of_the_log_signs_no_token(pocket: Pocket) -> None:
    for role in ("log", "registrar", "service", "exporter", "status"):
        jwt = resigned(pocket.token.jwt, pocket.paper.world.roles[role], {}, {"alg": "EdDSA"})  # type: ignore[index]
        found = check_token(pocket, replace(pocket.token, jwt=jwt), evidence(pocket.paper))
        assert decided(found)[:2] == (NOT_VALID, Stage.SIGNATURE), role
        assert found.licence is None


# --- stage 3: the holder -------------------------------------------------------------------------


HOLDERS: dict[str, tuple[Callable[[Pocket], SdJwt], Expected, str]] = {
    "no key shown": (lambda p: p.token, EXPECTED, "binding.absent"),
    "another's key": (lambda p: p.present(signer=p.paper.world.studio.signer), EXPECTED, "binding.signature"),
    "shown to another before": (lambda p: p.present(), Expected("https://other.example", NONCE), "binding.audience"),
    "shown here before": (lambda p: p.present(), Expected(AUDIENCE, "another nonce"), "binding.nonce"),
    "a disclosure taken out": (
        lambda p: replace(p.present(), disclosures=p.token.disclosures[1:]),
        EXPECTED,
        "binding.hash",
    ),
    "the binding of another presentation": (
        lambda p: replace(p.show("use"), binding=p.present("territory").binding),
        EXPECTED,
        "binding.hash",
    ),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_who_does_not_hold_it(pocket: Pocket, name: str) -> None:
    make, expected, code = HOLDERS[name]
    found = check_token(pocket, make(pocket), evidence(pocket.paper), expected=expected)
    assert decided(found)[:2] == (NOT_VALID, Stage.HOLDER)
    assert code in found.deciding.text.en


@pytest.mark.parametrize("later", [301, -61])
def test_a_presentation_of_another_time(pocket: Pocket, later: int) -> None:
    paper = Paper()
    own = Pocket(paper)
    token = own.present()
    paper.world.clock += later
    found = check_token(own, token, evidence(paper))
    assert (found.answer, reason(found, Stage.HOLDER)[0]) == (NOT_VALID, Outcome.FAILED)
    assert "binding.time" in reason(found, Stage.HOLDER)[1]


def test_the_holders_key_replaced_by_the_issuer(pocket: Pocket) -> None:
    """The term names the licensee's key; a token for a thief's is refused as soon as the term is shown."""
    thief = key_from("thief")
    made = pocket.forged(cnf={"jwk": write_jwk(thief.public)})
    token = bind(made, thief, AUDIENCE, NONCE, pocket.paper.world.clock)
    found = check_token(pocket, token, evidence(pocket.paper))
    assert decided(found)[:2] == (NOT_VALID, Stage.HOLDER)
    assert "the licensee's is" in found.deciding.text.en


def test_who_demands_no_key_is_told_that_none_was_shown(pocket: Pocket) -> None:
    bare = check_token(pocket, pocket.token, evidence(pocket.paper), expected=None)
    assert (bare.answer, reason(bare, Stage.HOLDER)[0]) == (VALID, Outcome.CONDITION)
    old = check_token(pocket, pocket.present(), evidence(pocket.paper), expected=None)
    assert (old.answer, reason(old, Stage.HOLDER)[0]) == (VALID, Outcome.CONDITION)
    assert "somebody else may be showing it again" in reason(old, Stage.HOLDER)[1]
    forged = check_token(pocket, pocket.present(signer=key_from("thief")), evidence(pocket.paper), expected=None)
    assert decided(forged)[:2] == (NOT_VALID, Stage.HOLDER)


# --- stage 4: dates ------------------------------------------------------------------------------------


def test_a_token_that_has_ended() -> None:
    own = Pocket()
    own.token  # noqa: B018 - issued now
    own.paper.world.clock += 30 * DAY
    found = check_token(own, own.present(), evidence(own.paper))
    assert decided(found)[:2] == (NOT_VALID, Stage.DATES)
    assert "have it reissued" in found.deciding.text.en
    again = Pocket(own.paper)
    again.issuer = own.issuer
    assert check_token(again, again.present(), evidence(own.paper)).answer is VALID


def test_an_instant_before_the_token(pocket: Pocket) -> None:
    found = check_token(pocket, pocket.present(), evidence(pocket.paper), later=-1)
    assert found.answer is NOT_VALID


# --- stage 5: the question; what is withheld --------------------------------------------------------------


@pytest.mark.parametrize("withheld", NEEDED)
def test_a_term_that_is_withheld_can_deny(pocket: Pocket, withheld: str) -> None:
    """Whoever strips the disclosure that prohibits gets no licence by it."""
    shown = [name for name in NEEDED if name != withheld]
    found = check_token(pocket, pocket.present(*shown), evidence(pocket.paper))
    assert found.answer is CANNOT_TELL
    assert found.deciding.term == withheld


def test_a_prohibition_that_was_taken_out_is_cannot_tell() -> None:
    own = Pocket(Paper({"holdback": [{"media": ["streaming"], "territory": ["DE"], "start": "2026-01-01T00:00:00Z"}]}))
    shown = check_token(own, own.present(*NEEDED, "holdback"), evidence(own.paper))
    assert decided(shown)[:2] == (NOT_VALID, Stage.QUESTION)
    hidden = check_token(own, own.present(*NEEDED), evidence(own.paper))
    assert (hidden.answer, hidden.deciding.term) == (CANNOT_TELL, "holdback")


def test_a_disclosure_of_another_licence(pocket: Pocket) -> None:
    own = Pocket(Paper({"territory": {"include": ["WW"], "exclude": []}}, World(name="a wider world")))
    (wide,) = (one.text for one in own.disclosures if one.name == "territory")
    token = bind(
        SdJwt(pocket.token.jwt, (*pocket.show("use", "window", "media").disclosures, wide)),
        pocket.holder,
        AUDIENCE,
        NONCE,
        pocket.paper.world.clock,
    )
    found = check_token(pocket, token, evidence(pocket.paper), ask="play in US on streaming")
    assert decided(found)[:2] == (NOT_VALID, Stage.SIGNATURE)
    assert "disclosure.unreferenced" in found.deciding.text.en


# --- stage 6: status ------------------------------------------------------------------------------------------


STALE: dict[str, Callable[[Pocket, Pocket], LicenceEvidence]] = {
    "no list of that name": lambda p, _: evidence(p.paper, lists=(SignedList(f"{URI}2", to_base64(b"")),)),
    "the list of another licence": lambda p, _: evidence(p.paper, listed={"uri": "https://log.example/status/2"}),
    "the list of another log": lambda p, o: evidence(p.paper, lists=evidence(o.paper).lists),
    "signed by another key": lambda p, _: evidence(p.paper, signer=key_from("thief")),
    "signed by the issuer of tokens": lambda p, _: evidence(p.paper, signer=p.issuer.signer),
    "from the future": lambda p, _: evidence(
        p.paper, listed={"issued_at": p.paper.world.clock + 1, "expires_at": p.paper.world.clock + DAY}
    ),
    "of another tree": lambda p, _: evidence(p.paper, listed={"checkpoint": p.paper.checkpoint(len(p.paper.log) - 1)}),
    "too short for the index": lambda p, _: evidence(p.paper, listed={"count": 3, "packed": b"\x11"}),
}  # fmt: skip


@pytest.mark.parametrize("name", STALE)
def test_a_status_that_proves_nothing(pocket: Pocket, elsewhere: Pocket, name: str) -> None:
    found = check_token(pocket, pocket.present(), STALE[name](pocket, elsewhere))
    assert found.answer is CANNOT_TELL, decided(found)
    assert found.deciding.stage in (Stage.STATUS, Stage.INCLUSION)
    assert found.status_as_of is None


@pytest.mark.parametrize("status", [Status.INVALID, Status.SUSPENDED, Status.EXPIRED])
def test_every_other_status_is_not_valid(pocket: Pocket, status: Status) -> None:
    assert decided(check_token(pocket, pocket.present(), evidence(pocket.paper, status)))[:2] == (
        NOT_VALID,
        Stage.STATUS,
    )


@pytest.mark.parametrize("status", list(Status))
def test_never_valid_on_a_stale_status(status: Status) -> None:
    own = Pocket()
    proof = evidence(own.paper, status)
    own.token  # noqa: B018 - issued now
    own.paper.world.clock += 7 * DAY
    found = check_token(own, own.present(), proof)
    assert decided(found)[:2] == (CANNOT_TELL, Stage.STATUS)


def test_an_older_list_after_a_newer_was_seen() -> None:
    """Still fresh, from before the suspension; the verifier has met the log since."""
    own = Pocket()
    before = evidence(own.paper)
    own.paper.world.clock += 3600
    own.paper.change("suspend")
    now, size = format_time(own.paper.world.clock), len(own.paper.log)
    assert check_token(own, own.present(), before).answer is VALID, "nobody told it"
    seen = NOTHING_SEEN.with_list(URI, now, size)
    found = check_token(own, own.present(), before, seen=seen)
    assert decided(found)[:2] == (CANNOT_TELL, Stage.STATUS)
    assert "is older than the one" in found.deciding.text.en
    for one in (SeenLists().with_list(URI, "2026-01-01T00:00:00Z", size), SeenLists().with_list(URI, now, 1)):
        assert check_token(own, own.present(), before, seen=one).answer is CANNOT_TELL
    other = NOTHING_SEEN.with_list("https://log.example/status/2", now, size)
    assert check_token(own, own.present(), before, seen=other).answer is VALID
    assert decode_seen(encode_seen(seen)).lists == seen.lists
    assert seen.with_list(URI, "2026-01-01T00:00:00Z", 1).lists == seen.lists


# --- stage 7: inclusion ----------------------------------------------------------------------------------------------


def swapped_index(pocket: Pocket) -> SdJwt:
    """The index of a licence that is still good, honestly signed by the issuer."""
    status = {"status_list": {"idx": 1, "uri": URI}}
    return bind(pocket.forged(status=status), pocket.holder, AUDIENCE, NONCE, pocket.paper.world.clock)


def pointing(pocket: Pocket, **changes: Any) -> SdJwt:
    """A token that points elsewhere in the log, honestly signed by the issuer."""
    granted = {**write(pocket.claims().licence), **changes}
    return bind(pocket.forged(licence=granted), pocket.holder, AUDIENCE, NONCE, pocket.paper.world.clock)


def digests_of_another(pocket: Pocket, elsewhere: Pocket) -> SdJwt:
    token = pocket.forged(_sd=sorted(elsewhere.read().digests))
    shown = SdJwt(token.jwt, elsewhere.token.disclosures)
    return bind(shown, pocket.holder, AUDIENCE, NONCE, pocket.paper.world.clock)


CONTRADICTED: dict[str, tuple[Callable[[Pocket, Pocket], SdJwt], str]] = {
    "the status index of another": (lambda p, _: swapped_index(p), "log.status"),
    "another leaf": (lambda p, _: pointing(p, leaf="00" * 32), "log.leaf"),
    "terms that the log never committed to": (digests_of_another, "log.commitments"),
}


@pytest.mark.parametrize("name", CONTRADICTED)
def test_the_log_says_something_else(pocket: Pocket, elsewhere: Pocket, name: str) -> None:
    make, code = CONTRADICTED[name]
    found = check_token(pocket, make(pocket, elsewhere), evidence(pocket.paper))
    assert decided(found)[:2] == (NOT_VALID, Stage.INCLUSION)
    assert code in found.deciding.text.en


UNPROVED: dict[str, Callable[[Pocket, Pocket], LicenceEvidence | None]] = {
    "no evidence": lambda p, _: None,
    "the evidence of another log": lambda p, o: evidence(o.paper),
    "another licence's": lambda p, _: evidence(p.paper, licence=p.paper.world.identifier(Letter.LICENCE)),  # type: ignore[arg-type]
    "another entry": lambda p, _: evidence(p.paper, grant=p.paper.grant - 1),
    "without the key set": lambda p, _: evidence(p.paper, entries=evidence(p.paper).entries[1:]),
    "without the batch entry": lambda p, _: evidence(p.paper, entries=evidence(p.paper).entries[:-1]),
    "proofs of another checkpoint": lambda p, _: evidence(p.paper, checkpoint=p.paper.note(len(p.paper.log) - 1)),
    "another log's checkpoint": lambda p, o: evidence(p.paper, checkpoint=o.paper.note()),
}


@pytest.mark.parametrize("name", UNPROVED)
def test_what_proves_no_grant_leaves_it_open(pocket: Pocket, elsewhere: Pocket, name: str) -> None:
    """Others may bring the right evidence: a wrong one takes no licence away."""
    proof = UNPROVED[name](pocket, elsewhere)
    found = check_token(pocket, pocket.present(), proof, trust=trust_for(pocket, elsewhere))
    assert found.answer is CANNOT_TELL
    assert reason(found, Stage.INCLUSION)[0] is Outcome.UNKNOWN
    assert reason(found, Stage.HOLDER)[0] is Outcome.MET, "what the token says itself is judged"


def test_a_token_of_a_log_that_is_not_trusted(pocket: Pocket, elsewhere: Pocket) -> None:
    both = trust_for(pocket, roots=(elsewhere.issuer.root,))
    found = check_token(elsewhere, elsewhere.present(), evidence(elsewhere.paper), trust=both)
    assert decided(found)[:2] == (NOT_VALID, Stage.INCLUSION)
    assert "is not trusted" in found.deciding.text.en


# --- the form of the evidence -----------------------------------------------------------------


def test_evidence_and_back(pocket: Pocket) -> None:
    made = evidence(pocket.paper)
    data = encode_evidence(made)
    assert decode_evidence(data) == decode_status(data) == made
    staple = pocket.paper.staple()
    assert isinstance(decode_status(encode_staple(staple)), StatusStaple)


def test_no_byte_of_the_evidence_can_be_flipped(pocket: Pocket) -> None:
    data = encode_evidence(evidence(pocket.paper))
    for place in range(0, len(data), 499):
        bad = bytearray(data)
        bad[place] ^= 1
        try:
            proof = decode_evidence(bytes(bad))
            answer = check_token(pocket, pocket.present(), proof).answer
        except MalformedInput:
            continue
        assert answer is CANNOT_TELL, place
